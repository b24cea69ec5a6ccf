"""The transitions of a turn, one by one: what it wants done after what happened, without a socket or a clock."""

from __future__ import annotations

import ast
from pathlib import Path
from unittest.mock import ANY

import pytest
from secgemini_api.models import Message
from stream_model import EARLIER, END, PROMPT, say

from secgemini import stream
from secgemini._turn_events import (
    Connect,
    Dropped,
    Effect,
    Event,
    Expired,
    Fail,
    Finish,
    HistoryFailed,
    HistoryRead,
    Opened,
    Phase,
    Ping,
    Ponged,
    ReadHistory,
    RunTool,
    Send,
    Silent,
    ToolAnswered,
)
from secgemini.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    SecGeminiError,
    StreamError,
)
from secgemini.stream import Turn

BROKEN = APIConnectionError("reset")
REFUSED = AuthenticationError("401", status_code=401)
M0, M1, M2 = say("m0"), say("m1", "result"), say("m2", "thinking")
CALL, CALL2 = say("call", "local_tool_call"), say("call2", "local_tool_call")
ANSWER = say("answer", "local_tool_result")
OLD_END = EARLIER[-1]


def twice(error: SecGeminiError, failures: int) -> float | None:
    """Try again twice, after 1 s and 2 s."""
    return float(failures) if error.retryable and failures <= 2 else None


def turn(
    query: Message | None = PROMPT, *, partial: bool = False, tools: bool = False, look_first: bool = False
) -> Turn:
    made = Turn(query, wait=twice, partial=partial, tools=tools, look_first=look_first)
    assert made.start() == [Connect(0.0)]
    return made


def play(made: Turn, *happened: Event | Message) -> list[Effect]:
    """Feed all of it and return the effects of the last."""
    effects: list[Effect] = []
    for one in happened:
        effects = made.receive(one) if isinstance(one, Message) else made.handle(one)
    return effects


def stored(*messages: Message) -> HistoryRead:
    """Return a history with an earlier turn, the prompt and these."""
    return HistoryRead([*EARLIER, PROMPT, *messages])


LIVE = (Opened(),)
LOOKING = (Opened(), Dropped(BROKEN), Opened())
BACK = (*LOOKING, stored())

TABLE: dict[str, tuple[tuple[Event | Message, ...], list[Effect], Phase]] = {
    "connecting, opened": (LIVE, [Send(PROMPT)], Phase.LIVE),
    "connecting, dropped": ((Dropped(BROKEN),), [Connect(1.0)], Phase.CONNECTING),
    "connecting, dropped, opened": ((Dropped(BROKEN), Opened()), [Send(PROMPT)], Phase.LIVE),
    "connecting, refused": ((Dropped(REFUSED),), [Fail(REFUSED)], Phase.OVER),
    "connecting, dropped too often": ((*[Dropped(BROKEN)] * 3,), [Fail(BROKEN)], Phase.OVER),
    "connecting, history": ((*LIVE, Dropped(BROKEN), stored(M0)), [M0], Phase.CONNECTING),
    "connecting, history with END": ((*LIVE, Dropped(BROKEN), stored(M0, END)), [M0, END, Finish()], Phase.OVER),
    "connecting, prompt not there": ((*LIVE, Dropped(BROKEN), HistoryRead([])), [], Phase.CONNECTING),
    "connecting, history failed": ((*LIVE, Dropped(BROKEN), HistoryFailed(BROKEN)), [], Phase.CONNECTING),
    "connecting, frame": ((*LIVE, Dropped(BROKEN), M0), [], Phase.CONNECTING),
    "connecting, silent": ((*LIVE, Dropped(BROKEN), Silent()), [Connect(2.0)], Phase.CONNECTING),
    "connecting, silent before the prompt was sent": ((Silent(),), [Connect(1.0)], Phase.CONNECTING),
    "live, frame": ((*LIVE, M0), [M0], Phase.LIVE),
    "live, frame again": ((*LIVE, M0, M0), [], Phase.LIVE),
    "live, echo of the prompt": ((*LIVE, PROMPT), [], Phase.LIVE),
    "live, END": ((*LIVE, M0, END), [END, Finish()], Phase.OVER),
    "live, END first": ((*LIVE, OLD_END), [ReadHistory(0.0)], Phase.LOOKING),
    "live, END of another turn": ((*LIVE, OLD_END, stored()), [], Phase.LIVE),
    "live, END first, prompt not stored yet": (
        (*LIVE, OLD_END, HistoryRead(EARLIER)),
        [ReadHistory(0.1)],
        Phase.LOOKING,
    ),
    "live, END first and right": ((*LIVE, END, stored(END)), [END, Finish()], Phase.OVER),
    "live, piece not asked for": ((*LIVE, say("p", "result", status=206)), [], Phase.LIVE),
    "live, dropped": ((*LIVE, Dropped(BROKEN)), [Connect(1.0)], Phase.CONNECTING),
    "live, dropped again after news": ((*BACK, M0, Dropped(BROKEN)), [Connect(1.0)], Phase.CONNECTING),
    "live, dropped again without news": ((*BACK, Dropped(BROKEN)), [Connect(2.0)], Phase.CONNECTING),
    "live, silent": ((*LIVE, M0, Silent()), [ReadHistory(0.0)], Phase.LIVE),
    "live, silent, news": ((*LIVE, M0, Silent(), stored(M0, M1)), [M1], Phase.LIVE),
    "live, silent, frame, no news": ((*LIVE, M0, Silent(), M1, stored(M0, M1)), [], Phase.LIVE),
    "live, silent, end": ((*LIVE, M0, Silent(), stored(M0, END)), [END, Finish()], Phase.OVER),
    "looking, frame": ((*LOOKING, M0), [], Phase.LOOKING),
    "looking, history with news": ((*LOOKING, stored(M0)), [M0, ReadHistory(1.0)], Phase.LIVE),
    "looking, history and frames": ((*LOOKING, M0, M1, stored(M0)), [M0, M1], Phase.LIVE),
    "looking, replay in disorder": ((*LOOKING, M1, M0, M1, stored(M0, M1)), [M0, M1, ReadHistory(1.0)], Phase.LIVE),
    "looking, replay of an earlier turn": ((*LOOKING, *EARLIER[1:], stored()), [ReadHistory(1.0)], Phase.LIVE),
    "looking, history with END": ((*LOOKING, stored(M0, END)), [M0, END, Finish()], Phase.OVER),
    "looking, prompt not there": (
        (*LOOKING, OLD_END, HistoryRead(EARLIER)),
        [Send(PROMPT), ReadHistory(0.1)],
        Phase.LOOKING,
    ),
    "looking, prompt sent again, not stored yet": (
        (*LOOKING, HistoryRead(EARLIER), M0, HistoryRead(EARLIER)),
        [ReadHistory(0.2)],
        Phase.LOOKING,
    ),
    "looking, prompt sent again, never stored": (
        (*LOOKING, HistoryRead(EARLIER), Silent(), HistoryRead(EARLIER)),
        [Fail(ANY)],
        Phase.OVER,
    ),
    "looking, prompt sent again and stored": (
        (*LOOKING, HistoryRead(EARLIER), say("older"), M0, HistoryRead([*EARLIER, say("older"), PROMPT, M0])),
        [M0, ReadHistory(1.0)],
        Phase.LIVE,
    ),
    "looking, a service without a history": (
        (*LOOKING, HistoryRead([]), M0, *[HistoryRead([])] * 6),
        [M0],
        Phase.LIVE,
    ),
    "looking, prompt not there but answered": (
        (Opened(), M0, Dropped(BROKEN), Opened(), M1, HistoryRead([])),
        [M1],
        Phase.LIVE,
    ),
    "looking, history failed": ((*LOOKING, HistoryFailed(BROKEN)), [ReadHistory(2.0)], Phase.LOOKING),
    "looking, no right to look": ((*LOOKING, HistoryFailed(REFUSED)), [Fail(REFUSED)], Phase.OVER),
    "looking, silent": ((*LOOKING, Silent()), [ReadHistory(0.0)], Phase.LOOKING),
    "looking, dropped": ((*LOOKING, Dropped(BROKEN)), [Connect(2.0)], Phase.CONNECTING),
    "back, nothing": (BACK, [ReadHistory(1.0)], Phase.LIVE),
    "back, still nothing": ((*BACK, stored()), [ReadHistory(2.0)], Phase.LIVE),
    "back, news in the history": ((*BACK, stored(), stored(M0)), [M0, ReadHistory(1.0)], Phase.LIVE),
    "back, news on the link": ((*BACK, M0, stored(M0)), [], Phase.LIVE),
    "back, look failed": ((*BACK, HistoryFailed(BROKEN)), [ReadHistory(2.0)], Phase.LIVE),
    "back, END": ((*BACK, M0, END), [ReadHistory(0.0)], Phase.LOOKING),
    "back, END, something missed": ((*BACK, M0, END, stored(M0, M1, END)), [M1, END, Finish()], Phase.OVER),
    "back, END not stored yet": ((*BACK, END, stored()), [ReadHistory(0.1)], Phase.LOOKING),
    "back, END never stored": ((*BACK, END, stored(), stored(), stored()), [END, Finish()], Phase.OVER),
    "over, anything": ((*LIVE, M0, END, Dropped(BROKEN)), [], Phase.OVER),
    "over, frame": ((*LIVE, M0, END, M1), [], Phase.OVER),
}


@pytest.mark.parametrize("name", TABLE)
def test_transition(name: str) -> None:
    happened, effects, phase = TABLE[name]
    made = turn()
    assert play(made, *happened) == effects
    assert made.phase is phase


def failure(effects: list[Effect]) -> Exception:
    assert isinstance(effects[-1], Fail)
    return effects[-1].error


def test_a_link_that_cannot_be_restored_is_told_with_its_cause() -> None:
    error = failure(play(turn(), Opened(), *[Dropped(BROKEN)] * 3))
    assert isinstance(error, StreamError)
    assert error.__cause__ is BROKEN
    assert error.lost_link
    assert "resume()" in error.hint


def test_what_the_service_called_a_refused_link_is_told_when_the_turn_is_given_up() -> None:
    busy = InternalServerError("503", status_code=503, request_id="req-7")
    error = failure(play(turn(), Opened(), *[Dropped(busy)] * 3))
    assert isinstance(error, StreamError)
    assert error.request_id == "req-7"


def test_a_link_that_could_never_be_made_is_no_lost_one() -> None:
    error = failure(play(turn(), Silent(), Silent(), Silent()))
    assert isinstance(error, APITimeoutError)
    assert (error.sent, error.hint) == (False, "")


@pytest.mark.parametrize("text", ["Session not found", "nothing of that kind"])
def test_an_error_is_delivered_then_raised(text: str) -> None:
    oops = say("oops", "error", status=404)
    oops.status_message = text
    effects = play(turn(), Opened(), oops)
    assert effects[0] is oops
    assert isinstance(failure(effects), NotFoundError if "not found" in text else StreamError)


def test_an_error_in_the_history_is_delivered_then_raised() -> None:
    oops = say("oops", "error", status=500)
    effects = play(turn(), *LOOKING, stored(M0, oops, END))
    assert effects[:2] == [M0, oops]
    assert isinstance(failure(effects), StreamError)


FAILED_END = say("end", state="end", status=500, content="the engine died")


@pytest.mark.parametrize(
    "happened",
    [
        (Opened(), M0, FAILED_END),
        (Opened(), FAILED_END, stored(FAILED_END)),
        (*BACK, M0, FAILED_END, stored(M0, FAILED_END)),
        (Opened(), M0, Dropped(BROKEN), stored(M0, FAILED_END)),
        (Opened(), M0, Silent(), stored(M0, FAILED_END)),
    ],
)
def test_an_end_that_tells_of_a_failure_is_delivered_then_raised(happened: tuple[Event | Message, ...]) -> None:
    made = turn()
    effects = play(made, *happened)
    assert effects[:-1] == [FAILED_END]
    error = failure(effects)
    assert isinstance(error, StreamError)
    assert (error.status_code, error.stream_message) == (500, FAILED_END)
    assert str(error) == "500 from the service: the engine died"
    assert made.phase is Phase.OVER


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "Session not found"),
        ("Session not found", "Session not found"),
        ("Session not found: s", "Session not found: s"),
        ("no session s", "Session not found: no session s"),
    ],
)
def test_that_a_session_is_gone_is_said_once(content: str, told: str) -> None:
    gone = say("oops", "error", status=404)
    gone.content, gone.status_message = content, "Session not found"
    assert str(failure(play(turn(), Opened(), gone))) == f"404 from GET /v1/stream: {told}"


def test_an_error_repeats_little_of_what_the_service_said_and_nothing_of_the_key() -> None:
    long = say("oops", "error", status=500, content="x" * 498 + "sesame" + "y" * 3_000_000)
    made = Turn(PROMPT, wait=twice, redact=lambda text: text.replace("sesame", "***"))
    made.start()
    error = failure(play(made, Opened(), long))
    assert isinstance(error, StreamError)
    assert str(error) == "500 from the service: " + "x" * 498 + "**"
    assert error.stream_message is long


@pytest.mark.parametrize("happened", [(Expired(),), (Silent(), stored(M0)), (Dropped(BROKEN), Expired())])
def test_time_is_up(happened: tuple[Event, ...]) -> None:
    assert isinstance(failure(play(turn(), Opened(), M0, *happened)), APITimeoutError)


# -- tools -------------------------------------------------------------------------------------------------------

ANSWERED = [Send(ANSWER), Ping("call")]
DROP_AND_LOOK = (Dropped(BROKEN), Opened(), stored())


@pytest.mark.parametrize(
    ("happened", "effects"),
    [
        ((CALL,), [RunTool(CALL)]),
        ((CALL, CALL), []),
        ((CALL, ToolAnswered("call", ANSWER)), ANSWERED),
        ((CALL, ToolAnswered("call", ANSWER), CALL), []),
        ((CALL, Silent()), []),
        ((CALL, Dropped(BROKEN), ToolAnswered("call", ANSWER)), []),
        ((CALL, Dropped(BROKEN), ToolAnswered("call", ANSWER), Opened(), stored()), [*ANSWERED, ReadHistory(1.0)]),
        ((CALL, Dropped(BROKEN), Opened(), ToolAnswered("call", ANSWER), stored()), [*ANSWERED, ReadHistory(1.0)]),
        ((CALL, *DROP_AND_LOOK, ToolAnswered("call", ANSWER), CALL), []),
        ((CALL, *DROP_AND_LOOK, CALL, ToolAnswered("call", ANSWER)), ANSWERED),
        ((CALL, ToolAnswered("call", ANSWER), *DROP_AND_LOOK), [*ANSWERED, ReadHistory(1.0)]),
        ((CALL, ToolAnswered("call", ANSWER), *DROP_AND_LOOK, CALL), []),
        ((CALL, ToolAnswered("call", ANSWER), Ponged("call"), *DROP_AND_LOOK), [ReadHistory(1.0)]),
        ((CALL, ToolAnswered("call", ANSWER), Ponged("call"), *DROP_AND_LOOK, CALL), ANSWERED),
        ((CALL, ToolAnswered("call", ANSWER), M0, *DROP_AND_LOOK[:2], stored(M0), CALL), []),
        ((CALL, ToolAnswered("call", ANSWER), Dropped(BROKEN), Opened(), stored(M0), CALL), []),
        ((CALL, Dropped(BROKEN), ToolAnswered("call", ANSWER), Opened(), stored(M0)), [M0, ReadHistory(1.0)]),
        ((CALL, Dropped(BROKEN), ToolAnswered("call", ANSWER), Opened(), stored(M0), CALL), ANSWERED),
        ((Dropped(BROKEN), Opened(), stored(CALL)), [RunTool(CALL), ReadHistory(1.0)]),
        ((Dropped(BROKEN), Opened(), stored(CALL, ANSWER, M0)), [M0, ReadHistory(1.0)]),
    ],
)
def test_a_tool_call(happened: tuple[Event | Message, ...], effects: list[Effect]) -> None:
    assert play(turn(tools=True), Opened(), *happened) == effects


def test_without_tools_a_call_is_shown_to_the_caller() -> None:
    refused = say("answer", "local_tool_result", status=500)
    assert play(turn(), Opened(), CALL) == [CALL]
    assert play(turn(), Opened(), refused) == [refused]


# -- pieces ------------------------------------------------------------------------------------------------------


def piece(text: str, kind: str = "result") -> Message:
    return say(f"piece {text}", kind, status=206, content=text)


def contents(effects: list[Effect]) -> list[tuple[str | None, int]]:
    return [(effect.content, effect.status_code) for effect in effects if isinstance(effect, Message)]


WHOLE = say("whole", "result", content="abc")


@pytest.mark.parametrize(
    ("happened", "delivered"),
    [
        ((piece("ab"),), [("ab", 206)]),
        ((piece("ab"), piece("c"), WHOLE), [("abc", 200)]),
        ((piece("ab"), WHOLE), [("c", 206), ("abc", 200)]),
        ((WHOLE,), [("abc", 206), ("abc", 200)]),
        ((piece("x"), WHOLE), [("abc", 200)]),
        ((piece("x", "thinking"), piece("abc"), WHOLE), [("abc", 200)]),
        ((M0,), [("m0", 200)]),
        ((piece("a"), Dropped(BROKEN), Opened(), stored(), piece("b")), []),
        ((piece("a"), Dropped(BROKEN), Opened(), piece("c"), stored(WHOLE)), [("bc", 206), ("abc", 200)]),
        ((piece("a"), Dropped(BROKEN), Opened(), stored(), piece("c"), WHOLE), [("bc", 206), ("abc", 200)]),
        ((Dropped(BROKEN), Opened(), stored(), WHOLE, piece("next")), [("next", 206)]),
        ((Dropped(BROKEN), Opened(), stored(WHOLE), piece("late")), []),
    ],
)
def test_pieces(happened: tuple[Event | Message, ...], delivered: list[tuple[str, int]]) -> None:
    assert contents(play(turn(partial=True), Opened(), *happened)) == delivered


# -- joining a turn ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "effects"),
    [
        ((Opened(),), [ReadHistory(0.0)]),
        ((Opened(), stored(M0)), [M0, ReadHistory(1.0)]),
        ((Opened(), M1, stored(M0, M1)), [M0, M1, ReadHistory(1.0)]),
        ((Opened(), stored(M0, END)), [M0, END, Finish()]),
        ((Opened(), stored(), M0), [M0]),
    ],
)
def test_a_turn_is_rejoined(happened: tuple[Event | Message, ...], effects: list[Effect]) -> None:
    assert play(turn(None), *happened) == effects


def test_there_must_be_a_turn_to_rejoin() -> None:
    assert isinstance(failure(play(turn(None), Opened(), HistoryRead([]))), StreamError)


def test_a_prompt_behind_a_turn_that_may_still_run() -> None:
    made = turn(look_first=True)
    assert play(made, Opened()) == [ReadHistory(0.0)]
    running = [PROMPT_BEFORE, M0]
    assert play(made, M0, HistoryRead(running)) == [Send(PROMPT), ReadHistory(0.1)]
    assert play(made, M1, HistoryRead(running)) == [ReadHistory(0.2)]
    assert play(made, M2, HistoryRead([*running, M1, PROMPT, M2])) == [M2, ReadHistory(1.0)]
    assert play(made, END) == [ReadHistory(0.0)]
    assert play(made, HistoryRead([*running, M1, PROMPT, M2, END])) == [END, Finish()]


PROMPT_BEFORE = EARLIER[0]


# -- the module --------------------------------------------------------------------------------------------------


def test_the_machine_does_no_io_and_stays_small() -> None:
    folder = Path(stream.__file__).parent
    for name in ("stream", "_turn_events", "_turn_calls", "_turn_failures", "_turn_pieces"):
        source = (folder / f"{name}.py").read_text()
        nodes = list(ast.walk(ast.parse(source)))
        assert not [node for node in nodes if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor))]
        imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        pure = {"__future__", "collections.abc", "copy", "dataclasses", "enum", "secgemini_api.models", "errors"}
        assert imported <= pure | {"_turn_events", "_turn_calls", "_turn_failures", "_turn_pieces"}
        assert len(source.splitlines()) < 400
