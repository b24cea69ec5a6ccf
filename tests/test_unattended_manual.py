"""The examples of docs/unattended.md, each run as it stands; and its tables, held against the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from secgemini import Limits
from secgemini.local.server import LocalService

ROOT = Path(__file__).resolve().parent.parent
MANUAL = (ROOT / "docs" / "unattended.md").read_text()
NIGHTLY, IN_TESTS = re.findall(r"^```python\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)


def run(code: str) -> None:
    exec(compile(code, "manual", "exec"), {"__name__": "manual"})


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalService]:
    """A service that the environment points at, as it does at night."""
    with LocalService() as service:
        monkeypatch.setenv("SEC_GEMINI_API_KEY", service.api_key)
        monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", service.base_url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.chdir(ROOT)
        yield service


def test_the_nightly_job(hosted: LocalService, capsys: pytest.CaptureFixture[str]) -> None:
    run(NIGHTLY)
    shown = capsys.readouterr().out
    assert "sshd.log" in shown
    assert re.search(r"^5 answers, the last after \d+\.\d s$", shown, re.MULTILINE)


def test_the_nightly_job_without_its_file(
    hosted: LocalService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"no file 'docs/examples/sshd.log'"):
        run(NIGHTLY)


def test_the_nightly_job_without_a_key(hosted: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEC_GEMINI_API_KEY")
    with pytest.raises(SystemExit, match="SEC_GEMINI_API_KEY"):
        run(NIGHTLY)


def test_the_nightly_job_with_a_wrong_key(hosted: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "wrong")
    with pytest.raises(SystemExit, match=r"^401 .*\[worth another run: False\]$"):
        run(NIGHTLY)


def test_the_nightly_job_without_a_service(hosted: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", "http://127.0.0.1:1")
    with pytest.raises(SystemExit, match=r"Connection refused.* \[it may have arrived: False\]$"):
        run(NIGHTLY.replace("max_retries=4", "max_retries=0"))


def test_the_example_for_tests(capsys: pytest.CaptureFixture[str]) -> None:
    run(IN_TESTS)
    assert "would have waited 1 times" in capsys.readouterr().out


def test_the_table_of_limits() -> None:
    defaults = Limits()
    for name, value in re.findall(r"^\| `(max_\w+)` \| ([\d,]+)(?: MiB)? \|", MANUAL, re.MULTILINE):
        if name == "max_retries":
            continue
        number = int(value.replace(",", ""))
        assert getattr(defaults, name) in (number, number << 20)
