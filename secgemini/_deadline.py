"""Bounds a synchronous request as a whole: httpx knows only the silence between two reads.

A service that sends a byte now and then would hold a call for ever. Here each read and write of the sockets waits no
longer than what is left until the deadline of the thread's current request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

_current = threading.local()


@contextmanager
def deadline(seconds: float | None) -> Generator[None]:
    """Let the requests that this thread sends inside take `seconds` in all; None for no bound."""
    _current.end = None if seconds is None else time.monotonic() + seconds
    try:
        yield
    finally:
        _current.end = None


def bound_reads(transport: httpx.HTTPTransport) -> httpx.HTTPTransport:
    """Make the transport's sockets keep the deadline; returns the same transport."""
    pool = transport._pool  # httpx offers no argument for it; a test holds a dribbling server against this
    pool._network_backend = _Backend(pool._network_backend)
    return transport


def _left(timeout: float | None, over: type[Exception]) -> float | None:
    end: float | None = getattr(_current, "end", None)
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise over("the total time-out is over")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

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
        return _Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))
