"""Questions over the logs that are attached to a session: how they are read, and what the analyst answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from analyst_turn import ListedLogs, answer_to
from linear_time import MOST, growth

from secgemini.local.engines import LogRecord
from secgemini.local.engines.analyst.logquestions import read_question

START = datetime(2025, 1, 1, tzinfo=UTC)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("prompt", "words", "after", "before"),
    [
        ("search the logs for 'failed password'", ("failed password",), None, None),
        ("search the logs for failed password", ("failed password",), None, None),
        ("grep sshd", ("sshd",), None, None),
        ("find lines with 'a' and \"b c\"", ("a", "b c"), None, None),
        ("between 2025-01-01 and 2025-01-02", (), "2025-01-01", "2025-01-02T23:59:59.999999"),
        ("from 1 Jan 2025 to 3 Jan 2025", (), "2025-01-01", "2025-01-03T23:59:59.999999"),
        ("since 2025-01-01 10:30", (), "2025-01-01T10:30", None),
        ("records before Jan 2", (), None, "2025-01-01T23:59:59.999999"),
        ("records before Jan 2 10:30", (), None, "2025-01-02T10:29:59.999999"),
        ("records until Jan 2", (), None, "2025-01-02T23:59:59.999999"),
        ("what happened around 10:00?", (), "2025-01-01T09:55", "2025-01-01T10:05:59.999999"),
        (
            "find 'x' near 2025-01-01T12:00:00+02:00 within 2 hours",
            ("x",),
            "2025-01-01T08:00",
            "2025-01-01T12:00:00.999999",
        ),
        ("from 10:00 to 11:00 on 2025-01-03", (), "2025-01-03T10:00", "2025-01-03T11:00:59.999999"),
        ("on 3.1.2025 near 10:00 within 1 hour", (), "2025-01-03T09:00", "2025-01-03T11:00:59.999999"),
        ("search for 'near line 5'", ("near line 5",), None, None),
        ("search the logs for 'on 2025-01-01'", ("on 2025-01-01",), None, None),
        (
            "don't show the users' records, find 'it's ok' and \u2018that\u2019s it\u2019",
            ("it's ok", "that\u2019s it"),
            None,
            None,
        ),
        ("on 3.2.2025", (), "2025-02-03", "2025-02-03T23:59:59.999999"),
        ("lines from 10:00 until 10:30", (), "2025-01-01T10:00", "2025-01-01T10:30:59.999999"),
        (
            "find 'x' between 2025-01-01T10:00:00Z and 2025-01-01T11:00:00Z",
            ("x",),
            "2025-01-01T10:00",
            "2025-01-01T11:00:00.999999",
        ),
    ],
)
def test_questions(prompt: str, words: tuple[str, ...], after: str | None, before: str | None) -> None:
    question = read_question(prompt, START)
    assert question is not None
    assert question.words == words
    assert question.at_or_after == (None if after is None else _seconds(after))
    assert question.at_or_before == (None if before is None else _seconds(before))


def test_only_so_many_words_are_searched_for() -> None:
    question = read_question("search for " + " ".join(f"'{number}' '{number}'" for number in range(300)), START)
    assert question is not None
    assert question.words == tuple(map(str, range(20)))


@pytest.mark.parametrize("prompt", ["which indicators are in the logs?", "how many records per day?", "hello"])
def test_prompts_that_ask_nothing_of_single_records(prompt: str) -> None:
    assert read_question(prompt, START) is None


@pytest.mark.parametrize(
    ("prompt", "line", "words", "last", "seconds"),
    [
        ("what happened around line 42?", 42, (), False, 300.0),
        ("what happened around the first 'Accepted'?", None, ("Accepted",), False, 300.0),
        ("what's around 'near 10:00 on line 5'?", None, ("near 10:00 on line 5",), False, 300.0),
        ("show the timeline around the last 'Accepted' within 10 minutes", None, ("Accepted",), True, 600.0),
    ],
)
def test_questions_around_a_record(
    prompt: str, line: int | None, words: tuple[str, ...], last: bool, seconds: float
) -> None:
    question = read_question(prompt, START)
    assert question is not None
    assert (question.around, question.line, question.words, question.last, question.seconds) == (
        True,
        line,
        words,
        last,
        seconds,
    )


def record(line: int, minute: int, text: str, day: int = 1) -> LogRecord:
    return LogRecord(line, datetime(2025, 1, day, 10, minute, tzinfo=UTC).timestamp(), "web01", text)


LOGS = ListedLogs(
    [
        record(1, 0, "Failed password for root from 203.0.113.66"),
        record(2, 1, "password change failed for alice"),
        record(3, 2, "Accepted password for root from 203.0.113.66"),
        record(4, 30, "curl http://cdn.evil.example/x"),
        record(5, 0, "Failed password for bob", day=2),
        LogRecord(6, None, "", "a line without a time"),
    ]
)


async def test_the_overview_counts_per_day_and_source_and_finds_indicators() -> None:
    answer = await answer_to("Which indicators are in the logs?", logs=LOGS)
    assert "Attached logs (6 records)" in answer
    assert "    2025-01-01         4  web01 (4)" in answer
    assert "http://cdn.evil.example/x  [reserved] attached logs line 4" in answer


async def test_records_without_a_time_are_counted_as_such() -> None:
    class Undated(ListedLogs):
        def per_day(self) -> list[tuple[str, str, int]]:
            return [*super().per_day(), ("", "", 1)]

    answer = await answer_to("how many records per day?", logs=Undated([LogRecord(1, None, "", "x")]))
    assert "    no time            1  no source (1)" in answer.splitlines()


async def test_words_are_searched_as_a_phrase() -> None:
    answer = await answer_to("search the logs for 'failed password'", logs=LOGS)
    assert "2 records with 'failed password':" in answer
    assert "2025-01-01 10:00:00 line 1 web01: Failed password for root" in answer
    assert "alice" not in answer


async def test_a_phrase_is_found_across_colours() -> None:
    logs = ListedLogs([record(1, 0, "Failed \x1b[31mpassword\x1b[0m for root")])
    assert "1 records with 'failed password':" in await answer_to("search the logs for 'failed password'", logs=logs)


async def test_a_time_range() -> None:
    answer = await answer_to("what is there between 2025-01-02 and 2025-01-03?", logs=LOGS)
    assert "1 records since 2025-01-02 00:00:00 UTC until 2025-01-03 23:59:59 UTC:" in answer
    assert "line 5 web01: Failed password for bob" in answer


async def test_the_timeline_around_a_hit_of_a_time() -> None:
    answer = await answer_to("what happened around the first 'failed' since 2025-01-02?", logs=LOGS)
    assert "1 records within 300 s of line 5, the first with 'failed':" in answer


async def test_the_timeline_around_a_hit() -> None:
    answer = await answer_to("what happened around the first 'Accepted'?", logs=LOGS)
    assert "3 records within 300 s of line 3, the first with 'Accepted':" in answer
    assert "  > 2025-01-01 10:02:00 line 3" in answer
    assert "line 4 " not in answer.partition("Indicators")[0]


CROWDED = ListedLogs([record(line, line // 40, "knock") for line in range(1, 200)] + [record(200, 4, "open sesame")])


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("what happened around line 200 within 2 minutes?", "line 200"),
        ("what happened around the first 'open sesame' within 2 minutes?", "line 200, the first with 'open sesame'"),
    ],
)
async def test_the_record_asked_for_is_shown_among_many(prompt: str, asked: str) -> None:
    answer = (await answer_to(prompt, logs=CROWDED)).splitlines()
    assert f"  121 records within 120 s of {asked}:" in answer
    shown = [line for line in answer if ": knock" in line]
    assert len(shown) == 25
    assert "line 175 " in shown[0]
    assert "line 199 " in shown[-1]
    assert "  > 2025-01-01 10:04:00 line 200 web01: open sesame" in answer
    assert "    … 95 more" in answer


async def test_all_matches_count_and_the_last_one_is_the_last_of_all() -> None:
    logs = ListedLogs([record(line, line // 500, "failed password") for line in range(1, 20_101)])
    assert "20100 records with 'failed password':" in await answer_to("search for 'failed password'", logs=logs)
    assert "line 20100, the last with 'failed'" in await answer_to("what is around the last 'failed'?", logs=logs)
    said = "only the first 20000 records were searched for indicators and logins"
    assert said in await answer_to("overview", logs=logs)
    assert said in json.loads(await answer_to("overview as JSON", logs=logs))["left_out"]


async def test_a_record_without_a_time_has_no_seconds_around_it() -> None:
    answer = await answer_to("what happened around line 6?", logs=LOGS)
    assert "the lines around line 6, which has no time:" in answer
    assert "  > (no time) line 6: a line without a time" in answer


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("what happened around the last 'zzz'?", "no record has 'zzz'"),
        ("what happened around line 99?", "there is no line 99"),
        ("search the logs for 'zzz'", "0 records with 'zzz'"),
    ],
)
async def test_what_is_not_there_is_said(prompt: str, said: str) -> None:
    assert said in await answer_to(prompt, logs=LOGS)


async def test_logs_as_json() -> None:
    answer = json.loads(await answer_to("search the logs for 'curl' as JSON", logs=LOGS))["logs"]
    assert (answer["records"], answer["matches"], answer["shown"][0]["line"]) == (6, 1, 4)
    assert answer["per_day"][0] == ["2025-01-01", "web01", 4]


async def test_empty_logs() -> None:
    assert "Attached logs (0 records)" in await answer_to("how many records?", logs=ListedLogs([]))


async def test_a_log_cannot_control_the_terminal() -> None:
    logs = ListedLogs(
        [LogRecord(1, 0.0, "\x1b[2J", "x\x1b[2J\u202e"), LogRecord(2, 1e300, "s", "x"), LogRecord(3, -1e300, "s", "x")]
    )
    answer = await answer_to("search the logs for 'x'", logs=logs)
    assert "\x1b" not in answer
    assert "\u202e" not in answer
    assert "(no time) line 2 s: x" in answer


@pytest.mark.parametrize(
    "unit", ["search ", "search the logs ", "between ", "from 1 ", "'", "around ", "within 1", "since Jan "]
)
def test_hostile_questions_cost_linear_time(unit: str) -> None:
    assert (
        growth(lambda size: read_question(unit * (size // len(unit)), START), 1_000) < MOST
    )  # 4000 characters are read
