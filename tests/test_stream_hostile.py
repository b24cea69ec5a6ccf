"""Streams of a service that says what it should not: the key, megabytes, wrong types. And of one that says nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import traceback
from collections.abc import Iterator

import pytest
from loop_clock import skip
from secgemini_api.models import Message, PublicSession
from stream_client import ids, read, stream
from stream_model import END, say
from stream_peer import PATIENCE, Peer
from websockets.asyncio.server import ServerConnection
from wire import session

from secgemini import SecGemini, _socket, no_waiting
from secgemini import stream as machine
from secgemini._failures import scrub
from secgemini.config import Config
from secgemini.errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AuthenticationError,
    SecGeminiError,
    StreamError,
)
from secgemini.session import InteractiveSession

KEY = "sk-sesame=opens/0123456789"
SCRIPT = [say("m0"), END]


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "POLL_FIRST", 0.02)


# -- the time ----------------------------------------------------------------------------------------------------


async def test_a_reader_that_was_busy_while_messages_came_does_not_take_the_service_for_silent() -> None:
    loop = asyncio.get_running_loop()
    with Peer([say("m0")]).running() as peer:
        async with stream(peer.link(idle_timeout=60)) as messages:
            assert (await anext(messages)).id == "m0"
            skip(loop, 50)
            await asyncio.to_thread(peer.say, say("m1"))
            await asyncio.to_thread(peer.ping)  # m1 has arrived
            skip(loop, 50)
            assert (await anext(messages)).id == "m1"
            reading = asyncio.create_task(anext(messages))
            await asyncio.to_thread(peer.ping)
            assert peer.reads == 0
            await asyncio.to_thread(peer.say, END)
            assert (await reading).id == "end"


async def test_an_answer_to_a_ping_is_no_sign_of_life_of_the_turn() -> None:
    loop = asyncio.get_running_loop()
    with Peer([say("m0")]).running() as peer:
        async with stream(peer.link(idle_timeout=60)) as messages:
            assert (await anext(messages)).id == "m0"
            skip(loop, 61)
            await asyncio.to_thread(peer.ping)
            with pytest.raises(APITimeoutError, match="idle"):
                await anext(messages)


async def test_connecting_for_ever_is_bounded_by_the_idle_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        peer = Peer(SCRIPT)
        peer.port = deaf.getsockname()[1]
        link = peer.link(open_timeout=None, idle_timeout=30)
        reading = asyncio.create_task(read(link, wait=lambda error, failures: None))
        accepted, _ = await asyncio.to_thread(deaf.accept)
        with accepted:
            skip(asyncio.get_running_loop(), 30)
            with pytest.raises(APITimeoutError, match="connecting") as caught:
                await reading
    assert not caught.value.sent


async def test_whatever_ends_connecting_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(link: object) -> None:
        raise LookupError("nobody thought of this")

    monkeypatch.setattr(_socket, "dial", broken)
    with pytest.raises(LookupError, match="nobody thought of this"):
        await read(Peer(SCRIPT).link())


async def test_headers_that_come_twice() -> None:
    class Twice(dict[str, str]):
        def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
            return [(name, value) for name in self for value in ("7", "8")]

    with Peer(SCRIPT, refusals=[(429, Twice({"Retry-After": "", "X-Request-Id": ""}))]).running() as peer:
        with pytest.raises(SecGeminiError) as caught:
            await read(peer.link(), wait=lambda error, failures: None)
    assert (getattr(caught.value, "retry_after", None), caught.value.request_id) == (7.0, "7")


# -- outside the contract ----------------------------------------------------------------------------------------

WRONG = [
    {"status_code": 500, "status_message": 5},
    {"message_type": "result", "content": {"x": 1}},
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_field_of_the_wrong_type_closes_the_link_and_is_named(wrong: dict[str, object]) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"id": "x", "message_type": "error", **wrong}))

    with Peer([say("wait"), END], greeting=greet).running() as peer:
        async with stream(peer.link(), partial=True) as messages:
            with pytest.raises(APIResponseError, match=r"outside the contract: .*Error: ") as caught:
                await anext(messages)
            assert peer.closed.wait(PATIENCE)
            assert json.loads(caught.value.body)["id"] == "x"
            assert "resume()" in caught.value.hint
        assert len(peer.paths) == 1


async def test_a_history_of_wrong_types() -> None:
    odd = say("odd")
    odd.status_code = "boo"  # type: ignore[assignment]
    with Peer(SCRIPT, cuts=[(0, "after")]).running() as peer:

        async def history() -> list[Message]:
            return [*peer.stored[:1], odd]

        with pytest.raises(APIResponseError, match="outside the contract"):
            await read(peer.link(history=history))
        assert peer.closed.wait(PATIENCE)


async def test_an_end_that_tells_of_a_failure_is_one() -> None:
    failed = say("end", state="end", status=500, content="the engine died")
    with Peer([say("m0"), failed]).running() as peer:
        async with stream(peer.link()) as messages:
            assert [(await anext(messages)).id, (await anext(messages)).id] == ["m0", "end"]
            with pytest.raises(StreamError, match="500 from the service: the engine died"):
                await anext(messages)


# -- the key, and hints ------------------------------------------------------------------------------------------


def failure(peer: Peer, **settings: object) -> SecGeminiError:
    """Read a turn through a session, and return the error."""
    url = f"http://127.0.0.1:{peer.port}"
    with no_waiting(), SecGemini(KEY, base_url=url, proxy="", max_retries=1) as sg:
        turn = InteractiveSession(sg._driver, PublicSession.from_dict(session())).stream_sync("hello")
        with pytest.raises(SecGeminiError) as caught:
            list(turn)
        return caught.value


def told(error: BaseException | None) -> Iterator[str]:
    """Return all that an error, and what led to it, says: a message of the service is data and stays as it is."""
    while error is not None:
        yield from (str(error), repr(error), *map(repr, error.args), *traceback.format_exception(error))
        yield repr({name: value for name, value in vars(error).items() if name != "stream_message"})
        error = error.__cause__


def assert_silent(error: SecGeminiError, caplog: pytest.LogCaptureFixture) -> None:
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("secgemini")]
    for text in (*told(error), *lines):
        assert "sesame" not in text
    assert "***" in "".join(told(error))


ESCAPED = KEY.replace("=", "\\u003d").replace("/", "\\/")


def frame(**fields: object) -> str:
    return json.dumps({"id": "x", "message_type": "error", "status_code": 401, **fields})


@pytest.mark.parametrize(
    "sent",
    [
        frame(content=f"unknown key {KEY}"),
        frame(content="", status_message=f"unknown key {KEY}"),
        frame(content="no", status_message=f"key {KEY} not found"),
        frame(content=f"unknown key {ESCAPED}"),
        frame(content="x" * 490 + KEY),
        frame(content=[KEY]),
        frame(status_code=KEY),
        f"<p>{KEY}</p>",
        "y" * 1990 + KEY,
        frame(id=[ESCAPED]),
    ],
)
def test_the_key_in_a_frame(sent: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="secgemini")

    async def greet(connection: ServerConnection) -> bool:
        await connection.send(sent)
        return True

    with Peer(SCRIPT, greeting=greet).running() as peer:
        assert_silent(failure(peer), caplog)


@pytest.mark.parametrize("code", [4401, 1008, 1011])
def test_the_key_in_a_goodbye(code: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="secgemini")

    async def greet(connection: ServerConnection) -> bool:
        await connection.close(code, f"unknown key {KEY}")
        return True

    with Peer(SCRIPT, greeting=greet).running() as peer:
        assert_silent(failure(peer), caplog)


@pytest.mark.parametrize("status", [302, 401, 503])
@pytest.mark.parametrize("body", [f'{{"detail": "{KEY}"}}', f'{{"detail": "{ESCAPED}"}}', "x" * 195 + KEY])
def test_the_key_in_a_refusal(status: int, body: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="secgemini")
    refusal = (status, {"X-Request-Id": f"req-7 {KEY}"})
    with Peer(SCRIPT, refusals=[refusal] * 9, because=body).running() as peer:
        error = failure(peer)
        assert_silent(error, caplog)
        assert error.request_id == "req-7 ***"


def test_the_key_in_an_error_from_anywhere(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(link: object) -> None:
        raise APIConnectionError(f"some library says {KEY}")

    caplog.set_level(logging.DEBUG, logger="secgemini")
    monkeypatch.setattr(_socket, "dial", broken)
    assert_silent(failure(Peer(SCRIPT)), caplog)
    assert "attempt 2 follows" in caplog.text


async def test_the_key_in_an_error_that_ends_the_stream_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def refused() -> list[Message]:
        raise AuthenticationError(f"401: unknown key {KEY}", status_code=401, body=KEY)

    def mask(error: SecGeminiError) -> SecGeminiError:
        return scrub(error, Config.resolve(KEY))

    with Peer(SCRIPT, cuts=[(0, "after")]).running() as peer:
        with pytest.raises(AuthenticationError) as caught:
            await read(peer.link(history=refused, scrub=mask))
    assert_silent(caught.value, caplog)


def test_an_error_of_three_megabytes_is_told_in_short() -> None:
    with Peer([say("x", "error", status=500, content="z" * 3_000_000)]).running() as peer:
        error = failure(peer)
    assert isinstance(error, StreamError)
    assert len(str(error)) < 600
    assert error.stream_message is not None
    assert len(error.stream_message.content or "") == 3_000_000


def test_a_session_that_is_gone_says_what_to_do() -> None:
    gone = say("x", "error", status=404, content="Session not found")
    gone.status_message = "Session not found"
    with Peer([gone]).running() as peer:
        error = failure(peer)
    assert error.message == "404 from GET /v1/stream: Session not found"
    assert "list_sessions()" in error.hint


# -- the wrong loop ----------------------------------------------------------------------------------------------


async def test_a_stream_in_a_plain_loop_or_block_says_which_to_use() -> None:
    with Peer(SCRIPT).running() as peer:
        messages = stream(peer.link())
        with pytest.raises(TypeError, match=r"stream_sync\(prompt\)"):
            list(messages)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="async with"):
            with messages:  # type: ignore[attr-defined]
                pass
        assert peer.paths == []
        assert ids([message async for message in messages]) == ["m0", "end"]
