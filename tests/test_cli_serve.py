"""`secgemini serve` from its ready line to its end."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme
from cli_process import PATIENCE, running
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from secgemini import AuthenticationError, InternalServerError, SecGemini
from secgemini.cli.serve import exposure


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
    key_file.write_text("# of the first team\nfirst-key-01\n\n# of the second\nsecond-key-02\n")
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
        with running("ask", "hello", "--quiet", **{**exports, "SEC_GEMINI_API_KEY": "key-01"}) as asking:
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


def test_a_made_up_key_opens_what_the_one_before_it_kept(tmp_path: Path) -> None:
    listed: list[list[str]] = []
    for _ in range(2):
        with running("serve", "--db", str(tmp_path / "state.db")) as process:
            _, exports = read_exports(process, 4)
            with client_of(exports, exports["SEC_GEMINI_API_KEY"]) as sg:
                listed.append([each.name for each in sg.list_sessions()])
                sg.create_session("kept")
            end(process)
    assert listed == [[], ["kept"]]


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
        assert port in failed("--port", port, code=2)


@pytest.mark.parametrize("content", ["", "\n", "# first-key-01\n"])
def test_an_empty_key_file_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    assert "is empty" in failed("--key-file", str(tmp_path / "key"), code=2)


def test_a_key_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"%PDF-1.7\n\xe2\xe3\xcf\xd3")
    assert "is no text (one key a line)" in failed("--key-file", str(tmp_path / "key"), code=2)


def test_a_key_that_cannot_be_one_is_named_by_its_line_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-that-is-right\n\na key with spaces\n")
    said = failed("--key-file", str(tmp_path / "key"), code=2)
    assert "line 3 of the key file" in said
    assert "a key with" not in said


def test_a_key_that_stands_twice_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-that-is-right\nanother-key-that-is\na-key-that-is-right\n")
    assert "line 3 of the key file" in failed("--key-file", str(tmp_path / "key"), code=2)


def test_a_short_key_is_served_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short\n")
    (tmp_path / "key").chmod(0o600)
    with running("serve", "--key-file", str(tmp_path / "key")) as process:
        read_exports(process, 3)
        said = end(process)
    assert "line 1 of the key file" in said
    assert "fewer than 12 characters" in said


def test_a_key_in_the_environment_that_cannot_be_one_is_one_line() -> None:
    with running("serve", SEC_GEMINI_API_KEY="schlüssel") as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (3, "")
    assert err.startswith("secgemini: ApiKeyError: ")


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("this is no database, whatever its name says\n" * 100)
    failed("--db", str(tmp_path / "db"), code=2)


@pytest.mark.parametrize(
    ("host", "tls", "said"),
    [
        ("127.0.0.1", False, ""),
        ("::1", False, ""),
        ("localhost", False, ""),
        ("192.0.2.7", True, ""),
        ("192.0.2.7", False, "listening on 192.0.2.7 without TLS"),
        ("emulator.internal", False, "listening on emulator.internal without TLS"),
        ("0.0.0.0", False, "listening on every interface without TLS"),
        ("::", True, "listening on every interface"),
    ],
)
def test_who_can_reach_the_service_is_said(host: str, tls: bool, said: str) -> None:
    warning = exposure(host, tls=tls)
    assert said in warning
    assert bool(said) is bool(warning)
    assert not (tls and "TLS" in warning)


def test_listening_everywhere_is_a_warning_on_stderr() -> None:
    with running("serve", "--host", "0.0.0.0") as process:
        read_exports(process, 4)
        assert end(process).startswith("secgemini: listening on every interface without TLS")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the platform has no SIGHUP")
def test_fault_rules_are_read_again_while_it_runs(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text("# none yet\n")
    with running("serve", "--faults", str(rules), SEC_GEMINI_API_KEY="key-01") as process:
        _, exports = read_exports(process, 3)
        assert process.stderr is not None
        with client_of(exports, "key-01") as sg:
            assert sg.user_info().user
            for written, said in [
                ("get_user_info:status=503", "the fault rules are read again"),
                ("get_user_info:explode", "the fault rules stay as they were: cannot read the fault rule"),
                ("make_coffee:status=503", "the fault rules stay as they were: no operation 'make_coffee'"),
            ]:
                rules.write_text(f"{written}\n")
                process.send_signal(signal.SIGHUP)
                assert process.stderr.readline().startswith(f"secgemini: {said}")
                with pytest.raises(InternalServerError):
                    sg.user_info()
            rules.write_bytes(b"\xff")
            process.send_signal(signal.SIGHUP)
            assert process.stderr.readline().startswith("secgemini: the fault rules stay as they were: ")
            rules.write_text("")
            process.send_signal(signal.SIGHUP)
            process.stderr.readline()
            assert sg.user_info().user
        end(process)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the platform has no SIGHUP")
def test_without_a_file_of_rules_a_terminal_that_closes_ends_it() -> None:
    with running("serve", "--faults", "get_user_info:status=503") as process:
        read_exports(process, 4)
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) == -signal.SIGHUP


def test_an_unknown_engine_is_one_line() -> None:
    assert "no engine 'nope'" in failed("--engine", "nope", code=2)


def test_a_fault_rule_that_cannot_be_read_is_one_line() -> None:
    assert "cannot read the fault rule" in failed("--faults", "nonsense:", code=2)


def test_half_of_tls_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    assert "TLS needs both" in failed("--tls-cert", str(tmp_path / "cert.pem"), code=2)


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    path = str(tmp_path / "cert.pem")
    assert f"the certificate {path} with the key {path} cannot be used" in failed(
        "--tls-cert", path, "--tls-key", path, code=2
    )


def test_a_key_with_a_password_is_said_and_not_asked_for(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    private = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    )
    said = failed("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"), code=2)
    assert f"the private key {tmp_path / 'key.pem'} has a password" in said


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
