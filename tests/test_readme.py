"""What the README and the manual of the service say is run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.S)


def run(code: str, capsys: pytest.CaptureFixture[str]) -> str:
    exec(compile(code, "manual", "exec"), {"__name__": "manual"})
    return capsys.readouterr().out


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
    from secgemini import SecGemini

    with SecGemini.local() as sg:
        sg.create_session("raw")
        names: dict[str, object] = {"sg": sg}
        exec(blocks("README.md")[2], names)
        assert [s.name for s in names["sessions"]] == ["raw"]  # type: ignore[attr-defined]


def test_the_manual_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, engine, _ = blocks("docs/service.md")
    assert "language model" in run(first, capsys)
    assert run(engine, capsys).strip() == "HELLO"


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
