"""The command line as a process: signals, pipes, terminals."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pyte
import pytest
from cli_process import COMMAND, PATIENCE, controls, environment, on_terminal, running
from held_services import checked

from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService

HOSTILE = "\x1b]0;owned\x07\x1b[2Jsafe\rEVIL\u202e\x9b31m[red]x"


WIDE = "  https://pay.example.com/invoice  [reserved] invoice.pdf › page 1 line 9\n"


class Slow:
    """An engine whose answers never end, are long, are hostile, or are Markdown."""

    name = "slow"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        if turn.prompt == "endless":
            yield Reply("info", "thinking about it", state="thinking")
            await asyncio.Event().wait()
        elif turn.prompt == "wide":
            yield Reply("result", WIDE)
        elif turn.prompt == "long":
            yield Reply("result", "line\n" * 200_000)
        elif turn.prompt == "markdown":
            yield Reply("result", f"# Findings\n\nsome **bold** text, `code` {HOSTILE}\n", mime_type="text/markdown")
        else:
            yield Reply("thinking", HOSTILE, state="thinking")
            yield Reply("result", f"{HOSTILE} déjà vu")


@pytest.fixture
def place() -> Iterator[dict[str, str | None]]:
    """Where a service runs, as environment variables for a process."""
    with LocalService(engine=Slow()) as service:
        yield {
            "SEC_GEMINI_API_KEY": service.api_key,
            "SEC_GEMINI_API_HTTP_URL": service.base_url,
            "SEC_GEMINI_API_WEBSOCKET_URL": service.websocket_url,
        }


# ask


def test_ctrl_c_ends_it_and_says_how_to_go_on(place: dict[str, str | None]) -> None:
    with running("ask", "endless", **place) as process:
        assert process.stderr is not None
        session_id = process.stderr.readline().split()[1]
        for line in process.stderr:
            if line.startswith("info: thinking about it"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err == f"secgemini: interrupted\ngo on with: secgemini resume {session_id}\n"


def test_a_reader_that_goes_away_is_no_error(place: dict[str, str | None]) -> None:
    with running("ask", "long", "--quiet", PYTHONUNBUFFERED=None, **place) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr.read() == ""


@pytest.mark.parametrize("option", [[], ["--json"]])
@pytest.mark.parametrize("prompt", ["hostile", ""])
def test_a_full_disk_is_one_line(place: dict[str, str | None], option: list[str], prompt: str) -> None:
    with open("/dev/full", "w") as full:
        command = [*COMMAND, "ask", prompt, "--quiet", *option]
        env = environment({**place, "PYTHONUNBUFFERED": None})
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=env, timeout=PATIENCE)
    assert done.returncode == (1 if prompt else 2)
    assert done.stderr.startswith("secgemini: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"], []])
def test_help_that_cannot_be_written_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert done.stderr.startswith("secgemini: OSError: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_a_reader_of_the_help_that_goes_away_is_no_error(arguments: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run([*COMMAND, *arguments], stdout=theirs, stderr=subprocess.PIPE, timeout=PATIENCE)
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("package", ["secgemini", "secgemini.cli"])
def test_the_package_runs_as_a_program(package: str) -> None:
    done = subprocess.run([sys.executable, "-m", package, "--version"], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, b"secgemini", b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_error(place: dict[str, str | None], closed: str) -> None:
    command = f"{shlex.join([*COMMAND, 'ask', 'hostile'])} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment(place), timeout=PATIENCE)
    assert done.returncode == 0
    assert "thinking" not in done.stdout
    assert "Traceback" not in done.stderr


def test_the_time_the_answer_may_take(place: dict[str, str | None]) -> None:
    with running("ask", "endless", "--timeout", "1", "--quiet", **place) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (5, "")
    assert err.startswith("secgemini: APITimeoutError: ")
    assert re.search(r"secgemini resume \w{32}\)$", err)
    assert err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_whatever_the_encoding_the_answer_arrives(place: dict[str, str | None], encoding: str) -> None:
    env = environment({**place, "PYTHONIOENCODING": encoding})
    done = subprocess.run([*COMMAND, "ask", "hostile"], capture_output=True, env=env, timeout=PATIENCE, check=True)
    expected = "déjà vu" if encoding != "ascii" else "d\\xe9j\\xe0 vu"
    assert done.stdout.decode(encoding).rstrip().endswith(expected)
    assert controls(done.stdout.decode(encoding) + done.stderr.decode(encoding)) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([b"hello \xff"], "the prompt is not UTF-8"),
        ([b"hello", b"--file", b"na\xffme"], r"the name of the file na\udcffme is not UTF-8"),
    ],
)
def test_what_is_not_utf8_leaves_no_session(
    place: dict[str, str | None], tmp_path: Path, arguments: list[bytes], said: str
) -> None:
    (tmp_path / os.fsdecode(b"na\xffme")).touch()
    command = [*COMMAND, "ask", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environment(place), timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"secgemini: UsageError: {said} (")
    with running("sessions", "--json", **place) as process:
        assert process.communicate(timeout=PATIENCE)[0] == "[]\n"


def test_a_prompt_that_is_no_text_is_asked_with_its_bytes_visible() -> None:
    command = [*COMMAND, "ask", "--local", "-"]
    env = checked(os.environ)
    done = subprocess.run(command, input=b"hello \xff", env=env, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_on_a_terminal_only_the_colours_are_ours(place: dict[str, str | None]) -> None:
    code, written = on_terminal("ask", "hostile", **place)
    assert code == 0
    assert "\x1b[2m" in written  # progress is dim
    text = re.sub(r"\x1b\[[0-9;]*m|\r\n", "\n", written)
    assert controls(text) == []
    assert "\\x1b]0;owned\\x07" in text


def test_an_answer_is_cut_between_words_on_a_terminal_and_nowhere_else(place: dict[str, str | None]) -> None:
    _, written = on_terminal("ask", "wide", "--quiet", columns=50, **place)
    assert [line.rstrip() for line in written.splitlines()] == [
        "  https://pay.example.com/invoice  [reserved]",
        "    invoice.pdf › page 1 line 9",
    ]
    with running("ask", "wide", "--quiet", COLUMNS="50", **place) as process:
        assert process.communicate(timeout=PATIENCE)[0] == WIDE


@pytest.mark.parametrize(("no_color", "colored"), [(None, True), ("1", False)])
def test_no_color_is_respected(place: dict[str, str | None], no_color: str | None, colored: bool) -> None:
    _, written = on_terminal("ask", "markdown", **{**place, "NO_COLOR": no_color})
    numbers = {int(number) for codes in re.findall(r"\x1b\[([0-9;]+)m", written) for number in codes.split(";")}
    assert bool(numbers & {*range(30, 50), *range(90, 108)}) is colored


def test_markdown_is_laid_out_on_a_terminal(place: dict[str, str | None]) -> None:
    _, written = on_terminal("ask", "markdown", "--quiet", **place)
    screen = pyte.Screen(80, 24)
    titles: list[str] = []
    screen.set_title = titles.append  # type: ignore[method-assign]
    pyte.Stream(screen).feed(written)
    shown = "\n".join(screen.display)
    assert "some bold text" in shown
    assert "**" not in shown
    assert titles == []
