"""Two services, every kind of proxy in front of them, and the four ways to ask: HTTP and WebSocket, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from certificates import Certificates
from proxies import HttpProxy, Relay, SocksProxy, TlsFront
from raw_service import EchoEngine
from secgemini_api.models import PublicSession
from wire import session

from secgemini import AsyncSecGemini, SecGemini
from secgemini.local.server import LocalService
from secgemini.session import AsyncInteractiveSession, InteractiveSession

Settings = dict[str, object]


@dataclass
class World:
    """Two services, plain and with TLS, and every kind of proxy in front of them."""

    certificates: Certificates
    plain: LocalService
    tls: LocalService
    proxies: dict[str, Relay] = field(default_factory=dict)

    def url(self, service: LocalService, host: str = "localhost") -> str:
        scheme, _, rest = service.base_url.partition("://")
        return f"{scheme}://{host}:{rest.rpartition(':')[2]}"

    def proxy(self, name: str, credentials: str = "") -> str:
        """Return the address of a proxy, with other credentials than its own when some are given."""
        relay = self.proxies[name]
        assert isinstance(relay, HttpProxy | SocksProxy)
        scheme, _, place = relay.url.partition("://")
        return f"{scheme}://{credentials}@{place.rpartition('@')[2]}" if credentials else relay.url

    def seen(self) -> list[str]:
        """Return what the proxies were asked for since the last time."""
        found = [f"{name}: {entry}" for name, relay in self.proxies.items() for entry in relay.seen]
        for relay in self.proxies.values():
            relay.seen.clear()
        return found


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """Run it all; certificates are written to the folder."""
    certificates = Certificates(folder)
    shared = {"engine": EchoEngine(), "key": "the-key", "allow_hosts": ["secgemini.test"]}
    with (
        LocalService(**shared) as plain,  # type: ignore[arg-type]
        LocalService(tls_cert=certificates.cert, tls_key=certificates.key, **shared) as tls,  # type: ignore[arg-type]
    ):
        proxies = {
            "http": HttpProxy(),
            "http with password": HttpProxy(credentials="ann:secret"),
            "https": HttpProxy(certificates.server()),
            "socks": SocksProxy(),
            "socks with password": SocksProxy("ann:secret"),
            "mutual": TlsFront(certificates.server(asks_client=True), int(plain.base_url.rpartition(":")[2])),
        }
        yield World(certificates, plain, tls, proxies)
        for relay in proxies.values():
            relay.close()


# -- the four ways -----------------------------------------------------------------------------------------------


def sync_http(settings: Settings) -> str:
    with SecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
        return sg.user_info().user.type_


def async_http(settings: Settings) -> str:
    async def ask() -> str:
        async with AsyncSecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            return (await sg.user_info()).user.type_

    return asyncio.run(ask())


def sync_websocket(settings: Settings) -> str:
    with SecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
        mine = InteractiveSession(sg._driver, PublicSession.from_dict(session("unknown")))
        with mine.stream_sync("hello") as stream:
            return next(stream).status_message


def async_websocket(settings: Settings) -> str:
    async def ask() -> str:
        async with AsyncSecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            mine = AsyncInteractiveSession(sg._driver, PublicSession.from_dict(session("unknown")))
            async with mine.stream("hello") as stream:
                return (await anext(stream)).status_message

    return asyncio.run(ask())


GOOD = {"user", "Session not found"}  # what a service that was reached says to each of them
HTTP, WEBSOCKET = [sync_http, async_http], [sync_websocket, async_websocket]
WAYS = [*HTTP, *WEBSOCKET]
Way = Callable[[Settings], str]


# -- settings of clients -----------------------------------------------------------------------------------------


def plain(**more: Callable[[World], object]) -> Callable[[World], Settings]:
    return lambda w: {"base_url": w.url(w.plain), **{name: value(w) for name, value in more.items()}}


def with_tls(**more: Callable[[World], object]) -> Callable[[World], Settings]:
    trusting = {"verify": lambda w: w.certificates.ca, **more}
    return lambda w: {"base_url": w.url(w.tls), **{name: value(w) for name, value in trusting.items()}}
