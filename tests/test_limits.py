"""Limits on what is accepted from a service: each is a clear error that names the setting."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading

import pytest
from http_peer import HttpPeer, answer
from secgemini_api.models import Message, PublicSession
from stream_model import END, say
from stream_peer import Peer
from wire import USER_INFO, session

from secgemini import APIResponseError, AsyncSecGemini, Limits, SecGemini, StreamError
from secgemini.session import AsyncInteractiveSession, InteractiveSession

INFO = "GET /v1/user/info"


CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 9 + b"0\r\n\r\n"
)
ZIPPED = {"content-encoding": "gzip"}
TOO_MUCH = {
    "a length above the limit": (answer(b"x" * 9000), "9000 bytes, the limit is 5000 .*max_response_bytes"),
    "no length": (CHUNKED, "more, the limit is 5000 .*max_response_bytes"),
    "more after unpacking": (answer(gzip.compress(b"x" * 9000), headers=ZIPPED), "limit is 5000 .*max_response_bytes"),
}


@pytest.mark.parametrize("reply", TOO_MUCH)
def test_a_large_answer(peer: HttpPeer, reply: str) -> None:
    body, says = TOO_MUCH[reply]
    peer.on(INFO, body)
    limits = Limits(max_response_bytes=5000)
    with SecGemini("k", base_url=peer.url, proxy="", limits=limits) as sg, pytest.raises(APIResponseError, match=says):
        sg.user_info()

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="", limits=limits) as asg:
            with pytest.raises(APIResponseError, match=says):
                await asg.user_info()

    asyncio.run(asynchronously())
    assert peer.count(INFO) == 2, "it would be as large the next time"


def test_a_decompression_bomb_ends_early(peer: HttpPeer) -> None:
    peer.on(INFO, answer(gzip.compress(b"0" * 20_000_000), headers=ZIPPED))
    says = "unpacks to more than 50 times.*max_decompression_ratio"
    limits = Limits(max_decompression_ratio=50)

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="", limits=limits) as asg:
            with pytest.raises(APIResponseError, match=says):
                await asg.user_info()

    asyncio.run(asynchronously())
    peer.on(INFO, USER_INFO)
    with SecGemini("k", base_url=peer.url, proxy="", limits=limits) as sg:
        assert sg.user_info().user.id == "u", "the limit is on large answers that unpack to much more"


def read_sync(peer: Peer, limits: Limits) -> list[Message]:
    with SecGemini("k", base_url=f"http://127.0.0.1:{peer.port}", proxy="", limits=limits, max_retries=0) as sg:
        mine = InteractiveSession(sg._driver, PublicSession.from_dict(session()))
        with mine.stream_sync("hello", partial=True) as stream:
            return list(stream)


def read_async(peer: Peer, limits: Limits) -> list[Message]:
    async def read() -> list[Message]:
        url = f"http://127.0.0.1:{peer.port}"
        async with AsyncSecGemini("k", base_url=url, proxy="", limits=limits, max_retries=0) as sg:
            mine = AsyncInteractiveSession(sg._driver, PublicSession.from_dict(session()))
            async with mine.stream("hello", partial=True) as stream:
                return [message async for message in stream]

    return asyncio.run(read())


READERS = [read_sync, read_async]


@pytest.mark.parametrize("read", READERS)
def test_a_large_frame(read: object) -> None:
    script = [say("m0"), say("m1", content="x" * 5000), END]
    with Peer(script).running() as peer:
        with pytest.raises(StreamError, match=r"larger than the limit of 2000 bytes .*max_frame_bytes"):
            read(peer, Limits(max_frame_bytes=2000))  # type: ignore[operator]
        assert peer.links == 1, "it would be as large the next time"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("flood", ["new", "pieces", "the same again"])
def test_a_turn_without_end(read: object, flood: str) -> None:
    script = {
        "new": [say(f"m{index}") for index in range(50)],
        "pieces": [say(f"p{index}", "result", status=206) for index in range(50)],
        "the same again": [say("m0")] * 50,
    }[flood]
    with Peer([*script, END]).running() as peer:
        with pytest.raises(StreamError, match=r"more than 40 messages.*max_messages"):
            read(peer, Limits(max_messages=40))  # type: ignore[operator]
    with Peer([*script, END]).running() as peer:
        assert read(peer, Limits(max_messages=51))[-1].id == END.id  # type: ignore[operator]


def test_open_connections(peer: HttpPeer) -> None:
    open_now, most = 0, 0
    lock, full = threading.Lock(), threading.Barrier(3)

    def reply(connection: socket.socket) -> None:
        nonlocal open_now, most
        with lock:
            open_now += 1
            most = max(most, open_now)
        full.wait(60)  # three are answered at once, a fourth could come only now
        with lock:
            open_now -= 1
        connection.sendall(answer(USER_INFO))

    peer.on(INFO, reply)
    with SecGemini("k", base_url=peer.url, proxy="", limits=Limits(max_connections=3)) as sg:
        threads = [threading.Thread(target=sg.user_info) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (most, peer.count(INFO)) == (3, 12)


def test_what_is_kept_of_a_user_does_not_grow_with_the_sessions(peer: HttpPeer) -> None:
    peer.on(INFO, {**USER_INFO, "sessions": [session(str(index)) for index in range(10)]})
    with SecGemini("k", base_url=peer.url, proxy="") as sg:
        assert len(sg.user_info().sessions) == 10
        assert sg._user is not None
        assert sg._user.sessions == []
