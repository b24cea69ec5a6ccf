"""scripts/bench: that its parts run. Its figures are for people: tests judge no speed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "bench"
USED = {
    "query": {"secgemini", "secgemini_api", "httpx", "httpcore", "ssl/socket"},
    "history": {"secgemini", "secgemini_api", "httpx", "msgspec", "ssl/socket"},
    "stream": {"secgemini", "secgemini_api", "websockets", "msgspec", "ssl/socket"},
    "list": {"secgemini", "secgemini_api", "httpx", "msgspec", "ssl/socket"},
    "attach": {"secgemini", "httpx", "httpcore", "ssl/socket"},
}


@pytest.mark.parametrize("work", USED)
def test_a_profile_says_whose_time_it_is(work: str) -> None:
    command = [sys.executable, "-W", "error", SCRIPT, "profile", work, "--size", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    packages, functions = done.stdout.split("by package\n")[1].split("by function\n")
    shares = {name: float(share) for share, name in re.findall(r"^ +([\d.]+)%  (.+)$", packages, re.MULTILINE)}
    assert shares.keys() >= USED[work]
    assert sum(shares.values()) == pytest.approx(100, abs=1), "rounded"
    assert len(re.findall(r"^ +[\d.]+%  +[\d,]+ x  \S.*  \S.*$", functions, re.MULTILINE)) == 15
