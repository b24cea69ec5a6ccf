"""What the service keeps in a file, whatever happens to its process."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from loop_clock import skip
from raw_service import EchoEngine, Raw, RawStream, running_service, session_body

from secgemini.errors import ConfigurationError
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService
from secgemini.local.store import Store

KEY = "a-key-of-the-tests"
MODEL = "raw_service:EchoEngine"


@contextmanager
def serving(database: Path, engine: str = MODEL) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `secgemini serve` as a process; yield it and its address."""
    command = [sys.executable, str(Path(__file__).with_name("checked_serve.py")), "serve", "--db", str(database)]
    environment = os.environ | {"SEC_GEMINI_API_KEY": KEY, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [*command, "--engine", engine], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            yield process, next(word for word in ready.split() if word.startswith("http"))
        finally:
            process.kill()


def client_of(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"x-api-key": KEY}, timeout=30)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    with running_service(path=database, key=KEY) as service, Raw(service) as http:
        session_id = http.register(name="kept")
        http.ask(session_id, "hello")
        http.post("/v1/session/attach_file", json={"session_id": session_id, "filename": "a", "content": "YQ=="})
        before = http.session(session_id)
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"], "stopped in order, the file is in one piece"
    with running_service(path=database, key=KEY) as service, Raw(service) as http:
        assert http.session(session_id) == before


@pytest.mark.skipif(os.name != "posix", reason="there are no modes")
@pytest.mark.parametrize("name", ["s.db", "link"])
def test_only_the_owner_may_read_a_new_database(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "s.db")
    before = os.umask(0)
    try:
        with running_service(path=tmp_path / name) as service, Raw(service) as http:
            http.register()
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert len(modes) > 2, "the write-ahead log too"
    assert set(modes.values()) == {0o600}


def test_a_database_has_one_service_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    with running_service(path=database), pytest.raises(ConfigurationError, match="in use by another process"):
        LocalService(database, engine=EchoEngine()).start()
    with serving(database), pytest.raises(ConfigurationError, match="in use by another process"):
        LocalService(database, engine=EchoEngine()).start()
    with running_service(path=database):
        pass


@pytest.mark.parametrize("content", [b"not a database, but long enough to look at" * 100, "other", "directory"])
def test_what_is_no_database_of_ours_is_left_alone(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "x"
    if content == "directory":
        path.mkdir()
    elif content == "other":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE holidays (day TEXT)")
        other.close()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(ConfigurationError, match=rf"({path} is (a|no)|cannot open the) .*database"):
        LocalService(path, engine=EchoEngine()).start()
    assert path.is_dir() or path.read_bytes() == before


def test_a_database_of_a_newer_version_is_named_with_its_version(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with running_service(path=path):
        pass
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 9")
    newer.close()
    with pytest.raises(ConfigurationError, match=f"{path} has version 9; this version of secgemini reads 1"):
        LocalService(path, engine=EchoEngine()).start()


def test_a_turn_that_the_process_did_not_survive_is_ended_with_an_error(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    with running_service(path=database, key=KEY) as service, Raw(service) as http:
        session_id = http.register()
        http.ask(session_id, "hello")
    with sqlite3.connect(database) as broken:
        broken.execute("DELETE FROM messages WHERE kind IN ('result', 'info')")
        broken.execute("UPDATE sessions SET state = 'running_agent'")
    broken.close()
    with running_service(path=database, key=KEY) as service, Raw(service) as http:
        session = http.session(session_id)
        assert session["state"] == "agent_done"
        assert [(m["message_type"], m["status_code"]) for m in session["messages"]] == [
            ("query", 200),
            ("thinking", 200),
            ("error", 503),
            ("info", 200),
        ]

        async def rejoin() -> list[dict[str, Any]]:
            from websockets.asyncio.client import connect

            url = f"{service.websocket_url}/v1/stream?api_key={KEY}&session_id={session_id}"
            async with connect(url) as socket:
                return await RawStream(socket).turn()

        assert asyncio.run(rejoin()) == session["messages"][2:], "what a client that was there has not seen"


def test_sigterm_ends_the_process_in_order(tmp_path: Path) -> None:
    database = tmp_path / "s.db"
    with serving(database) as (process, address), client_of(address) as http:
        assert http.post("/v1/session/register", json=session_body()).json()["ok"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


def look(service: LocalService, method: str, patch: pytest.MonkeyPatch, instead: Callable[..., object]) -> None:
    """Let the service look for what is over, `instead` of a method of its store, and wait until that was called."""
    called = threading.Event()

    def stand_in(*arguments: object) -> object:
        try:
            return instead(*arguments)
        finally:
            called.set()

    patch.setattr(Store, method, stand_in)
    loop = service._running._server.loop
    loop.call_soon_threadsafe(skip, loop, 60)
    assert called.wait(60)


def test_what_is_over_leaves_the_disk_also_after_a_time_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_service(path=tmp_path / "s.db", seed=1) as service, Raw(service) as http:
        http.ask(http.register(ttl=300, description="SENTINEL"), "SENTINEL")
        service.clock.advance(301)
        with monkeypatch.context() as patch:
            full = sqlite3.OperationalError("database or disk is full")
            look(service, "remove_expired", patch, lambda *_: (_ for _ in ()).throw(full))
        assert any(b"SENTINEL" in path.read_bytes() for path in tmp_path.iterdir())
        look(service, "empty_log", monkeypatch, Store.empty_log)
        assert not any(b"SENTINEL" in path.read_bytes() for path in tmp_path.iterdir())
        assert http.get("/v1/session/list").json() == []
    assert "disk is full" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the size of files stands for a full disk")
def test_a_full_disk_is_said_and_what_was_acknowledged_stays(tmp_path: Path) -> None:
    import resource

    database = tmp_path / "s.db"
    with serving(database) as (process, address), client_of(address) as http:
        kept = session_body()
        assert http.post("/v1/session/register", json=kept).json()["ok"]
        file = {"session_id": kept["id"], "filename": "kept", "content": "A" * 2**20}
        assert http.post("/v1/session/attach_file", json=file).json()["ok"]
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        answer = http.post("/v1/session/attach_file", json=file | {"filename": "too much"})
        assert (answer.status_code, "database" in answer.json()["detail"]) == (507, True)
        assert "too much" not in str(http.get("/v1/session/list").json())
        prompt = {"message_type": "query", "content": "hello"}
        asked = http.post("/v1/session/generate", json={"id": kept["id"], "messages": [prompt]}).json()
        assert asked["status_code"] == 500
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        asked = http.post("/v1/session/generate", json={"id": kept["id"], "messages": [prompt]}).json()
        assert asked["status_code"] == 200
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(database) as (_, address), client_of(address) as http:
        (session,) = http.get("/v1/session/list").json()
        assert [file["name"] for file in session["files"]] == ["kept"]
        assert session["turns"] == 1


@pytest.mark.skipif(os.name != "posix", reason="a file in use cannot be deleted")
@pytest.mark.parametrize("is_replaced", [False, True])
def test_nothing_is_acknowledged_when_the_file_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_replaced: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_service(path="s.db") as service, Raw(service) as http:
        session_id = http.register()
        monkeypatch.chdir("/")
        assert http.register(), "the folder of the program may change"
        (tmp_path / "s.db").rename(tmp_path / "moved.db")
        if is_replaced:
            (tmp_path / "s.db").write_bytes(b"")
        answer = http.post("/v1/session/register", json=session_body())
        assert (answer.status_code, "deleted or replaced" in answer.json()["detail"]) == (507, True)
        assert http.ask(session_id, "hello")["status_code"] == 500
        (tmp_path / "moved.db").rename(tmp_path / "s.db")
        assert http.ask(session_id, "hello")["status_code"] == 200


class Stopper:
    """Has SIGTERM sent to the thread of the service, where the system may well send any."""

    name = "stopper"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        yield Reply("result", "that was all", state="agent_done")


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM")
def test_sigterm_ends_the_process_whichever_thread_gets_it(tmp_path: Path) -> None:
    with serving(tmp_path / "s.db", "test_local_database:Stopper") as (process, address), client_of(address) as http:
        body = session_body()
        http.post("/v1/session/register", json=body)
        prompt = {"message_type": "query", "content": "hello"}
        answer = http.post("/v1/session/generate", json={"id": body["id"], "messages": [prompt]}).json()
        assert answer["messages"][0]["content"] == "that was all"
        assert process.wait(60) == 0
