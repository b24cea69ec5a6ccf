"""Whatever a prompt, a line of a log or a text holds: it is read without an exception, and what is read can be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgemini.local.engines.analyst.embedded import decode_embedded
from secgemini.local.engines.analyst.indicators import extract
from secgemini.local.engines.analyst.logquestions import read_question
from secgemini.local.engines.analyst.logreport import summary_lines
from secgemini.local.engines.analyst.logsummary import summarise
from secgemini.local.engines.analyst.markup import addresses, links, other_attributes, visible_text
from secgemini.local.escapes import without_escapes
from secgemini.local.logtimes import LineReader

YEAR_1, YEAR_10000 = -62_135_596_800 - 86_400, 253_402_300_800 + 86_400  # with the zones that are furthest from UTC

years = st.sampled_from(["0000", "0001", "1970", "2026", "9999", "99999", "00"])
numbers = st.sampled_from(["00", "01", "2", "12", "24", "29", "31", "59", "60", "99"])
months = st.sampled_from(["Jan", "Feb", "Sept", "December", "Foo", "EST", "Mon"])
zones = st.sampled_from(["", "Z", "+00:00", "+99:99", "-23:59", "+2400", " UTC", " GMT", " PM", "+14", " -1"])
marks = st.sampled_from("-/. ")
days = st.one_of(
    st.builds("{1}{0}{2}{0}{3}".format, marks, years, numbers, numbers),
    st.builds("{1}{0}{2}{0}{3}".format, marks, numbers, numbers, years),
    st.builds("{0} {1} {2}".format, numbers, months, years),
    st.builds("{0} {1}".format, months, numbers),
    st.just(""),
)
clocks = st.one_of(
    st.just(""),
    st.builds("{}{}:{}".format, st.sampled_from("T :"), numbers, numbers),
    st.builds("{}{}:{}:{}{}".format, st.sampled_from("T "), numbers, numbers, numbers, st.sampled_from(["", ".5"])),
)
stamps = st.one_of(
    st.builds("{}{}{}".format, days, clocks, zones),
    st.sampled_from(["-1", "0000000000", "9999999999", "1795125600.5", "9999999999999999999", "1e19", "253402300799"]),
)
phrases = st.sampled_from(
    [
        *("since", "before", "between", "and", "from", "to", "on", "at", "near", "around the last", "within", "line"),
        *("days", "hours", "search for", "'", '"', "[", "<34>1", "audit(", "ts=", "h sshd[1]:", "\ufeff", "\x1b[31m"),
        *("Failed password for root from", "message repeated 3 times: [", "login failed for", "GET / HTTP/1.1", "\0"),
        *(
            "fe80::1%eth0",
            "::ffff:1.2.3.4%x",
            "http://[fe80::1%25\ud800]/",
            "\ud800.example",
            "a@\udfff.example",
            "&#x;",
        ),
        *("-enc QQBBAEEAQQBBAEEA", "<a href=", "<a ", ">", "&quot;", "=?u?q?", "\\u0026", "hxxp[:]//", "xn--a.example"),
    ]
)
texts = st.lists(st.one_of(stamps, phrases, st.text(max_size=5)), max_size=8).map(" ".join)
lines = st.one_of(texts, st.builds("{} {}".format, stamps, texts))
extremes = st.sampled_from([1e19, 1e20, 10**25, float("inf"), float("nan"), -1, True, None, 1.8e18, "\ud800"])
values = st.one_of(stamps, texts, extremes, st.floats(), st.integers())
records = st.dictionaries(
    st.sampled_from(["@timestamp", "ts", "__REALTIME_TIMESTAMP", "ip", "source", "msg", "user", "SYSLOG_IDENTIFIER"]),
    st.one_of(values, st.dictionaries(st.sampled_from(["ip", "x"]), values, max_size=2)),
)
asking = st.sampled_from(["since", "before", "until", "on", "near", "from 10:00 to 11:00 on", "around 'x' at"])
prompts = st.one_of(texts, st.builds("{} {}".format, asking, stamps))
logs = st.one_of(lines, records.map(json.dumps))
never_late = settings(derandomize=True, deadline=None, max_examples=300)


@never_late
@given(line=logs, now=st.sampled_from([0.0, 1.8e9]), mapping=st.sampled_from([{}, {"timestamp": "ts", "source": "ip"}]))
def test_every_line_has_a_time_that_there_is_or_none(line: str, now: float, mapping: dict[str, str]) -> None:
    received = line.encode("utf-8", "replace").decode()  # no half of a surrogate pair gets through the wire
    time, source = LineReader(mapping, now).read(without_escapes(received))
    assert time is None or YEAR_1 < time < YEAR_10000
    source.encode()


@never_late
@given(log=st.lists(logs, min_size=3, max_size=6))
def test_every_log_can_be_summed_up(log: list[str]) -> None:
    summary = summarise(enumerate(log, 1))
    assert summary is None or all(summary_lines(summary))


@never_late
@given(
    prompt=prompts,
    default=st.sampled_from([datetime(1970, 1, 1), datetime(2024, 2, 29), datetime(9999, 12, 31, 23, 59, 59)]),
)
def test_every_prompt_asks_for_times_that_there_are_or_none(prompt: str, default: datetime) -> None:
    question = read_question(prompt, default.replace(tzinfo=UTC))
    asked = (question.at_or_after, question.at_or_before) if question is not None else ()
    assert all(time is None or abs(time) < 1e12 for time in asked)


@never_late
@given(text=texts)
def test_every_text_can_be_searched(text: str) -> None:
    assert all(1 <= hit.line <= 1 + text.count("\n") for hit in extract(text))
    assert len(list(decode_embedded(text))) <= 64


@pytest.mark.parametrize("read", [visible_text, addresses, other_attributes])
@never_late
@given(source=texts)
def test_markup_has_no_more_lines_than_its_source(read: Callable[[str], str], source: str) -> None:
    assert read(source).count("\n") <= source.count("\n")
    assert all(1 <= link.line <= 1 + source.count("\n") for link in links(source))
