"""Streams over real sockets: what a cut connection, a slow tool and an impatient caller do to them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest
from secgemini_api.models import Message, MessageType
from stream_client import ids, read
from stream_model import END, WAYS, say
from stream_peer import PROMPT_FRAME, Cut, Peer

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
