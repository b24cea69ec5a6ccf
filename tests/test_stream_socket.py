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


class Cutting(Peer):
    """A service that counts the connections which it broke."""

    broken = 0

    def _reset(self) -> None:
        self.broken += self._link is not None
        super()._reset()


WITH_TOOL = [say("m0"), say("call", "local_tool_call"), say("m1", "result"), END]
TOOL_CUTS: list[list[Cut]] = [[(1, "before")], [(1, "after")], [(2, "before")], [(2, "after")]]


def never_hears_of_the_call(way: str, script: list[Message], cuts: list[Cut]) -> bool:
    """Tell whether the client cannot run the tool: (c) stores no call and repeats none, so one that is cut is gone."""
    return way == "c" and script is WITH_TOOL and (1, "before") in cuts


def outcome(way: str, script: list[Message], cuts: list[Cut]) -> dict[str, int]:
    """Read one turn whose connection is cut there, and count what was to be and what went wrong.

    The service waits for the link before each message, so that each cut finds a connection to break. It gives up on a
    tool at once when nobody can have heard of the call.
    """
    tool, in_vain = Tool(), never_hears_of_the_call(way, script, cuts)
    with Cutting(
        script, way, cuts=cuts, patience=PATIENCE, tool_timeout=0.01 if in_vain else PATIENCE
    ).running() as peer:
        got = ids(asyncio.run(read(peer.link(run_tool=tool))))
        stored = ids(peer.answer())
    calls = 0 if in_vain else ids(script).count("call")
    return {
        "runs": 1,
        "cuts": len(cuts),
        "broken": peer.broken,
        "lost": len(set(stored) - set(got)),
        "repeated": len(got) - len(set(got)),
        "disordered": int(got != stored),
        "prompts": peer.prompts,
        "calls": calls,
        "tool runs": tool.runs,
        "results": sum(peer.results.values()),
        "off": int((tool.runs, peer.results) != (calls, {"call": 1} if calls else {})),
    }


def table(way: str, script: list[Message], cuts: list[list[Cut]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for cut in cuts:
        for name, count in outcome(way, script, cut).items():
            sums[name] = sums.get(name, 0) + count
    return sums


def check(counts: dict[str, int]) -> None:
    """Hold the sums of a table to the promise, and the table to what it was to try."""
    assert counts["broken"] == counts["cuts"] > 0, "every cut that was planned broke a connection"
    assert (counts["lost"], counts["repeated"], counts["disordered"]) == (0, 0, 0)
    assert counts["prompts"] == counts["runs"]
    assert counts["tool runs"] == counts["results"] == counts["calls"]
    assert counts["off"] == 0, "one run and one result for each call, in each turn"


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_at_any_frame_loses_and_repeats_nothing(way: str) -> None:
    cuts: list[list[Cut]] = [[cut] for cut in ((PROMPT_FRAME, "before"), (PROMPT_FRAME, "after"), (0, "before"))]
    cuts += [[(14, "after")], [(29, "before")], [(29, "after")], [(frame, "after") for frame in range(0, 30, 7)]]
    check(table(way, THIRTY, cuts))


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_around_a_tool_call_runs_the_tool_once(way: str) -> None:
    counts = table(way, WITH_TOOL, TOOL_CUTS)
    check(counts)
    assert counts["tool runs"] == (3 if way == "c" else 4)


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_while_other_tasks_get_their_turn(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_socket, "_FAIR", 2)  # every other step of the iterator lets them
    check(table(way, THIRTY, [[(index, "after")] for index in range(0, 30, 3)]))


@pytest.mark.slow
def test_a_connection_cut_before_and_after_every_frame(capsys: pytest.CaptureFixture[str]) -> None:
    each = [[cut] for cut in CUTS]
    every = [[cut for cut in CUTS if cut[1] == where] for where in ("before", "after")]
    rows = {way: table(way, THIRTY, each) for way in WAYS}
    rows |= {f"{way}, every frame": table(way, THIRTY, every) for way in WAYS}
    rows |= {f"{way}, tool call": table(way, WITH_TOOL, TOOL_CUTS) for way in WAYS}
    with capsys.disabled():
        names = list(rows["a"])
        print("\n" + f"{'service':16}" + "".join(f"{name:>11}" for name in names))
        for way, counts in rows.items():
            print(f"{way:16}" + "".join(f"{counts[name]:11}" for name in names))
    for counts in rows.values():
        check(counts)


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_cut_during_a_tool_call(way: str) -> None:
    with Peer(WITH_TOOL, way).running() as peer:
        tool = Tool(peer.cut)
        got = asyncio.run(read(peer.link(run_tool=tool)))
        assert ids(got) == ["m0", "m1", "end"]
        assert (tool.runs, peer.results, peer.prompts, len(peer.paths)) == (1, {"call": 1}, 1, 2)


# -- a slow tool -------------------------------------------------------------------------------------------------


async def test_a_tool_that_blocks_stops_neither_the_loop_nor_the_link() -> None:
    """The tool blocks until pings went both ways; by the loop's clock that takes longer than any time-out."""
    loop = asyncio.get_running_loop()

    def work() -> None:
        peer.ping()
        loop.call_soon_threadsafe(skip, loop, 100)
        for _ in range(3):
            peer.ping()

    tool = Tool(work)
    with Peer(WITH_TOOL).running() as peer:
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
        assert peer.prompts == 1
