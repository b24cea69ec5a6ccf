"""The access log of a web server: the common and the combined log format."""

from __future__ import annotations

import re

from .event import LogEvent
from .times import web_time

NAME = "web access"
ORDER = 20
_LINE = re.compile(
    r"(?:\S{1,255} )?(?P<source>[0-9A-Za-z.:-]{2,255}) \S{1,255} (?P<user>\S{1,255}) \[(?P<time>[^\]]{20,30})\] "
    r'"(?P<request>[^"\\]{0,4000}+(?:\\.[^"\\]{0,4000}+){0,50}+)" (?P<status>\d{3}) '
)
_LOGIN = re.compile(r"(?i)(?:log-?in|sign-?in|auth|wp-login|xmlrpc|session)")


def parse(line: str) -> LogEvent | None:
    """Read one line; a 401 or 403 for a path that logs in is a failed login."""
    found = _LINE.match(line)
    if found is None or (time := web_time(found["time"])) is None:
        return None
    user = "" if found["user"] == "-" else found["user"]
    refused = found["status"] == "401" or (found["status"] == "403" and _LOGIN.search(found["request"]) is not None)
    return LogEvent(time, found["source"], failed_login=user if refused else None, status=found["status"])
