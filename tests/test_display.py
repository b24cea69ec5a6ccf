"""What is shown is harmless, whatever a model, a file name or a log contains; what is stored is untouched."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linear_time import MOST, growth
from secgemini_api.models import PublicSessionFile
from shown_sessions import Shown, drawn, message

from secgemini import display
from secgemini.cli import exits, listing, terminal
from secgemini.errors import StreamError

HOSTILE = [
    "\x1b[2J", "\x1b[31mred", "\x1b]0;title\x07", "\x1b]52;c;Zm9v\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b2J", "\x9d0;title\x9c", "\x90q\x9c", "\x85", "\x1bc", "\x1bP+q\x1b\\", "\x1b(0", "\x0e", "\x0f", "\x08\x08",
    "\r", "\r\n", "\r\r\n", "safe\rEVIL", "\x00", "\x07", "\x0b", "\x0c", "\x1a", "\x05", "\x7f",
    "\u202eevil\u202c", "\u2066x\u2069", "\u200e\u200f\u061c", "\u200b\u200c\u200d\u2060\ufeff", "\u00ad",
    "\u2028", "\u2029", "\ud800", "\udc9b", "\U000e0041\U000e007f", "a\ufe0f\ufe0f\ufe0e", "\ufe00", "\U000e0100",
    "\u3164", "\ufff9", "[red]x[/red]", "[link=http://evil.example]x[/link]", "[/]", "[bold", ":bomb:",
    "[@click=app.bell]x[/]", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</pre></div>",
    "<!-- hidden -->", "&lt;b&gt;", "<kbd>", "</kbd>", "&#x202e;", "&#27;[2J", "&#x9b;2J", "&#13;", "&NewLine;",
    "&ZeroWidthSpace;", "[x](http://evil.example/\x1b]8;;)", "[a](<b\x07c>)", "$\\href{javascript:alert(1)}{x}$",
    "![alt\x1b[2J](http://evil.example 'ti\x07tle')", "`\x1b[2J`", "```\x1b]0;x\x07\nx\x1b[2J\n```", "    code\x9b2J\n",
    "```python\nx\n", "# h\n", "- a\n", "1. a\n", "9999999999. x\n", "> ", "| a | b |\n|---|---|\n| \x1b[2J | c |\n",
    "***", "~~", "\n\n", "\t", "日本", "🔥", "e\u0301", "\\x1b",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=12).map("".join)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SGR_ONLY = {"draw", "linefeed", "carriage_return", "tab", "select_graphic_rendition"}


def hostile_session(text: str) -> Shown:
    """A session in which the service put `text` wherever it can."""
    usage = {"total_tokens": 7, "prompt_tokens": 3, "generated_tokens": 4}
    fields = ("actor", "title", "icon", "text_color", "content", "status_message", "role", "state")
    everywhere = dict.fromkeys(fields, text)
    file = {"name": text, "size": 3, "sha256": text, "mime_type": text, "content_type_label": text}
    return Shown(
        id=text,
        name=text,
        messages=[
            message(id="q", message_type="query", content=text),
            message(id=text, parent_id="q", message_type=text, status_code=500, usage=usage, **everywhere),
            message(id="b", parent_id=text, mime_type=text, content=text),
            message(id="m", mime_type="text/markdown", content=text),
        ],
        files=[PublicSessionFile.from_dict(file)],
        status_message=text,
    )


def styled_output(text: str, *, color: bool) -> Iterator[tuple[str, str]]:
    """Yield (display path, what it writes to a terminal) for the paths that have colours."""
    session = hostile_session(text)
    yield "tree", drawn(display.session_tree(session), color=color)
    yield "table", drawn(listing.sessions_table([session]), color=color)
    yield "markdown", drawn(display.markdown(text), color=color)


def plain_output(text: str) -> Iterator[tuple[str, str]]:
    """Yield (display path, what it writes to a terminal) without colours."""
    yield from styled_output(text, color=False)
    yield "narrow tree", drawn(display.session_tree(hostile_session(text)), color=False, width=9)
    yield "neutralise", display.neutralise(text)
    yield "one line", display.one_line(text)
    yield "json", terminal.as_json({"content": text})
    yield "error", exits.error_line(StreamError(text, hint=text))
    record = logging.LogRecord("secgemini", logging.ERROR, "", 0, text, (), (StreamError, StreamError(text), None))
    yield "log", terminal.LogLine(tracebacks=True).format(record)


def html_output(text: str) -> Iterator[tuple[str, str]]:
    session = hostile_session(text)
    yield "escape", display.html_escape(text)
    yield "session", display.session_html(session)
    yield "response", display.response_html(session)


class Effects:
    """Listens to a terminal emulator: which of its operations a text sets off."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(*_arguments: object, **_options: object) -> None:
            self.seen.add(name)

        return note


def effects_on_a_terminal(output: str) -> set[str]:
    effects = Effects()
    pyte.Stream(effects).feed(output.replace("\n", "\r\n"))  # as the line discipline of a terminal does
    return effects.seen


class Tags(HTMLParser):
    """Collects what a browser would see as markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: set[tuple[str, str]] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add((tag, str(dict(attrs))))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.seen.add(("comment", data))

    handle_decl = unknown_decl = handle_pi = handle_comment


OUR_TAGS = {
    ("div", str({"class": "tex2jax_ignore mathjax_ignore"})), ("b", "{}"), ("ul", "{}"), ("li", "{}"),
    ("pre", str({"style": "white-space:pre-wrap;margin:0"})),
}  # fmt: skip


def is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in "\n\t"


def check_every_display_path(text: str) -> None:
    for path, output in plain_output(text):
        found = [character for character in output if is_control(character)]
        assert not found, f"{path}: {found}"
        assert effects_on_a_terminal(output) <= SGR_ONLY - {"select_graphic_rendition"}, path
    for path, output in styled_output(text, color=True):
        assert effects_on_a_terminal(output) <= SGR_ONLY, path
    for path, page in html_output(text):
        tags = Tags()
        tags.feed(page)
        tags.close()
        assert tags.seen <= OUR_TAGS, path
        assert not [character for character in tags.text if is_control(character)], path


def check_what_is_stored(text: str) -> None:
    session = hostile_session(text)
    before = json.dumps([item.to_dict() for item in session.messages + session.files])
    drawn(display.session_tree(session), color=True)
    display.session_html(session)
    assert json.dumps([item.to_dict() for item in session.messages + session.files]) == before
    assert session.messages[0].content == text


@given(texts)
@settings(UNHURRIED, max_examples=60)
def test_no_control_sequence_and_no_tag_survives_any_display_path(text: str) -> None:
    check_every_display_path(text)
    check_what_is_stored(text)


@pytest.mark.slow
@given(texts)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_ten_thousand_strings_through_every_display_path(text: str) -> None:
    check_every_display_path(text)
    check_what_is_stored(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_each_known_trick_is_harmless_alone(text: str) -> None:
    check_every_display_path(text)


@given(texts)
@settings(UNHURRIED, max_examples=40)
def test_colours_change_nothing_but_colours(text: str) -> None:
    """Without its colour codes the coloured output is the plain one."""
    colored = styled_output(text, color=True)
    for (path, plain), (_, output) in zip(styled_output(text, color=False), colored, strict=True):
        assert re.sub(r"\x1b\[[0-9;]*m", "", output) == plain, path


# neutralise


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, tab\tand\nline", "plain, tab\tand\nline"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("safe\revil", "safe\\revil"),
        ("mail\r\nlines\r\n", "mail\nlines\n"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\U000e0041", "\\U000e0041"),
        ("\udc80", "\\udc80"),
        ("❤️ é 日本 [bold] <b>", "❤️ é 日本 [bold] <b>"),
        ("❤️\ufe0f", "❤️\\ufe0f"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert display.neutralise(text) == shown


def test_one_line_stays_one_line() -> None:
    assert display.one_line("a\r\nb\tc\nd") == "a\\r\\nb\\tc\\nd"


def test_every_control_and_format_character_of_unicode_is_shown() -> None:
    missed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if is_control(chr(code)) and display.neutralise(chr(code)) == chr(code)
    ]
    assert missed == []


@given(texts)
@UNHURRIED
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = display.neutralise(text)
    assert display.neutralise(once) == once


def test_harmless_text_is_handed_back_as_it_is() -> None:
    text = "GET /index.html 200\n" * 1000
    assert display.neutralise(text) is text


@pytest.mark.parametrize("hostile", ["\x1b", "\x1b]8;;", "\ufe0f", "\r", "[", "<", "&#x"])
def test_a_megabyte_of_hostile_text_takes_linear_time(hostile: str) -> None:
    assert growth(lambda size: display.neutralise(hostile * (size // len(hostile))), 250_000) < MOST


# Markdown


def test_links_show_their_address_and_are_no_terminal_links() -> None:
    output = drawn(display.markdown("see [the bank](http://evil.example)"), color=True)
    assert "evil.example" in output
    assert "\x1b]8" not in output


def test_html_in_markdown_is_shown_and_not_hidden() -> None:
    shown = drawn(display.markdown("a <b>x</b> <!-- hidden -->\n\n<div>block</div>\n"), color=False)
    assert "<b>x</b>" in shown
    assert "<!-- hidden -->" in shown
    assert "<div>block</div>" in shown


def test_entities_cannot_smuggle_what_was_neutralised() -> None:
    assert "\\u202e" in drawn(display.markdown("&#x202e;txt"), color=False)


@pytest.mark.parametrize(
    "hostile", [">", "- ", "*", "[", "![", "`", "|", "<", "&", "_a", "[a](", "**a ", "# ", "1. ", "\n>", "||\n|-|\n"]
)
def test_hostile_markdown_costs_its_length(hostile: str) -> None:
    def lay_out(size: int) -> None:
        drawn(display.markdown(hostile * (size // len(hostile))), color=True)

    assert growth(lay_out, 2_500) < MOST


def test_a_huge_answer_is_shown_as_plain_text() -> None:
    text = "*a* " * display.MARKDOWN_CHARACTERS
    assert drawn(display.markdown(text), color=False).startswith("*a* *a*")


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3 * 10**15, "3000.0 TB")]
)
def test_sizes_are_said_as_people_read_them(count: int, said: str) -> None:
    assert display.byte_size(count) == said


def test_importing_display_loads_nothing_heavy() -> None:
    heavy = ("rich", "httpx", "secgemini_api", "IPython")
    code = f"import sys, secgemini.display; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
