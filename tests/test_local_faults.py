"""Faults on purpose: each does to a raw client what it says, and the same seed does the same."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from raw_service import Raw, RawStream, running_service
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus

from secgemini.errors import ConfigurationError
from secgemini.local.faults import Fault
from secgemini.local.server import LocalService


def test_a_status_comes_as_often_as_the_rule_says_and_does_nothing(service: LocalService, http: Raw) -> None:
    service.faults.set(Fault("register_session", "status", 503, times=2, retry_after=7))
    answers = [http.post("/v1/session/register", json={}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 422]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].headers["x-request-id"]
    assert http.get("/v1/session/list").json() == []


def test_a_reset_does_nothing_and_a_lost_answer_did_everything(service: LocalService, http: Raw) -> None:
    service.faults.set("register_session:reset,times=1", "register_session:lost,after=1,times=1")
    with pytest.raises(httpx.TransportError):
        http.register()
    assert http.get("/v1/session/list").json() == []
    with pytest.raises(httpx.TransportError):
        http.register()
    assert len(http.get("/v1/session/list").json()) == 1


def test_bodies_are_spoiled(service: LocalService, http: Raw) -> None:
    service.faults.set("get_health:truncate,times=1", "get_health:malform,after=1,times=1")
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/health")
    malformed = http.get("/health")
    assert malformed.status_code == 200
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated"):
        malformed.json()
    assert http.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("rule", ["get_health:status=503", Fault("get_health", "status", 503)])
def test_one_rule_needs_no_list(rule: Fault | str) -> None:
    with running_service(faults=rule) as service, Raw(service) as http:
        assert http.get("/health").status_code == 503


@pytest.mark.parametrize("rule", ["*:latency=0.2,times=1", "get_health:slow=0.2,times=1"])
def test_waiting(service: LocalService, http: Raw, rule: str) -> None:
    service.faults.set(rule)
    started = time.monotonic()
    assert http.get("/health").json()["status"] == "ok"
    assert time.monotonic() - started > 0.19


class TestWaitingIsDropped:
    """A request that a rule holds up ends when its service does, or what it was sent to: nothing of it comes later."""

    @pytest.fixture
    def held(self, service: LocalService, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
        """Send a request that will wait for an hour; yield its connection when the service has it."""
        arrived = threading.Event()
        strike = service.faults.strike

        def strike_and_tell(operation: str) -> list[Fault]:
            asyncio.get_running_loop().call_soon(arrived.set)  # the request waits before the loop comes to this
            return strike(operation)

        monkeypatch.setattr(service.faults, "strike", strike_and_tell)
        host, port = service.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            arrived.wait()
            yield connection

    @pytest.mark.parametrize("end", ["stop", "reset"])
    @pytest.mark.parametrize("service", ["get_health:latency=3600", "get_health:slow=36000"], indirect=True)
    def test_at_the_end(
        self, service: LocalService, held: socket.socket, end: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        getattr(service, end)()
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: held.recv(65536), b""))
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    @pytest.fixture
    def service(self, request: pytest.FixtureRequest) -> Iterator[LocalService]:
        with running_service(faults=request.param) as service:
            yield service


class TestEvents:
    """An answer of many parts is spoiled as a whole."""

    def events(self, service: LocalService, rule: str) -> str:
        service.faults.set(f"create_chat_completion:{rule}")
        body = {"model": "sec-gemini-stable", "messages": [{"role": "user", "content": "a b c"}], "stream": True}
        headers = {"authorization": f"Bearer {service.api_key}"}
        answer = httpx.post(f"{service.base_url}/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200
        return answer.text

    def test_slow_events_all_come(self, service: LocalService) -> None:
        events = self.events(service, "slow=0.05")
        assert events.count("data: ") > 2
        assert events.endswith("data: [DONE]\n\n")

    def test_malformed_events_break_off_as_if_they_were_whole(self, service: LocalService) -> None:
        events = self.events(service, "malform")
        assert events.startswith("data: {")
        assert not events.endswith("\n\n")

    @pytest.mark.parametrize("rule", ["truncate", "reset", "lost"])
    def test_cut_events_are_an_error(self, service: LocalService, rule: str) -> None:
        with pytest.raises(httpx.TransportError):
            self.events(service, rule)


@pytest.mark.parametrize("rule", ["reset", "lost", "truncate", "malform", "slow=0.01"])
def test_what_was_done_on_purpose_is_not_logged(rule: str, caplog: pytest.LogCaptureFixture) -> None:
    with running_service(faults=[f"get_health:{rule}"]) as service, Raw(service) as http, suppress(httpx.HTTPError):
        http.get("/health")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("rule", ["reset", "kill=1", "status=503"])
async def test_a_socket_that_was_cut_on_purpose_is_not_logged(
    rule: str, open_stream: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with running_service(faults=[f"stream:{rule}"]) as service, Raw(service) as http:
        with pytest.raises((ConnectionClosedError, InvalidHandshake)):  # noqa: PT012  # either cuts it somewhere
            stream: RawStream = await open_stream(http.register(), of=service)
            await stream.ask("x")
            await stream.next()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


class TestStream:
    async def test_the_socket_is_reset_instead_of_the_nth_frame(
        self, service: LocalService, http: Raw, open_stream: Any
    ) -> None:
        service.faults.set("stream:kill=2,times=1")
        session_id = http.register()
        first: RawStream = await open_stream(session_id)
        await first.ask("x")
        taken = await first.next()
        with pytest.raises(ConnectionClosedError) as cut:
            await first.next()
        assert cut.value.rcvd is None, "no closing handshake"
        second: RawStream = await open_stream(session_id)
        rest = await second.turn()
        assert [taken, *rest] == http.session(session_id)["messages"][1:]

    async def test_a_frame_comes_twice_or_late(self, service: LocalService, http: Raw, open_stream: Any) -> None:
        service.faults.set("stream:duplicate=1", "stream:delay=2,seconds=0.2")
        stream: RawStream = await open_stream(http.register())
        started = time.monotonic()
        await stream.ask("x")
        assert await stream.next() == await stream.next()
        await stream.next()
        assert time.monotonic() - started > 0.15

    async def test_several_frames_come_twice(self, service: LocalService, http: Raw, open_stream: Any) -> None:
        service.faults.set("stream:duplicate=1", "stream:duplicate=3")
        stream: RawStream = await open_stream(http.register())
        await stream.ask("x")
        first, second, third, fourth, fifth = [await stream.next() for _ in range(5)]
        assert (first, fourth) == (second, fifth)
        assert third not in (first, fourth)

    async def test_the_handshake_fails(self, service: LocalService, http: Raw, open_stream: Any) -> None:
        service.faults.set("stream:status=500,times=1")
        session_id = http.register()
        with pytest.raises(InvalidStatus) as refused:
            await open_stream(session_id)
        assert refused.value.response.status_code == 500
        assert await open_stream(session_id)


def test_the_same_seed_strikes_the_same_requests() -> None:
    def struck(seed: int) -> list[int]:
        rule = f"get_health:status=500,probability=0.5,seed={seed}"
        with running_service(faults=[rule]) as service, Raw(service) as http:
            return [http.get("/health").status_code for _ in range(20)]

    assert struck(1) == struck(1)
    assert {200, 500} == set(struck(1))
    assert struck(1) != struck(2)


def test_rules_are_read_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "rules"
    path.write_text("# every second one\nget_health:status=500,times=1\n\nget_root:status=404\n")
    with running_service(faults=[str(path)]) as service, Raw(service) as http:
        assert [http.get("/health").status_code for _ in range(2)] == [500, 200]
        assert http.get("/").status_code == 404


@pytest.mark.parametrize(
    "rule",
    [
        "generate",
        "generate:",
        "generate:status",
        "generate:status=200",
        "generate:status=5x",
        "generat:status=500",
        "generate:explode",
        "generate:kill=2",
        "stream:truncate",
        "generate:reset=5",
        "generate:latency=1,retry_after=5",
        "stream:kill=1,seconds=5",
        "stream:kill=0",
        "stream:duplicate=1.5",
        "generate:reset,probability=2",
        "generate:reset,often=1",
        "generate:status=inf",
        "generate:status=nan",
        "*:latency=inf",
        "*:latency=nan",
        "generate:status=503,retry_after=inf",
        "generate:status=503,retry_after=-1",
        "stream:delay=1,seconds=inf",
        "generate:reset,probability=nan",
        "generate:reset,times=1" + "0" * 400,
        ":reset",
        "/no/such/file",
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: str) -> None:
    with pytest.raises(ConfigurationError):
        LocalService(faults=[rule])


def test_a_rule_that_is_no_text_is_refused(service: LocalService) -> None:
    with pytest.raises(TypeError, match="a rule as text, not int"):
        service.faults.set(503)  # type: ignore[arg-type]


def test_a_rule_that_is_refused_is_quoted(tmp_path: Any) -> None:
    (tmp_path / "rules").write_text("get_health:status=500\nstream:lost\n")
    with pytest.raises(ConfigurationError, match="'stream:lost' means nothing: the fault 'lost' cannot happen"):
        LocalService(faults=str(tmp_path / "rules"))


def test_a_file_of_rules_that_is_no_text_is_refused(tmp_path: Any) -> None:
    (tmp_path / "rules").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="no text"):
        LocalService(faults=str(tmp_path / "rules"))
