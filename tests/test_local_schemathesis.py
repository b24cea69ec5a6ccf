"""schemathesis against the service: what the contract allows is answered as it says, what it forbids is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import secgemini_api
from raw_service import running_service

CONTRACT = Path(secgemini_api.__file__).parent / "openapi.json"


def explore(tmp_path: Path, *options: str) -> str:
    """Run schemathesis with all checks; return what it printed."""
    with running_service(key="k") as service:
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(CONTRACT), "--url", service.base_url]
        command += ["-H", "x-api-key: k", "-H", "Authorization: Bearer k", "--checks", "all", "--no-color", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


def test_no_example_and_no_sequence_of_requests_breaks_the_contract(tmp_path: Path) -> None:
    printed = explore(tmp_path, "--phases", "examples,stateful", "--max-examples", "2", "--seed", "1")
    assert re.search(r"\d+ generated, \d+ passed", printed)


@pytest.mark.slow
def test_no_request_of_thousands_breaks_the_contract(tmp_path: Path) -> None:
    printed = explore(tmp_path, "--max-examples", "20")
    generated = re.search(r"(\d+) generated", printed)
    assert generated is not None
    assert int(generated[1]) >= 2000
    print("\n" + printed[printed.index("SUMMARY") :])
