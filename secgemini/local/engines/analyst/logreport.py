"""Write what logs say as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from secgemini.display import one_line

from .logformats.event import NO_YEAR
from .logformats.times import MONTHS
from .logquestions import LogAnswer, LogQuestion
from .logsummary import LogSummary

_SHOWN_DAYS = 31
_SHOWN_LOGINS = 10
_BUSIEST = 5
_LINE_LENGTH = 300


def log_section(answer: LogAnswer) -> list[str]:
    """Return the section on the attached logs: the answer to the question, or else the overview."""
    lines = [f"Attached logs ({answer.total} record{'s' * (answer.total != 1)})"]
    lines += (f"  {line}" for line in _question_lines(answer))
    if answer.question is None or answer.overview:
        lines += (f"  {line}" for line in _day_lines(answer))
        if answer.summary is not None:
            lines += (f"  {line}" for line in summary_lines(answer.summary))
    lines += (f"  {note}" for note in unread(answer))
    return lines


def unread(answer: LogAnswer) -> Iterator[str]:
    """Yield what is to be said when not all records were read."""
    if answer.total > len(answer.read):
        yield f"only the first {len(answer.read)} records were searched for indicators and logins"


def summary_lines(summary: LogSummary) -> Iterator[str]:
    """Yield what a log says as a whole, a line for each thing."""
    span = ""
    if summary.first is not None and summary.last is not None:
        span = f", {log_time(summary.first)} to {log_time(summary.last)}"
        span += " (the log names no year)" if summary.first.year == NO_YEAR else ""
    yield f"log: {summary.format} format, {summary.lines} lines{span}"
    if summary.sources:
        yield f"busiest sources: {_most(summary.sources)}"
    if summary.statuses:
        yield f"status codes: {_most(summary.statuses)}"
    if summary.failed:
        accounts = Counter({name: count for name, count in summary.failed_accounts.items() if name != "?"})
        named = f"; accounts: {_most(accounts)}" if accounts else ""
        yield f"failed logins: {summary.failed.total()}, from {_most(summary.failed)}{named}"
    breaches = summary.breaches()
    for line, account, source, failures in breaches[:_SHOWN_LOGINS]:
        yield one_line(f"! line {line}: {account} logged in from {source} after {failures} failed logins from there")
    if len(breaches) > _SHOWN_LOGINS:
        yield f"… {len(breaches) - _SHOWN_LOGINS} more logins after failures"


def log_time(time: datetime) -> str:
    """Return a time as text, without the year when the log has none."""
    if time.year == NO_YEAR:
        return f"{MONTHS[time.month - 1]} {time.day} {time:%H:%M:%S}"
    zone = time.strftime("%z")
    return f"{time:%Y-%m-%d %H:%M:%S}{' UTC' if zone in ('', '+0000') else ' ' + zone}"


def unix_time(seconds: float | None) -> str:
    """Return Unix seconds as text, UTC; `(no time)` when there is none or it cannot be shown."""
    if seconds is None:
        return "(no time)"
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "(no time)"


def _question_lines(answer: LogAnswer) -> Iterator[str]:
    question = answer.question
    if question is None:
        return
    yield (_around_line if question.around else _search_line)(question, answer)
    for record in answer.shown:
        mark = ">" if answer.hit is not None and record.line == answer.hit.line else " "
        source = f" {record.source}" if record.source and record.source not in record.text else ""
        yield one_line(f"{mark} {unix_time(record.time)} line {record.line}{source}: {record.text}")[:_LINE_LENGTH]
    if answer.matches is not None and answer.matches > len(answer.shown):
        yield f"  … {answer.matches - len(answer.shown)} more"


def _around_line(question: LogQuestion, answer: LogAnswer) -> str:
    asked = _words(question)
    if answer.hit is None:
        return f"there is no line {question.line}" if question.line is not None else f"no record has {asked}"
    wanted = "" if question.line is not None else f", the {'last' if question.last else 'first'} with {asked}"
    hit = f"line {answer.hit.line}{wanted}"
    if answer.hit.time is None:
        return f"the lines around {hit}, which has no time:"
    return f"{answer.matches} records within {question.seconds:g} s of {hit}:"


def _search_line(question: LogQuestion, answer: LogAnswer) -> str:
    holding = f" with {_words(question)}" if question.words else ""
    since = f" since {unix_time(question.at_or_after)} UTC" if question.at_or_after is not None else ""
    until = f" until {unix_time(question.at_or_before)} UTC" if question.at_or_before is not None else ""
    return f"{answer.matches} records{holding}{since}{until}{':' if answer.shown else ''}"


def _words(question: LogQuestion) -> str:
    return " and ".join(f"'{one_line(word)}'" for word in question.words)


def _day_lines(answer: LogAnswer) -> Iterator[str]:
    days: dict[str, Counter[str]] = {}
    for day, source, count in answer.per_day:
        days.setdefault(day, Counter())[source or "no source"] += count
    if days:
        yield "records per day, and their sources:"
    for day, sources in list(days.items())[:_SHOWN_DAYS]:
        yield one_line(f"  {day or 'no time':<10}  {sources.total():>8}  {_most(sources)}")
    if len(days) > _SHOWN_DAYS:
        yield f"  … {len(days) - _SHOWN_DAYS} more days"


def _most(counter: Counter[str]) -> str:
    """Return the largest counts, equal ones in the order of their names."""
    ordered = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
    more = f" and {len(ordered) - _BUSIEST} more" if len(ordered) > _BUSIEST else ""
    return one_line(", ".join(f"{name} ({count})" for name, count in ordered[:_BUSIEST]))[:_LINE_LENGTH] + more
