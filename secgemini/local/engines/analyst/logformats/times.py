"""Read the usual time stamps of logs, without the locale and without guessing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from .event import NO_YEAR

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBERS = {name: number for number, name in enumerate(MONTHS, 1)}
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?[ ]?(Z|[+-]\d\d:?\d\d(?!\d))?")
_SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?")
_WEB = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?")


def iso_time(text: str, start: int = 0) -> tuple[datetime, int] | None:
    """Return the ISO 8601 time at `start` and the offset after it."""
    found = _ISO.match(text, start)
    if found is None:
        return None
    fraction = int(((found[7] or "") + "000000")[:6])
    parts = [int(found[number]) for number in range(1, 7)]
    return _time(parts, found.end(), fraction, found[8])


def syslog_time(text: str) -> tuple[datetime, int] | None:
    """Return the time that a syslog line begins with (`Nov 22 10:00:00`, without a year) and the offset after it."""
    found = _SYSLOG.match(text)
    if found is None or found[1] not in _NUMBERS:
        return None
    return _time([NO_YEAR, _NUMBERS[found[1]], *(int(found[number]) for number in range(2, 6))], found.end())


def web_time(text: str) -> datetime | None:
    """Return the time of a web server's log, `22/Nov/2026:10:00:00 +0000`."""
    found = _WEB.match(text)
    if found is None or found[2] not in _NUMBERS:
        return None
    parts = [int(found[3]), _NUMBERS[found[2]], int(found[1]), *(int(found[number]) for number in range(4, 7))]
    read = _time(parts, found.end(), zone=found[7])
    return read[0] if read is not None else None


def _time(parts: list[int], end: int, fraction: int = 0, zone: str | None = None) -> tuple[datetime, int] | None:
    try:
        year, month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, min(second, 59), fraction, _zone(zone)), end
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
