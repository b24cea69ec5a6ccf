"""JSON lines: one JSON object a line, with the field names that log shippers commonly use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from .event import LogEvent
from .times import iso_time

NAME = "JSON lines"
ORDER = 0
_TIMES = ("@timestamp", "timestamp", "time", "ts", "eventTime", "datetime", "date", "TimeCreated", "created_at")
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
    *("remote_ip", "ip", "ip_address", "IpAddress", "host", "hostname", "host.name", "source"),
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
_MESSAGES = ("message", "msg", "status")


def parse(line: str) -> LogEvent | None:
    """Read one line that is a JSON object."""
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    fields = dict(_flat(record))
    words = " ".join(str(fields[name]).lower() for name in (*_WORDS, *_MESSAGES) if name in fields)
    user = next((str(fields[name]) for name in _USERS if name in fields), "")
    about_login = any(word in words for word in ("login", "logon", "sign-in", "signin", "password", "auth"))
    failed = about_login and any(word in words for word in ("fail", "invalid", "denied", "unauthor", "incorrect"))
    accepted = about_login and not failed and any(word in words for word in ("success", "accepted", "granted"))
    return LogEvent(
        time=_time(next((fields[name] for name in _TIMES if name in fields), None)),
        source=next((str(fields[name]) for name in _SOURCES if fields.get(name)), None),
        failed_login=user if failed else None,
        login=user if accepted else None,
    )


def _flat(record: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the fields, those of inner objects (one level) under `outer.inner`."""
    for name, value in record.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                if isinstance(inner_value, str | int | float):
                    yield f"{name}.{inner}", inner_value
        elif isinstance(value, str | int | float):
            yield name, value


def _time(value: object) -> datetime | None:
    if isinstance(value, str):
        read = iso_time(value)
        return read[0] if read is not None else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 1e8 < value < 1e17:
        for unit in (1, 1e3, 1e6):  # seconds, milliseconds, microseconds
            if value / unit < 1e11:
                return datetime.fromtimestamp(value / unit, UTC)
    return None
