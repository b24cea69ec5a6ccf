"""A session's history as it is shown: which message stands where, what of it, and how it is printed."""

from __future__ import annotations

import io
import sys
import types

import pytest
from secgemini_api.models import Message, PublicSessionFile
from shown_sessions import Shown, drawn, message

from secgemini import display
from secgemini.cli.listing import sessions_table


def lines(messages: list[Message]) -> list[str]:
    return drawn(display.history_tree(messages), color=False, width=100).splitlines()


def test_answers_stand_below_the_prompt_they_follow() -> None:
    shown = lines(
        [
            message(id="q1", parent_id="3713", message_type="query", role="user", actor="user", content="first?"),
            message(id="a1", parent_id="3713", content="one"),
            message(id="q2", parent_id="3713", message_type="query", role="user", actor="user", content="second?"),
            message(id="a2", parent_id="q2", content="two"),
        ]
    )
    assert [line.index(word) for word in ("query", "result") for line in shown if word in line] == [4, 4, 8, 8]


def test_what_a_message_is_stands_in_its_first_line() -> None:
    usage = {"total_tokens": 1234}
    shown = "\n".join(
        lines(
            [
                message(
                    message_type="thinking", actor="analyst", state="planning", title="Plan", content="go", usage=usage
                )
            ]
        )
    )
    assert "thinking · agent/analyst · planning · Plan · 1,234 tokens" in shown


def test_a_failed_message_shows_its_status() -> None:
    assert "500 SERVER_ERROR" in "\n".join(
        lines([message(message_type="error", status_code=500, status_message="SERVER_ERROR")])
    )


@pytest.mark.parametrize(
    "parents",
    [["x"], ["0"], ["1", "0"], ["3713", "nobody", "0"], ["0", "0", "0"]],
    ids=["unknown", "its own", "a circle", "mixed", "twice"],
)
def test_odd_parents_lose_no_message(parents: list[str]) -> None:
    messages = [message(id=str(n), parent_id=parent, content=f"text {n}") for n, parent in enumerate(parents)]
    shown = "\n".join(lines(messages))
    assert [f"text {n}" in shown for n in range(len(parents))] == [True] * len(parents)


def test_messages_with_one_id_are_all_shown() -> None:
    shown = "\n".join(
        lines([message(id="1", parent_id="3713", content="a"), message(id="1", parent_id="1", content="b")])
    )
    assert "a" in shown
    assert "b" in shown


def test_a_chain_of_thousands_of_replies_is_drawn() -> None:
    chain = [message(id=str(n), parent_id=str(n - 1), content=f"reply {n}") for n in range(3000)]
    assert "reply 2999" in "\n".join(lines(chain))
    assert "reply 2999" in display.history_html(chain)


def test_an_unknown_kind_is_shown_by_its_name() -> None:
    assert "hologram" in "\n".join(lines([message(message_type="hologram", content="x")]))


def test_long_content_shows_its_first_lines_and_its_size() -> None:
    shown = display.preview(message(content="\n".join(f"line {n}" for n in range(1, 501))))
    assert shown.startswith("line 1\nline 2\n")
    assert shown.endswith("… 4,391 characters, 500 lines in all")
    assert shown.count("\n") == display.PREVIEW_LINES


def test_short_content_is_shown_whole() -> None:
    assert display.preview(message(content="one\ntwo\n")) == "one\ntwo"


@pytest.mark.parametrize(
    ("content", "mime_type", "shortened"),
    [
        ("one\ntwo\n", "text/plain", False),
        ("", "application/pdf", False),
        ("line\n" * display.PREVIEW_LINES, "text/plain", False),
        ("line\n" * (display.PREVIEW_LINES + 1), "text/plain", True),
        ("x" * (display.PREVIEW_CHARACTERS + 1), "text/plain", True),
        ("JVBE", "application/pdf", True),
    ],
)
def test_whether_a_preview_is_all_is_known(content: str, mime_type: str, shortened: bool) -> None:
    shown = message(content=content, mime_type=mime_type)
    assert display.is_shortened(shown) is shortened
    assert (display.preview(shown) != content.rstrip()) is shortened


def test_binary_content_is_not_shown_but_named() -> None:
    assert display.preview(message(mime_type="application/pdf", content="JVBE" * 1000)) == "[application/pdf, 3.0 kB]"


def test_the_tree_is_headed_by_the_session_and_its_files() -> None:
    session = Shown("s1", "Phish", [message(content="x")], [])
    session.files.append(
        PublicSessionFile.from_dict({"name": "a.eml", "size": 2048, "sha256": "0", "mime_type": "message/rfc822"})
    )
    out = io.StringIO()
    display.print_history(session, out)
    assert out.getvalue().splitlines()[0] == "Phish (s1): 1 messages, 1 files"
    assert "a.eml (message/rfc822, 2.0 kB)" in out.getvalue()


def test_a_name_of_a_megabyte_takes_a_few_lines() -> None:
    huge = "n" * 1_000_000
    session = Shown("s1", huge, [message(content="x", title=huge, status_message=huge)], [])
    session.files.append(
        PublicSessionFile.from_dict({"name": huge, "size": 1, "sha256": "0", "mime_type": "text/plain"})
    )
    out = io.StringIO()
    display.print_history(session, out)
    assert len(out.getvalue()) < 2_000
    assert "n… (s1): 1 messages, 1 files" in out.getvalue().replace("\n", "")
    assert len(drawn(sessions_table([session]), color=False, width=80)) < 1_000


SESSION = Shown("0123456789abcdef" * 2, "keen-otter-ea1b", [], [])
ROW = "0123456789abcdef0123456789abcdef  keen-otter-ea1b  2026-01-01 00:00         4      0"


def sessions_shown(width: int) -> list[str]:
    return [line.rstrip() for line in drawn(sessions_table([SESSION]), color=False, width=width).splitlines()]


def test_sessions_are_a_table_where_it_fits() -> None:
    assert sessions_shown(len(ROW))[1] == ROW


def test_sessions_are_two_lines_each_where_a_table_does_not_fit() -> None:
    assert sessions_shown(len(ROW) - 1) == [SESSION.id, "  keen-otter-ea1b · 2026-01-01 00:00 · 4 messages · 0 files"]


@pytest.mark.parametrize("width", [8, 20, 40, 60])
def test_a_narrow_terminal_loses_nothing_of_a_session(width: int) -> None:
    shown = sessions_shown(width)
    assert max(map(len, shown)) <= width
    letters = "".join("".join(shown).split())
    assert letters == f"{SESSION.id}keen-otter-ea1b·2026-01-0100:00·4messages·0files"


def test_print_history_prints_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    display.print_history(Shown("s1", "Phish", [message(content="the answer")], []))
    assert "the answer" in capsys.readouterr().out


def test_in_a_notebook_the_history_is_html(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    published: list[dict[str, str]] = []
    shell = types.SimpleNamespace(kernel=object(), display_pub=types.SimpleNamespace(publish=published.append))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    display.print_history(Shown("s1", "Phish", [message(content="<b>")], []))
    assert "&lt;b&gt;" in published[0]["text/html"]
    assert capsys.readouterr().out == ""


def test_in_a_plain_ipython_shell_the_history_is_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace()))
    display.print_history(Shown("s1", "Phish", [message(content="the answer")], []))
    assert "the answer" in capsys.readouterr().out
