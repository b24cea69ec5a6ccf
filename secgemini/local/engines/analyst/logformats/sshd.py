"""The log of an OpenSSH server: failed and accepted logins."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from .event import LogEvent
from .times import iso_time, syslog_time

NAME = "sshd"
ORDER = 10
_PROCESS = re.compile(
    r" \S{1,255} sshd(?:-session|-auth)?(?:(?:\[\d{1,10}\])?: | \S{1,128} \S{1,32} (?:-|\[[^\]]{0,500}\]) \ufeff?)"
)
_REPEATED = re.compile(r"message repeated (\d{1,6}) times: \[ ")
_FAILED = re.compile(
    r"(?:Failed \S{1,40} for (?:invalid user )?(?P<user>\S{0,64}) from (?P<source>\S{1,64})"
    r"|maximum authentication attempts exceeded for (?:invalid user )?(?P<user2>\S{0,64}) from (?P<source2>\S{1,64}))"
)
_ACCEPTED = re.compile(r"Accepted \S{1,40} for (?P<user>\S{1,64}) from (?P<source>\S{1,64})")
_FROM = re.compile(
    r"\b(?:from|rhost=|by|with) ?(?:(?:invalid|authenticating) user \S{0,64} )?(?P<source>[0-9a-fA-F:.]{3,45})\b"
)


def parse(line: str) -> LogEvent | None:
    """Read one line of sshd, with the time stamp of syslog or of ISO 8601."""
    read = syslog_time(line) or iso_time(line) if "sshd" in line else None
    if read is None:
        return None
    time, end = read
    process = _PROCESS.match(line, end)
    if process is None:
        return None
    return read_message(line[process.end() :], time)


def read_message(message: str, time: datetime | None) -> LogEvent:
    """Read what sshd itself says, behind what the logger puts before it."""
    if (repeated := _REPEATED.match(message)) is not None:
        return replace(_read_once(message[repeated.end() :].removesuffix("]"), time), times=int(repeated[1]))
    return _read_once(message, time)


def _read_once(message: str, time: datetime | None) -> LogEvent:
    if (found := _FAILED.match(message)) is not None:
        user, source = found["user"] or found["user2"] or "", found["source"] or found["source2"]
        return LogEvent(time, source, failed_login=user)
    if (found := _ACCEPTED.match(message)) is not None:
        return LogEvent(time, found["source"], login=found["user"])
    found = _FROM.search(message[:400])
    return LogEvent(time, found["source"] if found else None)
