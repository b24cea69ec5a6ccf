"""A peer with canned answers, so that what is measured is the client; `scripts/bench` starts it in another process.

`python canned.py SIZE` listens on a free loopback port, prints the port, and ends when its standard input does.
Sessions have SIZE messages, lists SIZE sessions, and streams SIZE messages before the one that ends the turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

USAGE = {
    "prompt_tokens": 10, "generated_tokens": 20, "total_tokens": 30, "cached_token_count": 0,
    "thoughts_token_count": 0, "tool_use_prompt_token_count": 0, "prompt_tokens_details": None,
}  # fmt: skip
MODEL = {
    "model_name": "sec-gemini", "version": "1.1", "model_string": "sec-gemini-1.1", "use_experimental": False,
    "description": "", "toolsets": [],
}  # fmt: skip
USER = {
    "id": "u", "org_id": "o", "type": "user", "never_log": False, "can_disable_logging": True, "key_expire_time": 0,
    "tpm": 1000, "rpm": 1000, "allow_experimental": True, "vendors": [],
}  # fmt: skip
KINDS = (
    ("query", "user", "query"), ("thinking", "agent", "thinking"), ("info", "system", "calling_tool"),
    ("result", "agent", "agent_done"),
)  # fmt: skip


def stored_message(number: int, message_type: str, role: str, state: str) -> dict[str, Any]:
    return {
        "id": f"{number:012x}", "parent_id": "3713", "turn": f"{number // 4:012x}", "group": f"{number // 4:032x}",
        "actor": "orchestrator", "role": role, "timestamp": 1_760_000_000 + number,
        "created_at": 1_760_000_000.25 + number, "message_type": message_type, "icon": None, "text_color": None,
        "title": f"Step {number}", "state": state, "content": f"Message {number}. " + "A sentence of it. " * 20,
        "mime_type": "text/plain", "status_code": 200, "status_message": "OK", "usage": dict(USAGE),
    }  # fmt: skip


def stored_session(messages: int, session_id: str = "5" * 32) -> dict[str, Any]:
    """Return a session as JSON with every field of the contract and so many messages."""
    history = [stored_message(number, *KINDS[number % 4]) for number in range(messages)]
    return {
        "id": session_id, "user_id": "u", "org_id": "o", "model": MODEL, "ttl": 86_400, "language": "en", "turns": 1,
        "name": "n", "description": "", "create_time": 1.5, "update_time": 2.5, "num_messages": messages,
        "messages": history, "usage": dict(USAGE), "can_log": True, "state": "agent_done", "files": [],
        "logs_table": None, "local_tools": [], "agents_config": {},
    }  # fmt: skip


def answers(size: int) -> dict[str, bytes]:
    """Return the bodies by path; any other path gets that of ''."""
    done = {"ok": True, "status_code": 200, "status_message": "OK", "mime_type": "text/plain", "latency": 0.0}
    file = {"name": "f", "size": 1, "sha256": "0" * 64, "mime_type": "text/plain", "content_type_label": "txt"}
    turn = {"id": "s", "messages": stored_session(4)["messages"], "status_code": 200, "status_message": "OK"}
    listed = [stored_session(0, f"{number:032x}") for number in range(size)]
    bodies: dict[str, Any] = {
        "": done | {"data": None},
        "/v1/user/info": {"user": USER, "sessions": [], "available_models": [MODEL]},
        "/v1/session/get": stored_session(size),
        "/v1/session/list": listed,
        "/v1/session/generate": turn | {"usage": USAGE},
        "/v1/session/attach_file": done | {"data": file},
    }
    return {path: json.dumps(body).encode() for path, body in bodies.items()}


class Peer:
    """The peer as an ASGI application."""

    def __init__(self, size: int) -> None:
        self.bodies = answers(size)
        self.frames = [json.dumps(stored_message(number, "result", "agent", "answering")) for number in range(size)]
        self.frames.append(json.dumps(stored_message(size, "info", "system", "end")))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.answer if scope["type"] == "http" else self.stream)(scope, receive, send)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        body = self.bodies.get(scope["path"], self.bodies[""])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def stream(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            for frame in self.frames:
                await send({"type": "websocket.send", "text": frame})


async def serve(size: int) -> None:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(Peer(size), log_level="error", lifespan="off", ws_ping_interval=None))
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it, an answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    running = asyncio.create_task(server.serve([listener]))
    print(listener.getsockname()[1], flush=True)  # it listens: connections wait until it answers
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = server.force_exit = True
    await running


@contextlib.contextmanager
def canned_peer(size: int) -> Iterator[str]:
    """Run the peer in another process; yield its HTTP address."""
    command = [sys.executable, os.path.abspath(__file__), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
