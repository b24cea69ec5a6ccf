"""What an error of a refused request says: which request, what came back, and never the key."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable

import pytest
from http_peer import OK, HttpPeer, answer, reset
from secgemini_api.models import PublicSession
from wire import USAGE, message, session

from secgemini import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    SecGemini,
    SecGeminiError,
    StreamError,
)
from secgemini.session import InteractiveSession

KEY = "S3ntinel=0123456789"
NAMED = {"x-request-id": "req-77"}
GENERATE, GET = "POST /v1/session/generate", "GET /v1/session/get"


@pytest.fixture
def mine(peer: HttpPeer) -> InteractiveSession:
    client = SecGemini(KEY, base_url=peer.url, proxy="", max_retries=0)
    return InteractiveSession(client._driver, PublicSession.from_dict(session(files=[])))


def refusal(status: int, text: str) -> bytes:
    return answer({**OK, "ok": False, "status_code": status, "status_message": text}, headers=NAMED)


def failed_turn(status: object, text: str) -> bytes:
    told = {"id": "s", "messages": [], "status_code": status, "status_message": text, "usage": USAGE}
    return answer(told, headers=NAMED)


def test_a_refusal_by_operation_result_says_which_request_it_was(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on("POST /v1/session/detach_file", refusal(400, "no file at index 5"))
    with pytest.raises(BadRequestError) as refused:
        mine.detach_file(5)
    assert refused.value.request_id == "req-77"
    assert '"no file at index 5"' in refused.value.body
    assert str(refused.value).endswith("[request req-77]")


def test_a_turn_that_failed_says_which_request_it_was(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(GENERATE, failed_turn(503, "the model is tired"))
    with pytest.raises(InternalServerError, match="the model is tired") as failed:
        mine.query("hello")
    assert (failed.value.request_id, failed.value.operation) == ("req-77", GENERATE)
    assert "the model is tired" in failed.value.body


def test_a_failure_without_an_answer_has_no_request_id(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(GET, answer(session(), headers=NAMED)).on("POST /v1/session/detach_file", reset)
    with pytest.raises(SecGeminiError) as lost:
        mine.detach_file("another session", 0)
    assert (lost.value.request_id, "[request" in str(lost.value)) == ("", False)


def test_a_status_that_is_no_number_is_outside_the_contract(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(GENERATE, failed_turn("boo", "")).on("POST /v1/session/detach_file", failed_turn("boo", ""))
    for call in (lambda: mine.query("hello"), lambda: mine.detach_file(0)):
        with pytest.raises(APIResponseError, match="outside the contract") as wrong:
            call()
        assert wrong.value.request_id == "req-77"


@pytest.mark.parametrize("body", [{"detail": [{"loc": None, "msg": "bad"}]}, b"[" * 100_000, b'{"detail":' * 3000])
def test_a_hostile_refusal_is_a_refusal(peer: HttpPeer, mine: InteractiveSession, body: object) -> None:
    peer.on(GET, answer(body, 422))
    with pytest.raises(APIStatusError) as refused:
        mine.refresh()
    assert len(str(refused.value)) < 1000


ESCAPED = KEY.replace("=", "\\u003d").encode()
ECHOES: dict[str, tuple[str, bytes]] = {
    "an operation result": ("POST /v1/session/update", refusal(401, f"unknown key {KEY}")),
    "a failed turn": (GENERATE, failed_turn(401, f"unknown key {KEY}")),
    "an escaped detail": (GET, answer(b'{"detail": "unknown key ' + ESCAPED + b'"}', 401)),
    "a key across the head's end": (GET, answer(b"x" * 1990 + KEY.encode(), 500)),
    "a page across the excerpt's end": (GET, answer(b"<" * 195 + KEY.encode())),
    "a request id": (GET, answer(b"", 500, {"x-request-id": KEY})),
}


@pytest.mark.parametrize("where", ECHOES)
def test_no_refusal_carries_the_key(peer: HttpPeer, mine: InteractiveSession, where: str) -> None:
    operation, said = ECHOES[where]
    peer.on(operation, said)
    calls: dict[str, Callable[[], object]] = {GENERATE: lambda: mine.query("hello"), GET: mine.refresh}
    with pytest.raises(SecGeminiError) as refused:
        calls.get(operation, lambda: mine.update("new"))()
    everything = f"{refused.value} {refused.value!r} {vars(refused.value)}"
    assert all(KEY[:size] not in everything for size in range(8, len(KEY) + 1))
    assert ESCAPED.decode() not in everything


def test_no_log_line_of_a_retry_carries_the_key(peer: HttpPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.on("POST /v1/session/update", refusal(429, f"quota of {KEY} used up"))
    caplog.set_level(logging.DEBUG)
    with SecGemini(KEY, base_url=peer.url, proxy="", max_retries=1) as sg, pytest.raises(RateLimitError):
        InteractiveSession(sg._driver, PublicSession.from_dict(session())).update("new")
    assert "attempt 2 follows" in caplog.text
    assert KEY not in caplog.text


def test_a_failed_turn_whose_answer_was_lost_is_a_failed_turn(peer: HttpPeer) -> None:
    def lose(connection: socket.socket) -> None:
        prompt = peer.heard[-1].json()["messages"][0]  # type: ignore[index]
        down = message("e", "error", status_code=503, status_message="UNAVAILABLE", content="the model is down")
        end = message("f", "info", state="end")
        peer.on(GET, answer(session(messages=[prompt, down, end])))
        reset(connection)

    peer.on(GENERATE, lose)
    with SecGemini(KEY, base_url=peer.url, proxy="") as sg:
        mine = InteractiveSession(sg._driver, PublicSession.from_dict(session()))
        with pytest.raises(InternalServerError, match="the model is down"):
            mine.query("hello")
    assert peer.count(GENERATE) == 1


def test_an_error_of_a_stream_says_where_it_comes_from() -> None:
    error = StreamError("the link is gone", lost_link=True, request_id="r")
    assert (error.operation, error.lost_link, str(error)) == ("GET /v1/stream", True, "the link is gone [request r]")
    assert not StreamError("no").lost_link


def test_an_unknown_key_stays_what_it_is(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(GET, answer(json.dumps({"detail": "no"}).encode(), 401))
    with pytest.raises(AuthenticationError, match="401 from GET /v1/session/get: no"):
        mine.refresh()


@pytest.mark.parametrize(
    ("path", "hint"),
    [("/v1/user/info", "is base_url the address"), ("/v1/session/get", "list_sessions\\(\\) shows")],
)
def test_a_404_says_what_can_be_missing(peer: HttpPeer, mine: InteractiveSession, path: str, hint: str) -> None:
    with pytest.raises(NotFoundError, match=hint):
        mine.refresh() if "session" in path else SecGemini("k", base_url=peer.url, proxy="").user_info()
