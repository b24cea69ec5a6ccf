"""The access log of a web server: the common and the combined log format, and the one of IIS as it comes."""

from __future__ import annotations

import re

from .event import LogEvent
from .times import iso_time, web_time

NAME = "web access"
ORDER = 20
_LINE = re.compile(
    r"(?:\S{1,255} )?(?P<source>[0-9A-Za-z.:-]{2,255}) \S{1,255} (?P<user>\S{1,255}) \[(?P<time>[^\]]{20,30})\] "
    r'"(?P<request>[^"\\]{0,4000}+(?:\\.[^"\\]{0,4000}+){0,50}+)" (?P<status>\d{3}) '
)
_IIS_LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S{2,45} (?P<request>[A-Z]{2,20} \S{1,4000} \S{1,4000}) \d{1,5} "
    r"(?P<user>\S{1,255}) (?P<source>[0-9A-Fa-f.:]{2,45}) (?:\S{1,4000} ){1,2}(?P<status>[1-5]\d\d) \d"
)
_LOGIN = re.compile(r"(?i)(?:log-?in|sign-?in|auth|wp-login|xmlrpc|session)")


def parse(line: str) -> LogEvent | None:
    """Read one line; a 401 or 403 for a path that logs in is a failed login."""
    found, time = _LINE.match(line), None
    if found is not None:
        time = web_time(found["time"])
    elif (found := _IIS_LINE.match(line)) is not None and (read := iso_time(line)) is not None:
        time = read[0]
    if found is None or time is None:
        return None
    user = "" if found["user"] == "-" else found["user"]
    refused = found["status"] == "401" or (found["status"] == "403" and _LOGIN.search(found["request"]) is not None)
    return LogEvent(time, found["source"], failed_login=user if refused else None, status=found["status"])
