"""Engines are found by name, given as objects, or made of a script: as a user of the service sees them."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from secgemini import ConfigurationError, SecGemini, StreamError, tool
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.engines.script import Script

SCRIPT = """
[[answer]]
pattern = 'hash (?P<path>\\S+)'
step = [
  { kind = "thinking", content = "I need the tool" },
  { tool = "shout", arguments = { text = "{path}", list = ["{path}", 1] }, delay = 0.01 },
  { kind = "result", content = "{path} is {tool}, {unknown} stays" },
]

[[answer]]
pattern = '(?i)^hello (.*)'
step = [
  { content = "Hi ", partial = true },
  { content = "{1}!", partial = true },
  { content = "Hi {1}!", title = "greeting" },
]
"""


@tool(read_only=True)
def shout(text: str, list: list[str | int] | None = None) -> str:
    """Say it loud."""
    return text.upper()


@pytest.fixture
def script(tmp_path: Path) -> Script:
    path = tmp_path / "answers.toml"
    path.write_text(SCRIPT)
    return Script(path)


def test_a_script_answers_by_pattern(script: Script) -> None:
    with SecGemini.local(engine=script) as sg:
        session = sg.create_session(tools=[shout])
        assert session.query("hello World").output_text == "Hi World!"
        pieces = [m for m in session.stream_sync("hello you", partial=True) if m.status_code == 206]
        assert "".join(m.content or "" for m in pieces) == "Hi you!"
        response = session.query("please hash /etc/x now")
        assert response.output_text == "/etc/x is /ETC/X, {unknown} stays"
        assert any(m.message_type == "thinking" for m in response.messages)
        with pytest.raises(StreamError, match="no pattern") as failed:
            session.query("something else")
        assert not failed.value.hint, "it says nothing of sessions"


def test_engines_are_found_by_name(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.toml"
    with SecGemini.local(engine=f"script:{path}") as sg:
        assert sg.create_session().query("hello you").output_text == "Hi you!"
    monkeypatch.setenv("SEC_GEMINI_SCRIPT", str(path))
    with SecGemini.local(engine="script") as sg:
        assert sg.create_session().query("hello you").output_text == "Hi you!"


def test_a_script_of_windows_begins_with_a_mark(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").write_text(SCRIPT, encoding="utf-8-sig")
    with SecGemini.local(engine=Script(tmp_path / "answers.toml")) as sg:
        assert sg.create_session().query("hello you").output_text == "Hi you!"


STEP = "[[answer]]\npattern = 'x'\n[[answer.step]]\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[answer]]\npattern = '('\nstep = []", "bad pattern"),
        ("[[answer]]\npatern = 'x'\nstep = []", "patern"),
        ("not toml", "not of its form"),
        ("[[answer]]\npattern = 'x'", "step"),
        (STEP + "delay = 'long'", "delay"),
        (STEP + "delay = -1", r">= 0.0 - at `\$.answer\[0\].step\[0\].delay`"),
        (STEP + "delay = inf", "<= 86400"),
        (STEP + "kind = 'resutl'", r"no kind 'resutl' - at `\$.answer\[0\].step\[0\]`"),
        (STEP + "state = 'thinkin'", "no state 'thinkin'"),
        (STEP + "state = 'end'", "the service, not an engine"),
        (STEP + "status_code = 999", "not 999"),
        (STEP + "content = 'a'\ntool = 'b'", "calls a tool or says something"),
        (STEP + "arguments = { a = 1 }", "arguments, but no tool"),
        ('{"answer": [\n{"pattern": "x",}]}', "line 2 column"),
    ],
)
def test_a_bad_script_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / ("answers.json" if content.startswith("{") else "answers.toml")
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=says):
        Script(path)


def test_engines_without_their_settings_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEC_GEMINI_SCRIPT", raising=False)
    monkeypatch.delenv("SEC_GEMINI_OPENAI_URL", raising=False)
    monkeypatch.setenv("SEC_GEMINI_OPENAI_CONTEXT", "much")
    for name, says in [
        ("script", "SEC_GEMINI_SCRIPT"),
        ("script:/no/such.toml", "cannot be read"),
        ("openai", "SEC_GEMINI_OPENAI_URL"),
        ("openai:foo", "'foo' is no URL"),
        ("openai:http://127.0.0.1:1/v1", "'much' and must be a number of tokens"),
        ("nonsense", "analyst, openai:URL, script:FILE, or package.module:attribute"),
        ("no.such.module:Engine", "cannot be loaded"),
        ("analyst:x", "cannot be made: TypeError"),
        ("json:dumps", "cannot be made: TypeError.*an engine has a `name`"),
        ("math:pi", "has no method `answer`"),
        ("os:getcwd", "has no method `answer`"),
    ]:
        with pytest.raises(ConfigurationError, match=says):
            SecGemini.local(engine=name)


OWN = """
from collections.abc import AsyncIterator, Iterator
from secgemini.local.engines import Reply, TurnRequest
import own_words_of_this_folder

class Shouting:
    name = "shouting"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("result", turn.prompt.upper() + own_words_of_this_folder.MARK)
"""


def test_an_engine_of_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_engine_of_this_folder.py").write_text(OWN)
    (tmp_path / "own_words_of_this_folder.py").write_text("MARK = '!'")
    (tmp_path / "own_broken_of_this_folder.py").write_text("no python")
    (tmp_path / "own_leaving_of_this_folder.py").write_text("raise SystemExit(0)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = list(sys.path)
    with SecGemini.local(engine="own_engine_of_this_folder:Shouting") as sg:
        assert sg.create_session().query("hello").output_text == "HELLO!"
    for module, says in (("own_broken_of_this_folder", "SyntaxError"), ("own_leaving_of_this_folder", "SystemExit: 0")):
        with pytest.raises(ConfigurationError, match=f"cannot be loaded: {says}"):
            SecGemini.local(engine=f"{module}:Shouting")
    assert sys.path == before


class Quiet:
    name = "quiet"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("result", "psst")


class NoGenerator:
    name = "none"

    async def answer(self, turn: TurnRequest) -> Reply:
        return Reply("result", "never")


class PlainGenerator:
    name = "plain"

    def answer(self, turn: TurnRequest) -> Iterator[Reply]:
        yield Reply("result", "never")


class Nameless(Quiet):
    name = None  # type: ignore[assignment]


def test_an_engine_may_be_a_class_and_nothing_else_is_one() -> None:
    with SecGemini.local(engine=Quiet) as sg:  # type: ignore[arg-type]
        assert sg.create_session().query("hello").output_text == "psst"
    for wrong, says in [
        (5, "engine=5 has no method"),
        (NoGenerator(), "is no async generator"),
        (NoGenerator, "is no async generator"),
        (PlainGenerator(), "is no async generator"),
        (Nameless(), "a `name` that is no string"),
    ]:
        with pytest.raises(ConfigurationError, match=says):
            SecGemini.local(engine=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"content": None}, "content of a reply is a string, not NoneType"),
        ({"content": 5}, "content of a reply is a string, not int"),
        ({"mime_type": None}, "mime_type of a reply"),
        ({"usage": {"prompt_tokens": 1}}, "usage a TokenUsage"),
        ({"status_code": "200"}, "status_code of a reply is a number"),
        ({"status_code": 206}, "200, or 400 to 599, not 206; see partial="),
        ({"status_code": 999}, "not 999"),
        ({"kind": "info", "state": "end"}, "the service, not an engine, sends 'info' with state 'end'"),
        ({"kind": "local_tool_call"}, "the service, not an engine"),
        ({"kind": "resutl"}, "there is no kind 'resutl'"),
        ({"state": "thinkin"}, "no state 'thinkin'"),
        ({"mime_type": "text/markdwon"}, "no mime_type 'text/markdwon'"),
    ],
)
def test_a_reply_that_breaks_the_wire_cannot_be_made(wrong: dict[str, object], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        Reply(**{"kind": "result", "content": "x", **wrong})  # type: ignore[arg-type]
