"""Read the time stamps of logs, without the locale; days of any other than the usual forms with python-dateutil."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from .event import NO_YEAR

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBERS = {name: number for number, name in enumerate(MONTHS, 1)}
_ISO = re.compile(
    r"(\d{4})([-/.]?)(\d\d)\2(\d\d)(?:[T _,]|(?<=[-/.]\d\d)[-:])(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"( ?(?:Z|[+-]\d\d:?\d\d)(?!\d)|[+-]\d\d(?![\d:]))?"
)
_BASIC = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})?(?!\d)")
_SYSLOG = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?")
_SYSLOG_5424 = re.compile(r"<\d{1,3}>\d{1,2} ")
_WEB = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?")
_HEAD = 256  # characters in which a time stamp is looked for
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_STAMP = re.compile(
    r"(?<![\d.])(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?"
    r"(?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{8}(?=[ _,-]\d\d:)|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|"
    rf"\d{{1,2}}/\d{{1,2}}/\d\d|\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{4}}|{_MONTH} {{1,2}}\d{{1,2}},?(?: \d{{4}})?)"
    r"[T :,_-]{1,2}(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AP])M)?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\d:]))?(?P<year> \d{4}(?![-:\d]))?"
)
_EPOCH = re.compile(r"\[?(\d{10})(\.\d{1,9}|\d{3}|\d{6}|\d{9})?\b")
_NAMED_EPOCH = re.compile(r"(?:\b(?:ts|time|timestamp|epoch)=|\baudit\()\"?(\d{10})(\.\d{1,9}|\d{3}|\d{6}|\d{9})?\b")
_MOST_SECONDS = 1e11


def iso_time(text: str, start: int = 0) -> tuple[datetime, int] | None:
    """Return the ISO 8601 time at `start` and the offset after it."""
    found = _ISO.match(text, start)
    if found is None:
        return None
    parts = [int(found[number]) for number in (1, 3, 4, 5, 6, 7)]
    return _time(parts, found.end(), _microseconds(found[8]), found[9])


def syslog_time(text: str) -> tuple[datetime, int] | None:
    """Return the time that a syslog line begins with and the offset after it.

    That is `Nov 22 10:00:00`, without a year (RFC 3164), or an ISO 8601 time behind priority and version (RFC 5424).
    """
    if (header := _SYSLOG_5424.match(text)) is not None:
        return iso_time(text, header.end())
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


def find_time(text: str) -> datetime | None:
    """Return the first time stamp at the head of a text, in any usual form, or None.

    Numbers are Unix seconds, milliseconds, microseconds or nanoseconds. Without a year it is `NO_YEAR`.
    """
    head = text[:_HEAD]
    if (epoch := _EPOCH.match(head)) is not None:
        return epoch_time(float(epoch[1] + (epoch[2] or "")))
    if (found := _STAMP.search(head)) is not None:
        read = iso_time(head, found.start("date"))
        return read[0] if read is not None else _any_time(found)
    if (found := _BASIC.search(head)) is not None:
        read = _time([int(found[number]) for number in range(1, 7)], found.end(), zone=found[7])
        return read[0] if read is not None else None
    epoch = _NAMED_EPOCH.search(head)
    return epoch_time(float(epoch[1] + (epoch[2] or ""))) if epoch is not None else None


def epoch_time(number: float) -> datetime | None:
    """Return the time of Unix seconds, milliseconds, microseconds or nanoseconds, told apart by how many there are."""
    while number >= _MOST_SECONDS:
        number /= 1000
    return datetime.fromtimestamp(number, UTC) if number >= 0 else None


def time_of(value: object) -> datetime | None:
    """Return the time that a field of a record holds, a text or a number, or None."""
    if isinstance(value, str):
        return find_time(value)
    if isinstance(value, int | float) and 1e8 < value < 1e20:
        return epoch_time(float(value))
    return None


def _any_time(stamp: re.Match[str]) -> datetime | None:
    day = _day(stamp["date"] + (stamp["year"] or ""))
    if day is None:
        return None
    hour = int(stamp["hour"])
    if stamp["half"] is not None:
        hour = hour % 12 + 12 * (stamp["half"] == "P")
    parts = [day.year, day.month, day.day, hour, int(stamp["minute"]), int(stamp["second"] or 0)]
    zone = "Z" if stamp["zone"] in ("UTC", "GMT") else stamp["zone"]
    read = _time(parts, stamp.end(), _microseconds(stamp["fraction"]), zone)
    return read[0] if read is not None else None


@lru_cache(maxsize=1 << 16)
def _day(text: str) -> datetime | None:
    """Return a day in any usual form. The same days come again and again; python-dateutil takes long for each."""
    from dateutil import parser

    try:
        return parser.parse(text, default=datetime(NO_YEAR, 1, 1), dayfirst="." in text[:3])
    except (ValueError, OverflowError):
        return None


def _microseconds(fraction: str | None) -> int:
    return int(((fraction or "") + "000000")[:6])


def _time(parts: list[int], end: int, fraction: int = 0, zone: str | None = None) -> tuple[datetime, int] | None:
    try:
        year, month, day, hour, minute, second = parts
        return datetime(year, month, day, hour, minute, min(second, 59), fraction, _zone(zone)), end
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    text = text.lstrip()
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)
