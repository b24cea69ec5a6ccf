"""The engine `openai` and what servers in the wild do differently from the one whose interface they imitate."""

from __future__ import annotations

import json
import logging
import queue
import socket
from typing import Any

import pytest
from closed_port import closed_port
from http_peer import HttpPeer, answer, reset
from openai_peer import CHAT, calls, events, says

from secgemini import ConfigurationError, Message, SecGemini, SecGeminiError, tool
from secgemini.local.engines.openai import OpenAI

KEY = "sk-SENTINEL-0123456789"


@tool(read_only=True)
def add(a: int, b: int = 0) -> int:
    """Add."""
    return a + b


def turn_of(peer: HttpPeer, prompt: str = "hello", **settings: Any) -> list[Message]:
    """Return the messages of one turn, pieces too."""
    with SecGemini.local(engine=OpenAI(peer.url + "/v1", **settings)) as sg:
        return list(sg.create_session(tools=[add]).stream_sync(prompt, partial=True))


def whole(messages: list[Message], kind: str = "result") -> list[str]:
    return [m.content or "" for m in messages if m.message_type == kind and m.status_code == 200]


def piece(**delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


STOP: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


WHOLE = {"choices": [{"message": {"content": "It is bad."}, "finish_reason": "stop"}]}


def stream(lead: str, end: str) -> bytes:
    """Return an answer whose lines begin and end as a server likes."""
    said = [json.dumps(says("It is ")), json.dumps(says("bad.")), "[DONE]"]
    return answer("".join(f"{lead}data:{data}{end}" for data in said).encode())


@pytest.mark.parametrize(
    "reply",
    [
        events(says("It is "), says("bad."), STOP, end=""),
        events({"choices": []}, {"choices": None, "usage": None}, says("It is "), says("bad."), STOP),
        events(piece(role="assistant", content=None), says("It is "), {**says("bad."), "usage": {"total_tokens": 9}}),
        stream("", "\n\n"),
        stream(": OPENROUTER PROCESSING\r\n\r\nevent: message\r\nid: 1\r\n", "\r\n\r\n"),
        answer(WHOLE),
        answer(json.dumps(WHOLE, indent=2).encode()),
    ],
    ids=["no end mark", "no choices", "null", "no space", "CRLF and comments", "no stream", "no stream, indented"],
)
def test_an_answer_in_another_form_is_the_same_answer(peer: HttpPeer, reply: bytes) -> None:
    peer.on(CHAT, reply)
    assert whole(turn_of(peer)) == ["It is bad."]


def test_ends_of_lines_of_unicode_are_content(peer: HttpPeer) -> None:
    text = "one\u2028two\u2029three\x85four\x0b"
    raw = b"".join(b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in (says(text), STOP))
    peer.on(CHAT, answer(raw))
    assert whole(turn_of(peer)) == [text]


def test_what_a_model_thinks_is_told_as_such(peer: HttpPeer) -> None:
    peer.on(CHAT, events(piece(reasoning_content="Well, "), piece(reasoning="so."), says("Yes."), STOP))
    messages = turn_of(peer)
    assert [m.content for m in messages if m.message_type == "thinking" and m.status_code == 206] == ["Well, ", "so."]
    assert whole(messages, "thinking") == ["Well, so."]
    assert whole(messages) == ["Yes."]


def call(a: int, *, number: int | None, id: str | None) -> dict[str, Any]:
    given = {"index": number, "id": id, "function": {"name": "add", "arguments": json.dumps({"a": a})}}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    "asked",
    [
        [piece(tool_calls=[call(1, number=0, id="x"), call(2, number=1, id="y")])],
        [piece(tool_calls=[call(1, number=0, id="x")]), piece(tool_calls=[call(2, number=0, id="y")])],
        [piece(tool_calls=[call(1, number=0, id=""), call(2, number=0, id="")])],
        [piece(tool_calls=[call(1, number=None, id=None)]), piece(tool_calls=[call(2, number=None, id=None)])],
        [
            calls(0, name="add", arguments=""),
            calls(1, name="add", arguments=""),
            *(calls(index, arguments=text) for text in ('{"a"', ": ") for index in (0, 1)),
            calls(0, arguments="1}"),
            calls(1, arguments="2}"),
        ],
        [piece(tool_calls=[{"index": 0, "id": "x", "function": {"name": "add", "arguments": text}}])
         for text in ('{"a"', ": 1}")] + [piece(tool_calls=[call(2, number=1, id="y")])],
        [piece(tool_calls=[{"id": id, "function": {"name": "add", "arguments": {"a": a}}}])
         for id, a in (("x", 1), ("y", 2))],
    ],
    ids=["numbered", "all are number 0", "empty ids", "bare", "interleaved", "name and id repeated", "objects"],
)  # fmt: skip
def test_parallel_calls_are_told_apart(peer: HttpPeer, asked: list[dict[str, Any]]) -> None:
    peer.on(CHAT, events(*asked), events(says("3 and 4")))
    turn_of(peer)
    *_, assistant, first, second = peer.heard[1].json()["messages"]  # type: ignore[index]
    assert [c["function"]["name"] for c in assistant["tool_calls"]] == ["add", "add"]
    assert [json.loads(c["function"]["arguments"])["a"] for c in assistant["tool_calls"]] == [1, 2]
    ids = [c["id"] for c in assistant["tool_calls"]]
    assert [first["tool_call_id"], second["tool_call_id"]] == ids
    assert len({*ids} - {""}) == 2
    assert [first["content"], second["content"]] == ["1", "2"]


@pytest.mark.parametrize("arguments", ["{", "[1]", '{"a": 1}}', '{"a":' * 2000])
def test_arguments_that_are_no_object_are_told_to_the_model(peer: HttpPeer, arguments: str) -> None:
    peer.on(CHAT, events(calls(0, name="add", arguments=arguments)), events(says("Sorry.")))
    assert whole(turn_of(peer)) == ["Sorry."]
    *_, asked, told = peer.heard[1].json()["messages"]  # type: ignore[index]
    assert "the arguments are no JSON object" in told["content"]
    assert asked["tool_calls"][0]["function"]["arguments"] == "{}", "what servers can parse"


def test_tokens_of_all_rounds_are_counted(peer: HttpPeer) -> None:
    counted = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}
    peer.on(CHAT, events(calls(0, name="add", arguments='{"a": 1}'), counted), events(says("1"), counted))
    result = next(m for m in turn_of(peer) if m.message_type == "result" and m.status_code == 200)
    assert result.usage is not None
    assert (result.usage.prompt_tokens, result.usage.generated_tokens) == (14, 4)


def test_the_end_mark_ends_the_answer_though_the_connection_stays(peer: HttpPeer) -> None:
    left: queue.Queue[bool] = queue.Queue()

    def say_and_stay(connection: socket.socket) -> None:
        stream = events(says("Yes."), STOP).replace(b"content-length", b"x-length")
        connection.sendall(stream)
        try:
            left.put(connection.recv(1) == b"")
        except TimeoutError:
            left.put(False)

    peer.on(CHAT, say_and_stay)
    assert whole(turn_of(peer)) == ["Yes."]
    assert left.get(), "the client went, not the server"


def broken(connection: socket.socket) -> None:
    connection.sendall(events(says("half of it"), end="").replace(b"content-length: ", b"content-length: 9"))
    reset(connection)


@pytest.mark.parametrize("action", [reset, broken], ids=["at once", "in the middle"])
def test_a_connection_that_breaks_is_said(peer: HttpPeer, action: Any) -> None:
    peer.on(CHAT, action)
    with pytest.raises(SecGeminiError, match=f"no whole answer from {peer.url}/v1: .*Error"):
        turn_of(peer)


def test_a_server_that_is_not_there_is_named() -> None:
    port = closed_port()
    with SecGemini.local(engine=OpenAI(f"http://user:word@127.0.0.1:{port}/v1")) as sg:
        with pytest.raises(SecGeminiError, match=f"no whole answer from http://127.0.0.1:{port}/v1: ConnectError"):
            sg.create_session().query("hello")


def test_turns_that_failed_leave_prompts_and_answers_alternating(peer: HttpPeer) -> None:
    peer.on(CHAT, events(says("one")), answer({}, 500), events(says("three")), events(says("four")))
    with SecGemini.local(engine=OpenAI(peer.url + "/v1")) as sg:
        session = sg.create_session()
        session.query("1")
        with pytest.raises(SecGeminiError):
            session.query("2")
        session.query("3")
        session.query("4")
    sent = [(m["role"], m["content"]) for m in peer.heard[-1].json()["messages"][1:]]  # type: ignore[index]
    assert sent == [("user", "1"), ("assistant", "one"), ("user", "3"), ("assistant", "three"), ("user", "4")]


class TestKey:
    """The key is in the header of requests and nowhere else."""

    @pytest.mark.parametrize(
        "reply",
        [
            answer({"error": f"Incorrect API key provided: {KEY}"}, 401),
            answer(f"{'x' * 590}{KEY}".encode(), 500),
            events({"error": {"message": f"no such key: {KEY}"}}),
            answer(f"<html>{KEY}</html>".encode()),
        ],
    )
    def test_a_server_that_quotes_it(self, peer: HttpPeer, reply: bytes, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        peer.on(CHAT, reply)
        with SecGemini.local(engine=OpenAI(peer.url + "/v1", api_key=KEY)) as sg:
            session = sg.create_session()
            with pytest.raises(SecGeminiError) as failed:
                session.query("hello")
            told = f"{failed.value!r} {[m.content for m in session.history()]} {caplog.text}"
        assert peer.heard[0].headers["authorization"] == f"Bearer {KEY}"
        assert not any(KEY[:length] in told for length in range(5, len(KEY)))

    def test_space_around_it_is_no_part_of_it(self, peer: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEC_GEMINI_OPENAI_KEY", f" {KEY}\n")
        peer.on(CHAT, events(says("Yes.")))
        assert whole(turn_of(peer)) == ["Yes."]
        assert peer.heard[0].headers["authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("key", [f"{KEY}\nx: y", "schlüssel-schlüssel"])
    def test_one_that_cannot_be_sent_is_refused_and_not_quoted(self, key: str) -> None:
        with pytest.raises(ConfigurationError, match="the key of the engine openai") as refused:
            OpenAI("http://127.0.0.1:1/v1", api_key=key)
        assert key[:6] not in str(refused.value)


@pytest.mark.parametrize("address", ["http://", "http://[::1", "ftp://127.0.0.1/v1", "127.0.0.1:8080"])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no URL"):
        SecGemini.local(engine=f"openai:{address}")
