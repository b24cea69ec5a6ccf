"""Chat completions, in the format of OpenAI's: every request is a session and a turn of its own."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from secgemini.local.catalogue import by_string, models
from secgemini.local.contract import ContractError
from secgemini.local.engines import SYSTEM, Reply
from secgemini.local.fields import JsonObject, flag, rows, table, text, whole
from secgemini.local.listener import Listener
from secgemini.local.messages import PARTIAL, as_draft, read
from secgemini.local.service import Call, RequestError
from secgemini.local.sessions import examine, open_session
from secgemini.local.store import Session
from secgemini.local.turn import RefusedError, Turn

_TTL = 86400  # seconds
_MOST_ANSWERS = 8
_GONE = "the session of this completion is gone"
_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),")


@dataclass(slots=True)
class _Said:
    """What one chat message says: its text, and its files by name."""

    role: str
    text: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


async def create_chat_completion(call: Call) -> object:
    """Answer a conversation, as one object or as server-sent events."""
    model = by_string(text(call.body, "model"), experimental=call.key.allow_experimental)
    if model is None:
        names = ", ".join(text(one, "model_string") for one in models(experimental=call.key.allow_experimental))
        raise RequestError(404, f"No such model; there are {names}")
    *earlier, last = await asyncio.to_thread(_read_all, rows(call.body, "messages"))
    session = _open(call, model)
    _remember(call, session, earlier)
    for name, content in [file for said in (*earlier, last) for file in said.files]:
        await _keep(call, session, name, content)
    try:
        turn = call.service.turns.submit(session, {"content": last.text}, by_socket=False)
    except RefusedError as refused:
        raise RequestError(503, refused.reason) from None
    if turn is None:
        raise RequestError(500, "the prompt got an id that was taken")
    completion = _Completion(call, turn, text(model, "model_string"))
    return _Events(completion) if flag(call.body, "stream", False) else await completion.whole()


def _open(call: Call, model: JsonObject) -> Session:
    session_id = call.service.ids.hex(32)
    open_session(call, session_id, model, {"name": "Chat completion", "ttl": _TTL})
    session = call.session(session_id)
    if session is None:
        raise RequestError(500, _GONE)
    return session


async def _keep(call: Call, session: Session, name: str, content: bytes) -> None:
    facts = await asyncio.to_thread(examine, name, content)
    now = call.service.clock.stamp()
    try:
        await asyncio.to_thread(call.service.store.add_file, session.pk, facts, content, now)
    except sqlite3.IntegrityError:
        raise RequestError(500, _GONE) from None


def _remember(call: Call, session: Session, earlier: list[_Said]) -> None:
    """Store what was said before the prompt, so that the engine sees it as the session's history."""
    writer, prompt = call.service.writer, call.service.writer.prompt({})
    for said in earlier:
        if said.role == "user":
            prompt = writer.prompt({"content": said.text})
            draft = as_draft(prompt)
        else:
            kind, actor = ("result", "agent") if said.role == "assistant" else ("info", SYSTEM)
            reply = Reply(kind, said.text, state="agent_done", actor=actor)
            draft = writer.reply(reply, prompt, call.service.engine_name)
        call.service.store.add_message(
            session.pk, text(prompt, "id"), draft.id, draft.kind, draft.text, draft.created_at
        )


def _read_all(messages: list[JsonObject]) -> list[_Said]:
    return [_read(message) for message in messages] or [_Said("user")]


def _read(message: JsonObject) -> _Said:
    said = _Said(text(message, "role"), text(message, "content"))
    for number, part in enumerate(rows(message, "content"), 1):
        kind = text(part, "type")
        if kind == "text":
            said.text += text(part, "text")
        elif kind == "file":
            file = table(part, "file")
            _attach(said, text(file, "filename") or f"file-{number}", text(file, "file_data"))
        else:
            url = text(part, "image_url") or text(table(part, "image_url"), "url")
            _attach(said, f"image-{number}", url)
    return said


def _attach(said: _Said, name: str, address: str) -> None:
    """Decode a `data:` URL. The service fetches nothing: any other address is taken as part of what was said."""
    found = _DATA_URL.match(address)
    if found is None:
        said.text += f"\n{address}\n"
        return
    data = unquote_to_bytes(address[found.end() :])
    if found[2].endswith(";base64"):
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        data = b64decode(clean[: len(clean) - (len(clean) % 4 == 1)] + b"=" * (-len(clean) % 4))
    said.files.append((name, data))


class _Completion:
    """The answer to one request."""

    def __init__(self, call: Call, turn: Turn, model: str) -> None:
        self._call = call
        self._turn = turn
        self._answers = range(max(1, min(whole(call.body, "n", 1), _MOST_ANSWERS)))
        self._head: JsonObject = {
            "id": f"chatcmpl-{call.service.ids.hex(24)}",
            "created": int(call.service.clock.stamp()),
            "model": model,
        }

    async def whole(self) -> JsonObject:
        """Wait for the turn and return it as one object."""
        await self._turn.over.wait()
        status, reason = self._turn.status
        if status != 200:
            raise RequestError(status if 400 <= status <= 599 else 500, reason)
        stored = self._call.service.store.turn(self._turn.session.pk, self._turn.prompt_id)
        content = "\n".join(text(read(message.text), "content") for message in stored if message.kind == "result")
        usage = self._turn.usage
        completion = whole(usage, "generated_tokens") + whole(usage, "thoughts_token_count")
        return self._head | {
            "object": "chat.completion",
            "choices": [
                {"index": index, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
                for index in self._answers
            ],
            "usage": {
                "prompt_tokens": whole(usage, "prompt_tokens"),
                "completion_tokens": completion,
                "total_tokens": whole(usage, "total_tokens"),
            },
        }

    def listen(self) -> Listener:
        """Hear the turn from now on; `leave` ends it. Pieces are not stored: what came before is lost."""
        listener = Listener(partials=True)
        self._call.service.turns.join(self._turn, listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Hear no more. The turn goes on."""
        self._call.service.turns.leave(self._turn.session, listener)

    async def events(self, listener: Listener) -> AsyncIterator[bytes]:
        """Yield the turn as server-sent events."""
        yield self._piece({"role": "assistant", "content": ""})
        pieces = False
        while True:
            frame = await listener.take()
            message = read(frame.text)
            if frame.took is not None:
                frame.took(frame.number)
            if text(message, "state") == "end":
                break
            status = message["status_code"]
            if message["message_type"] == "result":
                if status == PARTIAL or (status == 200 and not pieces):
                    yield self._piece({"content": text(message, "content")})
                pieces = status == PARTIAL
        yield self._piece({}, "stop") if self._turn.status[0] == 200 else self._failure()
        yield b"data: [DONE]\n\n"

    def _piece(self, delta: JsonObject, finish: str | None = None) -> bytes:
        return self._event(
            self._head
            | {
                "object": "chat.completion.chunk",
                "choices": [{"index": index, "delta": delta, "finish_reason": finish} for index in self._answers],
            }
        )

    def _failure(self) -> bytes:
        status, reason = self._turn.status
        return self._event({"error": {"message": reason, "type": "server_error", "code": status}})

    def _event(self, event: JsonObject) -> bytes:
        service = self._call.service
        if service.complain is not None:
            try:
                operation = service.contract.operations["POST", "/chat/completions"]
                service.contract.check(operation.event_schema, event, ("event",))
            except ContractError as error:
                service.complain(f"an event of a chat completion: {error}")
        return b"data: " + msgspec.json.encode(event) + b"\n\n"


class _Events(StreamingResponse):
    """The answer to one request as server-sent events. It hears the turn before that can say a word."""

    def __init__(self, completion: _Completion) -> None:
        self._completion = completion
        self._listener = completion.listen()
        super().__init__(completion.events(self._listener), media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # also of a client that is gone before the first event
            self._completion.leave(self._listener)
