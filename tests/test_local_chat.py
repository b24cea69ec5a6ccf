"""Chat completions, raw and with the openai client's own forms of a request."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from raw_service import EchoEngine, Raw, Scripted, running_service

from secgemini.local import chat
from secgemini.local.engines import Reply
from secgemini.local.server import LocalService
from secgemini.local.store import Store


def complete(service: LocalService, messages: list[dict[str, Any]], **fields: Any) -> httpx.Response:
    body = {"model": "sec-gemini-stable", "messages": messages} | fields
    headers = {"authorization": f"Bearer {service.api_key}"}
    return httpx.post(f"{service.base_url}/chat/completions", json=body, headers=headers, timeout=30)


def test_a_conversation_is_answered_in_a_session_of_its_own(service: LocalService, http: Raw) -> None:
    said: list[dict[str, Any]] = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": [{"type": "text", "text": "two "}, {"type": "text", "text": "three"}]},
    ]
    answer = complete(service, said).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "sec-gemini-1.1"
    assert answer["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "two three"}, "finish_reason": "stop"}
    ]
    complete(service, said)
    sessions = http.get("/v1/session/list").json()
    assert len(sessions) == 2
    stored = http.session(sessions[0]["id"])["messages"]
    assert [(message["message_type"], message["content"]) for message in stored[:4]] == [
        ("info", "Be short."),
        ("query", "one"),
        ("result", "1"),
        ("query", "two three"),
    ]


def test_files_in_data_urls_are_attached_and_nothing_is_fetched(service: LocalService, http: Raw) -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "image_url", "image_url": "http://169.254.169.254/latest"},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain,hello%20there"}},
        {"type": "file", "file": {"filename": "b.txt", "file_data": "data:text/plain;base64,aGk"}},
    ]
    answer = complete(service, [{"role": "user", "content": parts}]).json()
    assert answer["choices"][0]["message"]["content"] == "look http://169.254.169.254/latest"
    (session,) = http.get("/v1/session/list").json()
    assert [(file["name"], file["size"]) for file in session["files"]] == [("image-2", 8), ("a.txt", 11), ("b.txt", 2)]
    assert session["files"][0]["mime_type"] == "image/png"


def test_files_are_examined_and_stored_beside_the_event_loop(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            threads.append(threading.current_thread().name)
            return function(*given)

        return noted

    monkeypatch.setattr(chat, "_attach", noting(chat._attach))
    monkeypatch.setattr(chat, "examine", noting(chat.examine))
    monkeypatch.setattr(Store, "add_file", noting(Store.add_file))
    parts = [{"type": "file", "file": {"filename": "a.txt", "file_data": "data:,hi"}}, {"type": "text", "text": "x"}]
    assert complete(service, [{"role": "user", "content": parts}]).status_code == 200
    assert threads == ["secgemini-worker"] * 3


@pytest.mark.parametrize("key", [None, "wrong"])
def test_it_needs_the_key(service: LocalService, key: str | None) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    body = {"model": "sec-gemini-stable", "messages": []}
    assert httpx.post(f"{service.base_url}/chat/completions", json=body, headers=headers).status_code == 401


def test_an_unknown_model_is_not_found(service: LocalService) -> None:
    answer = complete(service, [{"role": "user", "content": "x"}], model="gpt-9")
    assert answer.status_code == 404
    assert "sec-gemini-1.1" in answer.json()["detail"]


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    *data, last, rest = answer.text.split("\n\n")
    assert (last, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in data]


def test_results_that_do_not_come_in_pieces_are_streamed_whole() -> None:
    replies = [
        Reply("thinking", "well", partial=True),
        Reply("thinking", "well"),
        Reply("result", "a", partial=True),
        Reply("result", "a"),
        Reply("result", "b"),
    ]
    for steps, said in [(replies, "ab"), (replies[:2] + replies[4:], "b")]:
        with running_service(engine=Scripted(*steps)) as service:
            got = events(complete(service, [{"role": "user", "content": "x"}], stream=True))
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in got) == said


def test_streamed_pieces_are_the_answer(service: LocalService) -> None:
    got = events(complete(service, [{"role": "user", "content": "a b c"}], stream=True))
    assert got[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in got) == "a b c"
    assert got[-1]["choices"][0]["finish_reason"] == "stop"
    assert len({event["id"] for event in got}) == 1


class Failing(EchoEngine):
    async def answer(self, turn: Any) -> Any:
        yield Reply("thinking", "hm")
        raise OSError("model gone")


def test_a_failed_turn_is_an_error_in_both_forms() -> None:
    with running_service(engine=Failing()) as service:
        answer = complete(service, [{"role": "user", "content": "a"}])
        assert answer.status_code == 500
        assert "model gone" in answer.json()["detail"]
        *pieces, failure = events(complete(service, [{"role": "user", "content": "a"}], stream=True))
        assert failure["error"] == {"message": answer.json()["detail"], "type": "server_error", "code": 500}
        assert all(piece["choices"][0]["finish_reason"] is None for piece in pieces), (
            "an answer that failed did not end"
        )


def test_pieces_of_a_thought_are_none_of_the_answer() -> None:
    engine = Scripted(Reply("thinking", "h", partial=True), Reply("thinking", "hm"), Reply("result", "so it is"))
    with running_service(engine=engine) as service:
        got = events(complete(service, [{"role": "user", "content": "a"}], stream=True))
        assert "".join(event["choices"][0]["delta"].get("content", "") for event in got) == "so it is"


def test_no_piece_comes_too_early() -> None:
    pieces = [Reply("result", letter, partial=True) for letter in "early"]
    with running_service(engine=Scripted(*pieces, Reply("result", "early"))) as service:
        got = events(complete(service, [{"role": "user", "content": "a"}], stream=True))
        assert "".join(event["choices"][0]["delta"].get("content", "") for event in got) == "early"


def test_several_answers_are_given_in_both_forms(service: LocalService) -> None:
    said = [{"role": "user", "content": "a b"}]
    whole = complete(service, said, n=2).json()
    assert [(choice["index"], choice["message"]["content"]) for choice in whole["choices"]] == [(0, "a b"), (1, "a b")]
    answers = ["", ""]
    for event in events(complete(service, said, n=2, stream=True)):
        for choice in event["choices"]:
            answers[choice["index"]] += choice["delta"].get("content", "")
    assert answers == ["a b", "a b"]
