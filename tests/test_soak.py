"""Thousands of operations in one process, with errors and cancellations: nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from held_services import checked

PROGRAM = str(Path(__file__).with_name("soak.py"))
WARM_UP = 0.3  # of the operations
MOST_GROWTH = 5 << 10  # KiB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")


def soak(operations: int, time_out: float) -> dict[str, object]:
    """Run service and client in processes of their own; return what the client tells."""
    command = [sys.executable, "-W", "error", PROGRAM]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, "service"], env=checked(os.environ), text=True, **pipes) as service:
        assert service.stdout is not None
        url, key = service.stdout.readline().split()
        told = subprocess.run(
            [*command, "client", url, key, str(operations)], capture_output=True, text=True, timeout=time_out
        )
        service.communicate("")
    assert told.returncode == 0, told.stderr
    result: dict[str, object] = json.loads(told.stdout)
    return result


def check(result: dict[str, object]) -> str:
    looks: list[tuple[int, int, int, int]] = result["looks"]  # type: ignore[assignment]
    warm, last = looks[int(len(looks) * WARM_UP)], looks[-1]
    report = (
        f"{last[0]} operations {result['outcomes']}: memory {warm[1]} → {last[1]} KiB "
        f"(highest {max(look[1] for look in looks)}), descriptors {warm[2]} → {last[2]}, threads {warm[3]} → {last[3]}"
    )
    assert result["complaints"] == [], report
    assert last[1] - warm[1] < MOST_GROWTH, report
    assert max(look[2] for look in looks) - warm[2] <= 20, "the pool of idle connections, at most"
    assert last[2] <= warm[2] + 3, report
    assert last[3] <= warm[3] + 1, report
    return report


def test_a_short_soak() -> None:
    check(soak(500, 600))


@pytest.mark.slow
def test_a_long_soak(capsys: pytest.CaptureFixture[str]) -> None:
    report = check(soak(10_000, 1800))
    with capsys.disabled():
        print("\n" + report)
