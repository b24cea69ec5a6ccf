"""The promise of a stream, over scripts of frames and mishaps: each message once, in order, one prompt processed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from secgemini_api.models import Message, MessageType
from stream_model import EARLIER, END, PROMPT, WAYS, Numbers, World, say

from secgemini._turn_events import Effect
from secgemini.errors import StreamError
from secgemini.stream import Turn

NUMBERS = st.lists(st.integers(0, 255), max_size=120)
KINDS = st.sampled_from(["info", "thinking", "result", "debug", "a kind of tomorrow"])
LONG = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
SHORT = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BRIEF = settings(SHORT, max_examples=250)


def now(error: object, failures: int) -> float:
    """Try again at once, for ever."""
    return 0.0


def scripts(last: str = "end") -> st.SearchStrategy[list[Message]]:
    """Return what a service has to say: up to a dozen messages, and the end or an error."""
    end = END if last == "end" else say("error", "error", status=503)
    named = lambda kinds: [*(say(f"m{index}", kind) for index, kind in enumerate(kinds)), end]  # noqa: E731
    return st.lists(KINDS, max_size=12).map(named)


def without_debug(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.message_type is not MessageType.DEBUG]


def ids(messages: Sequence[Message]) -> list[str]:
    return [message.id for message in messages]


def holds(make: type[Turn], way: str, script: list[Message], numbers: list[int], earlier: bool) -> None:
    """Run one turn and hold it to the promise."""
    turn = make(PROMPT, wait=now)
    world = World(turn, way, script, Numbers(numbers), EARLIER if earlier else ()).run()
    assert world.prompts == 1
    assert ids(without_debug(world.delivered)) == ids(world.turn_stored())
    assert len(set(ids(world.delivered))) == len(world.delivered)
    if script[-1] is END:
        assert world.error is None
        assert world.delivered[-1].id == "end"
    else:
        assert isinstance(world.error, StreamError)
        assert world.error.stream_message is script[-1]


def promise(
    make: type[Turn],
    limits: settings,
    ways: str = WAYS,
    last: str = "end",
    ran: Counter[str] | None = None,
) -> Callable[[], None]:
    """Return the property as a function to call; `ran` counts the examples of each way that held."""

    @limits
    @given(st.sampled_from(ways), scripts(last), NUMBERS, st.booleans())
    def check(way: str, script: list[Message], numbers: list[int], earlier: bool) -> None:
        holds(make, way, script, numbers, earlier)
        if ran is not None:
            ran[way] += 1

    return check


@pytest.mark.parametrize("last", ["end", "error"])
def test_each_message_once_in_order_and_one_prompt(last: str) -> None:
    promise(Turn, SHORT, last=last)()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_each_message_once_in_order_and_one_prompt_at_length(way: str) -> None:
    ran: Counter[str] = Counter()
    promise(Turn, LONG, ways=way, ran=ran)()
    print(f"\nservice {way}: {ran[way]} examples")
    assert ran[way] >= LONG.max_examples, "as many as were asked for"


class WithoutDeduplication(Turn):
    """Takes every message for a new one."""

    def _is_known(self, message: Message) -> bool:
        return False


class WithoutBackfill(Turn):
    """Ignores what is stored."""

    def _backfill(self, stored: Sequence[Message]) -> list[Effect]:
        return []


class WithoutLook(Turn):
    """Sends the prompt on every link."""

    def _opened(self) -> list[Effect]:
        self._links += 1
        return self._send_prompt(PROMPT)


class WithoutDoubt(Turn):
    """Believes every END."""

    def _ended(self, message: Message) -> list[Effect]:
        return [message, *self._finish()]


BITES = settings(
    max_examples=3000,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize(
    ("mutant", "ways"),
    [
        (WithoutDeduplication, "a"),
        (WithoutDeduplication, "b"),
        (WithoutBackfill, "b"),
        (WithoutBackfill, "c"),
        (WithoutBackfill, "d"),
        *((WithoutLook, way) for way in WAYS),
        (WithoutDoubt, "a"),
    ],
)
def test_the_property_bites(mutant: type[Turn], ways: str) -> None:
    with pytest.raises(AssertionError):
        promise(mutant, BITES, ways=ways)()


@BRIEF
@given(st.sampled_from("abc"), st.lists(st.booleans(), max_size=8), NUMBERS)
def test_a_tool_runs_once_and_its_own_result_arrives(way: str, calls: list[bool], numbers: list[int]) -> None:
    script = [say(f"m{i}", "local_tool_call" if call else "info") for i, call in enumerate(calls)]
    world = World(Turn(PROMPT, wait=now, tools=True), way, [*script, END], Numbers(numbers)).run()
    called = [message.id for message, call in zip(script, calls, strict=True) if call]
    assert all(count == 1 for count in world.runs.values())
    assert world.strays <= world.drops  # an answer that came and was not confirmed: nobody waits for the second one
    if way in "ab" or not world.drops:
        assert world.results == {f"{name} for {name}": 1 for name in called}
    assert ids(world.delivered) == ids(world.turn_stored())


def in_pieces(texts: list[tuple[str, list[str]]]) -> list[Message]:
    """Return the messages of a service that streams each text in pieces before the whole."""
    script: list[Message] = []
    for index, (kind, pieces) in enumerate(texts):
        script += [say(f"{index}.{n}", kind, status=206, content=text) for n, text in enumerate(pieces)]
        script.append(say(f"{index}", kind, content="".join(pieces)))
    return [*script, END]


PIECES = st.lists(st.tuples(st.sampled_from(["result", "thinking"]), st.lists(st.text("ab", min_size=1), min_size=1)))


@BRIEF
@given(st.sampled_from(WAYS), PIECES, NUMBERS)
def test_pieces_joined_are_the_whole(way: str, texts: list[tuple[str, list[str]]], numbers: list[int]) -> None:
    world = World(Turn(PROMPT, wait=now, partial=True), way, in_pieces(texts), Numbers(numbers)).run()
    wholes = [message for message in world.delivered if message.status_code == 200]
    assert ids(wholes) == ids(world.turn_stored())
    sent = {"result": "", "thinking": ""}
    for message in world.delivered[:-1]:
        if message.status_code == 206:
            sent[message.message_type] += message.content or ""
        else:
            assert sent[message.message_type] == message.content
            sent[message.message_type] = ""


@BRIEF
@given(st.sampled_from(WAYS), scripts(), NUMBERS, st.integers(0, 12))
def test_a_turn_is_rejoined_where_it_is(way: str, script: list[Message], numbers: list[int], made: int) -> None:
    world = World(Turn(None, wait=now), way, script, Numbers(numbers), EARLIER)
    world.hear(PROMPT)
    for _ in range(min(made, len(script))):
        world.make()
    world.run()
    assert world.prompts == 1
    assert ids(without_debug(world.delivered)) == ids(world.turn_stored())
