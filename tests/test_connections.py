"""What becomes of a connection: redirects, keep-alive, one that goes while it is idle."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
from collections.abc import Iterator

import pytest
from http_peer import OK, HttpPeer, answer
from proxies import HttpProxy, Relay, SocksProxy, TlsFront
from secgemini_api.models import PublicSession
from transport_world import WAYS, Settings, Way, World, plain, running_world, with_tls
from wire import USER_INFO, session

from secgemini import APIResponseError, AsyncSecGemini, SecGemini, no_waiting
from secgemini.session import AsyncInteractiveSession, InteractiveSession


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("certificates")) as running:
        yield running


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", WAYS)
def test_no_redirect_carries_the_key_to_another_origin(way: Way, status: int) -> None:
    other, peer = HttpPeer(), HttpPeer()
    target = {"location": f"{other.url}/v1/user/info?stolen=1"}
    for operation in ("GET /v1/user/info", "GET /v1/stream"):
        peer.on(operation, answer(b"", status, target))
    try:
        with pytest.raises(APIResponseError, match=str(status)), no_waiting():
            way({"base_url": peer.url, "proxy": ""})
        assert len(peer.heard) == 1, "an answer outside the contract is not asked for again"
        assert other.heard == []
    finally:
        peer.close()
        other.close()


def is_kept_alive(raw: socket.socket) -> bool:
    after_a_minute = (
        not hasattr(socket, "TCP_KEEPIDLE") or raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
    )
    return raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1 and after_a_minute


def _pooled(client: object, proxied: bool) -> socket.socket:
    """Return the socket of the one connection that an httpx client holds."""
    mounts = [t for t in client._mounts.values() if t is not None]  # type: ignore[attr-defined]
    transport = mounts[0] if proxied else client._transport  # type: ignore[attr-defined]
    connection = transport._pool.connections[0]
    while not hasattr(connection, "_network_stream"):
        connection = connection._connection
    raw: socket.socket = connection._network_stream.get_extra_info("socket")
    return raw


def _hear_goodbye(client: object, proxied: bool = False) -> None:
    """Wait until the end of the connection that an httpx client holds has come to it."""
    heard, _, _ = select.select([_pooled(client, proxied)], [], [], 20)
    assert heard, "the connection is still open"


ROADS = {
    "plain": plain(),
    "TLS": with_tls(),
    "proxy": with_tls(proxy=lambda w: w.proxy("http")),
    "socks": with_tls(proxy=lambda w: w.proxy("socks")),
}


@pytest.mark.parametrize("road", ROADS)
def test_every_socket_keeps_alive(world: World, road: str) -> None:
    settings = ROADS[road](world)
    proxied = "proxy" in settings
    with SecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
        sg.user_info()
        assert is_kept_alive(_pooled(sg._driver.connections.sync_client(), proxied))

    async def asynchronously() -> None:
        async with AsyncSecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            await sg.user_info()
            assert is_kept_alive(_pooled(await sg._driver.connections.async_client(), proxied))
            mine = AsyncInteractiveSession(sg._driver, PublicSession.from_dict(session("unknown")))
            async with mine.stream("hello") as stream:
                connection = stream._driver._connection
                assert connection is not None
                assert is_kept_alive(connection.transport.get_extra_info("socket"))

    asyncio.run(asynchronously())


class Sleepy(HttpPeer):
    """A peer that keeps connections, and hangs up on one that is idle when it is told to."""

    def _serve(self, connection: socket.socket) -> None:
        raw = connection
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        self.idle = connection
        with connection:
            connection.settimeout(20)
            while (request := self._read(connection)) is not None:
                self.heard.append(request)
                body = USER_INFO if request.path == "/v1/user/info" else OK
                connection.sendall(answer(body, headers={"connection": "keep-alive"}))
        raw.close()

    def hang_up(self) -> None:
        """Say goodbye on the connection that is open."""
        self.idle.shutdown(socket.SHUT_WR) if self.tls is None else self.idle.close()


@pytest.mark.parametrize("asks", ["sync", "async"])
def test_a_connection_that_went_while_it_was_idle_fails_no_call(asks: str) -> None:
    peer = Sleepy()
    settings: Settings = {"base_url": peer.url, "proxy": "", "max_retries": 0}

    async def asynchronously() -> None:
        async with AsyncSecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            mine = AsyncInteractiveSession(sg._driver, PublicSession.from_dict(session()))
            for _ in range(20):
                await sg.user_info()
                peer.hang_up()
                _hear_goodbye(await sg._driver.connections.async_client())
                await mine.send_feedback(1)

    def synchronously() -> None:
        with SecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            mine = InteractiveSession(sg._driver, PublicSession.from_dict(session()))
            for _ in range(20):
                sg.user_info()
                peer.hang_up()
                _hear_goodbye(sg._driver.connections.sync_client())
                mine.send_feedback(1)

    asyncio.run(asynchronously()) if asks == "async" else synchronously()
    assert peer.count("POST /v1/session/feedback") == 20
    peer.close()


@pytest.mark.parametrize("road", ["TLS", "proxy and TLS", "socks"])
def test_nor_does_one_behind_tls_or_a_proxy(world: World, road: str) -> None:
    front = TlsFront(world.certificates.server(), int(world.plain.base_url.rpartition(":")[2]))
    relay: Relay = {"proxy and TLS": HttpProxy, "socks": SocksProxy}.get(road, lambda: front)()
    service = f"https://localhost:{front.port}" if "TLS" in road else world.url(world.plain)
    proxy = getattr(relay, "url", "")
    settings: Settings = {"base_url": service, "verify": world.certificates.ca, "proxy": proxy, "max_retries": 0}

    async def asynchronously() -> None:
        async with AsyncSecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
            mine = await sg.create_session()
            for _ in range(5):
                relay.hang_up()
                _hear_goodbye(await sg._driver.connections.async_client(), bool(proxy))
                await mine.send_feedback(1)
            await mine.delete()

    with SecGemini("the-key", **settings) as sg:  # type: ignore[arg-type]
        mine = sg.create_session()
        for _ in range(5):
            relay.hang_up()
            _hear_goodbye(sg._driver.connections.sync_client(), bool(proxy))
            mine.send_feedback(1)
        mine.delete()
    asyncio.run(asynchronously())
    relay.close()
    if relay is not front:
        front.close()


def test_cookies_are_left_where_they_are() -> None:
    peer = HttpPeer().on("GET /v1/user/info", answer(USER_INFO, headers={"set-cookie": "who=me; Path=/"}))
    with SecGemini("the-key", base_url=peer.url, proxy="") as sg:
        sg.user_info()
        sg.user_info()
    assert [heard.headers.get("cookie") for heard in peer.heard] == [None, None]
    peer.close()


@pytest.mark.parametrize("road", ROADS)
def test_a_loop_closed_without_a_goodbye_takes_its_sockets_with_it(world: World, road: str) -> None:
    settings = ROADS[road](world)
    sg = AsyncSecGemini("the-key", **settings)  # type: ignore[arg-type]
    connections = sg._driver.connections

    def ask_and_close() -> socket.socket:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(sg.user_info())
        held = _pooled(connections._async[loop][0], "proxy" in settings)
        loop.close()
        return held

    first, second = ask_and_close(), ask_and_close()
    assert (first.fileno(), len(connections._async)) == (-1, 1)
    asyncio.run(sg.aclose())
    assert (second.fileno(), len(connections._async)) == (-1, 0)
    gc.collect()  # a socket that was closed by nobody but this would warn
