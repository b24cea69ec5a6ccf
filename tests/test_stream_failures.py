"""What goes wrong with a stream, and what the caller is told: the right error, soon, and never the key."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from loop_clock import skip
from secgemini_api.models import Message
from stream_client import ids, read, soon, stream
from stream_model import END, say
from stream_peer import PATIENCE, Peer
from websockets.asyncio.server import ServerConnection

from secgemini import stream as machine
from secgemini.errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    SecGeminiError,
    StreamError,
)

SCRIPT = [say("m0"), say("m1", "result"), END]
KEY = "sesame-opens"


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "POLL_FIRST", 0.02)


async def failure(peer: Peer, **settings: Any) -> SecGeminiError:
    """Read a turn that fails and return the error."""
    with pytest.raises(SecGeminiError) as caught:
        await read(peer.link(**settings))
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (302, APIResponseError),
    ],
)
async def test_a_refusal_is_final(status: int, kind: type[SecGeminiError]) -> None:
    with Peer(SCRIPT, refusals=[(status, {"Location": "ws://127.0.0.1:1/elsewhere"})]).running() as peer:
        error = await failure(peer)
        assert type(error) is kind
        assert getattr(error, "status_code", None) == status
        assert len(peer.paths) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_a_service_in_trouble_is_asked_again(status: int) -> None:
    with Peer(SCRIPT, refusals=[(status, {"Retry-After": "7"})] * 2).running() as peer:
        heard: list[SecGeminiError] = []

        def wait(error: SecGeminiError, failures: int) -> float | None:
            heard.append(error)
            return soon(error, failures)

        assert ids(await read(peer.link(), wait=wait)) == ["m0", "m1", "end"]
        assert len(peer.paths) == 3
        assert [getattr(error, "retry_after", None) for error in heard] == [7.0, 7.0]


async def test_a_service_that_stays_in_trouble() -> None:
    with Peer(SCRIPT, refusals=[(503, {})] * 9).running() as peer:
        error = await failure(peer)
        assert isinstance(error, InternalServerError)
        assert len(peer.paths) == 6
        peer.refusals = [(429, {"Retry-After": "3"})] * 9
        error = await failure(peer)
        assert isinstance(error, RateLimitError)
        assert error.retry_after == 3.0


async def test_nobody_is_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        peer = Peer(SCRIPT)
        peer.port = unused.getsockname()[1]
        error = await failure(peer)
    assert isinstance(error, APIConnectionError)
    assert not error.sent


async def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        peer = Peer(SCRIPT)
        peer.port = deaf.getsockname()[1]
        assert isinstance(await failure(peer, open_timeout=0.01), APITimeoutError)


@pytest.mark.parametrize(
    ("code", "kind", "links"),
    [
        (4401, AuthenticationError, 1),
        (4403, PermissionDeniedError, 1),
        (4404, NotFoundError, 1),
        (1008, StreamError, 1),
        (1009, StreamError, 1),
        (1000, StreamError, 6),
        (1011, StreamError, 6),
        (1013, StreamError, 6),
        (4000, StreamError, 6),
    ],
)
async def test_a_close_before_the_end(code: int, kind: type[SecGeminiError], links: int) -> None:
    async def greet(connection: ServerConnection) -> bool:
        await connection.close(code, "because")
        return True

    with Peer(SCRIPT, greeting=greet).running() as peer:
        error = await failure(peer)
        assert type(error) is kind
        assert "because" in str(error)
        assert peer.links == links


async def test_a_frame_that_is_no_message_comes_again_from_the_history() -> None:
    async def greet(connection: ServerConnection) -> None:
        if peer.links == 1:
            await connection.send("<html>")

    with Peer(SCRIPT, greeting=greet).running() as peer:
        assert ids(await read(peer.link())) == ["m0", "m1", "end"]
        assert (len(peer.paths), peer.prompts) == (2, 1)


@pytest.mark.parametrize(
    "frame",
    [
        "<html>",
        "[]",
        "{}",
        '{"id": 1}',
        b"\xff\xfe",
        "[" * 5000,
        '{"id":"x","message_type":[]}',
        '{"id":["x"],"message_type":"info"}',
        '{"id":1,"message_type":"info"}',
        '{"id":"x","message_type":"info","status_code":"boo"}',
        '{"id":"x","message_type":"info","status_code":null}',
        '{"id":"x","message_type":"info","status_code":200.5}',
    ],
)
async def test_a_service_that_says_nothing_else(frame: str | bytes) -> None:
    async def greet(connection: ServerConnection) -> bool:
        await connection.send(frame)
        return True

    with Peer(SCRIPT, greeting=greet).running() as peer:
        error = await failure(peer)
    assert isinstance(error, APIResponseError)
    assert "outside the contract" in str(error)
    assert error.body == (frame if isinstance(frame, str) else frame.decode(errors="replace"))[:2000]
    assert len(peer.paths) == 6


async def test_a_message_above_the_limit_is_named_and_not_asked_for_again() -> None:
    with Peer([say("m0"), say("m1", content="x" * 20_000), END]).running() as peer:
        error = await failure(peer, max_frame=10_000)
        assert isinstance(error, StreamError)
        assert "10000 bytes" in str(error)
        assert peer.links == 1
        assert ids(await read(peer.link(max_frame=30_000))) == ["m0", "m1", "end"]


async def test_a_message_of_forty_megabytes() -> None:
    with Peer([say("m0", "result", content="x" * (40 << 20)), END]).running() as peer:
        messages = await read(peer.link())
        assert len(messages[0].content or "") == 40 << 20


async def test_the_services_own_error() -> None:
    failed = say("oops", "error", status=503, content="the model is overloaded")
    with Peer([say("m0"), failed, END]).running() as peer:
        async with stream(peer.link()) as messages:
            assert [(await anext(messages)).id, (await anext(messages)).id] == ["m0", "oops"]
            with pytest.raises(StreamError, match="503 from the service: the model is overloaded") as caught:
                await anext(messages)
            assert caught.value.status_code == 503
            assert caught.value.stream_message == failed


async def test_a_session_that_is_gone() -> None:
    gone = say("oops", "error", status=404, content="no session s")
    gone.status_message = "Session not found"
    with Peer([gone, END]).running() as peer:
        assert isinstance(await failure(peer), NotFoundError)


async def test_a_silent_service_is_looked_up_and_given_up() -> None:
    with Peer([say("m0"), say("wait"), END]).running() as peer:
        async with stream(peer.link(idle_timeout=60)) as messages:
            assert (await anext(messages)).id == "m0"
            skip(asyncio.get_running_loop(), 60)
            with pytest.raises(APITimeoutError):
                await anext(messages)
        assert peer.reads == 1


async def test_a_silent_link_whose_turn_went_on() -> None:
    with Peer(SCRIPT, mute=True).running() as peer:
        async with stream(peer.link(idle_timeout=60)) as messages:
            assert await asyncio.to_thread(peer.finished.wait, PATIENCE)
            skip(asyncio.get_running_loop(), 60)
            assert ids([message async for message in messages]) == ["m0", "m1", "end"]
        assert (peer.links, peer.reads) == (1, 1)


async def test_the_turn_takes_too_long() -> None:
    with Peer([say("m0"), say("wait"), END]).running() as peer:
        assert "total" in str(await failure(peer, total_timeout=0.1))


async def test_a_history_that_cannot_be_read() -> None:
    async def broken() -> list[Message]:
        raise AuthenticationError("401: the key was taken back", status_code=401)

    with Peer(SCRIPT, cuts=[(0, "after")]).running() as peer:
        assert isinstance(await failure(peer, history=broken), AuthenticationError)


@pytest.mark.parametrize("url", ["ws://", f"http://127.0.0.1/?api_key={KEY}", KEY, f"ws://[::/?k={KEY}"])
async def test_an_address_that_is_none(url: str) -> None:
    error = await failure(Peer(SCRIPT), url=lambda: url)
    assert isinstance(error, (ConfigurationError, APIConnectionError))
    assert_silent(error)


# -- the key -----------------------------------------------------------------------------------------------------


def assert_silent(error: BaseException | None) -> None:
    """Hold an error, and all that hangs on it, to saying nothing of the key."""
    for one in chain(error):
        told = [str(one), repr(one), repr(vars(one)), *map(repr, one.args), *traceback.format_exception(one)]
        assert not [text for text in told if KEY in text]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if error.__cause__ is not None and error.__context__ is not error.__cause__:
            yield from chain(error.__context__)
        error = error.__cause__ or error.__context__


async def test_the_key_is_told_to_nobody_but_the_service(caplog: pytest.LogCaptureFixture) -> None:
    for name in (None, "websockets", "websockets.client", "secgemini", "secgemini.websocket", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    asyncio.get_running_loop().set_debug(True)
    echo = {"detail": f"no such key: {KEY}"}
    refusals: list[tuple[int, dict[str, str]]] = [(401, echo), (500, echo)]
    for refusal in refusals:
        with Peer(SCRIPT, refusals=[refusal] * 9).running() as peer:
            assert_silent(await failure(peer, redact=lambda text: text.replace(KEY, "***")))
            assert KEY in peer.paths[0]
    with Peer(SCRIPT, cuts=[(0, "after")]).running() as peer:
        link = peer.link()
        assert KEY not in repr(link)
        await read(link)
    assert KEY not in "".join(record.getMessage() for record in caplog.records if record.name != "websockets.server")
