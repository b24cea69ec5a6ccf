"""The contract in TypeScript, Go, Java and Rust: `scripts/clients` compiles and runs a program in each.

The tests marked `languages` need the toolchains and the registries; where a toolchain is missing they skip and say so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from held_services import checked

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "clients"


def load_script() -> Any:
    """Import scripts/clients, which has no suffix."""
    loader = SourceFileLoader("clients", str(SCRIPT))
    spec = spec_from_loader("clients", loader)
    assert spec
    module = module_from_spec(spec)
    sys.modules["clients"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


CLIENTS = load_script()
LANGUAGES = {language.name: language for language in CLIENTS.LANGUAGES}
STEPS = {
    *("user_info", "register", "attach_file", "generate", "list", "update", "history", "feedback", "detach", "delete"),
    *("unknown_session", "wrong_key", "mime_types", "newer_service", "null", "again", "prompt"),
}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, env=environment or checked(os.environ), capture_output=True, text=True, check=False)


def require(language: str) -> None:
    if not CLIENTS.has_toolchain(LANGUAGES[language]):
        tools = ", ".join(LANGUAGES[language].tools.values())
        pytest.skip(f"no toolchain for {language} here: it takes {tools}")


def test_a_missing_toolchain_is_named_and_what_to_install() -> None:
    done = run("go", "java", PATH="/nowhere")
    assert done.returncode == 2
    assert "go: skipped, there is no `go` on the PATH; install Go 1.24 or newer" in done.stderr
    assert "java: skipped, there is no `mvn` on the PATH; install Maven 3.8 or newer" in done.stderr


def test_without_arguments_languages_that_are_not_here_are_no_failure() -> None:
    assert run(PATH="/nowhere").returncode == 0


def test_an_unknown_language_is_an_error_that_names_the_known_ones() -> None:
    done = run("cobol")
    assert done.returncode == 2
    assert "no such language: cobol; there are typescript, go, java, rust" in done.stderr


def test_the_versions_of_the_generators_are_pinned() -> None:
    programs = ROOT / "tests" / "languages"
    package = json.loads((programs / "typescript" / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(version.replace(".", "").isdigit() for version in versions.values()), versions
    assert "oapi-codegen@v2." in (programs / "go" / "main.go").read_text()
    assert 'openapi-to-rust = { version = "=' in (programs / "rust" / "Cargo.toml").read_text()
    pom = (programs / "java" / "pom.xml").read_text()
    assert "<artifactId>openapi-generator-maven-plugin</artifactId>\n        <version>" in pom


def test_what_a_generator_said_is_read_where_the_compiler_keeps_it(tmp_path: Path) -> None:
    kept = [tmp_path / "build" / name / "stderr" for name in ("contract-b", "contract-a", "other-c")]
    for age, file in enumerate(kept):
        file.parent.mkdir(parents=True)
        file.write_text(f"warning: said by {file.parent.name}\n")
        os.utime(file, (1_000 - age, 1_000 - age))
    assert CLIENTS.last_kept(tmp_path, "build/contract-*/stderr") == ["warning: said by contract-b"]


@pytest.mark.parametrize(
    ("program", "again"),
    [
        ("import uuid; id = uuid.uuid4().hex; list = 'ok'", "ok"),
        ("id = 'the same'; list = 'ok'", "failed"),
        ("import uuid, pathlib; id = uuid.uuid4().hex; p = pathlib.Path('p'); list = 'no' if p.exists() else 'ok'; "
         "p.touch()", "failed"),
    ],
    ids=["as before", "the same session", "disturbed by the first"],
)  # fmt: skip
def test_a_program_has_to_do_its_job_twice(program: str, again: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        f"import json; {program}; print(json.dumps({{'session_id': id, 'steps': {{'list': list}}}}))"
    )
    language = CLIENTS.Language("python", {}, [], [], f"{sys.executable} program.py")
    outcome = CLIENTS.run_twice(language, tmp_path, dict(os.environ), CLIENTS.Outcome("python"))
    assert outcome.steps == {"list": "ok", "again": again}
    assert bool(outcome.error) is (again == "failed")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of all languages that are here, in one run with one service."""
    report = tmp_path_factory.mktemp("languages") / "report.json"
    done = run("--report", report)
    assert report.exists(), done.stderr
    print(done.stdout)
    return {outcome["language"]: outcome for outcome in json.loads(report.read_text())}


@pytest.mark.languages
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_does_the_documented_job(language: str, outcomes: dict[str, Any]) -> None:
    require(language)
    outcome = outcomes[language]
    assert not outcome["error"], outcome["error"]
    done = {step for step, result in outcome["steps"].items() if result == "ok"}
    assert done == (STEPS | {"stream"} if language == "typescript" else STEPS)


@pytest.mark.languages
def test_the_prompts_that_the_languages_stored_are_equal(outcomes: dict[str, Any]) -> None:
    prompts = [outcome["prompt"] for outcome in outcomes.values()]
    if len(prompts) < 2:
        pytest.skip("it takes the toolchains of two languages")
    assert prompts[0]["content"] == CLIENTS.PROMPT
    assert all(prompt == prompts[0] for prompt in prompts)


@pytest.mark.languages
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_generator_warns_of_nothing_that_the_page_does_not_explain(language: str, outcomes: dict[str, Any]) -> None:
    """Seen are lines with "warn" in what the generators, Go's and Rust's compilers and Rust's build script say.

    Not seen is what npm and Maven keep to themselves: deprecated packages, and warnings of javac, which is quiet here.
    """
    require(language)
    page = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
    warnings = [line for line in outcomes[language]["words"] if "warn" in line.lower()]
    for warning in warnings:
        assert warning.removeprefix("[WARNING] ").partition(". To report")[0] in page


@pytest.mark.languages
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_renamed_property_breaks_the_program(language: str, tmp_path: Path) -> None:
    require(language)
    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    renamed = tmp_path / "openapi.yaml"
    renamed.write_text(text.replace("session_id:", "session_key:").replace("[session_id,", "[session_key,"))
    done = run(language, "--contract", renamed)
    assert done.returncode == 1, done.stdout
    assert "compiled in   failed" in done.stdout
    assert re.search("session_?id", done.stderr, re.IGNORECASE), done.stderr
