"""A process that uses a service for a long time, in every way, and tells what it leaves behind.

    python soak.py service                    run a service that fails now and then; prints its address
    python soak.py client URL KEY OPERATIONS  prints, as JSON, memory and descriptors as they were along the way

Two processes, so that the memory of the one is not the other's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from secgemini import AsyncSecGemini, SecGemini, SecGeminiError, Timeout, no_waiting

BATCH = 50  # operations between two looks
FAULTS = [
    "*:status=500,probability=0.03,seed=1", "*:status=503,probability=0.03,seed=2", "*:reset,probability=0.03,seed=3",
    "*:lost,probability=0.03,seed=4", "*:truncate,probability=0.03,seed=5", "*:malform,probability=0.01,seed=6",
    "*:slow=0.02,probability=0.03,seed=7", "stream:kill=2,probability=0.1,seed=8",
    "stream:duplicate=2,probability=0.1,seed=9", "stream:delay=2,seconds=0.02,probability=0.1,seed=10",
]  # fmt: skip


def serve() -> None:
    from secgemini.local.engines import Reply, TurnRequest
    from secgemini.local.server import LocalService
    from secgemini.local.service import Limits

    class Engine:
        name = "soak"

        async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
            for index in range(10):
                yield Reply("info", f"{index}" * 100)
            yield Reply("result", turn.prompt, state="agent_done")

    logging.disable(logging.CRITICAL)
    with LocalService(engine=Engine(), faults=FAULTS, limits=Limits(silence=0.05)) as service:
        print(service.base_url, service.api_key, flush=True)
        sys.stdin.read()


class Soak:
    """Counts what happens; `looks` are (operations, resident KiB, descriptors, threads)."""

    def __init__(self, url: str, key: str) -> None:
        settings: dict[str, Any] = {"base_url": url, "proxy": "", "timeout": Timeout(connect=5, read=5, total=10)}
        self.sync = SecGemini(key, **settings)
        self.shared = AsyncSecGemini(key, **settings)
        self.dice = random.Random(1)
        self.outcomes: Counter[str] = Counter()
        self.looks: list[tuple[int, int, int, int]] = []
        self.done = 0

    def look(self) -> None:
        gc.collect()
        for thread in threading.enumerate():
            if thread.name == "secgemini-stream":  # of a dropped one: it ends by itself, some time
                thread.join(30)
        with open("/proc/self/statm") as statm:
            resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        self.looks.append((self.done, resident, len(os.listdir("/proc/self/fd")), threading.active_count()))

    def run(self, operations: int) -> None:
        with no_waiting():
            while self.done < operations:
                self._sync_batch()
                asyncio.run(self._async_batch())
                self.look()
        self.sync.close()

    # -- plain code ----------------------------------------------------------------------------------------------

    def _sync_batch(self) -> None:
        mine = None
        for _ in range(BATCH):
            try:
                mine = mine or self.sync.create_session("soak")
                self._sync_operation(mine)
                self._note("good")
            except SecGeminiError as error:
                self._note(type(error).__name__)
        if mine is not None:
            with suppress(SecGeminiError):
                mine.delete()

    def _sync_operation(self, mine: Any) -> None:
        kind = self.dice.randrange(8)
        if kind == 0:
            self.sync.user_info()
        elif kind == 1:
            mine.history()
        elif kind == 2:
            mine.attach_file("f", b"x" * 100_000)
        elif kind == 3:
            mine.query("hello")
        elif kind == 4:
            self.sync.resume_session("no-such-session")
        elif kind == 5:
            with mine.stream_sync("all of it") as stream:
                list(stream)
        elif kind == 6:
            with mine.stream_sync("left early") as stream:
                next(stream)
        else:
            next(mine.stream_sync("dropped"))

    # -- asyncio -------------------------------------------------------------------------------------------------

    async def _async_batch(self) -> None:
        await asyncio.gather(*(self._async_worker(BATCH // 5) for _ in range(5)))

    async def _async_worker(self, operations: int) -> None:
        mine = None
        for _ in range(operations):
            try:
                mine = mine or await self.shared.create_session("soak")
                patience = self.dice.choice([None, None, None, 0.001, 0.003, 0.01, 0.03])
                async with asyncio.timeout(patience):
                    await self._async_operation(mine)
                self._note("good")
            except TimeoutError:
                self._note("cancelled")
            except SecGeminiError as error:
                self._note(type(error).__name__)
        if mine is not None:
            with suppress(SecGeminiError):
                await mine.delete()

    async def _async_operation(self, mine: Any) -> None:
        kind = self.dice.randrange(8)
        if kind == 0:
            await self.shared.user_info()
        elif kind == 1:
            await mine.history()
        elif kind == 2:
            await mine.attach_file("f", b"x" * 100_000)
        elif kind == 3:
            await mine.query("hello")
        elif kind == 4:
            await self.shared.resume_session("no-such-session")
        elif kind == 5:
            async with mine.stream("all of it") as stream:
                async for _ in stream:
                    continue
        elif kind == 6:
            async with mine.stream("left early") as stream:
                await anext(stream)
        else:
            await anext(mine.stream("dropped"))

    def _note(self, outcome: str) -> None:
        self.outcomes[outcome] += 1
        self.done += 1


def use(url: str, key: str, operations: int) -> None:
    complaints: list[str] = []
    sys.unraisablehook = lambda complaint: complaints.append(f"{complaint.exc_value!r} in {complaint.object!r}")

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage())

    logging.getLogger("asyncio").addHandler(Ear())
    soak = Soak(url, key)
    soak.run(operations)
    outcomes = dict(soak.outcomes)
    looks = soak.looks
    del soak
    gc.collect()
    print(json.dumps({"looks": looks, "outcomes": outcomes, "complaints": complaints}))


if __name__ == "__main__":
    serve() if sys.argv[1] == "service" else use(sys.argv[2], sys.argv[3], int(sys.argv[4]))
