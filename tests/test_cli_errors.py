"""What the command line says of an error: the exit code, and what to do about it in a shell."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_process import Capture, Run, check_one_line

import secgemini
from secgemini import SecGemini, no_waiting
from secgemini.cli import exits
from secgemini.errors import APITimeoutError, ConfigurationError, SecGeminiError
from secgemini.local.server import LocalService

PACKAGE = Path(secgemini.__file__).parent


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalService]:
    """A service, and an environment that points the command line at it."""
    with LocalService() as running:
        monkeypatch.setenv("SEC_GEMINI_API_KEY", running.api_key)
        monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", running.base_url)
        monkeypatch.setenv("SEC_GEMINI_API_WEBSOCKET_URL", running.websocket_url)
        monkeypatch.setenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", running.base_url)
        yield running


def sessions_left() -> int:
    with SecGemini() as sg:
        return len(sg.list_sessions())


# Exit codes


@pytest.mark.parametrize(
    ("name", "value", "code", "start"),
    [
        ("SEC_GEMINI_API_KEY", "", 3, "ApiKeyError: no API key (set SEC_GEMINI_API_KEY"),
        ("SEC_GEMINI_API_KEY", "two words", 3, "ApiKeyError: the API key has characters"),
        ("SEC_GEMINI_API_KEY", "wrong-key-0123", 3, "AuthenticationError: 401"),
        ("SEC_GEMINI_API_HTTP_URL", "127.0.0.1:8000", 2, "ConfigurationError: SEC_GEMINI_API_HTTP_URL must look like"),
        ("SEC_GEMINI_API_WEBSOCKET_URL", "x", 2, "ConfigurationError: SEC_GEMINI_API_WEBSOCKET_URL must look like"),
    ],
)
def test_only_a_key_is_a_matter_of_the_key(
    service: LocalService,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    code: int,
    start: str,
) -> None:
    monkeypatch.setenv(name, value)
    check_one_line(Run(capsys, "sessions"), code, f"secgemini: {start}")


def test_a_link_that_is_lost_is_no_connection(service: LocalService, capsys: Capture) -> None:
    service.faults.set("stream:kill=1", "get_session:reset,after=1")
    with no_waiting():
        run = Run(capsys, "ask", "hello")
    session_id = run.err.split()[1]
    check_one_line(run, 5, "secgemini: StreamError: the link could not be restored")
    assert f"secgemini resume {session_id})" in run.err


# Retries


def test_what_is_tried_again_is_said_as_progress(service: LocalService, capsys: Capture) -> None:
    service.faults.set("list_sessions:status=503,times=1", "register_session:status=503,times=1")
    with no_waiting():
        run = Run(capsys, "ask", "hello")
    assert run.code == 0
    assert re.match(r"503 from POST /v1/session/register: .*; attempt 2 follows in [\d.]+ s\nsession ", run.err)


def test_quiet_says_nothing_of_what_is_tried_again(service: LocalService, capsys: Capture) -> None:
    service.faults.set("register_session:status=503,times=1")
    with no_waiting():
        assert Run(capsys, "ask", "hello", "--quiet").err == ""


# Hints


def hints_of_the_library() -> list[str]:
    """Return every text that stands where an error takes its hint, and every constant that is used there."""
    found: set[str] = set()
    for path in PACKAGE.glob("*.py"):
        if "tool" in path.name:  # no command defines a tool
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        given = [key.value for node in ast.walk(tree) if isinstance(node, ast.Call) for key in node.keywords
                 if key.arg == "hint"]  # fmt: skip
        named = [node.value for node in tree.body if isinstance(node, ast.Assign) and _is_hint(node.targets[0])]
        for value in (*given, *named):
            found.update(
                part.value for part in ast.walk(value) if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
    return sorted(found - {""})


def _is_hint(target: ast.expr) -> bool:
    names = ("REJOIN", "PROXY", "DISTRUSTED", "HINTS")
    return isinstance(target, ast.Name) and (target.id in names or target.id.endswith("_HINT"))


# What no command can meet: the generated client, a closed client, headers and pickles are for programs.
FOR_PROGRAMS = re.compile(r"\.api$|with` block|header|SecGemini\(headers|^stream=|x-tenant|strip it")


@pytest.mark.parametrize("hint", [hint for hint in hints_of_the_library() if not FOR_PROGRAMS.search(hint)])
def test_no_hint_is_advice_for_python(hint: str) -> None:
    said = exits.error_line(SecGeminiError("it failed", hint=hint), "1234")
    assert not re.search(r"\w\(|\w=|base_url|websocket_url|logs_url", said), said


def test_the_hints_were_found() -> None:
    found = hints_of_the_library()
    assert any("resume()" in hint for hint in found)
    assert any("list_sessions()" in hint for hint in found)
    assert any("timeout=" in hint for hint in found)


def test_a_hint_is_the_same_in_the_document() -> None:
    error = APITimeoutError("it took too long", hint="timeout= sets it")
    document = exits.error_document(error)["error"]
    assert isinstance(document, dict)
    assert (document["message"], document["hint"]) == ("it took too long", "--timeout sets it")


def test_what_the_service_says_is_not_translated() -> None:
    assert "base_url is fine" in exits.error_line(SecGeminiError("500: base_url is fine"))
    assert "SEC_GEMINI_API_HTTP_URL is no" in exits.error_line(ConfigurationError("base_url is no URL"))


def test_a_session_id_is_quoted_for_the_shell() -> None:
    error = APITimeoutError("it took too long", hint="resume() rejoins it, history() shows what is stored")
    assert "secgemini resume 'x; reboot'" in exits.error_line(error, "x; reboot")


def test_a_turn_that_ended_with_its_service_cannot_be_gone_on_with(capsys: Capture) -> None:
    error = APITimeoutError("it took too long", hint="resume() rejoins it, history() shows what is stored")
    assert exits.error_line(error) == "secgemini: APITimeoutError: it took too long"


def test_a_session_that_is_not_there_names_the_command_that_lists_them(service: LocalService, capsys: Capture) -> None:
    assert "secgemini sessions shows the sessions that exist" in Run(capsys, "history", "nope").err


@pytest.mark.parametrize("command", [["sessions"], ["history", "x"], ["delete", "x"], ["resume", "x"], ["ask", "x"]])
def test_every_command_that_may_time_out_takes_a_time_out(capsys: Capture, command: list[str]) -> None:
    check_one_line(Run(capsys, *command, "--timeout", "0"), 2, "secgemini: UsageError: Invalid value for '--timeout'")


# Inputs


@pytest.mark.parametrize("command", [["ask", "hello", "--session"], ["resume"], ["history"], ["delete"]])
@pytest.mark.parametrize("session", ["", " "])
def test_an_empty_session_id_is_refused(
    service: LocalService, capsys: Capture, command: list[str], session: str
) -> None:
    check_one_line(Run(capsys, *command, session), 2, "secgemini: ")
    assert sessions_left() == 0


@pytest.mark.parametrize("option", ["--file", "--logs"])
@pytest.mark.parametrize("kind", ["fifo", "device", "empty log"])
def test_an_input_that_cannot_be_used_leaves_no_session(
    service: LocalService, capsys: Capture, tmp_path: Path, option: str, kind: str
) -> None:
    path = tmp_path / "input"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path = Path(os.devnull)
        case _:
            path.touch()
            option = "--logs"
    said = "is empty" if kind == "empty log" else "is no regular file"
    run = Run(capsys, "ask", "hello", option, str(path))
    check_one_line(run, 2, "secgemini: UsageError: ")
    assert said in run.err
    assert str(path) in run.err
    assert sessions_left() == 0


def test_logs_without_an_address_for_them_leave_no_session(
    service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL")
    (tmp_path / "auth.log").write_text("one record\n")
    run = Run(capsys, "ask", "hello", "--logs", str(tmp_path / "auth.log"))
    check_one_line(run, 2, "secgemini: UsageError: no address of the logs processor (set SEC_GEMINI_LOGS_PROC")
    assert sessions_left() == 0


def test_a_newline_in_a_files_name_begins_no_line(service: LocalService, capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "a\nthinking: all is well\n.txt"
    path.write_text("nothing")
    run = Run(capsys, "ask", "hello", "--file", str(path))
    assert run.code == 0
    assert not [line for line in run.err.splitlines() if line.startswith("thinking: all is well")]
