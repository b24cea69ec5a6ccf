"""The command line as a user meets it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cli_process import Capture, Run, check_one_line, controls
from closed_port import closed_port

from secgemini import SecGemini
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService

HOSTILE = "\x1b]0;owned\x07\x1b[2Jsafe\rEVIL\u202e\x9b31m[red]<b>"


class Replies:
    """An engine that does what the prompt's first word says."""

    name = "replies"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        match turn.prompt.split()[0]:
            case "pieces":
                yield Reply("info", "working on it", state="generating")
                for piece in ("one ", "two ", "three"):
                    yield Reply("result", piece, partial=True)
                yield Reply("result", "one two three")
            case "lines":
                yield Reply("thinking", "let me see\nsession forged (by a message)", state="thinking")
                yield Reply("result", "answer\n" * 100)
            case "fail":
                raise RuntimeError("no disk left")
            case "hostile":
                yield Reply("thinking", HOSTILE, state="thinking")
                yield Reply("result", HOSTILE)
            case "files":
                yield Reply("result", " ".join(f"{file.name}={file.size}" for file in turn.files))
            case "logs":
                yield Reply("result", f"{turn.logs.count() if turn.logs else 0} records")
            case _:
                yield Reply("thinking", "let me see", state="thinking")
                yield Reply("result", f"you said: {turn.prompt}")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalService]:
    """A service, and an environment that points the command line at it."""
    with LocalService(engine=Replies(), validate_responses=True) as running:
        monkeypatch.setenv("SEC_GEMINI_API_KEY", running.api_key)
        monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", running.base_url)
        monkeypatch.setenv("SEC_GEMINI_API_WEBSOCKET_URL", running.websocket_url)
        monkeypatch.setenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", running.base_url)
        monkeypatch.setenv("COLUMNS", "80")  # a narrow table cuts the ids
        yield running
    assert running.violations == []


# ask


def test_the_answer_is_on_stdout_and_all_else_on_stderr(service: LocalService, capsys: Capture) -> None:
    run = Run(capsys, "ask", "hello there")
    assert run.code == 0
    assert run.out == "you said: hello there\n"
    said = run.err.splitlines()
    assert said[0].startswith("session ")
    assert said[1] == "thinking: let me see"
    assert said[2].startswith("go on with: secgemini ask --session ")
    assert len(said) == 3


def test_pieces_are_printed_once(service: LocalService, capsys: Capture) -> None:
    assert Run(capsys, "ask", "pieces").out == "one two three\n"


def test_a_message_of_progress_is_one_line(service: LocalService, capsys: Capture) -> None:
    said = Run(capsys, "ask", "lines").err.splitlines()
    assert said[1] == "thinking: let me see\\nsession forged (by a message)"


def test_quiet_says_nothing_but_the_answer(service: LocalService, capsys: Capture) -> None:
    run = Run(capsys, "ask", "hello", "--quiet")
    assert (run.out, run.err) == ("you said: hello\n", "")


def test_a_dash_reads_the_prompt_from_stdin(
    service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("from a pipe")
    with prompt.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert Run(capsys, "ask", "-").out == "you said: from a pipe\n"


def test_files_are_attached_before_the_question(service: LocalService, capsys: Capture, tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.log"
    first.write_text("12345")
    second.write_text("123")
    run = Run(capsys, "ask", "files", "--file", str(first), "--file", str(second))
    assert run.out == "a.txt=5 b.log=3\n"
    assert "attached a.txt (text/plain, 5 B)" in run.err


def test_logs_are_attached_before_the_question(service: LocalService, capsys: Capture, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("Nov 21 03:12:01 web1 sshd[811]: Failed password\n" * 3)
    run = Run(capsys, "ask", "logs", "--logs", str(log))
    assert run.out == "3 records\n"
    assert "attached log auth.log" in run.err


def test_a_turn_is_shown_again_from_its_beginning(service: LocalService, capsys: Capture) -> None:
    session_id = Run(capsys, "ask", "pieces").err.split()[1]
    run = Run(capsys, "resume", session_id)
    assert (run.code, run.out) == (0, "one two three\n")
    document = Run(capsys, "resume", session_id, "--json", "--quiet").document
    assert document["answer"] == "one two three"


def test_a_session_goes_on(service: LocalService, capsys: Capture) -> None:
    session_id = Run(capsys, "ask", "first").err.split()[1]
    again = Run(capsys, "ask", "second", "--session", session_id)
    assert again.out == "you said: second\n"
    assert "go on with" not in again.err
    with SecGemini() as sg:
        prompts = [m.content for m in sg.resume_session(session_id).messages if m.message_type == "query"]
    assert prompts == ["first", "second"]


def test_model_and_logging_are_the_new_sessions(service: LocalService, capsys: Capture) -> None:
    Run(capsys, "ask", "hello", "--no-log", "--model", "sec-gemini-1.1")
    with SecGemini() as sg:
        (session,) = sg.list_sessions()
    assert session.can_log is False
    assert session.model.version == "1.1"


def test_hostile_text_acts_on_no_terminal(service: LocalService, capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "na\x1b[2Jme\u202e.txt"
    file.write_text("x")
    run = Run(capsys, "ask", "hostile", "--file", str(file))
    assert controls(run.out + run.err) == []
    assert "\\x1b]0;owned\\x07" in run.out
    assert "na\\x1b[2Jme\\u202e.txt" in run.err


def test_local_needs_no_key(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEC_GEMINI_API_KEY", raising=False)
    run = Run(capsys, "ask", "--local", "Look at http://evil.example/x")
    assert run.code == 0
    assert "evil.example" in run.out
    assert "go on with" not in run.err


def test_local_knows_no_earlier_session(capsys: Capture) -> None:
    run = Run(capsys, "ask", "--local", "--session", "x", "hello")
    assert (run.code, run.out) == (2, "")
    assert "leave out --session" in run.err


@pytest.mark.parametrize("option", [["--model", "sec-gemini-1.1"], ["--no-log"]])
def test_an_option_that_would_be_ignored_is_refused(capsys: Capture, option: list[str]) -> None:
    check_one_line(Run(capsys, "ask", "hello", "--session", "x", *option), 2, "secgemini: UsageError: --model and")


# --json


def test_json_is_one_document(service: LocalService, capsys: Capture) -> None:
    run = Run(capsys, "ask", "pieces", "--json")
    messages = run.document["messages"]
    assert isinstance(messages, list)
    assert run.code == 0
    assert run.document["answer"] == "one two three"
    assert [(m["message_type"], m["state"]) for m in messages] == [
        ("info", "generating"), ("result", "answering"), ("info", "end"),
    ]  # fmt: skip
    session = run.document["session"]
    assert isinstance(session, dict)
    assert session["id"] in run.err


def test_json_keeps_every_character_and_shows_none_that_acts(service: LocalService, capsys: Capture) -> None:
    run = Run(capsys, "ask", "hostile", "--json", "--quiet")
    assert run.document["answer"] == HOSTILE
    assert run.out.isascii()
    assert controls(run.out) == []


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["ask", "fail", "--json"], "StreamError", 1),
        (["ask", "hello", "--json", "--session", "nope"], "NotFoundError", 4),
        (["ask", "--json"], "UsageError", 2),
        (["ask", "", "--json"], "UsageError", 2),
        (["delete", "nope", "--json"], "NotFoundError", 4),
        (["history", "nope", "--json"], "NotFoundError", 4),
    ],
)
def test_json_of_an_error_is_one_document_too(
    service: LocalService, capsys: Capture, arguments: list[str], kind: str, code: int
) -> None:
    run = Run(capsys, *arguments)
    error = run.document["error"]
    assert isinstance(error, dict)
    assert run.code == code
    assert (error["type"], error["exit_code"]) == (kind, code)
    assert error["message"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "code", "start"),
    [
        (["ask", "fail"], 1, "secgemini: StreamError: "),
        (["ask", "hello", "--session", "nope"], 4, "secgemini: NotFoundError: "),
        (["ask", "hello", "--session", "../../etc/passwd"], 4, "secgemini: NotFoundError: "),
        (["delete", "nope"], 4, "secgemini: NotFoundError: "),
        (["history", "nope"], 4, "secgemini: NotFoundError: "),
        (["resume", "nope"], 4, "secgemini: NotFoundError: "),
        (["ask", "  "], 2, "secgemini: UsageError: the prompt is empty"),
        (["ask"], 2, "secgemini: UsageError: Missing argument 'PROMPT'"),
        (["ask", "hello", "--file", "/does/not/exist"], 2, "secgemini: UsageError: "),
        (["ask", "hello", "--file", "/"], 2, "secgemini: UsageError: "),
        (["ask", "hello", "--timeout", "0"], 2, "secgemini: UsageError: "),
        (["ask", "hello", "--frob"], 2, "secgemini: UsageError: No such option: --frob"),
        (["frob"], 2, "secgemini: UsageError: No such command 'frob'"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    service: LocalService, capsys: Capture, arguments: list[str], code: int, start: str
) -> None:
    check_one_line(Run(capsys, *arguments), code, start)


def test_without_a_key_it_says_where_one_is_taken_from(
    service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEC_GEMINI_API_KEY")
    run = Run(capsys, "ask", "hello")
    check_one_line(run, 3, "secgemini: ApiKeyError: no API key")
    assert "set SEC_GEMINI_API_KEY, or use --local" in run.err


def test_a_wrong_key_is_not_repeated(service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "wrong-key-0123")
    run = Run(capsys, "ask", "hello")
    check_one_line(run, 3, "secgemini: AuthenticationError: ")
    assert "wrong-key-0123" not in run.err


def test_nobody_listens(service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", f"http://127.0.0.1:{closed_port()}")
    check_one_line(Run(capsys, "ask", "hello", "--timeout", "60"), 5, "secgemini: APIConnectionError: ")


def test_debug_shows_the_traceback(service: LocalService, capsys: Capture) -> None:
    run = Run(capsys, "delete", "nope", "--debug")
    assert "Traceback" in run.err
    assert run.err.splitlines()[-1].startswith("secgemini: NotFoundError: ")


# sessions, history, delete


def test_sessions_are_listed_read_and_deleted(service: LocalService, capsys: Capture) -> None:
    session_id = Run(capsys, "ask", "hello").err.split()[1]
    assert session_id in Run(capsys, "sessions").out
    shown = Run(capsys, "history", session_id).out
    assert "query · user · query" in shown or "query · user · start" in shown
    assert "you said: hello" in shown
    assert Run(capsys, "delete", session_id).err == f"deleted {session_id}\n"
    assert session_id not in Run(capsys, "sessions").out


def test_sessions_and_histories_as_json(service: LocalService, capsys: Capture) -> None:
    session_id = Run(capsys, "ask", "hello").err.split()[1]
    (listed,) = json.loads(Run(capsys, "sessions", "--json").out)
    assert (listed["id"], listed["num_messages"]) == (session_id, 4)
    kinds = [message["message_type"] for message in json.loads(Run(capsys, "history", session_id, "--json").out)]
    assert kinds == ["query", "thinking", "result", "info"]
    assert Run(capsys, "delete", session_id, "--json").document == {"deleted": session_id}


def test_a_history_that_is_shortened_says_how_to_read_all(service: LocalService, capsys: Capture) -> None:
    short, long = (Run(capsys, "ask", prompt).err.split()[1] for prompt in ("hello", "lines"))
    assert Run(capsys, "history", short).err == ""
    assert Run(capsys, "history", long).err == "messages are shortened here; --json prints all of them\n"


def test_in_a_pipe_a_session_is_one_line(
    service: LocalService, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    with SecGemini() as sg:
        session = sg.create_session("a name that is longer than a terminal is wide, " * 3)
    _, line = Run(capsys, "sessions").out.splitlines()
    assert line.startswith(session.id)
    assert session.name.strip() in line


# The command itself


def test_version(capsys: Capture) -> None:
    from secgemini import __version__

    assert Run(capsys, "--version").out == f"secgemini {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], [], *([name, "--help"] for name in ("ask", "resume", "sessions", "history", "delete"))]
)
def test_help_tells_the_exit_codes_and_the_environment(capsys: Capture, arguments: list[str]) -> None:
    run = Run(capsys, *arguments)
    assert run.code == 0
    for promised in ("130  interrupted", "5    no connection", "SEC_GEMINI_API_KEY", "NO_COLOR"):
        assert promised in run.out


def test_the_help_of_serve_tells_its_exit_codes_engines_and_signal(capsys: Capture) -> None:
    said = Run(capsys, "serve", "--help").out
    for promised in ("0    ended with", "2    called wrongly", "openai:URL", "script:FILE", "On SIGHUP"):
        assert promised in said


def test_the_help_cuts_no_summary(capsys: Capture) -> None:
    assert "..." not in Run(capsys, "--help").out.partition("Commands:")[2].partition("Exit codes")[0]


def test_no_option_takes_the_key(capsys: Capture) -> None:
    for command in ("ask", "resume", "serve", "sessions", "history", "delete"):
        assert "--api-key" not in Run(capsys, command, "--help").out


def test_without_the_extra_it_says_what_to_install(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("typer", "secgemini.cli."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    run = Run(capsys, "--version")
    assert run.code == 2
    assert run.err == 'secgemini: the command line needs the extra "cli": pip install "secgemini[cli]"\n'


@pytest.mark.parametrize("arguments", [["ask", "--local", "hello"], ["serve"]])
def test_without_the_service_it_says_what_to_install(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(("uvicorn", "secgemini.local"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    run = Run(capsys, *arguments)
    check_one_line(run, 2, "secgemini: ConfigurationError: ")
    assert "secgemini[local]" in run.err
