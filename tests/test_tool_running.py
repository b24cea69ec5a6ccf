"""Tools at work: results, failures, time and what becomes of a call that is given up."""

import asyncio
import contextvars
import hashlib
import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from example_tools import list_dir, sha256_file, write_file
from lent_tools import call, read
from secgemini_api.models import Message

from secgemini.errors import ToolError
from secgemini.tools import Tool, Toolbox, ToolCall, tool


async def run(function: Callable[..., object], **arguments: object) -> tuple[str, bool]:
    """Approve one call of a function, and return the output and whether it is an error."""
    return outcome(await Toolbox([function], lambda call: True).answer(call(Tool.of(function).name, arguments)))


def outcome(answer: Message) -> tuple[str, bool]:
    content = read(answer)
    return content["output"], content["is_error"]


# --- running ----------------------------------------------------------------------------------------------------


async def test_results_are_text_or_json(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"hello")

    assert await run(sha256_file, path=str(file)) == (hashlib.sha256(b"hello").hexdigest(), False)
    assert await run(list_dir, path=str(tmp_path)) == ('["a"]', False)
    assert await run(write_file, path=str(file), text="x") == ("null", False)
    assert file.read_text() == "x"


async def test_async_tools_are_awaited() -> None:
    async def add(a: int, b: int) -> int:
        """Add."""
        await asyncio.sleep(0)
        return a + b

    assert await run(add, a=2, b=3) == ("5", False)


async def test_results_of_many_types() -> None:
    @dataclass
    class Found:
        where: Path
        hits: set[int]

    def find() -> list[object]:
        """Find."""
        return [Found(Path("/x"), {1}), None, 1.5, b"hi", {2: "é"}]

    output, is_error = await run(find)

    assert not is_error
    assert json.loads(output) == [{"where": "/x", "hits": [1]}, None, 1.5, "aGk=", {"2": "é"}]


async def test_defaults_are_the_functions_own() -> None:
    default = object()

    def find(what: str = default) -> bool:  # type: ignore[assignment]
        """Find."""
        return what is default

    assert await run(find) == ("true", False)


async def test_names_that_are_not_utf8_are_written_out() -> None:
    def names() -> list[str]:
        """List."""
        return ["caf\udce9"]

    def name() -> str:
        """Name."""
        return "caf\udce9"

    assert json.loads((await run(names))[0]) == [r"caf\udce9"]
    assert await run(name) == (r"caf\udce9", False)


async def test_context_variables_reach_the_tool() -> None:
    user = contextvars.ContextVar[str]("user")
    user.set("ada")

    def who() -> str:
        """Who."""
        return user.get()

    assert await run(who) == ("ada", False)


@pytest.mark.parametrize(
    "result",
    [object(), float("nan"), [float("inf")], (number for number in range(2)), {"a": object()}],
    ids=["object", "nan", "infinity", "generator", "nested"],
)
async def test_a_result_without_json_form_is_an_error(result: object) -> None:
    def find() -> object:
        """Find."""
        return result

    output, is_error = await run(find)

    assert is_error
    assert output.startswith("the result cannot be written as JSON")


async def test_a_result_that_holds_itself_is_an_error() -> None:
    def find() -> list[object]:
        """Find."""
        found: list[object] = []
        found.append(found)
        return found

    output, is_error = await run(find)

    assert is_error
    assert "RecursionError" in output


@pytest.mark.parametrize("result", ["é" * 51, "x" * 101, ["x" * 100], list(range(50))], ids=["é", "x", "list", "range"])
async def test_a_result_over_the_limit_is_an_error(result: object) -> None:
    @tool(max_result_bytes=100)
    def find(small: bool) -> object:
        """Find."""
        return "é" * 50 if small else result

    assert await run(find, small=True) == ("é" * 50, False)
    assert await run(find, small=False) == ("the result is larger than 100 bytes", True)


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


RAISED = [
    (KeyError("path"), "KeyError: 'path'"),
    (OSError(2, "No such file", "/x"), "FileNotFoundError: [Errno 2] No such file: '/x'"),
    (ValueError(), "ValueError"),
    (SystemExit(3), "SystemExit: 3"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (StopIteration(1), "StopIteration: 1"),
    (UnreadableError(), "UnreadableError: (its text cannot be read)"),
    (UnicodeError("\udcff"), r"UnicodeError: \udcff"),
    (TimeoutError("mine"), "TimeoutError: mine"),
    (asyncio.CancelledError("mine"), "CancelledError: mine"),
    (ToolError("not today"), "not today"),
]


@pytest.mark.parametrize(("raised", "output"), RAISED, ids=[type(error).__name__ for error, _ in RAISED])
async def test_what_a_tool_raises_is_its_result(raised: BaseException, output: str) -> None:
    def fail() -> None:
        """Fail."""
        raise raised

    assert await run(fail) == (output, True)


@pytest.mark.parametrize(
    ("raised", "output"),
    [
        (ValueError("no"), "ValueError: no"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError: the function cancelled itself"),
        (TimeoutError("mine"), "TimeoutError: mine"),
    ],
)
async def test_what_an_async_tool_raises_is_its_result(raised: BaseException, output: str) -> None:
    async def fail() -> None:
        """Fail."""
        raise raised

    assert await run(fail) == (output, True)


async def test_long_errors_are_shortened_and_carry_no_traceback() -> None:
    def fail() -> None:
        """Fail."""
        raise ValueError("x" * 10_000)

    output, _ = await run(fail)

    assert len(output) < 2_100
    assert "Traceback" not in output


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
