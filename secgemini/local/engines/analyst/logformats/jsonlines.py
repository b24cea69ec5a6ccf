"""JSON lines: one JSON object a line, with the field names that log shippers commonly use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from . import plain, sshd
from .event import LogEvent
from .times import find_time, time_of

NAME = "JSON lines"
ORDER = 0
_TIMES = (
    *("@timestamp", "timestamp", "time", "ts", "eventTime", "datetime", "date", "TimeCreated", "created_at"),
    *("__REALTIME_TIMESTAMP", "Timestamp", "asctime"),
)
_SOURCES = (
    *(
        "src_ip",
        "source_ip",
        "source.ip",
        "sourceIPAddress",
        "src",
        "client_ip",
        "client.ip",
        "clientip",
        "remote_addr",
    ),
    *("remote_ip", "ip", "ip_address", "IpAddress", "host", "hostname", "host.name", "source", "_HOSTNAME"),
)
_USERS = ("user", "username", "user.name", "account", "TargetUserName", "userName")
_WORDS = (
    "event",
    "event_type",
    "eventName",
    "eventType",
    "action",
    "event.action",
    "outcome",
    "event.outcome",
    "result",
)
_MESSAGES = ("message", "msg", "status", "MESSAGE", "log")
_PROGRAM = "SYSLOG_IDENTIFIER"  # of journald
_LOGIN = re.compile(r"log-?in|log-?on|logged in|sign-?in|password|auth(?!or)")
_FAILED = re.compile(r"fail|invalid|denied|unauthor|incorrect")
_ACCEPTED = re.compile(r"success|accepted|granted")


def parse(line: str) -> LogEvent | None:
    """Read one line that is a JSON object. What a program says in its message counts where no field says it."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    fields = dict(flat(record))
    time = next((time for name in _TIMES if (time := time_of(fields.get(name))) is not None), None) or find_time(line)
    message = next((str(fields[name]) for name in _MESSAGES if name in fields), "")
    if str(fields.get(_PROGRAM, "")).startswith("sshd"):
        return sshd.read_message(message, time)
    said = plain.read_message(message, time)
    return replace(_judge(fields, time), source=_named(fields, _SOURCES) or said.source)


def _judge(fields: Mapping[str, object], time: datetime | None) -> LogEvent:
    words = " ".join(str(fields[name]).lower() for name in (*_WORDS, *_MESSAGES) if name in fields)
    if _LOGIN.search(words) is None:
        return LogEvent(time)
    user = _named(fields, _USERS) or ""
    if _FAILED.search(words) is not None:
        return LogEvent(time, failed_login=user)
    return LogEvent(time, login=user if _ACCEPTED.search(words) is not None else None)


def _named(fields: Mapping[str, object], names: Iterable[str]) -> str | None:
    return next((str(fields[name]) for name in names if fields.get(name)), None)


def flat(record: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the fields, those of inner objects (one level) under `outer.inner`."""
    for name, value in record.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                if isinstance(inner_value, str | int | float):
                    yield f"{name}.{inner}", inner_value
        elif isinstance(value, str | int | float):
            yield name, value
