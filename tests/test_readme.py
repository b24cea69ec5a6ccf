"""What the README and the manual of the service say is run as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from held_services import checked

from secgemini import SecGemini
from secgemini.local.server import LocalService

ROOT = Path(__file__).resolve().parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.S)


def run(code: str, capsys: pytest.CaptureFixture[str]) -> str:
    exec(compile(code, "manual", "exec"), {"__name__": "manual"})
    return capsys.readouterr().out


def shell_lines(page: str) -> list[str]:
    """Return the commands of a page, without those that install and without activating what they installed."""
    found = re.findall(r"(?<!-->\n)```sh\n(.*?)```", (ROOT / page).read_text(), re.S)
    lines = "".join(found).splitlines()
    return [line for line in lines if line != ". .venv/bin/activate"]


def type_in(line: str, folder: Path) -> str:
    """Run a command as a newcomer would, and return what it printed; of `serve`, until it is stopped."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEC_GEMINI_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    serves = line.startswith("secgemini serve ")
    command = f"exec {line.replace('--port 8000', '--port 0')}" if serves else line  # 8000 may be taken here
    run_it = ["sh", "-c", command]
    with subprocess.Popen(run_it, cwd=folder, env=checked(environment), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        if serves:
            process.terminate()
        shown += process.stdout.read()
    assert process.returncode == 0
    return shown


def test_ten_lines_of_python(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    code = blocks("README.md")[0]
    assert len(code.strip().splitlines()) <= 10
    shown = run(code, capsys)
    assert "pay-example.evil.example" in shown
    assert "phishing.eml" in shown


@pytest.mark.parametrize("says", ["yes", "no"])
def test_the_tool_of_the_readme(says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib

    monkeypatch.chdir(ROOT)
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or says)
    shown = run(blocks("README.md")[1], capsys)
    assert "sha256_file" in asked[0]
    assert (hashlib.sha256((ROOT / "README.md").read_bytes()).hexdigest() in shown) is (says == "yes")


def test_the_raw_endpoint_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(blocks("README.md")[2], capsys) == "[]\n"


def test_the_engine_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(blocks("README.md")[3], capsys) == "HELLO\n"


def test_the_readme_has_no_other_python() -> None:
    assert len(blocks("README.md")) == 4


@pytest.mark.parametrize("line", shell_lines("README.md") + shell_lines("docs/analyst.md"))
def test_the_commands(line: str) -> None:
    shown = type_in(line, ROOT)
    if "--json" in line:
        assert "203.0.113.66" in json.loads(shown)["answer"]
    elif " serve " in line:
        assert shown.startswith("secgemini: serving on http://127.0.0.1:")
    else:
        assert "Indicators" in shown


def test_the_commands_of_the_service(tmp_path: Path) -> None:
    first, make_key, second = shell_lines("docs/service.md")
    assert "export SEC_GEMINI_API_KEY=" in type_in(first, tmp_path)
    assert type_in(make_key, tmp_path) == ""
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    assert "SEC_GEMINI_API_KEY" not in type_in(second, tmp_path)
    assert (tmp_path / "state.db").exists()


def test_the_service_for_other_languages_prints_four_lines_with_the_key_last(tmp_path: Path) -> None:
    exports = type_in(shell_lines("docs/languages.md")[0], tmp_path).splitlines()[1:]
    assert [line.partition(" ")[0] for line in exports] == ["export"] * 4
    assert exports[-1].startswith("export SEC_GEMINI_API_KEY=")


def test_the_manual_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, engine, _ = blocks("docs/service.md")
    assert "language model" in run(first, capsys)
    assert run(engine, capsys).strip() == "HELLO"


def test_the_test_in_the_manual_of_the_service(secgemini_local: LocalService) -> None:
    def program() -> None:
        with SecGemini() as sg:
            sg.create_session().query("hello")

    names: dict[str, object] = {"my_program": SimpleNamespace(run=program)}
    exec(compile(blocks("docs/service.md")[2], "manual", "exec"), names)
    names["test_report"](secgemini_local)  # type: ignore[operator]


def test_the_script_of_the_manual_is_one(tmp_path: Path) -> None:
    from secgemini.local.engines.script import Script

    (tmp_path / "script.toml").write_text(blocks("docs/service.md", "toml")[0])
    assert Script(tmp_path / "script.toml").name == "script"


@pytest.mark.parametrize("name", ["ask", "test"])
def test_the_two_commands_are_one_line_each(name: str) -> None:
    script = [sys.executable, str(ROOT / "scripts/readme-command"), name]
    command = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
    assert len(command.splitlines()) == 1


def test_what_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    for path in re.findall(r"`((?:docs|scripts|secgemini|generated)/[\w./-]+|openapi\.yaml)`", text):
        assert (ROOT / path).exists(), path
