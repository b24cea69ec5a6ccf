"""The sockets under a client: TCP keep-alive, TLS, and the bounds on time that httpx does not keep.

httpx knows only the silence between two reads, and none at all while it greets a SOCKS proxy; a socket whose greeting
fails it forgets to close. Here a synchronous request ends at its thread's deadline, however slowly the service
dribbles, a silent SOCKS proxy at the connect time-out, and no socket is left behind.
"""

# ruff: noqa: ASYNC109  # the names of the arguments are httpcore's

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TypeVar
from urllib.request import getproxies
from weakref import WeakSet

import httpcore
import httpx

from .config import Config
from .errors import ConfigurationError

KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)
    ),
]
_NOT_SAID: Any = object()  # httpcore names no time-out for what it says to a SOCKS proxy

_current = threading.local()
_greeting: dict[asyncio.Task[Any] | None, httpcore.AsyncNetworkStream] = {}  # sockets that httpcore may forget
_Transport = TypeVar("_Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class deadline:  # noqa: N801  # used like a function
    """Let the request that this thread sends in the block take `seconds` in all; None for no bound."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._before = getattr(_current, "end", None)  # a progress callback may make a call while its upload is sent
        _current.end = None if self._seconds is None else time.monotonic() + self._seconds
        _current.greeting = None

    def __exit__(self, *_: object) -> None:
        _current.end = self._before
        if _current.greeting is not None:
            _current.greeting.close()


class adeadline:  # noqa: N801
    """Let the request that this task sends in the block take `seconds` in all, else raise TimeoutError."""

    def __init__(self, seconds: float | None) -> None:
        self._timeout = asyncio.timeout(seconds)

    @property
    def is_over(self) -> bool:
        """Whether it was this bound that ended the request, and not a TimeoutError of the caller's file."""
        return self._timeout.expired()

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _greeting and (left := _greeting.pop(asyncio.current_task(), None)) is not None:
            await left.aclose()
        await self._timeout.__aexit__(kind, error, trace)


def guard(transport: _Transport) -> _Transport:
    """Make the transport's sockets keep alive and keep the bounds; returns the same transport."""
    pool: Any = transport._pool  # httpx offers no argument for it; tests hold hostile servers and proxies against this
    backend = _Backend if isinstance(transport, httpx.HTTPTransport) else _AsyncBackend
    pool._network_backend = backend(pool._network_backend)
    return transport


def abandon(transport: Any) -> None:
    """Close the sockets of a guarded transport whose event loop is closed: with it, asyncio cannot close them."""
    for opened in list(transport._pool._network_backend.opened):
        close = getattr(opened, "_call_connection_lost", None)  # what asyncio calls once it has let go of the socket
        if close is not None and getattr(opened, "_sock", None) is not None:
            with contextlib.suppress(RuntimeError):  # somebody waits on the closed loop, who cannot be told
                close(None)


def _left(timeout: float | None, over: type[Exception]) -> float | None:
    end: float | None = getattr(_current, "end", None)
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise over("the total time-out is over")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, connect: float | None) -> None:
        self._stream = stream
        self._connect = connect

    def read(self, max_bytes: int, timeout: float | None = _NOT_SAID) -> bytes:
        return self._stream.read(max_bytes, _left(self._bound(timeout), httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = _NOT_SAID) -> None:
        self._stream.write(buffer, _left(self._bound(timeout), httpcore.WriteTimeout))

    def _bound(self, timeout: float | None) -> float | None:
        is_greeting = timeout is _NOT_SAID
        _current.greeting = self if is_greeting else None
        return self._connect if is_greeting else timeout

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        left = _left(timeout, httpcore.ConnectTimeout)
        _current.greeting = None  # from here on httpcore closes it
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._connect)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        options = [*(socket_options or ()), *KEEP_ALIVE]
        return _Stream(self._backend.connect_tcp(host, port, left, local_address, options), timeout)


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, connect: float | None) -> None:
        self._stream = stream
        self._connect = connect

    async def read(self, max_bytes: int, timeout: float | None = _NOT_SAID) -> bytes:
        return await self._stream.read(max_bytes, self._bound(timeout))

    async def write(self, buffer: bytes, timeout: float | None = _NOT_SAID) -> None:
        await self._stream.write(buffer, self._bound(timeout))

    def _bound(self, timeout: float | None) -> float | None:
        if timeout is not _NOT_SAID:
            if _greeting:
                _greeting.pop(asyncio.current_task(), None)
            return timeout
        _greeting[asyncio.current_task()] = self
        return self._connect

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        _greeting.pop(asyncio.current_task(), None)
        return await self._stream.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend
        self.opened: WeakSet[asyncio.BaseTransport] = WeakSet()  # all of one event loop

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        options = [*(socket_options or ()), *KEEP_ALIVE]
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, options)
        below = getattr(getattr(stream, "_stream", None), "_transport", None)  # httpcore's, anyio's, asyncio's
        if below is not None:
            self.opened.add(below)
        return _AsyncStream(stream, timeout)


def make_ssl_context(config: Config) -> ssl.SSLContext:
    """Return the TLS context that the settings ask for.

    Raises:
        ConfigurationError: a CA file that cannot be read. TypeError: a setting that is none of them.
    """
    verify = config.verify
    if isinstance(verify, ssl.SSLContext):
        return verify
    addresses = (config.base_url, config.websocket_url, config.logs_url, config.proxy or "")
    if verify is True and not any(address.startswith(("https:", "wss:")) for address in addresses) and not getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing to verify, and no CA file to read; trusts nobody
    if verify == "system":
        return ssl.create_default_context()
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    if not isinstance(verify, str):
        raise TypeError(f"verify must be True, False, a string or an ssl.SSLContext, not {type(verify).__name__}")
    try:
        if os.path.isdir(verify):
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"verify={verify!r} is no file of CA certificates: {error}") from None
