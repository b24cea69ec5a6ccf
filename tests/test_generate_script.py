"""scripts/generate: the same bytes from anywhere, and no drift unnoticed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in a folder with a hostile formatter configuration around it, compiled from elsewhere."""
    around = tmp_path_factory.mktemp("around")
    (around / "ruff.toml").write_text('line-length = 40\nindent-width = 2\n[lint]\nselect = ["ALL"]\n')
    root = around / "checkout"
    (root / "scripts").mkdir(parents=True)
    (root / "generated").mkdir()
    shutil.copy(ROOT / "openapi.yaml", root)
    shutil.copy(ROOT / "scripts" / "generate", root / "scripts")
    shutil.copy(ROOT / "generated" / "config.yaml", root / "generated")
    shutil.copytree(ROOT / "generated" / "templates", root / "generated" / "templates")
    done = generate(root, cwd=Path("/"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return root


@pytest.fixture
def checkout(compiled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(compiled, tmp_path / "checkout"))


def generate(root: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    # PATH without the environment's programs: the script has to find the formatter by itself.
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, root / "scripts" / "generate", *arguments]
    return subprocess.run(command, cwd=cwd or root, env=environment, capture_output=True, text=True, check=False)


def package(root: Path) -> Path:
    return root / "generated" / "secgemini_api"


def test_a_package_that_is_up_to_date_passes(checkout: Path) -> None:
    (package(checkout) / "models" / "__pycache__").mkdir()
    (package(checkout) / "models" / "__pycache__" / "message.cpython-311.pyc").write_bytes(b"bytecode")
    done = generate(checkout, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_word_is_drift(checkout: Path) -> None:
    contract = checkout / "openapi.yaml"
    text = contract.read_text(encoding="utf-8")
    word = "Kind of message."
    assert word in text
    contract.write_text(text.replace(word, "Sort of message.", 1), encoding="utf-8")
    done = generate(checkout, "--check")
    assert done.returncode == 1
    assert "changed: openapi.json" in done.stdout
    assert "Sort of message." in done.stdout


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "client.py").read_bytes())
    content[100] ^= 1
    (folder / "client.py").write_bytes(content)


def add(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(flip_a_bit, "changed: client.py", id="changed"),
        pytest.param(add("models/forgotten.py"), "stray:   models/forgotten.py", id="stray"),
        pytest.param(add("__pycache__/hidden.py"), "stray:   __pycache__/hidden.py", id="stray-in-the-cache"),
        pytest.param(add("models/old.pyc"), "stray:   models/old.pyc", id="stray-bytecode"),
        pytest.param(remove("py.typed"), "missing: py.typed", id="missing"),
        pytest.param(remove("models/message.py"), "missing: models/message.py", id="missing-module"),
    ],
)
def test_every_other_difference_alone_is_drift_too(
    change: Callable[[Path], None],
    line: str,
    checkout: Path,
    compiled: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    change(package(checkout))
    script = load_script(checkout)
    # What the contract gives was compiled once for all of these.
    monkeypatch.setattr(script, "compile_contract", lambda target: shutil.copytree(package(compiled), target))
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    assert script.main() == 1
    shown = capsys.readouterr().out
    lines = [found.strip() for found in shown.splitlines() if found.startswith("  ") and not found.startswith("   ")]
    assert lines == [line]
    assert "run scripts/generate" in shown


def load_script(root: Path) -> Any:
    """Import a checkout's scripts/generate, which has no suffix."""
    loader = SourceFileLoader("generate", str(root / "scripts" / "generate"))
    spec = spec_from_loader("generate", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_generating_again_repairs_and_leaves_nothing_behind(checkout: Path, compiled: Path) -> None:
    (package(checkout) / "models" / "forgotten.py").write_text("")
    (package(checkout) / "client.py").write_text("")
    assert generate(checkout, cwd=checkout / "scripts").returncode == 0
    assert content(package(checkout)) == content(package(compiled))
    assert sorted(path.name for path in (checkout / "generated").iterdir()) == [
        "config.yaml",
        "secgemini_api",
        "templates",
    ]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def add_a_status_that_is_none(contract: dict[str, Any]) -> None:
    contract["paths"]["/v1/session/get"]["get"]["responses"]["abc"] = {"description": "Not a status."}


def add_a_list_of_nothing(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["Message"]["properties"]["x"] = {"type": "array"}


@pytest.mark.parametrize(("change", "words"), [(add_a_status_that_is_none, "abc"), (add_a_list_of_nothing, "items")])
def test_a_contract_that_does_not_compile_changes_nothing(
    checkout: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    contract = yaml.safe_load((checkout / "openapi.yaml").read_text(encoding="utf-8"))
    change(contract)
    (checkout / "openapi.yaml").write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")
    before = content(package(checkout))
    done = generate(checkout)
    assert done.returncode == 2
    assert "openapi.yaml does not compile" in done.stderr
    assert words in done.stderr
    assert content(package(checkout)) == before


def test_the_package_carries_the_whole_contract(compiled: Path) -> None:
    packaged = json.loads((package(compiled) / "openapi.json").read_text(encoding="utf-8"))
    assert packaged == yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    assert (package(compiled) / "py.typed").exists()
