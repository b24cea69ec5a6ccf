"""What an OpenAI-compatible server says, for the scripted peer of `http_peer`."""

from __future__ import annotations

import json
from typing import Any

from http_peer import answer

CHAT = "POST /v1/chat/completions"


def events(*chunks: dict[str, Any], end: str = "data: [DONE]\n\n") -> bytes:
    text = ": a comment\n\n" + "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end
    return answer(text.encode(), headers={"content-type": "text/event-stream"})


def says(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def calls(index: int, **function: object) -> dict[str, Any]:
    given = {"index": index, "function": function}
    return {"choices": [{"delta": {"tool_calls": [{**given, **({"id": f"c{index}"} if "name" in function else {})}]}}]}
