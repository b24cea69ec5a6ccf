"""Builds the httpx clients: key, time-outs, limits, proxies, and our errors instead of httpx's.

Everything that can go wrong with one request is decided here, in `send`, so the generated endpoints (`sg.api`) behave
as the documented methods do. Retries are not here: see `_drive`.
"""

from __future__ import annotations

import asyncio
import copy
import os
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from ._answer import Body
from ._failures import from_httpx, from_response
from ._forks import renew_lock_after_fork
from ._network import abandon, adeadline, deadline, guard, make_ssl_context
from ._proxies import httpx_proxy, proxy_for
from ._version import USER_AGENT, __version__
from .config import Config, Secret, Timeout, without_userinfo
from .errors import APITimeoutError, ConfigurationError, SecGeminiError
from .redact import guard_logs

TOTAL = "secgemini.total"  # request extension: seconds for the attempt as a whole
_IDLE = 4.0  # seconds that an unused connection is kept: uvicorn hangs up after 5, and not in the middle of a request
_PATIENCE = httpx.Timeout(90.0, connect=10.0)  # without a setting


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
        self._origins = {origin(parse(url)) for url in (config.base_url, config.logs_url) if url}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if origin(request.url) in self._origins:
            if request.url.path.endswith("/chat/completions"):
                request.headers["authorization"] = "Bearer " + self._key.reveal()
            else:
                request.headers["x-api-key"] = self._key.reveal()
        yield request


_PORTS = {"http": 80, "https": 443}


def parse(address: str) -> httpx.URL:
    """Return an address parsed. Raises: ConfigurationError when httpx takes it for none."""
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{address!r} is no address: {error}", hint="see base_url and logs_url") from None


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)


def _seconds(timeout: Timeout | None) -> httpx.Timeout:
    return httpx.Timeout(timeout.read, connect=timeout.connect) if timeout else _PATIENCE


class _NoCookies(httpx.Cookies):
    """A jar that stays empty: the service has no use for them, and looking for them costs more than our own checks."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them."""


class _Client(httpx.Client):
    """An httpx client whose `send` keeps our limits and raises our errors."""

    def __init__(self, connections: Connections, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections = connections
        self._total = connections.total
        self._cookies = _NoCookies()

    def lent(self, base_url: str, timeout: Timeout | None) -> _Client:
        """Return a client with an address and time-outs of its own over the same sockets."""
        other = copy.copy(self)
        other.base_url, other.timeout = parse(base_url), _seconds(timeout)
        other._total = timeout.total if timeout else None
        return other

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        start = time.monotonic()
        total = request.extensions.get(TOTAL, self._total)
        try:
            with deadline(total):
                response = super().send(request, stream=True, **options)
                try:
                    body = Body(response, self._connections.config.limits)
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
            failure = from_httpx(error, request, self._connections.config, self._connections.via(request.url))
        raise failure  # out here, so that httpx's error, whose frames hold the headers, is no context


class _AsyncClient(httpx.AsyncClient):
    """The same over asyncio. Cancelling closes the connection that the request was on."""

    def __init__(self, connections: Connections, **settings: Any) -> None:
        super().__init__(**settings)
        self._connections = connections
        self._total = connections.total
        self._cookies = _NoCookies()

    def lent(self, base_url: str, timeout: Timeout | None) -> _AsyncClient:
        """Return a client with an address and time-outs of its own over the same sockets."""
        other = copy.copy(self)
        other.base_url, other.timeout = parse(base_url), _seconds(timeout)
        other._total = timeout.total if timeout else None
        return other

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        start = time.monotonic()
        total = request.extensions.get(TOTAL, self._total)
        failure: SecGeminiError
        bound = adeadline(total)
        try:
            async with bound:
                response = await super().send(request, stream=True, **options)
                try:
                    body = Body(response, self._connections.config.limits)
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
            failure = from_httpx(error, request, self._connections.config, self._connections.via(request.url))
        except TimeoutError:
            if not bound.is_over:  # the caller's file, on a disk that is far away
                raise
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
        renew_lock_after_fork(self)
        self._ssl: ssl.SSLContext | None = None
        self._passwords: list[Secret] = []
        self._urls: dict[str, httpx.URL] = {}
        self._via: dict[tuple[str, str, int | None], str] = {}
        self._sync: _Client | None = None
        self._async: dict[asyncio.AbstractEventLoop, tuple[_AsyncClient, AsyncGenerator[None, None]]] = {}
        self._pid = os.getpid()
        self._left_to_parent: list[object] = []
        self.unfinished_logs: dict[str, None] = {}  # an ordered set of hashes: see `_logs`
        self._closed = False

    @property
    def total(self) -> float | None:
        """Return the seconds for one attempt as a whole, None for no bound."""
        return self.config.timeout.total if self.config.timeout else None

    def url(self, address: str) -> httpx.URL:
        """Return an address parsed; there are as many as operations, and httpx would parse and join it each time."""
        parsed = self._urls.get(address)
        if parsed is None:
            parsed = self._urls[address] = parse(address)
        return parsed

    def via(self, url: httpx.URL) -> str:
        """Return the proxy that requests to an address take, without its password; "" for none."""
        return self._via.get(origin(url), "")

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
            self._drop_closed_loops()
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
            self._renew_after_fork()
            self._drop_closed_loops()
            client, self._sync, self._closed = self._sync, None, True
        if client is not None:
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

    def _drop_closed_loops(self) -> None:
        """Close the sockets of loops that were closed without a goodbye to their async generators."""
        for loop, (client, _) in list(self._async.items()):
            if loop.is_closed():
                del self._async[loop]
                for transport in filter(None, (client._transport, *client._mounts.values())):
                    abandon(transport)

    def _settings(self, transport: Any) -> dict[str, Any]:
        config = self.config
        limits = httpx.Limits(
            max_connections=config.limits.max_connections, max_keepalive_connections=20, keepalive_expiry=_IDLE
        )

        def make(proxy: str | None) -> Any:
            context = self.ssl_context()
            via = httpx_proxy(proxy, context) if proxy else None
            return guard(transport(verify=context, limits=limits, proxy=via, trust_env=False))

        mounts = {}
        for address in filter(None, (config.base_url, config.logs_url)):
            proxy = self.proxy_for(address)
            if proxy is not None:
                scheme, host, port = place = origin(parse(address))
                self._via[place] = without_userinfo(proxy)
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
            "timeout": _seconds(config.timeout),
            "transport": make(None),
            "mounts": mounts,
            "trust_env": False,
            "follow_redirects": False,
        }


async def _start(closer: AsyncGenerator[None, None]) -> None:
    await anext(closer)
