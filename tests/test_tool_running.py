"""Tools at work: their results and their failures."""

import asyncio
import contextvars
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from example_tools import list_dir, sha256_file, write_file
from lent_tools import run

from secgemini.errors import ToolError
from secgemini.tools import tool

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
