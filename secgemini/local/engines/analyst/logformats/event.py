"""What one log line says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event. `time` has a time zone when the log gives one, and the year `NO_YEAR` when it gives none.

    `failed_login` and `login` are the names of the accounts; "" when the log does not say which. `times` is how often
    it happened: syslog writes equal lines once, and then how many more there were.
    """

    time: datetime | None = None
    source: str | None = None
    failed_login: str | None = None
    login: str | None = None
    status: str | None = None
    times: int = 1


NO_YEAR = 1904  # a leap year that no log is from
