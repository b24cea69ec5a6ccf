"""Fixtures that many tests use: a running service, and clients that speak to it raw."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from held_services import broken_promises, hold_every_service
from http_peer import HttpPeer
from raw_service import Raw, RawStream, running_service
from websockets.asyncio.client import ClientConnection, connect

from secgemini import SecGemini, no_waiting
from secgemini.local.server import LocalService

hold_every_service()
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]  # every service of the tests is on loopback
# What a background job of a shell ignores, and one under nohup, its children would ignore too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that writes recordings anew, see recordings.py."""
    parser.addoption("--record", action="store_true", help="write the recordings of the contract suite anew")


@pytest.fixture(autouse=True)
def _every_answer_keeps_the_contract() -> Iterator[None]:
    """Fail a test that got an answer, a frame or an event from an embedded service that breaks the contract."""
    yield
    assert broken_promises() == []


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    """A scripted HTTP peer; what it says is set with `on`."""
    peer = HttpPeer()
    yield peer
    peer.close()


@pytest.fixture
def sg(peer: HttpPeer) -> Iterator[SecGemini]:
    """A client of the peer; its retries do not wait."""
    with SecGemini("SENTINEL-KEY", base_url=peer.url, proxy="") as client, no_waiting():
        yield client


@pytest.fixture
def service() -> Iterator[LocalService]:
    """A service in memory with an engine that echoes. An answer that breaks the contract fails the test."""
    with running_service() as running:
        yield running


@pytest.fixture
def http(service: LocalService) -> Iterator[Raw]:
    """An HTTP client with the service's key."""
    with Raw(service) as client:
        yield client


@pytest.fixture
async def open_stream(service: LocalService) -> AsyncIterator[Callable[..., Any]]:
    """Open streams to the service; they are closed when the test is over."""
    opened: list[ClientConnection] = []

    async def opener(session_id: str, *, of: LocalService | None = None, key: str = "", query: str = "") -> RawStream:
        target = of or service
        url = f"{target.websocket_url}/v1/stream?api_key={key or target.api_key}&session_id={session_id}{query}"
        opened.append(await connect(url, max_size=None))
        return RawStream(opened[-1])

    yield opener
    for socket in opened:
        await socket.close()
