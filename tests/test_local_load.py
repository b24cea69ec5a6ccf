"""Many at once: nothing lost, no error, and memory that does not grow with the work."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from raw_service import RawStream, session_body
from websockets.asyncio.client import connect

HERE = Path(__file__).parent
KEY = "a-key-of-the-tests"


def resident(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


async def converse(address: str, client: httpx.AsyncClient, turns: int) -> None:
    """Register a session, ask on one socket, and compare what came with what is stored."""
    body = session_body()
    assert (await client.post("/v1/session/register", json=body)).json()["ok"]
    url = f"ws{address.removeprefix('http')}/v1/stream?api_key={KEY}&session_id={body['id']}"
    got: list[dict[str, Any]] = []
    async with connect(url, open_timeout=60) as socket:
        stream = RawStream(socket)
        for number in range(turns):
            await stream.ask(f"prompt number {number}", id=uuid.uuid4().hex[:12])
            frames = await stream.turn()
            assert frames[-2]["content"] == f"prompt number {number}"
            got += frames
    stored = (await client.get("/v1/session/get", params={"session_id": body["id"]})).json()
    assert [message for message in stored["messages"] if message["role"] != "user"] == got
    assert stored["turns"] == turns
    assert (await client.post("/v1/session/delete", json=stored)).json()["ok"]


async def crowd(address: str, sessions: int, turns: int, connections: int) -> float:
    """Hold that many conversations, `connections` at a time; return the seconds it took."""
    slots = asyncio.Semaphore(connections)
    limits = httpx.Limits(max_connections=connections)
    headers = {"x-api-key": KEY}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=120, limits=limits) as client:

        async def one() -> None:
            async with slots:
                await converse(address, client, turns)

        started = time.monotonic()
        await asyncio.gather(*(one() for _ in range(sessions)))
        return time.monotonic() - started


def measure(sessions: int, turns: int, connections: int, *, is_checked: bool) -> tuple[float, int, int]:
    """Run a crowd twice against one service; return seconds and KiB after the first and the second.

    A service that `is_checked` holds each answer against the contract, which takes longer than making it.
    """
    command = [sys.executable, *([str(HERE / "checked_serve.py")] if is_checked else ["-m", "secgemini.cli"]), "serve"]
    environment = os.environ | {"SEC_GEMINI_API_KEY": KEY, "PYTHONPATH": str(HERE)}
    command += ["--engine", "raw_service:EchoEngine"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
            asyncio.run(crowd(address, sessions, turns, connections))
            first = resident(process.pid)
            seconds = asyncio.run(crowd(address, sessions, turns, connections))
            return seconds, first, resident(process.pid)
        finally:
            process.kill()


def test_a_crowd_is_served() -> None:
    _, first, second = measure(sessions=20, turns=5, connections=10, is_checked=True)
    assert second < 1.2 * first


@pytest.mark.slow
def test_a_large_crowd_is_served() -> None:
    # Not checked, or the rate and the memory would be those of the check: the short form above is.
    seconds, first, second = measure(sessions=200, turns=20, connections=50, is_checked=False)
    rate = 200 * 20 / seconds
    print(f"\n200 sessions x 20 turns, 50 at once: {rate:.0f} turns/s, {first // 1024} MiB, then {second // 1024} MiB")
    print(json.dumps({"client_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
    assert second < 1.1 * first
