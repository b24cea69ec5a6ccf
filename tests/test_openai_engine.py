"""The engine `openai` against a scripted peer, as a user of the service sees it."""

from __future__ import annotations

import json

import httpx
import pytest
from http_peer import HttpPeer, answer
from openai_peer import CHAT, calls, events, says

from secgemini import SecGemini, SecGeminiError, tool
from secgemini.local.engines import AttachedFile, JsonDict, ToolResult, TurnRequest
from secgemini.local.engines.openai import OpenAI
from secgemini.local.engines.openai.context import conversation
from secgemini.local.engines.openai.functions import as_function
from secgemini.local.server import LocalService


@tool(read_only=True)
def shout(text: str) -> str:
    """Say it loud."""
    return text.upper()


async def no_tool(name: str, arguments: JsonDict) -> ToolResult:
    raise AssertionError(name)


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


def test_instructions_of_a_chat_completion_reach_the_model(peer: HttpPeer) -> None:
    peer.on(CHAT, events(says("Short.")))
    said = [("system", "Be short."), ("user", "one"), ("assistant", "1"), ("user", "two")]
    body = {"model": "sec-gemini-stable", "messages": [{"role": role, "content": text} for role, text in said]}
    with LocalService(engine=OpenAI(peer.url + "/v1")) as service:
        headers = {"authorization": f"Bearer {service.api_key}"}
        answer = httpx.post(f"{service.base_url}/chat/completions", json=body, headers=headers)
    assert answer.json()["choices"][0]["message"]["content"] == "Short."
    system, *rest = peer.heard[0].json()["messages"]  # type: ignore[index]
    assert system["content"].endswith("\n\nBe short.")
    assert [(m["role"], m["content"]) for m in rest] == said[1:]


def test_local_tools_are_offered_as_functions(peer: HttpPeer) -> None:
    arguments = json.dumps({"text": "quiet"})
    peer.on(
        CHAT,
        events(says("Let me see. "), calls(0, name="shout", arguments=""), calls(0, arguments=arguments[:5]),
               calls(0, arguments=arguments[5:]), calls(1, name="nope", arguments="{")),
        events(says("It said QUIET")),
    )  # fmt: skip
    with SecGemini.local(engine=OpenAI(peer.url + "/v1")) as sg:
        messages = list(sg.create_session(tools=[shout]).stream_sync("shout quiet", partial=True))
    pieces = [m.content or "" for m in messages if m.status_code == 206]
    assert "".join(pieces) == "Let me see. \n\nIt said QUIET"
    assert [m.content for m in messages if m.message_type == "result" and m.status_code == 200] == ["".join(pieces)]
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
        (answer(b"<html>It works!</html>"), "something else than events.*It works!"),
        (answer(b"<html>Bad Gateway</html>", 502), "502: <html>Bad Gateway"),
        (answer({"error": {"message": "quota used up"}}, 200), "the server failed.*quota used up"),
        (events(says("half of it"), {"error": {"message": "the GPU is gone"}}), "the GPU is gone"),
        (events({"choices": [{"delta": {}, "finish_reason": "length"}]}), "without an answer .finish reason 'length'"),
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


def test_the_schema_of_a_tool_is_json_schema() -> None:
    nothing = {"title": None, "description": None}
    parameters: JsonDict = {
        **nothing,
        "type": "object",
        "properties": {
            "level": {**nothing, "type": "integer", "enum": ["1", "2"], "nullable": True},
            "mode": {"type": "string", "enum": ["1", "on"]},
            "user": {"ref": "#/defs/user", "nullable": True},
            "any": {"type": "type_unspecified", "nullable": True},
        },
        "defs": {
            "user": {"type": "object", "additional_properties": {"any_of": [{"type": "string", "min_length": 1}]}}
        },
    }
    function = as_function({"name": "f", "description": "d", "parameters": parameters})["function"]
    assert isinstance(function, dict)
    assert function["parameters"] == {
        "type": "object",
        "properties": {
            "level": {"type": ["integer", "null"], "enum": [1, 2, None]},
            "mode": {"type": "string", "enum": ["1", "on"]},
            "user": {"anyOf": [{"$ref": "#/$defs/user"}, {"type": "null"}]},
            "any": {},
        },
        "$defs": {"user": {"type": "object", "additionalProperties": {"anyOf": [{"type": "string", "minLength": 1}]}}},
    }
