"""When and where a log line is from: the analyst's log formats first, then any usual time stamp."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from secgemini.local.engines.analyst.logformats import LogFormat, log_formats
from secgemini.local.engines.analyst.logformats.event import NO_YEAR, LogEvent
from secgemini.local.engines.analyst.logformats.jsonlines import flat
from secgemini.local.engines.analyst.logformats.times import time_of

_HEAD = 4096  # characters of a line that are looked at, unless it is JSON, of which a part is nothing


class LineReader:
    """Reads the lines of one log file. A format that fitted is tried first on the next line; `plain` fits too often.

    `fields` says where JSON lines have their `timestamp` and `source`. Times without a zone are taken as UTC; those
    without a year are of the last year in which they are not in the future at `now` (Unix seconds).
    """

    def __init__(self, fields: Mapping[str, str], now: float) -> None:
        self._fields = fields
        self._now = datetime.fromtimestamp(now, UTC) + timedelta(days=1)
        self._formats: list[LogFormat] = list(log_formats())

    def read(self, line: str) -> tuple[float | None, str]:
        """Return the line's time in Unix seconds, None when it has none, and its source, "" when it names none.

        A JSON line can name a source that is no text, of half a surrogate pair; such a half becomes a question mark.
        """
        line = line.removeprefix("\ufeff")
        head = (line if line.startswith("{") else line[:_HEAD]).rstrip("\r\n")
        time, source = self._mapped(head) if self._fields else (None, "")
        event = self._event(head)
        if event is not None:
            time = time or event.time
            source = source or event.source or ""
        return _seconds(self._dated(time)), source.encode("utf-8", "replace").decode()

    def _event(self, head: str) -> LogEvent | None:
        for index, log_format in enumerate(self._formats):
            event = log_format.parse(head)
            if event is not None:
                if 0 < index < len(self._formats) - 1:
                    self._formats.insert(0, self._formats.pop(index))
                return event
        return None

    def _mapped(self, head: str) -> tuple[datetime | None, str]:
        try:
            record = msgspec.json.decode(head)
        except (msgspec.DecodeError, RecursionError):
            return None, ""
        if not isinstance(record, dict):
            return None, ""
        fields = dict(flat(record))
        stamp = fields.get(self._fields.get("timestamp", ""))
        source = fields.get(self._fields.get("source", self._fields.get("log_type", "")))
        return time_of(stamp), "" if source is None else str(source)

    def _dated(self, time: datetime | None) -> datetime | None:
        if time is None or time.year != NO_YEAR:
            return time
        for year in range(self._now.year, self._now.year - 9, -1):  # eight years can lie between two leap years
            try:
                dated = time.replace(year=year, tzinfo=time.tzinfo or UTC)
                if dated <= self._now:
                    return dated
            except (ValueError, OverflowError):  # the 29th of February in a year that has none, a zone of 99 hours
                continue
        return None


def _seconds(time: datetime | None) -> float | None:
    if time is None:
        return None
    try:
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
