"""A night with a service in which everything goes wrong: each operation ends right, or in the right typed error."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import pytest
from night_shift import TIME_OUT, CountingEngine, Report, Worker
from raw_service import Raw

from secgemini import AsyncSecGemini, SecGemini
from secgemini.local.server import LocalService
from secgemini.local.service import Limits

CHANCE = 0.3
LINK = {"APIConnectionError"}
NOTHING: set[str] = set()
# What a rule may lead to, after the retries: these errors and no others.
RULES: dict[str, set[str]] = {
    "*:status=500": {"InternalServerError"},
    "*:status=503": {"InternalServerError"},
    "*:status=429,retry_after=1": {"RateLimitError"},
    "*:status=409": {"ConflictError"},
    "*:latency=0.01": NOTHING,
    "*:reset": LINK,
    "*:lost": LINK,
    "*:truncate": LINK,
    "*:malform": {"APIResponseError"},
    "*:slow=0.02": NOTHING,
    "stream:kill=2": LINK,
    "stream:duplicate=2": NOTHING,
    "stream:delay=2,seconds=0.02": NOTHING,
}
# All at once, a made-up 409 may follow a lost request: register takes that for "it is there", and then it is not.
EVERY = {**RULES, " ".join(RULES): {"NotFoundError"}.union(*RULES.values())}
BUSY = 1.5  # times the promised time that an operation may take: a busy machine notices late that it is over


def night(folder: Path, operations: int) -> tuple[dict[str, Report], CountingEngine, list[str]]:
    """Work under each rule in turn, then under all at once. Returns what happened, and what was wrong with it."""
    engine, reports, wrong = CountingEngine(), {}, []
    workers: list[Worker] = []
    service = LocalService(folder / "night.db", engine=engine, limits=Limits(silence=0.05))
    with service, Raw(service) as http:
        for number, (rules, may) in enumerate(EVERY.items()):
            each = enumerate(rules.split(" "))
            faults = [f"{rule},probability={CHANCE},seed={100 * number + i}" for i, rule in each]
            ours = work_under_faults(service, faults, -(-operations // len(EVERY)), 10 * number)
            service.faults.set()
            report = reports[rules] = Report()
            for worker in ours:
                worker.reconcile(http)
                report.add(worker.report)
            wrong += [f"{rules[:40]}: {what}" for what in report.wrong]
            wrong += [f"{rules[:40]}: {error} × {n}" for error, n in report.errors.items() if error not in may]
            workers += ours
    wrong += [f"{prompt!r} was processed {n} times" for prompt, n in engine.asked.items() if n > 1]
    return reports, engine, wrong + wrong_feedback(folder / "night.db", workers)


def work_under_faults(service: LocalService, faults: list[str], operations: int, seed: int) -> list[Worker]:
    """Let three threads and three tasks work at once, each with a session of its own."""
    place = {"base_url": service.base_url, "logs_url": service.logs_url, "proxy": "", "timeout": TIME_OUT}
    each = -(-operations // 6)
    shared = AsyncSecGemini(service.api_key, **place)  # type: ignore[arg-type]
    with SecGemini(service.api_key, **place) as sg:  # type: ignore[arg-type]
        sync, tasks = ([Worker(client, seed + 3 * i + j) for j in range(3)] for i, client in enumerate((sg, shared)))
        asyncio.run(all_of(worker.begin() for worker in [*sync, *tasks]))
        service.faults.set(*faults)
        threads = [threading.Thread(target=asyncio.run, args=(worker.work(each),)) for worker in sync]
        for thread in threads:
            thread.start()
        asyncio.run(all_of(worker.work(each) for worker in tasks))
        for thread in threads:
            thread.join()
    return [*sync, *tasks]


async def all_of(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*works)


def wrong_feedback(path: Path, workers: list[Worker]) -> list[str]:
    """Feedback is never sent twice after an unclear failure, and what was acknowledged is there."""
    database = sqlite3.connect(path)
    stored = Counter(json.loads(body)["comment"] for (body,) in database.execute("SELECT body FROM feedback"))
    database.close()
    return [
        f"{comment!r} is stored {stored[comment]} times"
        for worker in workers
        for known in worker.known
        for comment, is_sure in known.said.items()
        if stored[comment] > 1 or (is_sure and known.is_there and not stored[comment])
    ]


def show(reports: dict[str, Report]) -> None:
    for rules, report in reports.items():
        name = rules if " " not in rules else "all at once"
        print(
            f"{name:30} {report.operations:6} {report.good:6} good, slowest {report.took:.2f} s,"
            f" {report.late:.0%} of its time {dict(report.errors)}"
        )
        if " " in rules:
            print(dict(report.by_operation))


def check_night(folder: Path, operations: int) -> None:
    reports, engine, wrong = night(folder, operations)
    show(reports)
    assert not wrong, "\n".join(wrong)
    assert sum(report.operations for report in reports.values()) >= operations
    assert max(report.late for report in reports.values()) < BUSY
    assert engine.asked.total() > operations / 20
    quiet = [report for rules, report in reports.items() if not EVERY[rules]]
    assert all(report.good == report.operations for report in quiet)
    assert all(report.good > report.operations * 0.3 for rules, report in reports.items() if " " not in rules)


def test_a_short_night(tmp_path: Path) -> None:
    check_night(tmp_path, 300)


@pytest.mark.slow
def test_a_long_night(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        check_night(tmp_path, 5000)


def requests_when_all_fails(rules: str, operations: int) -> int:
    """Return the number of requests that so many operations make of a service that always fails so."""
    with LocalService(engine=CountingEngine()) as service:
        place = {"base_url": service.base_url, "logs_url": service.logs_url, "proxy": "", "timeout": TIME_OUT}
        with SecGemini(service.api_key, **place) as sg:  # type: ignore[arg-type]
            worker = Worker(sg, 1)
            asyncio.run(worker.begin())
            service.faults.set(*rules.split(" "))
            asyncio.run(worker.work(operations))
            assert worker.report.good <= operations / 20  # a 404 with a spoiled body is a 404
            return sum(rule._asked for rule in service.faults._rules)


def test_a_service_that_always_fails_is_not_hammered() -> None:
    assert 750 <= requests_when_all_fails("*:reset", 750) <= 750 * 1.1


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    ["*:status=500", "*:status=503", "*:status=429", "*:reset", "*:lost stream:reset", "*:malform stream:reset"],
)
def test_a_service_that_fails_all_night_is_not_hammered(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    requests = requests_when_all_fails(rules, 5000)
    with capsys.disabled():
        print(f"{rules:22} 5000 operations, {requests} requests")
    assert 5000 <= requests <= 5000 * 1.1
