"""Any log whose lines have a time stamp, of any usual form."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address

from . import sshd
from .event import LogEvent
from .times import find_time, syslog_time

NAME = "plain"
ORDER = 90
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)|(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"
)
_FAILED = re.compile(
    r"(?i)\b(?:(?:failed|invalid|bad|incorrect) (?:to )?(?:log[- ]?in|log[- ]?on|password|sign[- ]?in|authenticate)|"
    r"(?:log-?in|log-?on|sign-?in|authentication) (?:fail|denied|error)|authentication failure)"
)
_LOGIN = re.compile(
    r"(?i)\b(?:log-?in|log-?on|sign-?in|authentication) (?:succe|accepted|ok\b)|\baccepted (?:password|publickey)"
)
_USER = re.compile(
    r"(?i)\b(?:for|user|account|username)[ =:]{1,2}(?:invalid user |user )?['\"]?"
    r"(?!(?:from|failed|has|is|name|was)\b)(?P<user>[\w.@\\-]{1,64})"
)


def parse(line: str) -> LogEvent | None:
    """Read one line; the source is the first IP address in it, or the host name of a syslog line."""
    if (event := sshd.parse(line)) is not None:
        return event  # sshd's lines among those of other programs, as in auth.log
    if (syslog := syslog_time(line)) is not None:
        host = line[syslog[1] :][:512].split(maxsplit=2)
        event = read_message(line[syslog[1] :], syslog[0])
        return event if event.source or len(host) < 2 else replace(event, source=host[0])
    if (time := find_time(line)) is not None:
        return read_message(line, time)
    return None


def read_message(message: str, time: datetime | None) -> LogEvent:
    """Read a text of any program: the first address in it, and whether it speaks of a login."""
    message = message[:2000]
    failed, accepted = _FAILED.search(message), _LOGIN.search(message)
    user = _USER.search(message) if failed or accepted else None
    name = user["user"] if user else ""
    return LogEvent(
        time, _address(message), failed_login=name if failed else None, login=name if accepted and not failed else None
    )


def _address(message: str) -> str | None:
    for found in _ADDRESS.finditer(message):
        word = found[0]
        if ":" not in word:
            return word
        if "::" not in word and word.count(":") != 7:
            continue  # a time, a MAC address
        try:
            return str(ip_address(word))
        except ValueError:
            continue
    return None
