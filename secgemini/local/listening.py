"""uvicorn in a thread: a listening socket, the loop behind it, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import h11
import msgspec
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol

from secgemini.errors import ConfigurationError
from secgemini.local.failure import log_failure
from secgemini.local.service import Service
from secgemini.local.workers import Workers

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

T = TypeVar("T")

_GRACE = 1.0  # seconds that running turns get to end by themselves
_PATIENCE = 5  # seconds that clients get to send the rest of their requests and to read their answers
_END = 2 * _GRACE + _PATIENCE + 1  # seconds that the end may take
_SWEEP = 30.0  # seconds between two looks for what is over, besides the look for expired sessions at every request
_KEEP_ALIVE = 75  # seconds that an idle connection stays open, longer than clients keep theirs in a pool
_BACKLOG = 1024  # connections that may wait to be accepted
# asyncio also accepts as often as its backlog says when somebody waits; without free descriptors it fails and logs
# as often. Whoever still waits is accepted in the loop's next round.
_ACCEPTS = 1
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # where "everywhere" is reached

# uvicorn and websockets write whole URLs to their loggers, and the URL of a stream has the key in its query. This
# logger is known to nobody and is silent below warnings.
_logger = logging.getLogger("secgemini.local")
_quiet = logging.Logger("secgemini.local.connections", level=logging.WARNING)
_quiet.parent = _logger
_quiet.addFilter(lambda record: not _is_of_a_client(record))


def _is_of_a_client(record: logging.LogRecord) -> bool:
    """Tell whether a record says what a client did: it was too slow for the end of the service, or its text is none."""
    failures = (asyncio.CancelledError, UnicodeDecodeError)
    return record.exc_info is not None and isinstance(record.exc_info[1], failures)


class _Http(H11Protocol):
    """HTTP/1.1 without an access log."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        self.logger = _quiet
        self.access_log = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP. Where an answer was given before, only the end of the connection is left to say."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers, body = _refusal(msg)
            for event in (
                h11.Response(status_code=400, reason=b"Bad Request", headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Handshake(ServerProtocol):
    """The opening of a WebSocket. What is none is refused like every other request."""

    def reject(self, status: int, text: str) -> Response:
        """Return the answer that refuses a handshake."""
        response = super().reject(status, text)
        headers, body = _refusal(text.strip())
        return Response(response.status_code, response.reason_phrase, Headers(headers), body)


def _refusal(reason: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body of an answer to what never becomes a request: none of the application's answers it."""
    body = msgspec.json.encode({"detail": reason})
    return [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("x-request-id", secrets.token_hex(8)),
        ("connection", "close"),
    ], body


class _WebSocket(WebSocketsSansIOProtocol):
    """WebSocket whose log never has the URL."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        self.logger = _quiet
        self.conn = _Handshake(max_size=config.ws_max_size, logger=_quiet)

    def data_received(self, data: bytes) -> None:
        """Take bytes. A handshake that cannot be read is refused: uvicorn would leave its client waiting for ever."""
        super().data_received(data)
        failure = self.conn.handshake_exc
        if failure is not None and not self.handshake_initiated:
            said = b"".join(self.conn.data_to_send())
            self.transport.write(said or self.conn.reject(400, str(failure)).serialize())
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        """Take a part of a message. Empty ones, of which no limit counts any, are not kept."""
        if event.data or event.fin:
            super().handle_cont(event)

    async def send(self, message: ASGISendEvent) -> None:
        """Send an event. A handshake that was refused is over, too: uvicorn would log that it is not."""
        await super().send(message)
        self.handshake_complete = self.handshake_complete or self.close_sent

    def shutdown(self) -> None:
        """Close the socket; one whose closing is under way would make uvicorn give up its whole shutdown."""
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to the program, and with turns that end before it does."""

    def __init__(self, config: uvicorn.Config, service: Service, ready: threading.Event) -> None:
        super().__init__(config)
        self._service = service
        self._ready = ready
        self._leaving = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_default_executor(Workers())
        sweeping = asyncio.create_task(self._sweep())
        self._ready.set()
        while not self.should_exit:
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()
        sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            try:
                self._service.sweep()
                await self._service.shred()  # first of what the process left that had the database before
                self._service.store.empty_log()
            except sqlite3.Error:  # such as a full disk: the next time may do better
                log_failure("what is over could not be deleted")
            await asyncio.sleep(_SWEEP)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._service.faults.drop()
        await self._service.turns.stop(_GRACE)
        await super().shutdown(sockets)

    def leave(self) -> None:
        """Ask the server to end, from any thread."""

        def now() -> None:
            self.should_exit = True
            self._leaving.set()

        self.loop.call_soon_threadsafe(now)


class Listening:
    """A service that accepts connections. `address` is the host and port that clients reach it under.

    Raises:
        ConfigurationError: the port is taken, or the certificate is unusable.
    """

    def __init__(self, service: Service, app: ASGIApp, host: str, port: int, *, tls: tuple[str, str] | None) -> None:
        self._service = service
        self._socket = _bind(host, port)
        self.address: tuple[str, int] = (_LOOPBACK.get(host, host), self._socket.getsockname()[1])
        ready = threading.Event()
        self._server = _Server(self._configure(app, tls), service, ready)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(ready,), name="secgemini-local", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise ConfigurationError(f"the service does not start: {self._failure}") from self._failure
        self._socket.listen(_BACKLOG)

    def call(self, function: Callable[[Service], T]) -> T:
        """Run a function on the service between two requests, and return what it returns. From any other thread."""

        async def run() -> T:
            return function(self._service)

        return asyncio.run_coroutine_threadsafe(run(), self._server.loop).result()

    def stop(self) -> None:
        """End the service and wait until it has ended. An engine that blocks its loop for ever is not waited for."""
        self._server.leave()
        self._thread.join(_END)
        if self._thread.is_alive():
            _logger.warning("an engine holds up the end of the service and is left behind")

    def _configure(self, app: ASGIApp, tls: tuple[str, str] | None) -> uvicorn.Config:
        try:
            _check(tls)
            config = uvicorn.Config(
                app,
                loop="asyncio",
                http=_Http,
                ws=_WebSocket,
                interface="asgi3",
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                ws_max_size=self._service.limits.frame,
                # Published clients run a tool on the loop that answers pings; one may take that long.
                ws_ping_timeout=self._service.limits.tool_timeout,
                ws_per_message_deflate=False,
                backlog=_ACCEPTS,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_PATIENCE,
                ssl_certfile=tls[0] if tls else None,
                ssl_keyfile=tls[1] if tls else None,
            )
            config.load()
        except BaseException:
            self._socket.close()
            raise
        config.loaded_app = app  # at its finest log level uvicorn wraps it in a logger of all that comes
        return config

    def _run(self, ready: threading.Event) -> None:
        try:
            self._server.run([self._socket])
        except BaseException as error:  # told to whoever waits for the start
            self._failure = error
        finally:
            self._service.store.close()
            ready.set()


def _check(tls: tuple[str, str] | None) -> None:
    """Refuse a certificate or a key that cannot be used; one with a password would be asked for on the terminal."""

    def no_password() -> str:
        raise ConfigurationError(f"the private key {key} has a password", hint=f"openssl pkey -in {key} -out FILE")

    if tls is None:
        return
    certificate, key = tls
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, no_password)
    except OSError as error:  # ssl.SSLError is one
        why = f"the certificate {certificate} with the key {key} cannot be used: {error.strerror or error}"
        raise ConfigurationError(why) from error


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:
        raise ConfigurationError(f"cannot listen on port {port}: ports are 0 to 65535")
    if not host.isprintable():  # Python's own error for it is a TypeError
        raise ConfigurationError(f"cannot listen on {host!r}: no host has that name")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Accepted sockets inherit this. asyncio sets it only on sockets that name their protocol, and these do not: an
        # answer in two writes would wait 40 ms for the delayed acknowledgement of its client.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, UnicodeError) as error:  # the second: no host can have that name
        where = f"{host}:{port}" if port else host
        raise ConfigurationError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}") from error
