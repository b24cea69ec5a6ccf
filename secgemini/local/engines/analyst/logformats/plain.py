"""Any log whose lines begin with a time stamp of ISO 8601 or of syslog."""

from __future__ import annotations

import re

from . import sshd
from .event import LogEvent
from .times import iso_time, syslog_time

NAME = "plain"
ORDER = 90
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_FAILED = re.compile(
    r"(?i)\b(?:(?:failed|invalid|bad|incorrect) (?:log-?in|log-?on|password|sign-?in)|"
    r"(?:log-?in|log-?on|sign-?in|authentication) (?:fail|denied|error)|authentication failure)"
)
_LOGIN = re.compile(
    r"(?i)\b(?:log-?in|log-?on|sign-?in|authentication) (?:succe|accepted|ok\b)|\baccepted (?:password|publickey)"
)
_USER = re.compile(
    r"(?i)\b(?:for|user|account|username)[ =:]{1,2}(?:invalid user |user )?['\"]?(?!from\b)(?P<user>[\w.@\\-]{1,64})"
)


def parse(line: str) -> LogEvent | None:
    """Read one line; the source is the first IPv4 address in it, or the host name of a syslog line."""
    if (event := sshd.parse(line)) is not None:
        return event  # sshd's lines among those of other programs, as in auth.log
    syslog = syslog_time(line)
    read = syslog or iso_time(line, 1 if line.startswith("[") else 0)
    if read is None:
        return None
    time, end = read
    message = line[end : end + 2000]
    address = _ADDRESS.search(message)
    words = message.split(maxsplit=2)
    source = address[0] if address else words[0] if syslog and len(words) > 1 else None
    failed, accepted = _FAILED.search(message), _LOGIN.search(message)
    user = _USER.search(message) if failed or accepted else None
    name = user["user"] if user else ""
    return LogEvent(
        time, source, failed_login=name if failed else None, login=name if accepted and not failed else None
    )
