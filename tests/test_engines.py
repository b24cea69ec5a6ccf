"""The engines `script` and `openai`, as a user of the service sees them."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from http_peer import HttpPeer, answer

from secgemini import ConfigurationError, SecGemini, SecGeminiError, tool
from secgemini.local.engines import AttachedFile, JsonDict, Reply, ToolResult, TurnRequest
from secgemini.local.engines.openai import OpenAI
from secgemini.local.engines.openai.context import conversation
from secgemini.local.engines.openai.wire import parse_event
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
        with pytest.raises(SecGeminiError, match="no pattern"):
            session.query("something else")


def test_engines_are_found_by_name(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.toml"
    with SecGemini.local(engine=f"script:{path}") as sg:
        assert sg.create_session().query("hello you").output_text == "Hi you!"
    monkeypatch.setenv("SEC_GEMINI_SCRIPT", str(path))
    with SecGemini.local(engine="script") as sg:
        assert sg.create_session().query("hello you").output_text == "Hi you!"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[answer]]\npattern = '('\nstep = []", "bad pattern"),
        ("[[answer]]\npatern = 'x'\nstep = []", "patern"),
        ("not toml", "not of its form"),
        ("[[answer]]\npattern = 'x'", "step"),
        ("[[answer]]\npattern = 'x'\nstep = [{ delay = 'long' }]", "delay"),
    ],
)
def test_a_bad_script_says_what_is_wrong(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "answers.toml"
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
from collections.abc import AsyncIterator
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
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = list(sys.path)
    with SecGemini.local(engine="own_engine_of_this_folder:Shouting") as sg:
        assert sg.create_session().query("hello").output_text == "HELLO!"
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        SecGemini.local(engine="own_broken_of_this_folder:Shouting")
    assert sys.path == before


class Quiet:
    name = "quiet"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("result", "psst")


class NoGenerator:
    name = "none"

    async def answer(self, turn: TurnRequest) -> Reply:
        return Reply("result", "never")


def test_an_engine_may_be_a_class_and_nothing_else_is_one() -> None:
    with SecGemini.local(engine=Quiet) as sg:  # type: ignore[arg-type]
        assert sg.create_session().query("hello").output_text == "psst"
    for wrong, says in [
        (5, "engine=5 has no method"),
        (NoGenerator(), "yields no replies"),
        (NoGenerator, "no replies"),
    ]:
        with pytest.raises(ConfigurationError, match=says):
            SecGemini.local(engine=wrong)  # type: ignore[arg-type]


def events(*chunks: dict[str, Any], end: str = "data: [DONE]\n\n") -> bytes:
    text = ": a comment\n\n" + "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end
    return answer(text.encode(), headers={"content-type": "text/event-stream"})


async def no_tool(name: str, arguments: JsonDict) -> ToolResult:
    raise AssertionError(name)


def says(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def calls(index: int, **function: object) -> dict[str, Any]:
    given = {"index": index, "function": function}
    return {"choices": [{"delta": {"tool_calls": [{**given, **({"id": f"c{index}"} if "name" in function else {})}]}}]}


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    peer = HttpPeer()
    yield peer
    peer.close()


CHAT = "POST /v1/chat/completions"


def test_an_openai_compatible_server_answers_streamed(peer: HttpPeer) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    peer.on(CHAT, events(says("It is "), says("bad."), usage), events(says("Again.")))
    engine = OpenAI(peer.url + "/v1/", model="tiny", api_key="OTHER-KEY")
    with SecGemini.local(engine=engine) as sg:
        session = sg.create_session()
        session.attach_file("mail.txt", b"contact evil.example")
        pieces = list(session.stream_sync("What is it?", partial=True))
        assert [m.content for m in pieces if m.status_code == 206] == ["It is ", "bad."]
        result = next(m for m in pieces if m.message_type == "result" and m.status_code == 200)
        assert result.content == "It is bad."
        assert result.usage is not None
        assert (result.usage.prompt_tokens, result.usage.generated_tokens) == (7, 2)
        assert session.query("And now?").output_text == "Again."
    first, second = (h.json() for h in peer.heard)
    assert peer.heard[0].headers["authorization"] == "Bearer OTHER-KEY"
    assert first["model"] == "tiny"  # type: ignore[index]
    assert "contact evil.example" in first["messages"][0]["content"]  # type: ignore[index]
    told = [(m["role"], m["content"]) for m in second["messages"][1:]]  # type: ignore[index]
    assert told == [("user", "What is it?"), ("assistant", "It is bad."), ("user", "And now?")]
    assert "OTHER-KEY" not in repr(vars(engine))


def test_local_tools_are_offered_as_functions(peer: HttpPeer) -> None:
    arguments = json.dumps({"text": "quiet"})
    peer.on(
        CHAT,
        events(says("Let me see. "), calls(0, name="shout", arguments=""), calls(0, arguments=arguments[:5]),
               calls(0, arguments=arguments[5:]), calls(1, name="nope", arguments="{")),
        events(says("It said QUIET")),
    )  # fmt: skip
    with SecGemini.local(engine=OpenAI(peer.url + "/v1")) as sg:
        assert sg.create_session(tools=[shout]).query("shout quiet").output_text == "It said QUIET"
    first, second = (h.json() for h in peer.heard)
    function = first["tools"][0]["function"]  # type: ignore[index]
    assert function["name"] == "shout"
    assert function["parameters"]["properties"]["text"] == {"type": "string"}
    assert function["parameters"]["required"] == ["text"]
    assert [m["role"] for m in second["messages"][-4:]] == ["user", "assistant", "tool", "tool"]  # type: ignore[index]
    assert second["messages"][-2]["content"] == "QUIET"  # type: ignore[index]
    assert "JSON" in second["messages"][-1]["content"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (answer({"error": "no such model"}, 404), "404.*no such model"),
        (events({"error": {"message": "out of memory"}}), "out of memory"),
        (answer(b"data: <html>\n\n"), "something else than events"),
        (answer(b""), "ended its answer unfinished"),
        (events(says("half of it"), end=""), "ended its answer unfinished"),
    ],
)
def test_a_server_that_fails_fails_the_turn(peer: HttpPeer, reply: bytes, says: str) -> None:
    peer.on(CHAT, reply)
    with SecGemini.local(engine=OpenAI(peer.url + "/v1")) as sg:
        session = sg.create_session()
        with pytest.raises(SecGeminiError, match=says):
            list(session.stream_sync("hello"))
        assert session.history()[-1].state == "end"


def test_the_context_stays_within_its_limit(peer: HttpPeer) -> None:
    peer.on(CHAT, events(says("ok " * 50)))
    with SecGemini.local(engine=OpenAI(peer.url + "/v1", context_tokens=500)) as sg:
        session = sg.create_session()
        session.attach_file("large.txt", b"line of text\n" * 10_000)
        session.attach_file("small.txt", b"the small one")
        for _ in range(20):
            session.query("go on")
    sent = [h.json()["messages"] for h in peer.heard]  # type: ignore[index]
    assert max(sum(len(m["content"]) for m in messages) for messages in sent) <= 500 * 4
    assert all("the small one" in messages[0]["content"] for messages in sent), "a large file leaves room for others"
    assert sent[-1][-1]["content"] == "go on"


def test_many_files_stay_within_the_context_too() -> None:
    files = [AttachedFile(f"file {number}.txt", b"x" * 50, "", "text/plain", "txt") for number in range(200)]
    [system, prompt] = conversation(TurnRequest("s", "hello", (), files, None, (), no_tool), 1000)
    said = str(system["content"])
    assert 2000 < len(said) + len("hello") <= 4000
    shown = said.count("--- end of file")
    assert said.endswith(f"… {200 - shown} more files")
    assert prompt["content"] == "hello"
    for tokens in (1, 50, 70, 100, 120, 200):
        messages = conversation(TurnRequest("s", "hello", (), files, None, (), no_tool), tokens)
        assert len(str(messages[0]["content"])) <= max(tokens * 4, 200)


@tool(read_only=True)
def dump() -> str:
    """Return much."""
    return "much " * 4000


def test_results_of_tools_stay_within_the_context(peer: HttpPeer) -> None:
    wanted = calls(0, name="dump", arguments="{}")
    peer.on(
        CHAT, events(wanted), events(wanted, calls(1, name="dump", arguments="{}")), events(wanted), events(says("ok"))
    )
    with SecGemini.local(engine=OpenAI(peer.url + "/v1", context_tokens=1000)) as sg:
        session = sg.create_session(tools=[dump])
        session.attach_file("large.txt", b"line of text\n" * 10_000)
        assert session.query("dump it").output_text == "ok"
    sent = [h.json()["messages"] for h in peer.heard]  # type: ignore[index]
    assert max(sum(len(m["content"] or "") for m in messages) for messages in sent) <= 4000
    results = [m["content"] for m in sent[-1] if m["role"] == "tool"]
    assert len(results) == 4
    assert all(result.endswith("[cut here]") for result in results)
    assert len(results[0]) > 700


def test_events_without_data_are_skipped() -> None:
    for line in ("", ": ping", "event: x", "data:"):
        assert parse_event(line) is None


@pytest.mark.parametrize("last", ['{"choices": [{"delta": {}, "finish_reason": "stop"}]}', "[DONE]"])
def test_an_answer_is_complete_by_its_reason_or_by_the_end_mark(last: str) -> None:
    part = parse_event(f"data: {last}")
    assert part is not None
    assert part.finished
