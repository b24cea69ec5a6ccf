"""A service and a network in memory, for `stream.Turn`: whatever happens next is chosen by the caller.

`World` moves frames between a turn and a model service. A list of numbers chooses each step: a frame arrives, the link
breaks and takes both directions with it, the history is read now and told later, the service goes on. When the numbers
are used up, nothing goes wrong any more and everything is carried to its end.

The service stores a message, then sends it. It has no idea of idempotency: a prompt that comes twice is processed
twice. What it does on a new link is its `way`:

    a   replays the turn so far, shuffled and partly twice, between the messages that are new
    b   sends what it made while there was no link, and takes what it wrote to the dead one for delivered
    c   says nothing any more and only stores
    d   has restarted: knows what is stored and nothing else; a prompt that it had not stored is gone
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from secgemini_api.models import Message, MessageType, State

from secgemini._turn_events import (
    Connect,
    Dropped,
    Effect,
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
    ToolAnswered,
)
from secgemini.errors import APIConnectionError
from secgemini.stream import Turn

WAYS = "abcd"
PROMPT = Message(id="prompt", message_type=MessageType.QUERY, state=State.QUERY, content="go")
LOST = APIConnectionError("the link broke")


def say(name: str, kind: str = "info", *, state: str = "answering", status: int = 200, content: str = "") -> Message:
    """Return a message of the service."""
    return Message(
        id=name,
        message_type=MessageType(kind),
        state=State(state),
        status_code=status,
        content=content or name,
        actor="a",
    )


END = say("end", state="end")
EARLIER = (
    Message(id="older prompt", message_type=MessageType.QUERY),
    say("older result", "result"),
    say("older end", state="end"),
)


class Numbers:
    """Choices: a list of numbers, and always the first possibility once they are used up."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(reversed(numbers))

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def below(self, bound: int) -> int:
        return self._numbers.pop() % bound if self._numbers and bound > 1 else 0


@dataclass
class World:
    """One turn, one service and the network between them."""

    turn: Turn
    way: str
    script: Sequence[Message]
    numbers: Numbers
    earlier: Sequence[Message] = ()
    delivered: list[Message] = field(default_factory=list)
    error: Exception | None = None
    prompts: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    strays: int = 0
    drops: int = 0

    def __post_init__(self) -> None:
        self.stored = list(self.earlier)
        self.up: list[Message | Ponged] = []
        self.down: list[Message | Ponged] = []
        self.linked = self.connecting = self.silent = False
        self.links = self.made = self.newest = 0
        self.unsent: list[Message] = []
        self.asked: Message | None = None
        self.look: str | None = None
        self.snapshot: list[Message] = []
        self.tools: list[Message] = []
        self.quiet_looks = 0  # looks at the history since the trouble is over

    # -- the run -------------------------------------------------------------------------------------------------

    def run(self) -> World:
        """Carry the turn to its end."""
        self.do(self.turn.start())
        for _ in range(3000):
            if self.turn.phase is Phase.OVER:
                return self
            steps = self.possible()
            assert steps, "nothing can happen any more, and the turn is not over"
            steps[self.numbers.below(len(steps))]()
        raise AssertionError("the turn does not end")

    def possible(self) -> list[Callable[[], None]]:
        """Return what can happen now, the least surprising first."""
        trouble = bool(self.numbers)
        return [
            step
            for step, can in (
                (self.open, self.connecting),
                (self.carry_up, self.linked and self.up),
                (self.carry_down, self.linked and self.down),
                (self.work, self.tools),
                (self.make, self.prompts and self.made < len(self.script) and self.asked is None),
                (self.give_up_on_tool, self.asked is not None and not trouble and self.quiet_looks > 3),
                (self.read, self.look == "wanted"),
                (self.tell, self.look == "read"),
                (self.drop, self.linked and trouble),
                (self.refuse, self.connecting and trouble),
                (self.fail_look, self.look is not None and trouble),
            )
            if can
        ]

    def do(self, effects: Sequence[Effect]) -> None:
        """Carry out what the turn wants."""
        for effect in effects:
            match effect:
                case Message():
                    self.delivered.append(effect)
                case Connect():
                    self.connecting, self.linked = True, False
                case Send(message):
                    assert self.linked, "sent without a link"
                    self.up.append(message)
                case Ping(call_id):
                    self.up.append(Ponged(call_id))
                case ReadHistory():
                    self.look = "wanted"
                case RunTool(call):
                    self.runs[call.id] += 1
                    self.tools.append(call)
                case Fail(error):
                    self.error = error
                case Finish():
                    pass

    # -- the network ---------------------------------------------------------------------------------------------

    def open(self) -> None:
        self.connecting, self.linked = False, True
        self.up, self.down = [], []
        self.links += 1
        self.newest = 0
        self.greet()
        self.do(self.turn.handle(Opened()))

    def drop(self) -> None:
        self.drops += 1
        self.linked = False
        if self.way == "d":
            self.unsent.clear()
            self.asked = None
        self.do(self.turn.handle(Dropped(LOST)))

    def refuse(self) -> None:
        self.do(self.turn.handle(Dropped(LOST)))

    def carry_up(self) -> None:
        arrived = self.up.pop(0)
        if isinstance(arrived, Ponged):
            self.down.append(arrived)
        else:
            self.hear(arrived)

    def carry_down(self) -> None:
        self.newest = max(0, self.newest - 1)
        arrived = self.down.pop(0)
        self.do(self.turn.handle(arrived) if isinstance(arrived, Ponged) else self.turn.receive(arrived))

    def read(self) -> None:
        self.snapshot, self.look = list(self.stored), "read"

    def tell(self) -> None:
        self.look = None
        self.quiet_looks += not self.numbers
        self.do(self.turn.handle(HistoryRead(self.snapshot)))

    def fail_look(self) -> None:
        self.look = None
        self.do(self.turn.handle(HistoryFailed(LOST)))

    def work(self) -> None:
        call = self.tools.pop(self.numbers.below(len(self.tools)))
        answer = say(call.id, "local_tool_result")
        self.do(self.turn.handle(ToolAnswered(call.id, answer)))

    # -- the service ---------------------------------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        if message.message_type is MessageType.QUERY:
            self.prompts += 1
            self.stored.append(message)
            self.silent = False
        elif self.asked is not None:
            self.results[f"{message.id} for {self.asked.id}"] += 1
            self.asked = None
        else:
            self.strays += 1

    def make(self) -> None:
        message = self.script[self.made]
        self.made += 1
        if message.message_type is MessageType.LOCAL_TOOL_CALL:
            self.asked = message
        elif message.message_type is not MessageType.DEBUG and message.status_code != 206:
            self.stored.append(message)
        if not self.linked:
            self.unsent.append(message)
        elif not self.silent:
            self.newest += self.numbers.below(len(self.down) - self.newest + 1)  # what is replayed may come in between
            self.down.insert(self.newest, message)
            self.newest += 1

    def greet(self) -> None:
        """Do what this kind of service does on a new link."""
        if not self.prompts:
            if self.earlier and self.numbers.below(2):  # to a link that is silent for a moment
                self.down.append(self.earlier[-1])
                self.newest = 1
            return
        self.silent = self.way == "c"
        unsent, self.unsent = self.unsent, []
        if self.way == "a":
            self.down = [*self.replay()]
        elif self.way == "b":
            self.down = [message for message in unsent if message is not self.asked]
        if self.way in "ab" and self.asked is not None:
            self.down.append(self.asked)
            self.newest = len(self.down)

    def replay(self) -> list[Message]:
        frames = [*(self.stored if self.numbers.below(2) else self.turn_stored())]
        frames += [frames[self.numbers.below(len(frames))] for _ in range(self.numbers.below(3)) if frames]
        for index in range(len(frames) - 1, 0, -1):
            other = self.numbers.below(index + 1) if self.numbers.below(2) else index
            frames[index], frames[other] = frames[other], frames[index]
        return frames

    def give_up_on_tool(self) -> None:
        """Go on without the result, as after the service's own time-out."""
        self.asked, self.quiet_looks = None, 0

    def turn_stored(self) -> list[Message]:
        """Return the messages of this turn that are stored."""
        ids = [message.id for message in self.stored]
        return self.stored[ids.index("prompt") + 1 :] if "prompt" in ids else []
