"""Sum up a log: its format, its time range, its busiest sources, who failed to log in, and who then got in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from secgemini.local.escapes import without_escapes

from .logformats import LogFormat, log_formats, plain
from .logformats.event import NO_YEAR, LogEvent

_SAMPLE = 200  # lines that decide on the format
_SHARE = 0.6  # of them that the format must understand
_FEWEST = 3
_LONGEST_LINE = 8192


@dataclass(slots=True)
class LogSummary:
    """What a log says as a whole. Counters are keyed by source or by (source, account)."""

    format: str
    lines: int = 0
    understood: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sources: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    failed_accounts: Counter[str] = field(default_factory=Counter)
    logins: list[tuple[int, str, str, int]] = field(default_factory=list)
    """(line, account, source, failures of that source before): logins that succeeded."""

    def add(self, number: int, event: LogEvent) -> None:
        """Count one event; `number` is its line."""
        self.understood += 1
        self._span(event.time)
        source = event.source or "?"
        if event.source is not None:
            self.sources[event.source] += event.times
        if event.status is not None:
            self.statuses[event.status] += 1
        if event.failed_login is not None:
            self.failed[source] += event.times
            self.failed_accounts[event.failed_login or "?"] += event.times
        elif event.login is not None and len(self.logins) < 1000:
            self.logins.append((number, event.login or "?", source, self.failed[source]))

    def breaches(self) -> list[tuple[int, str, str, int]]:
        """Return the logins that came after failures from the same source."""
        return [login for login in self.logins if login[3]]

    def _span(self, time: datetime | None) -> None:
        """Widen the range; without years (and so across new year) the order of the lines is the order of time."""
        if time is None:
            return
        yearless = time.year == NO_YEAR
        if self.first is None or self.last is None:
            self.first = self.last = time if yearless else _utc(time)
        elif yearless != (self.first.year == NO_YEAR):
            return  # the two kinds cannot be compared; the first one seen counts
        elif yearless:
            self.last = time
        else:
            self.first, self.last = min(self.first, _utc(time)), max(self.last, _utc(time))


def _utc(time: datetime) -> datetime:
    """Return a time that can be compared: without a zone it is taken as UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def summarise(lines: Iterable[tuple[int, str]]) -> LogSummary | None:
    """Return the summary of numbered lines, or None when they are no log that one of the formats understands."""
    numbered = ((number, without_escapes(_head(line))) for number, line in lines if line.strip())
    sample = list(islice(numbered, _SAMPLE))
    chosen = _choose([line for _, line in sample])
    if chosen is None:
        return None
    summary = LogSummary(chosen.NAME)
    for number, line in _chain(sample, numbered):
        summary.lines += 1
        if (event := chosen.parse(line) or _of_another(line)) is not None:
            summary.add(number, event)
    return summary


def _head(line: str) -> str:
    """Return the part of a line that is looked at: all of JSON, of which a part is nothing."""
    return line if line.startswith("{") else line[:_LONGEST_LINE]


def _of_another(line: str) -> LogEvent | None:
    """Read a line among those of another program: when it was, and who failed to log in, or did."""
    event = plain.parse(line)
    about_login = event is not None and (event.failed_login is not None or event.login is not None)
    return event if event is None or about_login else LogEvent(event.time)


def _choose(lines: list[str]) -> LogFormat | None:
    if len(lines) < _FEWEST:
        return None
    for log_format in log_formats():
        events = [event for line in lines if (event := log_format.parse(line)) is not None]
        if len(events) >= len(lines) * _SHARE and any(event.time for event in events):
            return log_format
    return None


def _chain(first: list[tuple[int, str]], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from first
    yield from rest
