"""What can happen to a turn, and what a turn wants done: the words between `stream.Turn` and its driver."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from secgemini_api.models import Message

from .errors import SecGeminiError


@dataclass(frozen=True, slots=True)
class Opened:
    """The link is open."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The link is gone, or could not be made. `error` says why; whether and when to try again follows from it."""

    error: SecGeminiError


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The session's stored messages, in stored order."""

    messages: Sequence[Message]


@dataclass(frozen=True, slots=True)
class HistoryFailed:
    """The history could not be read, after the retries of the HTTP layer."""

    error: Exception


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """The tool that the call `call_id` asked for has run, or was refused; `answer` goes to the service."""

    call_id: str
    answer: Message


@dataclass(frozen=True, slots=True)
class Ponged:
    """The service's end of the link has everything that was sent before the `Ping` for this call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing arrived for the idle time-out."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The time for the whole turn is over."""


Event = Opened | Dropped | HistoryRead | HistoryFailed | ToolAnswered | Ponged | Silent | Expired


@dataclass(frozen=True, slots=True)
class Connect:
    """Close the link if there is one, wait `delay` seconds, open a link. A look at the history goes on meanwhile."""

    delay: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send the message on the open link."""

    message: Message


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the other end to confirm what was sent so far, with the answer of `call_id`; `Ponged` says that it did."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read the session's history after `delay` seconds; replaces a look that is pending."""

    delay: float


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run the tool that this call asks for, while frames go on arriving; then report `ToolAnswered`."""

    call: Message


@dataclass(frozen=True, slots=True)
class Finish:
    """The turn is complete: close the link."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The turn cannot go on: close the link and raise `error` after what was delivered so far."""

    error: Exception


Effect = Message | Connect | Send | Ping | ReadHistory | RunTool | Finish | Fail


class Phase(enum.Enum):
    """Where a turn is."""

    NEW = enum.auto()
    CONNECTING = enum.auto()
    LOOKING = enum.auto()
    LIVE = enum.auto()
    OVER = enum.auto()
