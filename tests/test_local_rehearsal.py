"""The service as a test double: what it was asked, the same answers again, and a way back."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
from closed_port import closed_port
from raw_service import Raw, RawStream, running_service

from secgemini.local.clock import SEEDED_START, Clock
from secgemini.local.server import LocalService

pytest_plugins = ["pytester"]


def strip_logs(http: Raw) -> None:
    http.post("/create_logs_table", params={"logs_hash": "h", "can_log": "true"})
    http.post("/upload_logs", json={"logs_hash": "h", "can_log": True, "log_lines": ["a line\n"]})


def test_seeded_services_answer_alike() -> None:
    def conversation() -> dict[str, Any]:
        with running_service(seed=7) as service, Raw(service) as http:
            session_id = http.register(id="s")
            prompt = {"message_type": "query", "content": "hello there"}
            http.post("/v1/session/generate", json={"id": session_id, "messages": [prompt]})
            return http.session(session_id)

    first = conversation()
    assert first == conversation()
    assert len({message["id"] for message in first["messages"]}) == 4
    times = [message["created_at"] for message in first["messages"]]
    assert times == sorted(set(times))


def test_a_seeded_service_goes_on_with_a_database_and_repeats_no_id(tmp_path: Path) -> None:
    def conversation(path: Path) -> list[dict[str, Any]]:
        for number in range(3):
            with running_service(path=path, seed=7, key="k") as service, Raw(service) as http:
                if number == 0:
                    http.register(id="s", ttl=300)
                answer = http.ask("s", f"prompt {number}", id=f"p{number}")
                assert answer["status_code"] == 200
                service.clock.advance(50)
                messages: list[dict[str, Any]] = http.session("s")["messages"]
        return messages

    first = conversation(tmp_path / "a.db")
    assert len({message["id"] for message in first}) == len(first) == 12
    times = [message["created_at"] for message in first]
    assert times == sorted(set(times))
    assert conversation(tmp_path / "b.db") == first


@pytest.mark.parametrize("mode", ["memory", "file"])
def test_a_snapshot_brings_everything_back(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "s.db" if mode == "file" else None
    with running_service(path=path, seed=1) as service, Raw(service) as http:
        kept = http.register()
        http.ask(kept, "before")
        strip_logs(http)
        before, snapshot = http.session(kept), service.snapshot()
        http.ask(kept, "after")
        new = http.register()
        service.clock.advance(1000)
        service.restore(snapshot)
        assert http.session(kept) == before
        assert http.get("/v1/session/get", params={"session_id": new}).status_code == 404
        assert http.ask(kept, "and on")["status_code"] == 200
        service.reset()
        assert http.get("/v1/session/list").json() == []
        assert service.clock.peek() < before["create_time"] + 1
        strip_logs(http)
    if path is not None:
        with running_service(path=path):
            pass


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_a_clock_takes_no_step_that_time_cannot_take(seconds: float) -> None:
    clock = Clock(seeded=True)
    with pytest.raises(ValueError, match=f"not by {seconds}"):
        clock.advance(seconds)
    assert clock.peek() == SEEDED_START


async def test_a_reset_ends_running_turns(open_stream: Any) -> None:
    with running_service() as service, Raw(service) as http:
        session_id = http.register()
        stream: RawStream = await open_stream(session_id, of=service)
        await stream.ask("x")
        await stream.turn()
        service.reset()
        await stream.ask("y")
        assert (await stream.turn())[0]["status_code"] == 404


async def test_the_service_says_what_it_was_asked(service: LocalService, http: Raw, open_stream: Any) -> None:
    session_id = http.register(name="n")
    http.get("/nothing", params={"q": "1", "api_key": service.api_key})
    http.post("/v1/session/update", content=b"{", headers={"content-type": "application/json"})
    stream: RawStream = await open_stream(session_id)
    await stream.ask("hello")
    await stream.turn()
    registered, lost, broken, asked = service.requests
    assert (registered.operation, registered.method, registered.status) == ("register_session", "POST", 200)
    assert registered.body is not None
    assert registered.body["name"] == "n"
    assert (lost.operation, lost.path, lost.query, lost.status) == ("", "/nothing", {"q": "1"}, 404)
    assert (broken.operation, broken.body, broken.status) == ("update_session", None, 400)
    assert asked.operation == "stream"
    assert asked.body is not None
    assert asked.body["content"] == "hello"
    assert service.api_key not in repr(service.requests)


def test_the_plugin_gives_each_test_a_new_service(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nsecgemini_engine = raw_service:EchoEngine\nasyncio_default_fixture_loop_scope = function"
    )
    pytester.makepyfile(
        """
        import os, httpx

        def test_one(secgemini_local):
            url = os.environ["SEC_GEMINI_API_HTTP_URL"]
            assert url == secgemini_local.base_url
            secgemini_local.faults.set("get_health:status=500")
            assert httpx.get(url + "/health").status_code == 500
            secgemini_local.clock.advance(1000)

        def test_two(secgemini_local):
            assert httpx.get(secgemini_local.base_url + "/health").status_code == 200
            (request,) = secgemini_local.requests
            assert request.operation == "get_health"
            assert secgemini_local.clock.peek() < 1_760_000_001
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2)


INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_mode = auto"


def test_a_proxy_of_the_environment_is_kept_away_from_the_service(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    pytester.makeini(INI)
    pytester.makepyfile(
        """
        import os
        from secgemini import AsyncSecGemini, SecGemini

        def test_sync(secgemini_local):
            with SecGemini() as sg:
                assert sg.create_session().query("hello").output_text
            assert os.environ["no_proxy"].startswith("internal.example,")

        async def test_async(secgemini_local):
            async with AsyncSecGemini() as sg:
                messages = [m async for m in (await sg.create_session()).stream("hello")]
            assert messages[-1].state == "end"
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2)


def test_without_the_packages_of_the_service_the_fixture_says_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "secgemini.local.server", None)
    pytester.makeini(INI)
    pytester.makepyfile("def test_one(secgemini_local):\n    pass\n\ndef test_none():\n    pass")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("*ConfigurationError: *pip install 'secgemini[[]local]'*")
