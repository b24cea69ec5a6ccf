"""Streams over real sockets: what a cut connection, a slow tool and an impatient caller do to them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from secgemini_api.models import Message, MessageType
from stream_client import ids, read, stream
from stream_model import END, WAYS, say
from stream_peer import PROMPT_FRAME, Cut, Peer
from websockets.asyncio.server import ServerConnection

from secgemini import _socket
from secgemini import stream as machine

THIRTY = [*(say(f"m{index}", "thinking" if index % 3 else "result") for index in range(29)), END]
CUTS: list[Cut] = [(frame, where) for frame in range(PROMPT_FRAME, 30) for where in ("before", "after")]


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll a silent service soon: the time is the test's, not the user's."""
    monkeypatch.setattr(machine, "POLL_FIRST", 0.02)


class Tool:
    """A tool that counts its runs and takes its time."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.runs = 0
        self._work = work

    async def __call__(self, call: Message) -> Message:
        self.runs += 1
        await asyncio.to_thread(self._work)
        return Message(id=uuid.uuid4().hex, message_type=MessageType.LOCAL_TOOL_RESULT, content=call.id)


# -- a cut connection --------------------------------------------------------------------------------------------


def outcome(way: str, script: list[Message], cuts: list[Cut]) -> dict[str, int]:
    """Read one turn whose connection is cut there, and count what went wrong."""
    tool = Tool()
    with Peer(script, way, cuts=cuts, patience=0.2, tool_timeout=0.2).running() as peer:
        got = ids(asyncio.run(read(peer.link(run_tool=tool))))
        stored = ids(peer.answer())
    return {
        "runs": 1,
        "cut": len(peer.paths) - 1,
        "lost": len(set(stored) - set(got)),
        "repeated": len(got) - len(set(got)),
        "disordered": int(got != stored),
        "prompts": peer.prompts,
        "tool runs": tool.runs,
        "results": sum(peer.results.values()),
    }


def table(way: str, script: list[Message], cuts: list[list[Cut]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for cut in cuts:
        for name, count in outcome(way, script, cut).items():
            sums[name] = sums.get(name, 0) + count
    return sums


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_at_any_frame_loses_and_repeats_nothing(way: str) -> None:
    cuts: list[list[Cut]] = [[cut] for cut in ((PROMPT_FRAME, "before"), (PROMPT_FRAME, "after"), (0, "before"))]
    cuts += [[(14, "after")], [(29, "before")], [(29, "after")], [(frame, "after") for frame in range(0, 30, 7)]]
    counts = table(way, THIRTY, cuts)
    assert counts["cut"] >= len(cuts) - 1  # a cut after the END may come too late to be noticed
    assert (counts["lost"], counts["repeated"], counts["disordered"]) == (0, 0, 0)
    assert counts["prompts"] == counts["runs"]


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_while_other_tasks_get_their_turn(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_socket, "_FAIR", 2)  # every other step of the iterator lets them
    counts = table(way, THIRTY, [[(index, "after")] for index in range(0, 30, 3)])
    assert (counts["lost"], counts["repeated"], counts["disordered"]) == (0, 0, 0)


@pytest.mark.slow
def test_a_connection_cut_before_and_after_every_frame(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {way: table(way, THIRTY, [[cut] for cut in CUTS]) for way in WAYS}
    rows |= {f"{way}, every frame": table(way, THIRTY, [CUTS]) for way in WAYS}
    with_tool = [say("m0"), say("call", "local_tool_call"), say("m1", "result"), END]
    tool_cuts: list[list[Cut]] = [[(1, "before")], [(1, "after")], [(2, "before")], [(2, "after")]]
    rows |= {f"{way}, tool call": table(way, with_tool, tool_cuts) for way in WAYS}
    with capsys.disabled():
        names = list(rows["a"])
        print("\n" + f"{'service':16}" + "".join(f"{name:>12}" for name in names))
        for way, counts in rows.items():
            print(f"{way:16}" + "".join(f"{counts[name]:12}" for name in names))
    for counts in rows.values():
        assert (counts["lost"], counts["repeated"], counts["disordered"]) == (0, 0, 0)
        assert counts["prompts"] == counts["runs"]


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_during_a_tool_call(way: str) -> None:
    script = [say("m0"), say("call", "local_tool_call"), say("m1", "result"), END]
    with Peer(script, way).running() as peer:

        def cut_and_work() -> None:
            peer.cut()
            assert peer.closed.wait(5)

        tool = Tool(cut_and_work)
        got = asyncio.run(read(peer.link(run_tool=tool)))
        assert ids(got) == ["m0", "m1", "end"]
        assert (tool.runs, peer.results, peer.prompts, len(peer.paths)) == (1, {"call": 1}, 1, 2)


# -- a slow tool -------------------------------------------------------------------------------------------------


async def longest_stall(work: Awaitable[object]) -> float:
    """Await the work; return the longest time, in seconds, for which the event loop did nothing else."""
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)
            await asyncio.sleep(0.002)

    ticking = asyncio.create_task(tick())
    await work
    ticking.cancel()
    return longest


async def test_a_tool_that_blocks_for_twice_the_ping_time_out() -> None:
    script = [say("m0"), say("call", "local_tool_call"), say("m1", "result"), END]
    pings: dict[str, Any] = {"ping_interval": 0.5, "ping_timeout": 0.5}
    outcomes = []
    for _ in range(3):  # another process may take the processor away for longer than the bounds: not three times
        tool = Tool(lambda: time.sleep(2 * 0.5))
        with Peer(script, **pings).running() as peer:
            stall = await longest_stall(read(peer.link(run_tool=tool, idle_timeout=0.2, **pings)))
        assert (tool.runs, peer.results) == (1, {"call": 1})
        outcomes.append((stall < 0.05, len(peer.paths)))
        if outcomes[-1] == (True, 1):
            break
    assert (True, 1) in outcomes


async def test_messages_go_on_while_a_tool_works() -> None:
    script = [say("call", "local_tool_call"), say("m0", "result"), END]
    with Peer(script).running() as peer:
        tool = Tool(lambda: peer.go.wait(5))

        async def greet(connection: ServerConnection) -> None:
            await connection.send(json.dumps(say("news").to_dict()))

        peer.greeting = greet
        async with stream(peer.link(run_tool=tool)) as messages:
            assert (await anext(messages)).id == "news"
            peer.go.set()
            assert ids([message async for message in messages]) == ["m0", "end"]


# -- another process ---------------------------------------------------------------------------------------------


async def test_a_turn_is_rejoined_by_another_stream() -> None:
    script = [say("m0"), say("m1"), say("wait"), say("m2", "result"), END]
    with Peer(script).running() as peer:
        async with stream(peer.link()) as messages:
            assert (await anext(messages)).id == "m0"
        async with stream(peer.link(), query=None) as messages:
            assert [(await anext(messages)).id, (await anext(messages)).id] == ["m0", "m1"]
            peer.go.set()
            assert ids([message async for message in messages]) == ["m2", "end"]
        assert ids(await read(peer.link(), query=None)) == ["m0", "m1", "m2", "end"]
        assert ids(await read(peer.link(), query=None, seen=["m0", "m1"])) == ["m2", "end"]
        assert peer.prompts == 1
