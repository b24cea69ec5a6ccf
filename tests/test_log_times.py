"""Times of log lines: read in any usual form, and only where there is one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from secgemini.local.logtimes import LineReader

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00Z x",
        "2026-11-22 12:00:00,000 INFO x",
        "2026-11-22T13:00:00+01:00 x",
        "[22/Nov/2026:12:00:00 +0000] x",
        "2026/11/22 12:00:00 x",
        "11/22/2026 12:00:00 PM x",
        "Sun Nov 22 12:00:00 2026 x",
        "Sun, 22 Nov 2026 12:00:00 GMT x",
        "22 November 2026 12:00 x",
        "1795348800 x",
        "1795348800.000 x",
        "1795348800000 x",
        "[1795348800] x",
        '{"timestamp": "2026-11-22T12:00:00Z"}',
        '{"ts": 1795348800}',
        "Nov 22 12:00:00 host sshd[1]: x",
        "<13>Nov 22 12:00:00 host sshd[1]: x",
        "<13>1 2026-11-22T12:00:00.000Z host sshd 1 - - x",
        "2026-11-22 13:00:00+01 x",
        "2026-11-22 13:00:00.000+01 x",
        "22.11.2026 12:00:00 x",
        "20261122T120000Z x",
        "20261122 12:00:00 x",
        "2026-11-22_12:00:00 x",
        "2026-11-22,12:00:00,x",
        "1795348800000000000 x",
        "ts=1795348800.000 x",
        "type=CWD msg=audit(1795348800.000:7): x",
        '{"ts": "1795348800"}',
        '{"ts": 1795348800000000000}',
        '{"when": "22/Nov/2026:12:00:00 +0000"}',
        "\ufeff2026-11-22T12:00:00Z x",
        '{"pad": "' + "x" * 100_000 + '", "ts": 1795348800}',
    ],
)
def test_times_of_any_usual_form_are_read(text: str) -> None:
    assert LineReader({}, now=NOON.timestamp()).read(text)[0] == NOON.timestamp()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("05.11.2026 12:00:00 x", datetime(2026, 11, 5, 12, tzinfo=UTC)),
        ("Feb 29 12:00:00 host x", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("Dec 31 12:00:00 host x", datetime(2025, 12, 31, 12, tzinfo=UTC)),
    ],
)
def test_what_a_time_leaves_open(text: str, time: datetime) -> None:
    assert LineReader({}, now=NOON.timestamp()).read(text)[0] == time.timestamp()


@pytest.mark.parametrize(
    "text", ["", "x", "12:00", "99/99/9999 99:99:99", "version 1.2.3 10:00", "1" * 5000, "Feb 30 12:00:00 x"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert LineReader({}, now=NOON.timestamp()).read(text)[0] is None


def test_the_first_second_of_unix_time_is_one() -> None:
    assert LineReader({}, now=NOON.timestamp()).read("0000000000 x")[0] == 0.0
