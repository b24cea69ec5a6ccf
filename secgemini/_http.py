"""Builds the httpx clients: key, time-outs, limits, proxies, and our errors instead of httpx's.

Everything that can go wrong with one request is decided here, in `send`, so the generated endpoints (`sg.api`) behave
as the documented methods do. Retries are not here: see `_drive`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import httpx

from ._failures import from_httpx, from_response
from ._network import adeadline, deadline, guard
from ._proxies import httpx_proxy, proxy_for
from ._version import USER_AGENT, __version__
from .config import MIB, Config, Limits, Secret
from .errors import APIResponseError, APITimeoutError, ConfigurationError, SecGeminiError
from .redact import guard_logs

TOTAL = "secgemini.total"  # request extension: seconds for the attempt as a whole
_IDLE = 4.0  # seconds that an unused connection is kept: uvicorn hangs up after 5, and not in the middle of a request
_ENCODINGS = {"", "identity", "gzip", "deflate"}


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """What the service said around an answer: see `SecGemini.responses`.

    `operation` is the method and path, `elapsed` the seconds until the answer was read, `request_id` "" when none came.
    """

    operation: str
    status_code: int
    headers: Mapping[str, str]
    request_id: str
    elapsed: float


seen_responses: ContextVar[list[ResponseInfo] | None] = ContextVar("seen_responses", default=None)


class _KeyAuth(httpx.Auth):
    """Adds the key for the configured origins, as the operation needs it, and for no other origin."""

    def __init__(self, config: Config) -> None:
        self._key = config.api_key
        self._origins = {origin(url) for url in (config.base_url, config.logs_url) if url}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        url = request.url
        if (url.scheme, url.host, url.port or _PORTS.get(url.scheme)) in self._origins:
            if url.path.endswith("/chat/completions"):
                request.headers["authorization"] = "Bearer " + self._key.reveal()
            else:
                request.headers["x-api-key"] = self._key.reveal()
        yield request


_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


class _Body:
    """Collects an answer's decoded body within the limits."""

    def __init__(self, response: httpx.Response, limits: Limits) -> None:
        self._response = response
        self._limits = limits
        self._data = bytearray()  # no list of parts: a hostile service sends a byte in each
        encoding = response.headers.get("content-encoding", "").lower()
        if encoding not in _ENCODINGS:
            raise self._refusal(f"the answer is compressed as {encoding[:40]!r}, which was not asked for")
        length = response.headers.get("content-length", "")
        is_known = length.isdecimal()
        if is_known and int(length) > limits.max_response_bytes:
            raise self._too_large(f"{length} bytes")
        self.is_bounded = is_known and encoding in ("", "identity")

    def add(self, part: bytes) -> None:
        self._data += part
        size, received = len(self._data), max(self._response.num_bytes_downloaded, 1)
        if size > self._limits.max_response_bytes:
            raise self._too_large("more")
        if size > MIB and size / received > self._limits.max_decompression_ratio:
            raise self._refusal(
                f"the answer unpacks to more than {self._limits.max_decompression_ratio:g} times its size",
                "a decompression bomb, or raise Limits.max_decompression_ratio",
            )

    def response(self, request: httpx.Request) -> httpx.Response:
        headers = [
            (k, v) for k, v in self._response.headers.raw if k.lower() not in (b"content-encoding", b"content-length")
        ]
        return httpx.Response(self._response.status_code, headers=headers, content=bytes(self._data), request=request)

    def _too_large(self, size: str) -> APIResponseError:
        limit = self._limits.max_response_bytes
        return self._refusal(
            f"the answer has {size}, the limit is {limit} bytes", "Limits(max_response_bytes=…) sets it"
        )

    def _refusal(self, text: str, hint: str = "") -> APIResponseError:
        request, status = self._response.request, self._response.status_code
        operation = f"{request.method} {request.url.path}"
        return APIResponseError(f"{operation}: {text}", operation=operation, status_code=status, hint=hint)


class _NoCookies(httpx.Cookies):
    """A jar that stays empty: the service has no use for them, and looking for them costs more than our own checks."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them."""


class _Client(httpx.Client):
    """An httpx client whose `send` keeps our limits and raises our errors."""

    def __init__(self, connections: Connections, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections = connections
        self._cookies = _NoCookies()

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        start = time.monotonic()
        total = request.extensions.get(TOTAL, self._connections.total)
        try:
            with deadline(total):
                response = super().send(request, stream=True, **options)
                try:
                    body = _Body(response, self._connections.config.limits)
                    if body.is_bounded:
                        response.read()
                    else:
                        for part in response.iter_bytes():
                            body.add(part)
                        response = body.response(request)
                finally:
                    response.close()
            return self._connections.finish(request, response, start)
        except (httpx.HTTPError, ssl.SSLError) as error:  # a TLS alert after the handshake comes through as it is
            failure = from_httpx(error, request, self._connections.config)
        raise failure  # out here, so that httpx's error, whose frames hold the headers, is no context


class _AsyncClient(httpx.AsyncClient):
    """The same over asyncio. Cancelling closes the connection that the request was on."""

    def __init__(self, connections: Connections, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections = connections
        self._cookies = _NoCookies()

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        start = time.monotonic()
        total = request.extensions.get(TOTAL, self._connections.total)
        failure: SecGeminiError
        try:
            async with adeadline(total):
                response = await super().send(request, stream=True, **options)
                try:
                    body = _Body(response, self._connections.config.limits)
                    if body.is_bounded:
                        await response.aread()
                    else:
                        async for part in response.aiter_bytes():
                            body.add(part)
                        await response.aclose()
                        response = body.response(request)
                finally:
                    await response.aclose()
            return self._connections.finish(request, response, start)
        except (httpx.HTTPError, ssl.SSLError) as error:  # a TLS alert after the handshake comes through as it is
            failure = from_httpx(error, request, self._connections.config)
        except TimeoutError:
            operation = f"{request.method} {request.url.path}"
            failure = APITimeoutError(f"{operation} took more than {total:g} s in all", operation=operation)
        raise failure


class Connections:
    """The sockets of a client: one httpx client for all threads, and one for each running event loop.

    A forked child gets its own; an event loop that ends closes its own (through an async generator that the loop shuts
    down), so two `asyncio.run` in a row work. Clients made by `with_options` share one `Connections`.
    """

    def __init__(self, config: Config) -> None:
        config.check_complete()
        self.config = config
        guard_logs(config.api_key)
        self._lock = threading.Lock()
        self._ssl: ssl.SSLContext | None = None
        self._passwords: list[Secret] = []
        self._urls: dict[str, httpx.URL] = {}
        self._sync: _Client | None = None
        self._async: dict[asyncio.AbstractEventLoop, tuple[_AsyncClient, AsyncGenerator[None, None]]] = {}
        self._pid = os.getpid()
        self._left_to_parent: list[object] = []
        self._closed = False

    @property
    def total(self) -> float | None:
        """Return the seconds for one attempt as a whole, None for no bound."""
        return self.config.timeout.total if self.config.timeout else None

    def url(self, address: str) -> httpx.URL:
        """Return an address parsed; there are as many as operations, and httpx would parse and join it each time."""
        parsed = self._urls.get(address)
        if parsed is None:
            parsed = self._urls[address] = httpx.URL(address)
        return parsed

    def sync_client(self) -> _Client:
        """Return the one client for all threads of this process, made at its first use."""
        client = self._sync
        if client is None or self._pid != os.getpid():
            with self._lock:
                self._renew_after_fork()
                if self._sync is None:
                    self._check_open()
                    self._sync = _Client(self, **self._settings(httpx.HTTPTransport))
                client = self._sync
        return client

    async def async_client(self) -> _AsyncClient:
        """Return the client of the running event loop, made at its first use and closed when the loop ends."""
        loop = asyncio.get_running_loop()
        held = self._async.get(loop)
        if held is None or self._pid != os.getpid():
            held = self._async_for(loop)
            await anext(held[1])
        return held[0]

    def async_client_now(self) -> _AsyncClient:
        """Return the running loop's client for code that cannot await (the generated endpoints)."""
        loop = asyncio.get_running_loop()
        held = self._async.get(loop)
        if held is None or self._pid != os.getpid():
            held = self._async_for(loop)
            loop.create_task(_start(held[1]))  # noqa: RUF006  # the loop holds it until it ran once
        return held[0]

    def _async_for(self, loop: asyncio.AbstractEventLoop) -> tuple[_AsyncClient, AsyncGenerator[None, None]]:
        with self._lock:
            self._renew_after_fork()
        self._check_open()
        client = _AsyncClient(self, **self._settings(httpx.AsyncHTTPTransport))
        self._async[loop] = held = client, self._close_with_loop(loop, client)
        return held

    async def _close_with_loop(
        self, loop: asyncio.AbstractEventLoop, client: _AsyncClient
    ) -> AsyncGenerator[None, None]:
        """Close a loop's client when the loop ends: it closes its started async generators before itself."""
        try:
            yield
        finally:
            self._async.pop(loop, None)
            await client.aclose()

    def ssl_context(self) -> ssl.SSLContext:
        """Return the one TLS context of HTTP and WebSocket; made at its first use, which reads the CA files."""
        if self._ssl is None:
            self._ssl = make_ssl_context(self.config)
        return self._ssl

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy for an address, by the setting or the environment, None for a direct connection."""
        proxy = proxy_for(url, self.config.proxy)
        password = unquote(urlsplit(proxy).password or "") if proxy else ""
        if password and Secret(password) not in self._passwords:
            self._passwords.append(Secret(password))
            guard_logs(self._passwords[-1])  # httpcore logs what it says to a SOCKS proxy
        return proxy

    def finish(self, request: httpx.Request, response: httpx.Response, start: float) -> httpx.Response:
        """Note the answer for whoever looks, and raise our error when it is one."""
        seen = seen_responses.get()
        if seen is not None:
            headers = dict(response.headers)
            seen.append(
                ResponseInfo(
                    operation=f"{request.method} {request.url.path}",
                    status_code=response.status_code,
                    headers=headers,
                    request_id=headers.get("x-request-id", ""),
                    elapsed=time.monotonic() - start,
                )
            )
        if response.status_code >= 300:
            raise from_response(response, self.config)
        return response

    def close(self) -> None:
        """Close the sockets of this process that no event loop owns. Running loops close theirs when they end."""
        with self._lock:
            client, self._sync, self._closed = self._sync, None, True
        if client is not None and self._pid == os.getpid():
            client.close()

    async def aclose(self) -> None:
        """Close the running loop's sockets and those of no loop."""
        self.close()
        held = self._async.get(asyncio.get_running_loop())
        if held is not None:
            await held[1].aclose()
            await held[0].aclose()
            self._async.pop(asyncio.get_running_loop(), None)

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError("this client is closed", hint="make a new one, or leave its `with` block later")

    def _renew_after_fork(self) -> None:
        if self._pid != os.getpid():  # the parent's sockets must neither be used nor closed here
            self._left_to_parent += [self._sync, self._async]
            self._sync, self._async, self._pid = None, {}, os.getpid()

    def _settings(self, transport: Any) -> dict[str, Any]:
        config = self.config
        timeout = config.timeout
        limits = httpx.Limits(
            max_connections=config.limits.max_connections, max_keepalive_connections=20, keepalive_expiry=_IDLE
        )

        def make(proxy: str | None) -> Any:
            context = self.ssl_context()
            via = httpx_proxy(proxy, context) if proxy else None
            return guard(transport(verify=context, limits=limits, proxy=via, trust_env=False))

        mounts = {}
        for url in filter(None, (config.base_url, config.logs_url)):
            proxy = self.proxy_for(url)
            if proxy is not None:
                scheme, host, port = origin(url)
                bare = f"[{host}]" if ":" in host else host
                mounts[f"{scheme}://{bare}:{port}" if port != _PORTS[scheme] else f"{scheme}://{bare}"] = make(proxy)
        return {
            "base_url": config.base_url,
            "auth": _KeyAuth(config),
            "headers": {
                "user-agent": USER_AGENT,
                "accept-encoding": "gzip, deflate",
                "x-sdk": "python",
                "x-sdk-version": __version__,
                **config.headers,
            },
            "timeout": httpx.Timeout(timeout.read if timeout else 90.0, connect=timeout.connect if timeout else 10.0),
            "transport": make(None),
            "mounts": mounts,
            "trust_env": False,
            "follow_redirects": False,
        }


async def _start(closer: AsyncGenerator[None, None]) -> None:
    await anext(closer)


def make_ssl_context(config: Config) -> ssl.SSLContext:
    """Return the TLS context that the settings ask for.

    Raises:
        ConfigurationError: a CA file that cannot be read.
    """
    verify = config.verify
    if isinstance(verify, ssl.SSLContext):
        return verify
    addresses = (config.base_url, config.websocket_url, config.logs_url, config.proxy or "")
    if verify is True and not any(address.startswith(("https:", "wss:")) for address in addresses) and not getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing to verify, and no CA file to read; trusts nobody
    if verify == "system":
        return ssl.create_default_context()
    if not isinstance(verify, str):
        return httpx.create_ssl_context(verify=verify)
    try:
        if os.path.isdir(verify):
            return ssl.create_default_context(capath=verify)
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"verify={verify!r} is no file of CA certificates: {error}") from None
