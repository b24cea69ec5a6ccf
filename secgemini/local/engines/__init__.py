"""Engines answer prompts: an engine is one async generator, a turn in, replies out.

The service gives each reply its id, its times and its place in the turn, stores it and streams it; an engine says only
what there is to say. The end of the turn is the service's business, and so is every failure of an engine: an
exception that leaves `answer` becomes an error message and the end of the turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonDict = Mapping[str, JsonValue]

SYSTEM = "system"
"""Actor of the `info` messages in a history that are instructions of the caller, from a chat completion."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts of one reply. An engine without a tokenizer counts words and says so in its documentation."""

    prompt_tokens: int = 0
    generated_tokens: int = 0
    thoughts_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One message of an answer.

    `kind` is a value of the contract's `MessageType` (`thinking`, `info`, `result`, `error`, …), `state` one of its
    `State`.
    With `partial=True` the content is a delta: it goes only to sockets that asked for partial results and is never
    stored; a whole reply of the same kind, whose content is the deltas joined, must follow.

    Raises:
        TypeError: a field is not of its type.
        ValueError: a kind, a state or a MIME type that the contract has not; or what only the service says: the end of
            a turn, a prompt, a tool call or its result, status 206.
    """

    kind: str
    content: str
    state: str = "answering"
    mime_type: str = "text/plain"
    title: str | None = None
    actor: str = "agent"
    status_code: int = 200
    status_message: str = "OK"
    partial: bool = False
    usage: TokenUsage | None = None

    def __post_init__(self) -> None:
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} of a reply is a string, not {type(getattr(self, name)).__name__}")
        if not isinstance(self.status_code, int) or not isinstance(self.usage, TokenUsage | None):
            raise TypeError("status_code of a reply is a number, and usage a TokenUsage or None")
        for name, known in _known().items():
            if getattr(self, name) not in known:
                raise ValueError(f"there is no {name} {getattr(self, name)!r}")
        if self.kind in _OF_THE_SERVICE or self.state == "end":
            raise ValueError(f"the service, not an engine, sends {self.kind!r} with state {self.state!r}")
        if self.status_code != 200 and not 400 <= self.status_code <= 599:
            raise ValueError(f"the status of a reply is 200, or 400 to 599, not {self.status_code}; see partial=")


_TEXTS = ("kind", "content", "state", "mime_type", "actor", "status_message")
_OF_THE_SERVICE = ("query", "local_tool_call", "local_tool_result")


@cache
def _known() -> dict[str, frozenset[str]]:
    """The contract's values: a misspelt one would be no answer to some clients, and end the stream of others."""
    from secgemini_api.models import MessageType, MimeType, State  # not before the first reply

    enums = {"kind": MessageType, "state": State, "mime_type": MimeType}
    return {name: frozenset(member.value for member in enum) for name, enum in enums.items()}


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file of the session. `content` is the bytes as attached; `name` is the sender's text and never a path."""

    name: str
    content: bytes
    sha256: str
    mime_type: str
    label: str | None

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record. `line` counts from 1 in upload order; `time` is Unix seconds (UTC), None when none was found."""

    line: int
    time: float | None
    source: str
    text: str


class LogTable(Protocol):
    """The logs attached to the session, read-only. Times are Unix seconds, UTC; bounds are inclusive."""

    def count(
        self, words: Sequence[str] = (), *, at_or_after: float | None = None, at_or_before: float | None = None
    ) -> int:
        """Return the number of records, or of those that `search` would return if it had no limit."""
        ...

    def per_day(self) -> Sequence[tuple[str, str, int]]:
        """Return (day as YYYY-MM-DD, source, number of records), ordered by day, then source."""
        ...

    def search(
        self,
        words: Sequence[str] = (),
        *,
        at_or_after: float | None = None,
        at_or_before: float | None = None,
        limit: int = 100,
        last: bool = False,
    ) -> Sequence[LogRecord]:
        """Return the records that contain every word (case-insensitive), in order of time, then line.

        A word with spaces is a phrase, found as a terminal shows the line: colours inside it do not matter. Of more
        than `limit` (at most 20 000) these are the first, or the last of them.
        """
        ...

    def around(self, line: int, *, seconds: float = 300.0, limit: int = 100) -> Sequence[LogRecord]:
        """Return the record `line` and those within `seconds` of it, in order of time, then line.

        When there are more than `limit`, these are the nearest in that order, half of them on either side. A record
        without a time has the neighbouring lines around it. There is nothing around a line that does not exist.
        """
        ...


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the caller's machine answered to a tool call."""

    name: str
    output: str
    is_error: bool


class CallTool(Protocol):
    """Run one of the session's tools on the caller's machine. One call is outstanding at a time."""

    async def __call__(self, name: str, arguments: JsonDict) -> ToolResult:
        """Send the call and wait for its result; a call nobody answers ends as an error result."""
        ...


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """All that an engine may know of a turn.

    `history` are the stored messages before this prompt, as contract `Message` objects; `tools` are contract
    `LocalTool` objects that the session registered.
    """

    session_id: str
    prompt: str
    history: Sequence[JsonDict]
    files: Sequence[AttachedFile]
    logs: LogTable | None
    tools: Sequence[JsonDict]
    call_tool: CallTool
    model: str = "sec-gemini-stable"
    language: str = "en"


@runtime_checkable
class Engine(Protocol):
    """Answers prompts. `name` is the actor that its messages carry when a reply names none."""

    name: str

    def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        """Yield the replies of one turn in order; at least one `result`, or raise."""
        ...
