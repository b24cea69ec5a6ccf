"""Leaving a stream: however it happens, the socket is closed at once, nothing leaks and the turn goes on."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trustme
from loop_clock import SLOWNESS, slow_down
from secgemini_api.models import Message
from stream_client import prompt, read, soon, stream
from stream_model import END, say
from stream_peer import PATIENCE, Peer
from websockets.asyncio.server import ServerConnection, serve

from secgemini._socket import Stream
from secgemini._stream_sync import SyncStream
from secgemini._websocket import Link
from secgemini.errors import SecGeminiError, StreamError
from secgemini.stream import Turn

AT_ONCE = 0.1  # seconds of the client's own clock, which runs slower in these tests: that leaves the machine its time
SCRIPT = [say("m0"), say("m1"), say("wait"), say("m2", "result"), END]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A service that has said two messages and waits before it goes on."""
    with Peer(SCRIPT).running() as running:
        yield running


def closed_at_once(peer: Peer) -> None:
    """Hold the peer's side to the promise: closed within 100 ms, and the turn is carried to its end without us."""
    assert peer.closed.wait(AT_ONCE * SLOWNESS)
    peer.go.set()
    assert peer.finished.wait(PATIENCE)
    assert [message.id for message in peer.answer()] == ["m0", "m1", "m2", "end"]
    assert peer.prompts == 1


async def by_leaving_the_block(peer: Peer) -> None:
    async with stream(peer.link()) as messages:
        await anext(messages)


async def by_break(peer: Peer) -> None:
    async with stream(peer.link()) as messages:
        async for _message in messages:
            break


async def by_dropping_the_iterator(peer: Peer) -> None:
    async for _message in stream(peer.link()):
        break


async def by_aclose(peer: Peer) -> None:
    messages = stream(peer.link())
    await anext(messages)
    await messages.aclose()
    await messages.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(messages)


async def by_aclose_in_another_task(peer: Peer) -> None:
    messages = stream(peer.link())
    reading, seen = start_reading(messages)
    await seen.wait()
    await messages.aclose()
    assert await reading == 2


def start_reading(messages: Stream) -> tuple[asyncio.Task[int], asyncio.Event]:
    """Read in a task of its own; the event tells that both messages before the pause were read."""
    seen = asyncio.Event()

    async def count() -> int:
        number = 0
        async for message in messages:
            number += 1
            if message.id == "m1":
                asyncio.get_running_loop().call_soon(seen.set)  # when the task waits for the next one
        return number

    return asyncio.create_task(count()), seen


async def by_cancelling(peer: Peer) -> None:
    messages = stream(peer.link())
    reading, seen = start_reading(messages)
    await seen.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(StreamError, match="cancelled"):
        await anext(messages)


async def by_time_out(peer: Peer) -> None:
    async def wait_in_vain() -> None:
        async with asyncio.timeout(0.001):
            await anext(messages)

    async with stream(peer.link()) as messages:
        await anext(messages)
        await anext(messages)
        with pytest.raises(TimeoutError):
            await wait_in_vain()


async def by_an_exception(peer: Peer) -> None:
    async def fail() -> None:
        async with stream(peer.link()) as messages:
            async for _message in messages:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


async def by_leaving_while_a_tool_works(peer: Peer) -> None:
    peer.script.insert(2, say("call", "local_tool_call"))
    peer.tool_timeout = 0.2
    started = asyncio.Event()

    async def work(call: Message) -> Message:
        started.set()
        await asyncio.sleep(60)
        return call

    async with stream(peer.link(run_tool=work)) as messages:
        reading, _seen = start_reading(messages)
        await started.wait()
    assert await reading == 2


@pytest.mark.parametrize(
    "leave",
    [
        by_leaving_the_block,
        by_break,
        by_dropping_the_iterator,
        by_aclose,
        by_aclose_in_another_task,
        by_cancelling,
        by_time_out,
        by_an_exception,
        by_leaving_while_a_tool_works,
    ],
)
async def test_the_socket_is_closed_at_once(peer: Peer, leave: Callable[[Peer], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    slow_down(loop)
    began = loop.time()
    await leave(peer)
    await asyncio.to_thread(closed_at_once, peer)
    assert loop.time() - began < AT_ONCE
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()


async def test_nothing_is_sent_before_the_stream_is_used(peer: Peer) -> None:
    messages = stream(peer.link())
    await messages.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(messages)
    assert peer.paths == []


async def left_between_two_attempts(peer: Peer) -> None:
    async with asyncio.timeout(60) as patience:

        def wait(error: SecGeminiError, failures: int) -> float:
            patience.reschedule(0)
            return 60.0

        await anext(stream(peer.link(), wait=wait))


async def test_leaving_while_connecting_leaks_nothing() -> None:
    with Peer(SCRIPT, refusals=[(503, {})] * 9).running() as peer:
        with pytest.raises(TimeoutError):
            await left_between_two_attempts(peer)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_one_task_at_a_time(peer: Peer) -> None:
    async with stream(peer.link()) as messages:
        reading, seen = start_reading(messages)
        await seen.wait()
        with pytest.raises(RuntimeError, match="one task"):
            await anext(messages)
        peer.go.set()
        assert await reading == 4


def test_two_loops_in_a_row_use_one_link(peer: Peer) -> None:
    link = peer.link()
    peer.go.set()
    assert len(asyncio.run(read(link))) == 4
    assert len(asyncio.run(read(link))) == 4
    assert peer.prompts == 2


async def test_several_turns_one_after_the_other(peer: Peer) -> None:
    peer.go.set()
    for turn in range(1, 4):
        assert [message.id for message in await read(peer.link())] == ["m0", "m1", "m2", "end"]
        assert peer.prompts == turn


async def test_fifty_streams_at_once() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (*(say(f"m{index}") for index in range(200)), END):
            await connection.send(json.dumps(message.to_dict()))
        await connection.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        link = Link(url=lambda: f"ws://127.0.0.1:{port}/", history=_no_history, proxy=None)
        turns = await asyncio.gather(*(read(link) for _ in range(50)))
    assert {len(turn) for turn in turns} == {201}


async def _no_history() -> list[Message]:
    raise AssertionError("no link was cut: there is no need to look")


async def test_over_tls_too() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    with Peer(SCRIPT, ssl=server).running() as peer:
        slow_down(asyncio.get_running_loop())
        url = f"wss://127.0.0.1:{peer.port}/v1/stream?api_key=sesame-opens&session_id=s"
        async with stream(peer.link(url=lambda: url, ssl=client)) as messages:
            await anext(messages)
        await asyncio.to_thread(closed_at_once, peer)


# -- from plain code ---------------------------------------------------------------------------------------------


def plain(peer: Peer) -> SyncStream:
    address = peer.link().url()

    def url() -> str:
        slow_down(asyncio.get_running_loop())  # the private one
        return address

    return SyncStream(peer.link(url=url), Turn(prompt(), wait=soon))


def test_a_plain_loop_reads_a_turn(peer: Peer) -> None:
    peer.go.set()
    assert [message.id for message in plain(peer)] == ["m0", "m1", "m2", "end"]


def test_leaving_a_plain_block_closes_at_once(peer: Peer) -> None:
    with plain(peer) as messages:
        next(messages)
    closed_at_once(peer)
    assert next(messages, None) is None
    assert no_threads()


def test_dropping_a_plain_iterator_closes_at_once(peer: Peer) -> None:
    for _message in plain(peer):
        break
    closed_at_once(peer)
    assert no_threads()


async def test_a_plain_loop_works_where_a_loop_is_running(peer: Peer) -> None:
    peer.go.set()
    assert len(list(plain(peer))) == 4


def test_an_error_ends_a_plain_iterator() -> None:
    with Peer([say("m0"), say("oops", "error", status=500), END]).running() as peer:
        messages = plain(peer)
        assert [next(messages).id, next(messages).id] == ["m0", "oops"]
        with pytest.raises(StreamError) as caught:
            next(messages)
        assert caught.value.status_code == 500
        assert next(messages, None) is None


def no_threads() -> bool:
    """Wait for the private threads to end; they have nothing left to do."""
    for thread in threading.enumerate():
        if thread.name == "secgemini-stream":
            thread.join(PATIENCE)
    return not any(thread.name == "secgemini-stream" for thread in threading.enumerate())


INTERRUPTED = """
import os, signal, sys, threading
sys.path[:0] = ["tests"]
from stream_peer import Peer
from test_stream_leaving import SCRIPT, closed_at_once, no_threads, plain

def interrupt():
    received.wait(30)
    os.kill(os.getpid(), signal.SIGINT)

received = threading.Event()
with Peer(SCRIPT).running() as peer:
    threading.Thread(target=interrupt).start()
    try:
        for message in plain(peer):
            if message.id == "m1":
                received.set()
    except KeyboardInterrupt:
        closed_at_once(peer)
        assert no_threads()
        print("interrupted")
"""


def test_ctrl_c_closes_a_plain_stream() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "interrupted", "")
