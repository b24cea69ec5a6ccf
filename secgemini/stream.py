"""One turn as a state machine without I/O: frames and mishaps in, effects out.

The promise: each message of the turn is delivered exactly once, in stored order, at whatever frame the link dies, and
the service processes the prompt once. A message is known by its id; the prompt's id is the idempotency key. `Turn`
decides, a driver only moves frames: it calls `start`, feeds frames to `receive` and everything else to `handle`, and
carries out the effects in order. A bare `Message` among the effects is delivered to the caller.

    state       event                               effects                                          next
    ----------  ----------------------------------  -----------------------------------------------  ----------
    NEW         start                               Connect(0)                                       CONNECTING
    CONNECTING  Opened, prompt not sent yet         Send(prompt)                                     LIVE
    CONNECTING  Opened, any other                   ReadHistory(0)                                   LOOKING
    CONNECTING  HistoryRead, prompt in it           what is stored after it and is new               CONNECTING
    LOOKING     frame                               - (it waits for the history)                     LOOKING
    LOOKING     HistoryRead, prompt not in it,
                  not sent on this link             Send(prompt), ReadHistory(soon)                  LOOKING
                  sent on this link                 ReadHistory(soon)                                LOOKING
                  answered before, or no history    what waits                                       LIVE
    LOOKING     HistoryRead, prompt in it           what is stored after it and is new, what waits,
                                                    Send(answer that is due), ReadHistory(later)     LIVE
    any         HistoryRead, END after the prompt   what is stored after it and is new, Finish       OVER
    LOOKING     HistoryFailed                       ReadHistory(delay), or Fail                      LOOKING
    LIVE        frame, id known                     - (tool call repeated on a new link: its answer) LIVE
    LIVE        frame, new                          the message                                      LIVE
    LIVE        frame, tool call                    RunTool(call)                                    LIVE
    LIVE        frame, piece (206)                  the piece, if pieces were asked for              LIVE
    LIVE        frame, END                          the message, Finish                              OVER
    LIVE        frame, END, in doubt                ReadHistory(0); END waits                        LOOKING
    LIVE        HistoryRead                         what is new in it, ReadHistory(later) as long
                                                    as the link itself brings nothing new            LIVE
    LIVE        HistoryFailed                       ReadHistory(later), or Fail                      LIVE
    LIVE, LOOK. Silent                              ReadHistory(0); when it brings nothing: Fail     same
    CONNECTING  Silent: the attempt takes too long  as Dropped                                       CONNECTING
    any         new message with status >= 400      the message, Fail(StreamError); also for an END  OVER
    any         ToolAnswered                        Send(answer), Ping when LIVE, else kept for LIVE same
    any         Ponged                              - (the answer has arrived)                       same
    any         Dropped, worth another attempt      Connect(delay)                                   CONNECTING
    any         Dropped, not worth it               Fail                                             OVER
    any         Expired                             Fail(APITimeoutError)                            OVER

END is `info` with state `end`. It is in doubt after any drop, and when it is the first message on a fresh link (a
service may repeat the END of the turn before to a link that stays silent): then the history decides whose it is and
what came before it. The history is polled after a drop, because the service may be one that stores and says nothing.

Tool calls are run, not delivered, when the caller has tools. `_turn_calls` decides when an answer is sent. Of pieces
(206), those of a result or a thinking, joined, equal the whole message that follows: pieces can be lost with a link and
are never stored, so after a drop they are ignored until a whole message comes; what is missing then goes ahead of it
as one piece made here. A whole that does not begin with its pieces is the service's fault, delivered as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from secgemini_api.models import Message, MessageType, State

from ._turn_calls import Calls
from ._turn_events import (
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
from ._turn_failures import lost, refused, timed_out
from ._turn_pieces import PIECE, Pieces, is_piece
from .errors import SecGeminiError, StreamError

POLL_FIRST, POLL_LONGEST = 1.0, 15.0  # seconds between looks at the history of a service that says nothing
CONFIRM_FIRST, CONFIRM_LOOKS = 0.05, 6  # seconds, doubled each time, until the service has stored the prompt just sent
END_LOOKS = (0.0, 0.1, 0.5)  # seconds before each look that a doubtful END is worth

_END, _INFO, _QUERY = State.END, MessageType.INFO, MessageType.QUERY
_CALL, _ANSWER = MessageType.LOCAL_TOOL_CALL, MessageType.LOCAL_TOOL_RESULT


class Turn:
    """One turn of a session. See the module's table.

    `query` is the prompt; None rejoins the turn of the last prompt that is stored. `wait` is the retry policy: what
    went wrong and how often in a row → seconds until the next attempt, or None to give up. `partial` delivers pieces.
    With `tools`, tool calls are run instead of delivered. `look_first` reads the history before the prompt is sent: an
    earlier turn of the session may still be running. `redact` masks the key in what the service says about a failure.
    More frames than `max_messages` fail the turn: no service may fill the memory or go on for ever.
    """

    def __init__(
        self,
        query: Message | None,
        *,
        wait: Callable[[SecGeminiError, int], float | None],
        partial: bool = False,
        tools: bool = False,
        look_first: bool = False,
        redact: Callable[[str], str] = str,
        max_messages: int = 1_000_000,
    ) -> None:
        self.phase: Phase = Phase.NEW
        self._query = query
        self._prompt_id = None if query is None else query.id
        self._wait = wait
        self._pieces = Pieces() if partial else None
        if self._pieces is not None and query is None:
            self._pieces.link_lost()
        self._tools = tools
        self._seen = set() if query is None else {query.id}
        self._look_first = look_first
        self._redact = redact
        self._waiting: list[Message] = []
        self._calls = Calls()
        self._links = 0  # links opened so far
        self._sent_on = 0  # number of the link that the prompt was last sent on
        self._heard_on = 0  # number of the link that last brought something new
        self._received = False  # whether a message of this turn arrived: the service has the prompt
        self._dropped = query is None or look_first  # whether anything can have been missed
        self._failures = 0  # failed attempts in a row, without anything new in between
        self._looks = 0  # looks in a row that did not find the prompt just sent
        self._end_looks = 0  # looks since the last drop that an END caused
        self._poll = POLL_FIRST
        self._last_look = False  # whether the next look decides if the turn is given up
        self._max_messages = self._frames_left = max_messages

    def start(self) -> list[Effect]:
        """Begin the turn."""
        self.phase = Phase.CONNECTING
        return [Connect(0.0)]

    def receive(self, message: Message) -> list[Effect]:
        """Take one frame of the open link."""
        self._frames_left -= 1
        if self._frames_left < 0:
            return self._too_many()
        if self.phase is not Phase.LIVE:
            if self.phase is Phase.LOOKING:
                self._waiting.append(message)
            return []
        if self._is_known(message):
            return self._repeated(message)
        if message.state is _END and message.message_type is _INFO:
            return self._ended(message)
        if message.status_code == PIECE and is_piece(message):
            return self._piece(message)
        self._heard_on = self._links
        return self._accept(message, from_link=True)

    def handle(self, event: Event) -> list[Effect]:
        """Take anything but a frame."""
        if self.phase is Phase.OVER:
            return []
        match event:
            case Opened():
                return self._opened()
            case Dropped(error):
                return self._drop(error)
            case HistoryRead(messages):
                return self._history_read(messages)
            case HistoryFailed(error):
                return self._history_failed(error)
            case ToolAnswered(call_id, answer):
                self._calls.answered(call_id, answer)
                return self._due_answers() if self.phase is Phase.LIVE else []
            case Ponged(call_id):
                self._calls.arrived(call_id)
                return []
            case Silent():
                return self._silent()
            case Expired():
                return self._fail(timed_out("the turn took longer than its total time-out", sent=self._may_go_on()))

    # -- the link ------------------------------------------------------------------------------------------------

    def _opened(self) -> list[Effect]:
        self._links += 1
        if self._query is not None and not self._sent_on and not self._look_first:
            return self._send_prompt(self._query)
        self.phase = Phase.LOOKING
        return [ReadHistory(0.0)]

    def _drop(self, error: SecGeminiError) -> list[Effect]:
        self._failures += 1
        delay = self._wait(error, self._failures)
        if delay is None:
            return self._fail(self._lost(error))
        self.phase = Phase.CONNECTING
        self._dropped = self._dropped or self._sent_on > 0
        self._waiting.clear()
        self._looks = self._end_looks = 0
        self._poll, self._last_look = POLL_FIRST, False
        if self._pieces is not None and self._dropped:
            self._pieces.link_lost()
        return [Connect(delay)]

    def _lost(self, error: SecGeminiError) -> SecGeminiError:
        return lost(error, self._failures) if self._may_go_on() else error

    def _may_go_on(self) -> bool:
        """Tell whether the service may have the prompt."""
        return self._sent_on > 0 or self._query is None

    def _send_prompt(self, query: Message) -> list[Effect]:
        self._sent_on = self._links
        if self._dropped:  # another turn may be running: wait until the prompt has its place in the history
            return [Send(query), self._look_again()]
        self.phase = Phase.LIVE
        return [Send(query)]

    # -- the history ---------------------------------------------------------------------------------------------

    def _history_read(self, messages: Sequence[Message]) -> list[Effect]:
        prompt = self._find_prompt(messages)
        if prompt is None:
            return self._prompt_missing(messages)
        self._looks = 0
        self._seen.update(message.id for message in messages[: prompt + 1])
        effects = self._backfill(messages[prompt + 1 :])
        progress = bool(effects)
        if progress and self.phase is not Phase.LIVE:
            self._calls.went_on_without()
        if self.phase is Phase.LOOKING:
            effects += self._release()
            self._calls.relinked(self._links)
        if self.phase is Phase.LIVE:
            effects += [*self._due_answers(), *self._after_look(progress)]
        return effects

    def _find_prompt(self, messages: Sequence[Message]) -> int | None:
        for index in range(len(messages) - 1, -1, -1):
            message = messages[index]
            if message.id == self._prompt_id or (self._prompt_id is None and message.message_type is _QUERY):
                self._prompt_id = message.id
                return index
        return None

    def _prompt_missing(self, messages: Sequence[Message]) -> list[Effect]:
        if self.phase is Phase.CONNECTING:
            return []
        if self._query is None:
            return self._fail(StreamError("no prompt is stored in this session: there is no turn to resume"))
        if self.phase is Phase.LIVE:
            return self._after_look(progress=False)
        if self._received or (not messages and self._looks >= CONFIRM_LOOKS):
            return self._release()  # a service without a history: the link is all there is
        if self._sent_on == self._links:
            return self._given_up() if self._last_look else [self._look_again()]
        self._seen.update(message.id for message in (*messages, *self._waiting))  # all older than the prompt
        self._waiting.clear()
        return self._send_prompt(self._query)

    def _backfill(self, stored: Sequence[Message]) -> list[Effect]:
        """Deliver what is stored after the prompt and is new, up to the END."""
        answered = max((i for i, message in enumerate(stored) if message.message_type is _ANSWER), default=-1)
        effects: list[Effect] = []
        for index, message in enumerate(stored):
            if message.state is _END and message.message_type is _INFO:
                effects += [*([] if self._is_known(message) else [message]), *self._conclude(message)]
            elif message.message_type is _QUERY or (self._tools and message.message_type is _CALL and index < answered):
                self._seen.add(message.id)
            elif not self._is_known(message):
                effects += self._accept(message, from_link=False)
            if self.phase is Phase.OVER:
                break
        return effects

    def _release(self) -> list[Effect]:
        """Go live with the frames that waited."""
        self.phase = Phase.LIVE
        waiting, self._waiting = self._waiting, []
        effects: list[Effect] = []
        for message in waiting:
            effects += self.receive(message)
        return effects

    def _after_look(self, progress: bool) -> list[Effect]:
        if self._last_look and not progress:
            return self._given_up()
        self._last_look = False
        if progress:
            self._poll = POLL_FIRST
        return self._next_poll()

    def _next_poll(self) -> list[Effect]:
        if not self._dropped or self._heard_on == self._links:
            return []
        delay, self._poll = self._poll, min(self._poll * 2, POLL_LONGEST)
        return [ReadHistory(delay)]

    def _look_again(self) -> ReadHistory:
        self.phase = Phase.LOOKING
        self._looks += 1
        return ReadHistory(min(CONFIRM_FIRST * 2.0 ** min(self._looks, 16), POLL_LONGEST))

    def _history_failed(self, error: Exception) -> list[Effect]:
        if self.phase is Phase.CONNECTING:
            return []
        if not isinstance(error, SecGeminiError) or self._last_look or not error.retryable:
            return self._fail(error)
        if self.phase is Phase.LIVE:  # it was only a poll
            return self._next_poll()
        self._failures += 1
        delay = self._wait(error, self._failures)
        return self._fail(self._lost(error)) if delay is None else [ReadHistory(delay)]

    def _silent(self) -> list[Effect]:
        if self.phase is Phase.CONNECTING:
            return self._drop(timed_out("connecting took longer than the idle time-out", sent=self._may_go_on()))
        if self._calls.is_running():
            return []  # while a tool works here, the service has nothing to say
        self._last_look = True
        return [ReadHistory(0.0)]

    def _given_up(self) -> list[Effect]:
        return self._fail(timed_out("nothing came for the idle time-out, nothing new is stored"))

    # -- messages ------------------------------------------------------------------------------------------------

    def _is_known(self, message: Message) -> bool:
        return message.id in self._seen

    def _accept(self, message: Message, *, from_link: bool) -> list[Effect]:
        """Take a message that is new."""
        self._seen.add(message.id)
        self._received, self._failures, self._last_look = True, 0, False
        if self._calls:
            self._calls.went_on()
        kind = message.message_type
        if self._tools and (kind is _CALL or kind is _ANSWER):
            if kind is _ANSWER:
                return []
            self._calls.add(message.id)
            return [RunTool(message)]
        if message.status_code >= 400 and kind is not _ANSWER:
            return [message, *self._fail(refused(message, self._redact))]
        if self._pieces is not None:
            return [*self._pieces.missing(message, from_link=from_link), message]
        return [message]

    def _ended(self, message: Message) -> list[Effect]:
        if (self._dropped or not self._received) and self._end_looks < len(END_LOOKS):
            delay = END_LOOKS[self._end_looks]
            self._end_looks += 1
            self.phase = Phase.LOOKING
            self._waiting.append(message)
            return [ReadHistory(delay)]
        self._seen.add(message.id)
        return [message, *self._conclude(message)]

    def _conclude(self, end: Message) -> list[Effect]:
        return self._fail(refused(end, self._redact)) if end.status_code >= 400 else self._finish()

    def _finish(self) -> list[Effect]:
        self.phase = Phase.OVER
        return [Finish()]

    def _too_many(self) -> list[Effect]:
        if self.phase is Phase.OVER:
            return []
        text = f"the turn has more than {self._max_messages} messages, repeated ones among them"
        return self._fail(StreamError(text, hint="Limits(max_messages=…) sets the limit"))

    def _fail(self, error: Exception) -> list[Effect]:
        self.phase = Phase.OVER
        return [Fail(error)]

    # -- tools and pieces ----------------------------------------------------------------------------------------

    def _repeated(self, message: Message) -> list[Effect]:
        self._calls.repeated(message.id, self._links)
        return self._due_answers()

    def _due_answers(self) -> list[Effect]:
        if not self._calls:
            return []
        return [effect for call_id, answer in self._calls.due(self._links) for effect in (Send(answer), Ping(call_id))]

    def _piece(self, message: Message) -> list[Effect]:
        if self._pieces is None or not self._pieces.take(message):
            return []
        self._received, self._failures, self._last_look = True, 0, False
        self._heard_on = self._links
        return [message]
