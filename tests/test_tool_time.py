"""Tools that take their time: the loop runs on, calls are given up or cancelled, and one call runs once."""

import asyncio
import hashlib
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from example_tools import list_dir
from lent_tools import call, outcome, run

from secgemini.tools import Toolbox, ToolCall, tool

# --- time -------------------------------------------------------------------------------------------------------


async def test_the_loop_runs_on_while_a_tool_blocks() -> None:
    loop = asyncio.get_running_loop()
    blocking = asyncio.Event()
    ticked = threading.Event()

    @tool(timeout=120)
    def wait() -> bool:
        """Block until the event loop has run, which it does only if it is not blocked."""
        loop.call_soon_threadsafe(blocking.set)
        return ticked.wait(60)

    async def tick() -> None:
        await blocking.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        ticked.set()

    answer, _ = await asyncio.gather(run(wait), tick())

    assert answer == ("true", False)


async def test_the_loop_runs_on_while_a_tool_computes() -> None:
    ticks = 0

    @tool(timeout=120)
    def burn() -> bool:
        """Compute without a pause until the event loop has run many times."""
        end = time.monotonic() + 60
        while ticks < 100 and time.monotonic() < end:
            hashlib.sha256(b"x")
        return ticks >= 100

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    answer = await run(burn)
    ticking.cancel()

    assert answer == ("true", False)


async def test_an_overdue_tool_is_answered_and_its_late_result_dropped() -> None:
    released, finished = threading.Event(), threading.Event()

    @tool(timeout=0.05)
    def wait() -> str:
        """Block."""
        released.wait(60)
        finished.set()
        return "late"

    toolbox = Toolbox([wait], lambda call: True)
    answer = await toolbox.answer(call("wait", call_id="c1"))
    released.set()
    assert await asyncio.to_thread(finished.wait, 60)

    assert outcome(answer) == ("TimeoutError: no result within 0.05 s", True)
    assert await toolbox.answer(call("wait", call_id="c1")) is answer


async def test_an_async_tool_that_ignores_its_cancellation_is_abandoned() -> None:
    release = asyncio.Event()
    finished = asyncio.Event()

    @tool(timeout=0.05)
    async def stubborn() -> str:
        """Wait, whatever happens."""
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        finished.set()
        raise ValueError("late")

    assert await run(stubborn) == ("TimeoutError: no result within 0.05 s", True)
    release.set()
    await finished.wait()


async def test_cancelling_returns_at_once_and_the_tool_is_not_run_again() -> None:
    started, release = threading.Event(), threading.Event()
    runs: list[int] = []

    def wait() -> None:
        """Block."""
        runs.append(1)
        started.set()
        release.wait(60)

    toolbox = Toolbox([wait], lambda call: True)
    answering = asyncio.create_task(toolbox.answer(call("wait", call_id="c1")))
    assert await asyncio.to_thread(started.wait, 60)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(answering, 30)
    release.set()

    assert outcome(await toolbox.answer(call("wait", call_id="c1"))) == (
        "the call was interrupted; whether it had an effect is unknown",
        True,
    )
    assert runs == [1]


async def test_a_call_cancelled_before_approval_may_be_asked_for_again() -> None:
    asked = asyncio.Event()
    answers = iter([False, True])

    async def approve(call: ToolCall) -> bool:
        if not next(answers):
            asked.set()
            await asyncio.Event().wait()
        return True

    def add(a: int) -> int:
        """Add."""
        return a + 1

    toolbox = Toolbox([add], approve)
    answering = asyncio.create_task(toolbox.answer(call("add", {"a": 1}, call_id="c1")))
    await asked.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering

    assert outcome(await toolbox.answer(call("add", {"a": 1}, call_id="c1"))) == ("2", False)


async def test_one_call_runs_once_however_often_it_comes() -> None:
    runs: list[int] = []
    release = threading.Event()

    def count() -> int:
        """Count."""
        runs.append(1)
        release.wait(60)
        return len(runs)

    toolbox = Toolbox([count], lambda call: True)
    twice = [asyncio.create_task(toolbox.answer(call("count", call_id="c1"))) for _ in range(2)]
    await asyncio.sleep(0)
    release.set()
    first, second = await asyncio.gather(*twice)
    again = await toolbox.answer(call("count", call_id="c1"))
    other = await toolbox.answer(call("count", call_id="c2"))

    assert first is second is again
    assert [outcome(answer)[0] for answer in (first, other)] == ["1", "2"]


def test_a_toolbox_serves_several_event_loops() -> None:
    toolbox = Toolbox([list_dir])

    answers = [
        asyncio.run(toolbox.answer(call("list_dir", {"path": "/"}, call_id=name))) for name in ("c1", "c1", "c2")
    ]

    assert answers[0] is answers[1]
    assert not any(outcome(answer)[1] for answer in answers)


async def test_kept_answers_are_bounded() -> None:
    toolbox = Toolbox([list_dir])

    for number in range(300):
        await toolbox.answer(call("nothing", call_id=str(number)))

    assert len(toolbox._answers) == 256


async def test_too_many_blocked_threads_refuse_further_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secgemini._tool_run.MAX_THREADS", 0)

    answer = await Toolbox([list_dir]).answer(call("list_dir", {"path": "/"}))

    assert outcome(answer) == ("0 earlier calls are still running", True)


# --- the process ------------------------------------------------------------------------------------------------


def test_an_overdue_thread_does_not_keep_the_process_alive() -> None:
    script = """
        import asyncio, json, time
        from secgemini.tools import Toolbox, tool
        from secgemini_api.models import Message, MessageType

        @tool(read_only=True, timeout=0.05)
        def sleep() -> None:
            "Sleep."
            time.sleep(300)

        call = Message(id="c1", message_type=MessageType.LOCAL_TOOL_CALL, content='{"tool_name": "sleep"}')
        print(asyncio.run(Toolbox([sleep]).answer(call)).content)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == ""
    assert "TimeoutError" in done.stdout
