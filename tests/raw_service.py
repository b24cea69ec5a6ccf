"""The embedded service as tests see it: run it, and speak to it raw, without this package's own client."""

from __future__ import annotations

import asyncio
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService
from secgemini.local.service import Limits


class EchoEngine:
    """Answers with the prompt: a thought, then the words one by one, then the whole."""

    name = "echo"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("thinking", f"{len(turn.files)} files", state="thinking")
        words = turn.prompt.split()
        for index, word in enumerate(words):
            yield Reply("result", word if index == 0 else f" {word}", partial=True)
        yield Reply("result", " ".join(words), state="agent_done")


class Scripted:
    """Yields what the test puts in, and waits where the test says so."""

    name = "scripted"

    def __init__(self, *steps: Reply | BaseException | str) -> None:
        self.steps = steps
        self.prompts: list[str] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.gate = asyncio.Event()

    def release(self) -> None:
        """Let the engine pass the step "wait"; from any thread."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.gate.set)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        self.loop = asyncio.get_running_loop()
        self.prompts.append(turn.prompt)
        for step in self.steps:
            if isinstance(step, BaseException):
                raise step
            if step == "wait":
                await self.gate.wait()
                self.gate.clear()
            elif isinstance(step, Reply):
                yield step


@contextmanager
def running_service(**settings: Any) -> Iterator[LocalService]:
    """Run a service whose every answer is held against the contract; an answer that breaks it fails the test.

    It serves silent sockets all at once unless `limits` say otherwise: tests do not wait.
    """
    settings.setdefault("engine", EchoEngine())
    settings.setdefault("limits", Limits(patience=0))
    service = LocalService(validate_responses=True, **settings)
    try:
        with service:
            yield service
    finally:
        assert service.violations == []


class Addressed(Protocol):
    """Anything that says where a service is, and has a key to it."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...


class Raw(httpx.Client):
    """An HTTP client of a service, with a few shortcuts for what every test has to do."""

    def __init__(self, service: Addressed, key: str | None = None, verify: ssl.SSLContext | bool = True) -> None:
        headers = {"x-api-key": key or service.api_key}
        super().__init__(base_url=service.base_url, headers=headers, timeout=30, verify=verify)

    def register(self, **fields: Any) -> str:
        """Register a session and return its id."""
        body = session_body(**fields)
        answer = self.post("/v1/session/register", json=body).json()
        assert answer["ok"], answer
        return str(body["id"])

    def session(self, session_id: str) -> dict[str, Any]:
        """Return a session."""
        answer = self.get("/v1/session/get", params={"session_id": session_id})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ask(self, session_id: str, prompt: str, **fields: Any) -> dict[str, Any]:
        """Ask without streaming."""
        message = {"id": uuid.uuid4().hex[:12], "message_type": "query", "content": prompt} | fields
        return dict(self.post("/v1/session/generate", json={"id": session_id, "messages": [message]}).json())


def session_body(**fields: Any) -> dict[str, Any]:
    """Return what the least talkative client sends to register a session."""
    model = {"model_name": "sec-gemini", "version": "stable", "model_string": "sec-gemini-stable"}
    body = {"id": uuid.uuid4().hex, "user_id": "u", "org_id": "o", "model": model, "ttl": 3600, "can_log": True}
    return body | {"name": "a session", "description": ""} | fields


class RawStream:
    """A WebSocket of a session, whose frames are dicts."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def ask(self, prompt: str, **fields: Any) -> str:
        """Send a prompt and return its id."""
        message = {"id": uuid.uuid4().hex[:12], "message_type": "query", "content": prompt} | fields
        await self.socket.send(json.dumps(message))
        return str(message["id"])

    async def next(self) -> dict[str, Any]:
        """Return the next frame."""
        return dict(json.loads(await self.socket.recv()))

    async def turn(self) -> list[dict[str, Any]]:
        """Return the frames up to the end of the turn."""
        frames = [await self.next()]
        while not (frames[-1]["message_type"] == "info" and frames[-1]["state"] == "end"):
            frames.append(await self.next())
        return frames

    async def quiet(self) -> None:
        """Check that nothing is on its way: the pong overtakes no frame that was sent before it."""
        await (await self.socket.ping())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await self.socket.recv()
