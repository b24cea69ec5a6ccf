"""Make the faults happen: an ASGI layer that stands between a request and its answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secgemini.local.faults import Fault

_Pause = Callable[[float], Awaitable[bool]]  # returns False when the request is dropped while it waits
_PIECES = 10  # a slow body comes in so many
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


async def spoil(
    faults: Sequence[Fault], pause: _Pause, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve one request, or one socket, with the faults that strike it."""
    by_kind = {fault.kind: fault for fault in faults}
    latency = sum(fault.value for fault in faults if fault.kind == "latency")
    dropped = latency > 0 and not await pause(latency)
    if dropped or "reset" in by_kind:
        reset(scope)
        await _gone(receive)
    elif "status" in by_kind:
        await _answer(by_kind["status"], scope, send)
    elif scope["type"] == "websocket":
        await app(scope, receive, _Frames(faults, pause, scope, send).send)
    else:
        body = _Body(by_kind, pause, scope, send)
        await app(scope, receive, body.send)
        if body.cut:
            await _gone(receive)  # the server would complain of an answer that is not complete


async def _gone(receive: Receive) -> None:
    """Wait until the server knows too that the connection is gone."""
    while not (await receive())["type"].endswith(".disconnect"):
        continue


def reset(scope: Scope) -> None:
    """Reset the TCP connection of a request: the peer sees ECONNRESET, not an orderly end."""
    transport: asyncio.Transport = scope["state"]["connection"].transport
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _answer(fault: Fault, scope: Scope, send: Send) -> None:
    status = int(fault.value)
    headers = [(b"content-type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": msgspec.json.encode({"detail": f"a fault rule says {status}"})})


class _Body:
    """Spoils the body of an answer, as a whole: one that is sent in parts, such as events, is collected first."""

    def __init__(self, faults: dict[str, Fault], pause: _Pause, scope: Scope, send: Send) -> None:
        self._faults = faults
        self._pause = pause
        self._scope = scope
        self._send = send
        self.cut: bool = False
        """Whether the connection was cut before the end of the answer."""
        self._start: Message = {}
        self._parts: list[bytes] = []
        self._spoiled = not faults.keys().isdisjoint(("lost", "truncate", "malform", "slow"))

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if not self._spoiled:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._spoil(b"".join(self._parts))

    async def _spoil(self, body: bytes) -> None:
        if "lost" in self._faults:
            self._cut()
        elif "truncate" in self._faults:
            await self._truncate(body)
        elif "malform" in self._faults:
            await self._malform(body[: len(body) // 2] or _HTML)
        else:
            await self._slow(body, self._faults["slow"].value)

    def _cut(self) -> None:
        self.cut = True
        reset(self._scope)

    async def _part(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _truncate(self, body: bytes) -> None:
        await self._send(self._start)
        await self._part(body[: len(body) // 2], more=True)
        await asyncio.sleep(0)
        self.cut = True
        self._scope["state"]["connection"].transport.close()

    async def _malform(self, body: bytes) -> None:
        headers = [pair for pair in self._start["headers"] if pair[0] != b"content-length"]
        await self._send({**self._start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._part(body, more=False)

    async def _slow(self, body: bytes, seconds: float) -> None:
        step = max(1, -(-len(body) // _PIECES))
        pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
        await self._send(self._start)
        for index, piece in enumerate(pieces):
            if not await self._pause(seconds / len(pieces)):
                self._cut()
                return
            await self._part(piece, more=index < len(pieces) - 1)


class _Frames:
    """Spoils the frames that a socket sends; they are counted from 1."""

    def __init__(self, faults: Sequence[Fault], pause: _Pause, scope: Scope, send: Send) -> None:
        self._faults = faults
        self._pause = pause
        self._scope = scope
        self._send = send
        self._count = 0

    async def send(self, message: Message) -> None:
        """Send a frame, or anything else."""
        if message["type"] != "websocket.send":
            await self._send(message)
            return
        self._count += 1
        here = {fault.kind: fault for fault in self._faults if fault.value == self._count}
        dropped = "delay" in here and not await self._pause(here["delay"].seconds)
        if dropped or "kill" in here:
            reset(self._scope)
            raise ConnectionResetError("by a fault rule")
        await self._send(message)
        if "duplicate" in here:
            await self._send(message)
