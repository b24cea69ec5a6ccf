"""Tools that note when they run, and the two messages of a call."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from secgemini_api.models import Message, MessageType, MimeType, Role

from secgemini.tools import Tool, Toolbox, tool

runs: list[dict[str, object]] = []
"""The arguments of every call that reached one of these tools; a fixture empties it."""


@tool(read_only=True)
def add(a: int, b: int = 0) -> int:
    """Add."""
    runs.append({"a": a, "b": b})
    return a + b


@tool
def read_file(path: Path) -> str:
    """Read a file of the current directory."""
    runs.append({"path": path})
    here = Path.cwd()
    if not (here / path).resolve().is_relative_to(here):
        raise PermissionError("outside the directory")
    return (here / path).read_text()


@tool
def store(value: Any, mode: Literal["keep", "drop"] = "keep") -> str:
    """Store anything."""
    runs.append({"value": value, "mode": mode})
    return "stored"


TOOLS: list[Callable[..., object]] = [add, read_file, store]


def message(content: object, call_id: str = "c1") -> Message:
    """Return a call with this content, which may be anything."""
    return Message(
        id=call_id,
        message_type=MessageType.LOCAL_TOOL_CALL,
        role=Role.AGENT,
        mime_type=MimeType.SERIALIZED_JSON,
        content=content,  # type: ignore[arg-type]  # the wire may bring anything
    )


def request(name: object, arguments: object) -> str:
    """Return the content of a call."""
    return json.dumps({"tool_name": name, "tool_args": arguments})


def call(name: str, arguments: object = None, *, call_id: str = "") -> Message:
    """Return a well-formed call."""
    return message(request(name, arguments or {}), call_id)


def read(answer: Message) -> dict[str, Any]:
    """Return the content of a result, once the message is what the wire asks for."""
    assert (answer.message_type, answer.role, answer.parent_id) == ("local_tool_result", "user", "3713")
    assert (answer.mime_type, answer.status_message) == ("text/serialized-json", "OK")
    assert len(answer.id) == 32
    assert len(answer.turn) == 12
    assert len(answer.group) == 32
    content: dict[str, Any] = json.loads(answer.content or "")
    assert {key: type(value) for key, value in content.items()} == {"name": str, "output": str, "is_error": bool}
    assert len(content["name"]) <= 200
    assert answer.status_code == (500 if content["is_error"] else 200)
    return content


async def run(function: Callable[..., object], **arguments: object) -> tuple[str, bool]:
    """Approve one call of a function, and return the output and whether it is an error."""
    return outcome(await Toolbox([function], lambda call: True).answer(call(Tool.of(function).name, arguments)))


def outcome(answer: Message) -> tuple[str, bool]:
    """Return the output of a result, and whether it is an error."""
    content = read(answer)
    return content["output"], content["is_error"]
