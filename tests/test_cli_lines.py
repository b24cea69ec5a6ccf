"""What the command line makes of pieces and log records: whole blocks and safe lines."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest
from cli_process import controls
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linear_time import MOST, growth

from secgemini.cli import terminal
from secgemini.cli.answer import Answer, Blocks, Lines, wrapped

HOSTILE = "\x1b]0;owned\x07\x1b[2Jsafe\rEVIL\u202e\x9b31m[red]<b>"
Capture = pytest.CaptureFixture[str]

# Markdown that comes in pieces


MARKDOWN = "# A\n\ntext\nmore\n\n```py\nx = 1\n\n\ny\n~~~\n```\n\n1. a\n2. b\n\n\n~~~~\n```\n\n~~~\n\n~~~~\nend"


@given(st.lists(st.integers(0, len(MARKDOWN)), max_size=12))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_blocks_do_not_depend_on_where_the_pieces_are_cut(cuts: list[int]) -> None:
    blocks, bounds = Blocks(), [0, *sorted(cuts), len(MARKDOWN)]
    found = [block for start, end in pairwise(bounds) for block in blocks.add(MARKDOWN[start:end])]
    assert [*found, *blocks.rest()] == [
        "# A", "text\nmore", "```py\nx = 1\n\n\ny\n~~~\n```", "1. a\n2. b", "~~~~\n```\n\n~~~\n\n~~~~\nend",
    ]  # fmt: skip


def test_pieces_that_were_lost_are_made_up_for(capsys: Capture) -> None:
    answer = Answer()
    for piece in ("one ", "three"):
        answer.piece(piece, "text/plain")
    answer.whole("one two three", "text/plain")
    answer.whole("next\n", "text/plain")
    assert capsys.readouterr().out == "one three\none two three\nnext\n"


def test_pieces_end_with_the_rest_of_their_message(capsys: Capture) -> None:
    answer = Answer()
    answer.piece("one ", "text/plain")
    answer.whole("one two", "text/plain")
    assert capsys.readouterr().out == "one two\n"


# Text that is wider than the terminal


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("", [""]),
        ("fits in twenty cells", ["fits in twenty cells"]),
        ("one word more than fits in", ["one word more than", "  fits in"]),
        ("  - of a list, cut twice, and again", ["  - of a list, cut", "    twice, and again"]),
        ("https://example.com/longer/than/it and more", ["https://example.com/longer/than/it", "  and more"]),
        ("日本語日本語日 日本語日本 日", ["日本語日本語日", "  日本語日本 日"]),
        ("a\x1b[2Jb", ["a\\x1b[2Jb"]),
    ],
)
def test_a_wide_line_is_cut_between_words(line: str, parts: list[str]) -> None:
    assert list(wrapped(line, 20)) == parts


@given(st.text(st.sampled_from("ab 日\t\n\r\x1b"), max_size=60), st.integers(1, 30))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cutting_loses_nothing_but_spaces(text: str, width: int) -> None:
    line = text.replace("\n", "").replace("\r", "")
    shown = "".join(wrapped(line, width)).replace(" ", "")
    assert shown == line.replace("\x1b", "\\x1b").replace(" ", "").replace("\t", "")


def test_cutting_a_wide_line_costs_its_length() -> None:
    assert growth(lambda size: list(wrapped("word " * (size // 5), 80)), 100_000) < MOST


TEXT = "one\r\n\ntwo\n  three\n\nend"


@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_lines_do_not_depend_on_where_the_pieces_are_cut(cuts: list[int]) -> None:
    lines, bounds = Lines(), [0, *sorted(cuts), len(TEXT)]
    found = [line for start, end in pairwise(bounds) for line in lines.add(TEXT[start:end])]
    assert [*found, *lines.rest()] == ["one", "", "two", "  three", "", "end"]


# Log records


def test_log_records_are_safe_lines(capsys: Capture) -> None:
    logger = logging.getLogger("secgemini.test")
    with terminal.log_lines(logging.WARNING, tracebacks=False):
        logger.info("not worth a line")
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            logger.exception("it failed with %s", "a\nb")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("secgemini: it failed with a\\nb: ValueError: \\x1b]0;owned")
    assert controls(line) == []


def test_log_records_bring_their_traceback_when_debugging(capsys: Capture) -> None:
    with terminal.log_lines(logging.WARNING, tracebacks=True):
        try:
            raise ValueError("here")
        except ValueError:
            logging.getLogger("secgemini.test").exception("it failed")
    assert "Traceback" in capsys.readouterr().err
