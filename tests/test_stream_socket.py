"""Streams over real sockets: what a cut connection, a slow tool and an impatient caller do to them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable

import pytest
from loop_clock import skip
from secgemini_api.models import Message, MessageType
from stream_client import ids, read, stream
from stream_model import END, WAYS, say
from stream_peer import PATIENCE, PROMPT_FRAME, Cut, Peer
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
        tool = Tool(peer.cut)
        got = asyncio.run(read(peer.link(run_tool=tool)))
        assert ids(got) == ["m0", "m1", "end"]
        assert (tool.runs, peer.results, peer.prompts, len(peer.paths)) == (1, {"call": 1}, 1, 2)


# -- a slow tool -------------------------------------------------------------------------------------------------


async def test_a_tool_that_blocks_stops_neither_the_loop_nor_the_link() -> None:
    """The tool blocks until pings went both ways; by the loop's clock that takes longer than any time-out."""
    script = [say("m0"), say("call", "local_tool_call"), say("m1", "result"), END]
    loop = asyncio.get_running_loop()

    def work() -> None:
        peer.ping()
        loop.call_soon_threadsafe(skip, loop, 100)
        for _ in range(3):
            peer.ping()

    tool = Tool(work)
    with Peer(script).running() as peer:
        link = peer.link(run_tool=tool, idle_timeout=60, ping_interval=30, ping_timeout=30)
        async with stream(link) as messages:
            assert ids([message async for message in messages]) == ["m0", "m1", "end"]
        assert (tool.runs, peer.results, len(peer.paths), peer.reads) == (1, {"call": 1}, 1, 0)


async def test_messages_go_on_while_a_tool_works() -> None:
    script = [say("call", "local_tool_call"), say("m0", "result"), END]
    with Peer(script).running() as peer:
        tool = Tool(lambda: peer.go.wait(PATIENCE))

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
