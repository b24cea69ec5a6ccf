"""A Sec-Gemini service for stream tests, on a socket and in a thread of its own, that misbehaves as told.

It takes one prompt and answers with a script. Each message is stored, then sent; a tool call is only sent, and what it
asks for is waited for. The turn goes on whether there is a link or not. It can break the TCP connection (reset, no
goodbye) before or after any frame, and on a new link it behaves in one of the ways that `stream_model` names. It has
no idea of idempotency: a prompt that comes twice is counted twice.
"""

from __future__ import annotations

import asyncio
import http
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

from secgemini_api.models import Message, MessageType
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from secgemini._websocket import Link

Cut = tuple[int, Literal["before", "after"]]
PROMPT_FRAME = -1  # the frame that is the prompt, for a cut
PATIENCE = 30.0  # seconds after which what should have happened will not
CALL, RESULT = MessageType.LOCAL_TOOL_CALL, MessageType.LOCAL_TOOL_RESULT


class Peer:
    """The service. Everything a test looks at is safe to read from its thread."""

    def __init__(self, script: Sequence[Message], way: str = "b", **settings: Any) -> None:
        self.script = list(script)
        self.way = way
        self.cuts: set[Cut] = set(settings.pop("cuts", ()))
        self.refusals: list[tuple[int, Mapping[str, str]]] = list(settings.pop("refusals", ()))
        self.because: str = settings.pop("because", '{"detail": "because"}')  # the body of a refusal
        self.greeting: Callable[[ServerConnection], Awaitable[object]] | None = settings.pop("greeting", None)
        self.mute: bool = settings.pop("mute", False)  # store the answer and say nothing
        self.patience: float = settings.pop("patience", 0.0)  # seconds to wait for a link before each message
        self.tool_timeout: float = settings.pop("tool_timeout", 30.0)
        self.settings = settings
        self.stored: list[Message] = list(settings.pop("earlier", ()))
        self.prompts = 0
        self.port = self.links = 0
        self.reads = 0
        self.results: Counter[str] = Counter()
        self.paths: list[str] = []
        self.closed = threading.Event()
        self.finished = threading.Event()
        self.go = threading.Event()  # a script message named "wait" waits for it
        self.asked: Message | None = None
        self._answered = asyncio.Event()
        self._linked = asyncio.Event()
        self._link: ServerConnection | None = None
        self._unsent: list[Message] = []
        self._silent = False
        self._turn: asyncio.Task[None] | None = None

    # -- for the client ------------------------------------------------------------------------------------------

    async def history(self) -> list[Message]:
        """Return what is stored, as the GET of a session does."""
        self.reads += 1
        await asyncio.sleep(0)
        return list(self.stored)

    def link(self, **settings: Any) -> Link:
        """Return what a stream needs to reach this service."""
        url = f"ws://127.0.0.1:{self.port}/v1/stream?api_key=sesame-opens&session_id=s"
        defaults: dict[str, Any] = {"url": lambda: url, "history": self.history, "proxy": None}
        return Link(**(defaults | settings))

    def cut(self) -> None:
        """Break the connection and wait until it is over on this side; from any thread but the service's own."""
        asyncio.run_coroutine_threadsafe(self._cut(), self.loop).result(PATIENCE)

    def say(self, message: Message) -> None:
        """Store a message that is not in the script and send it; from any thread but the service's own."""
        asyncio.run_coroutine_threadsafe(self._say(message), self.loop).result(PATIENCE)

    def ping(self) -> None:
        """Ping the client and wait for its answer; from any thread but the service's own and the client's."""
        asyncio.run_coroutine_threadsafe(self._ping(), self.loop).result(PATIENCE)

    def answer(self) -> list[Message]:
        """Return the stored messages of the turn."""
        last = max(i for i, message in enumerate(self.stored) if message.message_type is MessageType.QUERY)
        return self.stored[last + 1 :]

    # -- the connection ------------------------------------------------------------------------------------------

    async def _cut(self) -> None:
        link = self._link
        self._reset()
        if link is not None:
            await link.wait_closed()

    async def _ping(self) -> None:
        assert self._link is not None, "there is no link"
        await (await self._link.ping())

    async def _say(self, message: Message) -> None:
        self.stored.append(message)
        await self._send(message)

    def _reset(self) -> None:
        link, self._link = self._link, None
        self._linked.clear()
        if link is not None:
            linger = struct.pack("ii", 1, 0)
            link.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            link.transport.abort()
        if self.way == "d":
            self._unsent.clear()

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        if not self.refusals:
            return None
        status, headers = self.refusals.pop(0)
        response = connection.respond(http.HTTPStatus(status), self.because)
        for name, value in headers.items():
            response.headers[name] = value
        return response

    async def _serve(self, link: ServerConnection) -> None:
        self.links += 1
        self.closed.clear()
        try:
            if self.greeting is not None and await self.greeting(link):
                return
            if (PROMPT_FRAME, "before") in self.cuts and not self.prompts:
                self.cuts.discard((PROMPT_FRAME, "before"))
                self._link = link
                self._reset()
                return
            await self._greet(link)
            self._link = link
            self._linked.set()
            async for frame in link:
                self._hear(Message.from_dict(json.loads(frame)))
        except ConnectionClosed:
            return
        finally:
            await link.wait_closed()
            if self._link is link:
                self._link = None
                self._linked.clear()
            self.closed.set()

    async def _greet(self, link: ServerConnection) -> None:
        """Do on a new link what this kind of service does."""
        if self._turn is None:
            return
        self._silent = self.way == "c"
        unsent, self._unsent = self._unsent, []
        if self.way == "a":
            replay = self.answer()
            unsent = [*reversed(replay[-3:]), *replay]
        elif self.way == "b":
            unsent = [message for message in unsent if message is not self.asked]
        else:
            unsent = []
        if self.asked is not None and self.way != "c":
            unsent.append(self.asked)
        for message in unsent:
            await link.send(json.dumps(message.to_dict()))

    # -- the turn ------------------------------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        if message.message_type is RESULT:
            self.results[message.content or ""] += 1
            self._answered.set()
            return
        self.prompts += 1
        self.stored.append(message)
        if self._is_cut(PROMPT_FRAME, "after"):
            self._reset()
        self._silent = self.mute
        self._turn = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        for index, message in enumerate(self.script):
            if message.id == "wait":
                await asyncio.to_thread(self.go.wait, 2 * PATIENCE)
                continue
            await self._wait_for_link()
            if self._is_cut(index, "before"):
                self._reset()
            if message.message_type is CALL:
                self.asked = message
                self._answered.clear()
            elif message.status_code != 206:
                self.stored.append(message)
            await self._send(message)
            if self._is_cut(index, "after"):
                self._reset()
            if self.asked is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._answered.wait(), self.tool_timeout)
                self.asked = None
        self.finished.set()

    async def _wait_for_link(self) -> None:
        await asyncio.sleep(0)
        if self.patience:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._linked.wait(), self.patience)

    def _is_cut(self, index: int, where: Literal["before", "after"]) -> bool:
        """Tell, once, whether the link is to be cut here."""
        here = (index, where) in self.cuts
        self.cuts.discard((index, where))
        return here

    async def _send(self, message: Message) -> None:
        if self._link is None:
            self._unsent.append(message)
        elif not self._silent:
            with suppress(ConnectionClosed):
                await self._link.send(json.dumps(message.to_dict()))

    # -- the thread ----------------------------------------------------------------------------------------------

    async def _main(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with serve(self._serve, "127.0.0.1", 0, process_request=self._refuse, **self.settings) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            ready.set()
            await self._stop.wait()
            if self._turn is not None:
                self._turn.cancel()

    @contextmanager
    def running(self) -> Iterator[Peer]:
        """Serve in a thread until the block is left."""
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)))
        thread.start()
        try:
            assert ready.wait(PATIENCE)
            yield self
        finally:
            self.go.set()
            self.loop.call_soon_threadsafe(self._stop.set)
            thread.join(PATIENCE)
            assert not thread.is_alive()
