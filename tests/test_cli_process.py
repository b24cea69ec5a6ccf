"""The command line as a process: signals, pipes, terminals, and `secgemini serve` from its ready line to its end."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pyte
import pytest
import trustme
from cli_process import COMMAND, PATIENCE, controls, environment, on_terminal, running

from secgemini import AuthenticationError, SecGemini
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService

HOSTILE = "\x1b]0;owned\x07\x1b[2Jsafe\rEVIL\u202e\x9b31m[red]x"


class Slow:
    """An engine whose answers never end, are long, are hostile, or are Markdown."""

    name = "slow"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        if turn.prompt == "endless":
            yield Reply("info", "thinking about it", state="thinking")
            await asyncio.Event().wait()
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


def test_ctrl_c_ends_it_without_a_traceback(place: dict[str, str | None]) -> None:
    with running("ask", "endless", **place) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("info: thinking about it"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "secgemini: interrupted\n")


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
    assert err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_whatever_the_encoding_the_answer_arrives(place: dict[str, str | None], encoding: str) -> None:
    env = environment({**place, "PYTHONIOENCODING": encoding})
    done = subprocess.run([*COMMAND, "ask", "hostile"], capture_output=True, env=env, timeout=PATIENCE, check=True)
    expected = "déjà vu" if encoding != "ascii" else "d\\xe9j\\xe0 vu"
    assert done.stdout.decode(encoding).rstrip().endswith(expected)
    assert controls(done.stdout.decode(encoding) + done.stderr.decode(encoding)) == []


def test_a_prompt_that_is_no_text_is_asked_with_its_bytes_visible() -> None:
    done = subprocess.run([*COMMAND, "ask", "--local", "-"], input=b"hello \xff", capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_on_a_terminal_only_the_colours_are_ours(place: dict[str, str | None]) -> None:
    code, written = on_terminal("ask", "hostile", **place)
    assert code == 0
    assert "\x1b[2m" in written  # progress is dim
    text = re.sub(r"\x1b\[[0-9;]*m|\r\n", "\n", written)
    assert controls(text) == []
    assert "\\x1b]0;owned\\x07" in text


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


# serve


def read_exports(process: subprocess.Popen[str], count: int) -> tuple[str, dict[str, str]]:
    """Read the ready line and what a shell would evaluate."""
    assert process.stdout is not None
    ready = process.stdout.readline()
    exports = [shlex.split(process.stdout.readline()) for _ in range(count)]
    assert all(words[0] == "export" for words in exports), exports
    return ready, dict(word.split("=", 1) for _, word in exports)  # type: ignore[misc]


def client_of(exports: dict[str, str], key: str) -> SecGemini:
    return SecGemini(
        key,
        base_url=exports["SEC_GEMINI_API_HTTP_URL"],
        websocket_url=exports["SEC_GEMINI_API_WEBSOCKET_URL"],
        max_retries=0,
    )


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """End the service and return what it said on stderr; it ends cleanly."""
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_is_ready_answers_and_ends_cleanly(number: int) -> None:
    with running("serve", SEC_GEMINI_API_KEY=None) as process:
        ready, exports = read_exports(process, 4)
        assert ready == (
            f"secgemini: serving on {exports['SEC_GEMINI_API_HTTP_URL']} "
            f"(WebSocket {exports['SEC_GEMINI_API_WEBSOCKET_URL']})\n"
        )
        with client_of(exports, exports["SEC_GEMINI_API_KEY"]) as sg:
            answer = sg.create_session().query("Look at http://evil.example/x")
        assert "evil.example" in answer.output_text
        assert end(process, number) == ""


def test_serve_with_the_key_of_the_environment_does_not_repeat_it() -> None:
    with running("serve", SEC_GEMINI_API_KEY="from-environment-01") as process:
        _, exports = read_exports(process, 3)
        with client_of(exports, "from-environment-01") as sg:
            assert sg.user_info().user
        with client_of(exports, "another") as sg, pytest.raises(AuthenticationError):
            sg.user_info()
        process.send_signal(signal.SIGTERM)
        rest = "".join(process.communicate(timeout=PATIENCE))
        assert "from-environment-01" not in rest + repr(exports)


def test_a_key_file_wins_and_others_must_not_read_it(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("from-the-file-01\n")
    key_file.chmod(0o644)
    with running("serve", "--key-file", str(key_file), SEC_GEMINI_API_KEY="from-environment-01") as process:
        _, exports = read_exports(process, 3)
        with client_of(exports, "from-the-file-01") as sg:
            assert sg.user_info().user
        assert "chmod 600" in end(process)


def test_a_private_key_file_is_no_reason_to_warn(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("from-the-file-01\n")
    key_file.chmod(0o600)
    with running("serve", "--key-file", str(key_file)) as process:
        read_exports(process, 3)
        assert end(process) == ""


def test_each_key_of_a_file_has_sessions_of_its_own(tmp_path: Path) -> None:
    key_file = tmp_path / "keys"
    key_file.write_text("first-key-01\nsecond-key-02\n")
    key_file.chmod(0o600)
    with running("serve", "--key-file", str(key_file)) as process:
        _, exports = read_exports(process, 3)
        with client_of(exports, "first-key-01") as first, client_of(exports, "second-key-02") as second:
            session_id = first.create_session().id
            assert [session.id for session in first.list_sessions()] == [session_id]
            assert second.list_sessions() == []
        end(process)


@pytest.mark.parametrize(
    ("rule", "code"),
    [("get_user_info:status=401", 3), ("register_session:status=500", 1), ("*:reset", 5), ("*:malform", 1)],
)
def test_faults_come_out_as_exit_codes(rule: str, code: int, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text(f"# one rule\n{rule}\n")
    with running("serve", "--faults", str(rules), SEC_GEMINI_API_KEY="key-01") as process:
        _, exports = read_exports(process, 3)
        with running("ask", "hello", **{**exports, "SEC_GEMINI_API_KEY": "key-01"}) as asking:
            out, err = asking.communicate(timeout=PATIENCE)
        assert (asking.returncode, out) == (code, ""), err
        assert err.count("\n") == 1
        end(process)


def test_pages_of_an_allowed_origin_may_call() -> None:
    with running("serve", "--allow-origin", "https://app.example", SEC_GEMINI_API_KEY="key-01") as process:
        _, exports = read_exports(process, 3)
        allowed = {}
        for origin in ("https://app.example", "https://evil.example"):
            answer = httpx.get(exports["SEC_GEMINI_API_HTTP_URL"], headers={"origin": origin, "x-api-key": "key-01"})
            allowed[origin] = answer.headers.get("access-control-allow-origin")
        assert allowed == {"https://app.example": "https://app.example", "https://evil.example": None}
        end(process)


def test_what_a_database_keeps_outlives_the_process(tmp_path: Path) -> None:
    database = str(tmp_path / "state.sqlite")
    with running("serve", "--db", database, SEC_GEMINI_API_KEY="key-of-mine-01") as process:
        _, exports = read_exports(process, 3)
        with client_of(exports, "key-of-mine-01") as sg:
            session_id = sg.create_session("kept").id
        end(process)
    with running("serve", "--db", database, SEC_GEMINI_API_KEY="key-of-mine-01") as process:
        _, exports = read_exports(process, 3)
        with client_of(exports, "key-of-mine-01") as sg:
            assert sg.resume_session(session_id).name == "kept"
        end(process)


def test_serve_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, ca = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    with running("serve", "--tls-cert", str(chain), "--tls-key", str(key), SEC_GEMINI_API_KEY="key-01") as process:
        _, exports = read_exports(process, 3)
        assert exports["SEC_GEMINI_API_WEBSOCKET_URL"].startswith("wss://")
        env = {**exports, "SEC_GEMINI_API_KEY": "key-01", "SSL_CERT_FILE": str(ca)}
        with running("ask", "Look at http://evil.example/x", **env) as asking:
            out, err = asking.communicate(timeout=PATIENCE)
        assert asking.returncode == 0, err
        assert "evil.example" in out
        end(process)


def failed(*arguments: str, code: int) -> str:
    with running("serve", *arguments, SEC_GEMINI_API_KEY="key-01") as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (code, ""), err
    assert err.startswith("secgemini: ")
    assert err.count("\n") == 1
    return err


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in failed("--port", port, code=3)


def test_an_empty_key_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    assert "is empty" in failed("--key-file", str(tmp_path / "key"), code=2)


def test_an_unknown_engine_is_one_line() -> None:
    assert "no engine 'nope'" in failed("--engine", "nope", code=3)


def test_a_fault_rule_that_cannot_be_read_is_one_line() -> None:
    assert "cannot read the fault rule" in failed("--faults", "nonsense:", code=3)


def test_half_of_tls_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    assert "TLS needs both" in failed("--tls-cert", str(tmp_path / "cert.pem"), code=3)


def test_a_host_name_that_was_allowed_is_answered() -> None:
    import httpx

    with running("serve", "--allow-host", "emulator.internal") as process:
        _, exports = read_exports(process, 4)
        address = exports["SEC_GEMINI_API_HTTP_URL"] + "/health"
        answers = {
            name: httpx.get(address, headers={"host": name}).status_code
            for name in ("emulator.internal", "evil.example")
        }
        end(process)
    assert answers == {"emulator.internal": 200, "evil.example": 403}
