"""Answer questions over attached logs: counts, words, time ranges, and what happened around a record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from secgemini.local.engines import LogRecord, LogTable

from .logsummary import LogSummary, summarise

SHOWN_RECORDS = 50
_EACH_SIDE = 25  # records shown before and after the one that a question is about
READ_RECORDS = 20_000
_OVERVIEW = re.compile(r"(?i)\b(?:overview|per day|daily|counts?|how many|busiest|sources|failed log-?ins|brute)\b")
_PER_DAY = re.compile(r"(?i)\b(?:per day|each day|by day|daily)\b")
_OF_LOGS = re.compile(r"(?i)\b(?:logs?|lines?|records?|entries|happened|timeline|grep)\b")
_MOST_WORDS = 20  # of a prompt that are searched for; the answer names them
_READ = 4000  # characters of a prompt in which a question is looked for
_LAST_TIME = 253_402_300_800.0  # the year 10000
_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)
# A quote within a word is an apostrophe: `what's around 'it's over'`.
_QUOTED = re.compile(
    r"(?<!\w)'([^\n]{1,200}?)'(?!\w)|\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`|\u2018([^\n]{1,200}?)\u2019(?!\w)|\u201c([^\u201d\n]{1,200})\u201d"
)
_SEARCH = re.compile(
    r"(?i)\b(?:search|grep|find|look\s+for|filter|show|list|count|how\s+many|which|what|when|did|does|lines?|records?|entries)\b"
)
_SEARCH_FOR = re.compile(
    r"(?i)\b(?:search|grep|look|filter)\b(?:\s+(?:the\s+|these\s+|all\s+|my\s+|in\s+|through\s+)*(?:attached\s+)?(?:logs?|lines|records))?"
    r"\s+(?:for\s+)?(?P<words>[\w.:@/-]{2,80}(?:\s[\w.:@/-]{2,80}){0,4}?)"
    r"(?=\s+(?:in|between|from|since|after|before|until|on|around|within|and|as)\b|[?.!,]|\s*\Z)"
)
_AROUND = re.compile(r"(?i)\b(?:around|near|before\s+and\s+after|surrounding)\b(?P<rest>.{0,200})", re.DOTALL)
_LINE = re.compile(r"(?i)\b(?:line|record|row)\s*(?:number\s*|#\s*|no\.?\s*)?(\d{1,12})\b")
_LAST = re.compile(r"(?i)\b(?:last|latest|final|most\s+recent)\b")
_WITHIN = re.compile(
    r"(?i)\b(?:within|\+/-|\u00b1|plus\s+or\s+minus)\s*(\d{1,6})\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)\b"
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STAMP = (
    r"(\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
    r"|\d{1,2}[./]\d{1,2}[./]\d{4}(?: \d{1,2}:\d{2}(?::\d{2})?)?"
    r"|\d{1,2}(?:st|nd|rd|th)? [A-Za-z]{3,9}\.?(?:,? \d{4})?(?: \d{1,2}:\d{2}(?::\d{2})?)?"
    r"|[A-Za-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?(?:,? (?:at )?\d{1,2}:\d{2}(?::\d{2})?)?"
    r"|\d{1,2}:\d{2}(?::\d{2})?)"
)
_BETWEEN = re.compile(rf"(?i)\b(?:between|from)\s+{_STAMP}\s+(?:and|to|until|till|-)\s+{_STAMP}")
_SINCE = re.compile(rf"(?i)\b(?:since|after|from)\s+{_STAMP}")
_UNTIL = re.compile(rf"(?i)\b(?:until|till|up\s+to)\s+{_STAMP}")
_BEFORE = re.compile(rf"(?i)\bbefore\s+{_STAMP}")
_NEAR = re.compile(rf"(?i)\b(?:around|near)\s+(?:the\s+)?{_STAMP}")
_ON = re.compile(rf"(?i)\b(?:on|at|during)\s+{_STAMP}")


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What a prompt asks of the logs. Times are Unix seconds; `seconds` is the distance shown around a record."""

    words: tuple[str, ...] = ()
    at_or_after: float | None = None
    at_or_before: float | None = None
    around: bool = False
    line: int | None = None
    last: bool = False
    seconds: float = 300.0


@dataclass(slots=True)
class LogAnswer:
    """What the logs say. `shown` are the records that the question asks for, `matches` is how many there are of them.

    `read` are the records that were searched for indicators; `overview` says that the prompt asks for counts as well.
    """

    total: int
    per_day: Sequence[tuple[str, str, int]]
    question: LogQuestion | None = None
    matches: int | None = None
    shown: Sequence[LogRecord] = ()
    hit: LogRecord | None = None
    summary: LogSummary | None = None
    read: Sequence[LogRecord] = ()
    overview: bool = False


def ask_logs(prompt: str, logs: LogTable) -> LogAnswer:
    """Answer a prompt over the attached logs; the overview is there even when the prompt asks nothing of them."""
    answer = LogAnswer(logs.count(), logs.per_day(), overview=_OVERVIEW.search(prompt[:_READ]) is not None)
    answer.read = logs.search((), limit=READ_RECORDS)
    answer.summary = summarise((record.line, record.text) for record in sorted(answer.read, key=lambda one: one.line))
    times = [record.time for record in answer.read if record.time is not None and 0 <= record.time < _LAST_TIME]
    default = datetime.fromtimestamp(min(times, default=0), UTC)
    question = answer.question = read_question(prompt, default)
    if question is None:
        return answer
    if question.around:
        _answer_around(question, logs, answer)
        return answer
    after, before = question.at_or_after, question.at_or_before
    answer.matches = logs.count(question.words, at_or_after=after, at_or_before=before)
    answer.shown = logs.search(question.words, at_or_after=after, at_or_before=before, limit=SHOWN_RECORDS)
    return answer


def asks_logs(prompt: str, *, of_log_files: bool) -> bool:
    """Tell whether a prompt asks for logs; `of_log_files` says that there are files that its words may mean."""
    question = read_question(prompt, datetime.fromtimestamp(0, UTC))
    if question is None:  # files are summed up, but not by day
        return all(pattern.search(prompt[:_READ]) is not None for pattern in (_PER_DAY, _OF_LOGS))
    return question.line is not None or of_log_files or _OF_LOGS.search(prompt[:_READ]) is not None


def _answer_around(question: LogQuestion, logs: LogTable, answer: LogAnswer) -> None:
    line = question.line
    if line is None and (found := _first(question, logs)):
        line = found[0].line
    if line is None:
        answer.matches = 0
        return
    answer.shown = logs.around(line, seconds=question.seconds, limit=2 * _EACH_SIDE + 1)
    answer.hit = next((record for record in answer.shown if record.line == line), None)
    answer.matches = len(answer.shown)
    if answer.hit is not None and (time := answer.hit.time) is not None:
        answer.matches = logs.count(at_or_after=time - question.seconds, at_or_before=time + question.seconds)


def _first(question: LogQuestion, logs: LogTable) -> Sequence[LogRecord]:
    after, before = question.at_or_after, question.at_or_before
    return logs.search(question.words, at_or_after=after, at_or_before=before, limit=1, last=question.last)


def read_question(prompt: str, default: datetime) -> LogQuestion | None:
    """Return what a prompt asks of the logs, or None. `default` completes dates without a year, times without a day."""
    head = prompt[:_READ]
    quoted = (next(word for word in match.groups() if word is not None) for match in _QUOTED.finditer(head))
    words = tuple(islice(dict.fromkeys(quoted), _MOST_WORDS))
    head = _QUOTED.sub("''", head)  # what is searched for asks for nothing itself
    if not words and (found := _SEARCH_FOR.search(head)) is not None:
        words = (found["words"],)
    within = _WITHIN.search(head)
    seconds = float(int(within[1]) * _UNITS[within[2][0].lower()]) if within else 300.0
    default = _day_meant(head, default)
    near = _near(head, default, seconds)
    after, before = near or _time_range(head, default)
    if near is None and (around := _AROUND.search(head)) is not None:
        line = _LINE.search(around["rest"])
        if line is not None or words:
            number = int(line[1]) if line else None
            last = _LAST.search(around["rest"]) is not None
            return LogQuestion(words, after, before, around=True, line=number, last=last, seconds=seconds)
    if after is None and before is None and not (words and _SEARCH.search(head)):
        return None
    return LogQuestion(words, after, before)


def _day_meant(text: str, default: datetime) -> datetime:
    """Return the day of the times that the prompt names without one (`from 10:00 to 11:00 on Nov 22`)."""
    days = (_moment(found[1], default) for found in _ON.finditer(text) if ":" not in found[1])
    day = next((day for day in days if day is not None), None)
    return default if day is None else datetime.fromtimestamp(day, UTC)


def _near(text: str, default: datetime, seconds: float) -> tuple[float, float] | None:
    """Return the time around a moment that the prompt names, `seconds` on either side of it."""
    found = _NEAR.search(text)
    start, end = (_moment(found[1], default), _moment(found[1], default, end=True)) if found else (None, None)
    return (start - seconds, end + seconds) if start is not None and end is not None else None


def _time_range(text: str, default: datetime) -> tuple[float | None, float | None]:
    """Return the first and the last moment that the prompt names; a day without a time is the whole day."""
    if (found := _BETWEEN.search(text)) is not None:
        return _moment(found[1], default), _moment(found[2], default, end=True)
    after, until, before = _SINCE.search(text), _UNTIL.search(text), _BEFORE.search(text)
    if after is not None or until is not None or before is not None:
        start = _moment(after[1], default) if after else None
        if until is not None:
            return start, _moment(until[1], default, end=True)
        return start, _moment(before[1], default, end=True, length=timedelta()) if before else None
    if (found := _ON.search(text)) is not None:
        start = _moment(found[1], default)
        return start, _moment(found[1], default, end=True) if start is not None else None
    return None, None


def _moment(text: str, default: datetime, *, end: bool = False, length: timedelta | None = None) -> float | None:
    """Return Unix seconds; `end` asks for the last moment of what was named: a day, a minute, a second, `length`."""
    from dateutil import parser

    midnight = default.replace(hour=0, minute=0, second=0, microsecond=0)
    day_first = re.match(r"\d{1,2}\.", text) is not None
    try:
        moment = parser.parse(text, default=midnight, dayfirst=day_first)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        if end:
            moment += (_length(text) if length is None else length) - _LEAST
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _length(stamp: str) -> timedelta:
    """Return how long the moment lasts that was named: a day, a minute or a second."""
    colons = len(re.findall(r"\d:\d", stamp))
    return _DAY if not colons else timedelta(minutes=1) if colons == 1 else timedelta(seconds=1)
