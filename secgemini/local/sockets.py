"""The WebSocket `/v1/stream`: prompts and tool results in, messages out.

One task reads all the time, so that a drop is seen at once and pings are answered; one writes what the listener holds.
What the socket has not taken when it goes stays in the store, for the next one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress

import msgspec
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from secgemini.local.contract import ContractError, refuse_deep
from secgemini.local.failure import log_failure
from secgemini.local.fields import JsonObject, text
from secgemini.local.keys import Caller
from secgemini.local.listener import Frame, Listener
from secgemini.local.service import MOST_REMEMBERED, NO_KEY, NOT_FOUND, ReceivedRequest, Service, json_response
from secgemini.local.store import Session
from secgemini.local.turn import RefusedError

_YES = ("true", "1", "yes", "on")


async def stream(service: Service, websocket: WebSocket) -> None:
    """Serve one WebSocket from its handshake to its end."""
    if websocket.scope["path"] != "/v1/stream":
        await _refuse(websocket, 404, "Not Found")
        return
    given = websocket.query_params.get("api_key", "")
    # Published clients do not encode the key: a plus sign in it arrives as a space.
    caller = service.keyring.find(given) or service.keyring.find(given.replace(" ", "+"))
    if caller is None:
        await _refuse(websocket, 401, NO_KEY)
        return
    session_id = websocket.query_params.get("session_id")
    if session_id is None:
        await _refuse(websocket, 422, "session_id is required")
        return
    await websocket.accept()
    partials = websocket.query_params.get("stream", "").lower() in _YES
    await Socket(service, websocket, caller, session_id, partials=partials).serve()


async def _refuse(websocket: WebSocket, status: int, detail: str) -> None:
    await websocket.send_denial_response(json_response({"detail": detail}, status))


class Socket:
    """One open socket of one session."""

    def __init__(
        self, service: Service, websocket: WebSocket, caller: Caller, session_id: str, *, partials: bool
    ) -> None:
        self._service = service
        self._websocket = websocket
        self._caller = caller
        self._session_id = session_id
        self._listener = Listener(partials=partials)
        self._sessions: dict[int, Session] = {}
        self._attending = False  # whether this socket was given something to listen to

    async def serve(self) -> None:
        """Serve until either side goes. Turns that were started go on."""
        writing = asyncio.create_task(self._write())
        try:
            await self._read()
        except WebSocketDisconnect:
            return
        except Exception:
            await self._break()
        finally:
            writing.cancel()
            for session in self._sessions.values():
                self._service.turns.leave(session, self._listener)
            await asyncio.gather(writing, return_exceptions=True)

    async def _read(self) -> None:
        event = await self._first()
        while event["type"] != "websocket.disconnect":
            if event.get("text") is None:
                await self._websocket.close(1003, "text frames only")
                return
            self._take(event["text"])
            await self._listener.drain()  # who does not read what comes is not heard either
            event = await self._websocket.receive()

    async def _first(self) -> Message:
        """Return the first event. A socket that stays silent is served what it missed, and later the end of that."""
        limits = self._service.limits
        for seconds, serve in ((limits.silence, self._catch_up), (limits.patience, self._listener.release)):
            try:
                async with asyncio.timeout(seconds):
                    return await self._websocket.receive()
            except TimeoutError:
                serve()
        return await self._websocket.receive()

    async def _write(self) -> None:
        try:
            while True:
                await self._send(await self._listener.take())
        except WebSocketDisconnect:
            return  # what was not sent stays in the store; the reading task ends the socket
        except Exception:
            await self._break()

    async def _break(self) -> None:
        log_failure("a socket failed")
        with suppress(WebSocketDisconnect):
            await self._websocket.close(1011)

    async def _send(self, frame: Frame) -> None:
        if self._service.complain is not None:
            self._check(frame)
        await self._websocket.send_text(frame.text)
        if frame.took is not None:
            frame.took(frame.number)

    def _check(self, frame: Frame) -> None:
        try:
            self._service.contract.check_component("Message", msgspec.json.decode(frame.text))
        except ContractError as error:
            if self._service.complain is not None:
                self._service.complain(f"a frame of the stream: {error}")

    def _session(self) -> Session | None:
        session = self._service.session(self._caller.key.user, self._session_id)
        if session is not None:
            self._sessions[session.pk] = session
        return session

    def _catch_up(self) -> None:
        session = self._session()
        if session is None:
            self._fail(404, NOT_FOUND)
        else:
            self._watch(session)

    def _watch(self, session: Session) -> None:
        self._attending = True
        self._service.turns.watch(session, self._listener)

    def _take(self, frame: str) -> None:
        try:
            message = msgspec.json.decode(frame)
            refuse_deep(message, "frame")
            self._service.contract.check_component("MessageInput", message, ("frame",))
        except (msgspec.MsgspecError, RecursionError, ContractError) as error:
            self._fail(400, f"This frame is no message: {error}"[:500])
            return
        body = message if len(frame) <= MOST_REMEMBERED else None
        query = {"session_id": self._session_id}
        self._service.requests.append(ReceivedRequest("stream", "", "/v1/stream", query, body, 101, ""))
        try:
            self._hear(message)
        except sqlite3.Error:
            log_failure("what a socket said could not be stored")
            self._fail(500, "The service could not store this.", message)

    def _hear(self, message: JsonObject) -> None:
        session = self._session()
        if session is None:
            self._fail(404, NOT_FOUND, message)
        elif message["message_type"] == "query":
            self._attending = True
            self._service.turns.unwatch(session, self._listener, text(message, "id"))
            self._prompt(session, message)
        elif message["message_type"] == "local_tool_result":
            if not self._attending:  # the link was lost while the tool ran: the rest of the turn goes on here
                self._watch(session)
            self._listener.release()
            self._service.turns.tool_result(session, message)

    def _prompt(self, session: Session, message: JsonObject) -> None:
        if not text(message, "content").strip():
            self._fail(400, "The prompt is empty.", message)
            return
        if not self._service.turns.knows(session, text(message, "id")) and self._caller.admit():
            self._fail(429, "A limit of this key is used up.", message)
            return
        try:
            turn = self._service.turns.submit(session, message)
        except RefusedError as refused:
            self._fail(refused.status, refused.reason, message)
            return
        if turn is None:
            self._service.turns.replay(session, text(message, "id"), self._listener)
        else:
            self._service.turns.join(turn, self._listener)

    def _fail(self, status: int, reason: str, prompt: JsonObject | None = None) -> None:
        """Answer with an error and the end, which every client understands. Nothing is stored."""
        given = self._service.writer.prompt(prompt or {})
        self._listener.release()
        self._listener.offer(Frame(self._service.writer.failure(status, reason, given).text))
        self._listener.offer(Frame(self._service.writer.end(given).text))
