"""One client, shared: many streams at once, event loops one after the other, threads, a forked child."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
from collections.abc import Iterator

import pytest
from http_peer import HttpPeer
from raw_service import EchoEngine
from secgemini_api.models import Message, MessageType
from wire import USER_INFO

from secgemini import AsyncSecGemini, SecGemini
from secgemini.local.server import LocalService
from secgemini.session import AsyncInteractiveSession, InteractiveSession


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with LocalService(engine=EchoEngine()) as running:
        yield running


def answers(messages: list[Message]) -> list[str | None]:
    return [message.content for message in messages if message.message_type == MessageType.RESULT]


async def ask(mine: AsyncInteractiveSession, prompt: str) -> list[str | None]:
    async with mine.stream(prompt) as stream:
        return answers([message async for message in stream])


def ask_sync(mine: InteractiveSession, prompt: str) -> list[str | None]:
    with mine.stream_sync(prompt) as stream:
        return answers(list(stream))


def test_fifty_streams_and_fifty_queries_at_once(service: LocalService) -> None:
    async def all_at_once() -> None:
        async with AsyncSecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:
            sessions = await asyncio.gather(*(sg.create_session() for _ in range(50)))
            prompts = [f"prompt {index}" for index in range(50)]
            streamed = await asyncio.gather(*(ask(s, p) for s, p in zip(sessions, prompts, strict=True)))
            assert streamed == [[prompt] for prompt in prompts]
            asked = await asyncio.gather(*(s.query(p) for s, p in zip(sessions, prompts, strict=True)))
            assert [response.output_text for response in asked] == prompts

    asyncio.run(all_at_once())


def test_two_event_loops_one_after_the_other(service: LocalService) -> None:
    sg = AsyncSecGemini(service.api_key, base_url=service.base_url, proxy="")
    mine = asyncio.run(sg.create_session())
    assert asyncio.run(ask(mine, "one")) == ["one"]
    assert asyncio.run(ask(mine, "two")) == ["two"]
    assert len(asyncio.run(mine.history())) == 2 * 4


def test_threads_stream_over_one_client(service: LocalService) -> None:
    said: dict[int, list[str | None]] = {}
    with SecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:

        def work(number: int) -> None:
            said[number] = ask_sync(sg.create_session(), f"from thread {number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == {number: [f"from thread {number}"] for number in range(16)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_streams_too(service: LocalService) -> None:
    with SecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:
        mine = sg.create_session()
        assert ask_sync(mine, "parent") == ["parent"]
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(60)  # a child that hangs ends
            try:
                os.write(write, repr(ask_sync(mine, "child")).encode())
            finally:
                os._exit(0)
        os.close(write)
        assert os.read(read, 1000) == b"['child']"
        os.close(read)
        os.waitpid(child, 0)
        assert ask_sync(mine, "parent again") == ["parent again"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_another_thread_makes_the_client_gets_one_too(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on("GET /v1/user/info", USER_INFO)
    read, write = os.pipe()
    other = SecGemini(sg.config.api_key.reveal(), base_url=peer.url, proxy="")
    with sg._driver.connections._lock, sg._driver.budget._lock, other._lock:  # a thread that the child lacks
        child = os.fork()
        if child == 0:
            signal.alarm(60)  # a child that hangs ends
            try:
                os.write(write, (sg.user_info().user.id + other.user_info().user.id).encode())
            finally:
                os._exit(0)  # a child that fails runs no further tests
    os.close(write)
    assert os.read(read, 100) == b"uu"
    os.close(read)
    os.waitpid(child, 0)
    assert sg.user_info().user.id == "u"


def test_a_pickled_client_takes_its_key_from_the_environment(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:
        mine = sg.create_session()
        packed = pickle.dumps(sg)
    assert service.api_key.encode() not in packed
    monkeypatch.setenv("SEC_GEMINI_API_KEY", service.api_key)
    with pickle.loads(packed) as other:
        assert ask_sync(other.resume_session(mine.id), "elsewhere") == ["elsewhere"]
