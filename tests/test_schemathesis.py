"""schemathesis against the service: what the contract allows is answered as it says, what it forbids is refused.

All checks, none loosened, and one of our own: no 5xx, statuses, types, headers and bodies as the contract has them,
invalid requests are refused and valid ones taken, keys asked for, deleted sessions gone. `stateful` follows the
contract's links, for example from `register` to `get` to `delete`. `schemathesis_hooks.py` sees to it that requests
meet a session: those for sessions that are not there are all answered alike.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import secgemini_api
from raw_service import running_service

CONTRACT = Path(secgemini_api.__file__).parent / "openapi.json"
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
KEYS = '[auth.openapi.ApiKey]\napi_key = "k"\n[auth.openapi.Bearer]\nbearer = "k"\n'


def explore(folder: Path, *options: str) -> tuple[int, str]:
    """Run schemathesis; return the number of requests that it made up, all of them answered right, and its report."""
    settings = folder / "schemathesis.toml"
    settings.write_text(KEYS)
    with running_service(key="k") as service:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", str(CONTRACT)]
        command += ["--url", service.base_url, "--checks", "all", "--no-color", *options]
        environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", errors="replace"
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        assert {request.status for request in service.requests} >= {200, 401, 404}
    report = done.stdout[done.stdout.index(" SUMMARY ") :]
    found = re.search(r"(\d+) generated, (\d+) passed", report)
    assert found is not None, report
    assert found[1] == found[2], report
    followed = re.search(r"API Links: +(\d+) covered", done.stdout)
    assert followed is not None, done.stdout
    assert int(followed[1]) >= 8, f"the sequences of requests hardly began:\n{done.stdout}"
    return int(found[1]), report


def test_no_example_and_no_sequence_of_requests_breaks_the_contract(tmp_path: Path) -> None:
    number, report = explore(tmp_path, "--phases", "examples,stateful", "--max-examples", "30", "--seed", "1")
    assert number >= 150, report


@pytest.mark.slow
def test_no_request_of_thousands_breaks_the_contract(tmp_path: Path) -> None:
    number, report = explore(tmp_path, "--max-examples", "20", "--seed", "1")
    print("\n" + report)
    assert number >= 2000, report
