"""kill -9 of `secgemini serve` in the middle of work: what was acknowledged, or seen on a stream, is there then."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from held_services import broken_promises
from raw_service import RawStream, session_body
from transports import KEY, serving
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from secgemini.local.engines import Reply, TurnRequest

WORKERS = 6
GONE = (httpx.TransportError, WebSocketException, OSError)  # what the death of the service looks like to its clients


@dataclass
class Known:
    """What a worker knows of its session: what was acknowledged has to stay."""

    files: list[str] = field(default_factory=list)
    messages: dict[str, str] = field(default_factory=dict)
    """Content of the messages that were received, by id."""
    prompts: list[str] = field(default_factory=list)
    """Prompts whose turn was answered, which proves that they arrived."""
    name: str = ""
    deleted: bool = False
    leaving: bool = False
    """A request that deletes something was sent, and not answered: it may have been carried out."""


class Worker:
    """Works on one session after the other until the service is gone; `ledger` is common to all workers."""

    def __init__(self, number: int, seed: str, http: httpx.AsyncClient, websocket_url: str, ledger: dict[str, Known]):
        self._rng = random.Random(f"{seed}-{number}")
        self._http = http
        self._websocket_url = websocket_url
        self._ledger = ledger
        self.acknowledged = asyncio.Event()
        """Something was, by now."""

    async def work(self) -> None:
        try:
            while True:
                await self._session()
        except GONE:
            return

    async def _session(self) -> None:
        body = session_body(name="as registered")
        await self._post("register", body)
        session_id, known = body["id"], Known(name="as registered")
        self._ledger[session_id] = known
        self.acknowledged.set()
        steps = [self._attach, self._detach, self._rename, self._ask, self._stream, self._stream]
        for _ in range(self._rng.randrange(2, 9)):
            await self._rng.choice(steps)(session_id, known)
        if self._rng.random() < 0.2:
            known.leaving = True
            await self._post("delete", body)
            known.deleted = True

    async def _post(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = (await self._http.post(f"/v1/session/{operation}", json=body)).json()
        assert answer.get("ok", True), answer
        return dict(answer)

    async def _attach(self, session_id: str, known: Known) -> None:
        name = uuid.uuid4().hex
        await self._post("attach_file", {"session_id": session_id, "filename": name, "content": "YWJj" * 5000})
        known.files.append(name)

    async def _detach(self, session_id: str, known: Known) -> None:
        if known.files:
            index = self._rng.randrange(len(known.files))
            del known.files[index]
            await self._post("detach_file", {"session_id": session_id, "file_idx": index})

    async def _rename(self, session_id: str, known: Known) -> None:
        name, known.name = uuid.uuid4().hex, ""
        await self._post("update", session_body(id=session_id, name=name))
        known.name = name

    async def _ask(self, session_id: str, known: Known) -> None:
        message = {"id": uuid.uuid4().hex, "message_type": "query", "content": "say yes"}
        answer = await self._post("generate", {"id": session_id, "messages": [message]})
        if answer["status_code"] != 200:  # it is stopping
            return
        known.prompts.append(message["id"])
        known.messages |= {one["id"]: one["content"] for one in answer["messages"]}

    async def _stream(self, session_id: str, known: Known) -> None:
        url = f"{self._websocket_url}/v1/stream?api_key={KEY}&session_id={session_id}"
        async with connect(url, open_timeout=60) as socket:
            stream = RawStream(socket)
            prompt_id = await stream.ask(self._rng.choice(["say no", "slowly"]))
            async for text in socket:
                frame = json.loads(text)
                if frame["status_code"] != 200:  # it is stopping
                    return
                known.messages[frame["id"]] = frame["content"]
                if prompt_id not in known.prompts:
                    known.prompts.append(prompt_id)
                if frame["state"] == "end":
                    return


@asynccontextmanager
async def client_of(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, headers={"x-api-key": KEY}, timeout=60) as http:
        yield http


async def check(http: httpx.AsyncClient, ledger: dict[str, Known]) -> int:
    """Look for everything that the ledger has; return how many things that were."""
    for session_id, known in ledger.items():
        answer = await http.get("/v1/session/get", params={"session_id": session_id})
        if known.deleted or (known.leaving and answer.status_code == 404):
            assert answer.status_code == 404
            known.deleted = True
            continue
        assert answer.status_code == 200, f"session {session_id} was acknowledged"
        session = answer.json()
        assert known.name in ("", session["name"])
        names = [file["name"] for file in session["files"]]
        assert [name for name in names if name in known.files] == known.files, "in the order they were attached"
        stored = {message["id"]: message for message in session["messages"]}
        assert len(stored) == len(session["messages"]) == session["num_messages"]
        assert {one: stored[one]["content"] for one in known.messages} == known.messages
        assert set(known.prompts) <= set(stored)
        assert session["state"] in ("start", "agent_done"), "a turn that did not survive is not left running"
        assert not session["messages"] or session["messages"][-1]["state"] == "end"
    return sum(1 + len(known.files) + len(known.messages) + len(known.prompts) for known in ledger.values())


def integrity(database: Path) -> str:
    """Check a copy: opening the files themselves would leave the service nothing to recover."""
    with TemporaryDirectory() as folder:
        for path in database.parent.glob(f"{database.name}*"):
            shutil.copy(path, folder)
        connection = sqlite3.connect(Path(folder, database.name))
        try:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        finally:
            connection.close()


async def end_under_load(
    database: Path, rounds: int, *, seed: int, by: signal.Signals = signal.SIGKILL
) -> tuple[int, int]:
    """End the service `rounds` times at random moments; return how many sessions and things were looked for."""
    rng = random.Random(seed)
    everything: dict[str, Known] = {}
    latest: dict[str, Known] = {}
    for number in range(rounds):
        with serving("--db", str(database)) as (process, address, websocket_url):
            async with client_of(address) as http:
                await check(http, latest)
                latest = {}
                workers = [Worker(n, f"{seed}-{number}", http, websocket_url, latest) for n in range(WORKERS)]
                tasks = [asyncio.create_task(worker.work()) for worker in workers]
                await asyncio.wait_for(workers[0].acknowledged.wait(), 60)
                await asyncio.sleep(rng.uniform(0.0, 1.0))
                process.send_signal(by)
                await asyncio.gather(*tasks)
        everything |= latest
        is_left = database.with_name(f"{database.name}-wal").exists()
        assert is_left is (by == signal.SIGKILL), "the service has something to recover only then"
        assert integrity(database) == "ok"
    with serving("--db", str(database)) as (_, address, _):
        async with client_of(address) as http:
            things = await check(http, everything)
    assert integrity(database) == "ok"
    return len(everything), things


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    sessions, things = await end_under_load(tmp_path / "state.db", 3, seed=1)
    assert things >= sessions > 0


async def test_what_was_acknowledged_survives_sigterm(tmp_path: Path) -> None:
    sessions, things = await end_under_load(tmp_path / "state.db", 3, seed=3, by=signal.SIGTERM)
    assert things >= sessions > 0


@pytest.mark.slow
async def test_what_was_acknowledged_survives_fifty_kills(tmp_path: Path) -> None:
    sessions, things = await end_under_load(tmp_path / "state.db", 50, seed=2)
    print(f"\n50 kills under load: {sessions} sessions with {things} acknowledged things, all there, integrity ok")
    assert sessions > 100


class Careless:
    """An engine that answers outside the contract."""

    name = "careless"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("result", "done", title=5, state="agent_done")  # type: ignore[arg-type]


async def test_what_a_killed_service_broke_is_known() -> None:
    """Without this, every answer of the services above could break the contract."""
    with serving(engine="test_kill:Careless") as (process, address, _):
        async with client_of(address) as http:
            body = session_body()
            assert (await http.post("/v1/session/register", json=body)).json()["ok"]
            prompt = {"id": "p", "message_type": "query", "content": "go"}
            await http.post("/v1/session/generate", json={"id": body["id"], "messages": [prompt]})
        assert broken_promises(), "said before the end"
        process.kill()
    assert broken_promises() == [], "said once"
