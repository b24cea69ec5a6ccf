"""The tool calls of a turn: each runs once, and its answer is sent when the service can use it.

The wire has no field that ties an answer to its call, so an answer sent at the wrong time could be taken for that of a
later call. Hence: an answer is sent once on a link. It is sent again on a later link if the service repeats the call,
or if nobody confirmed that it had arrived and the service shows no sign of having gone on; once it went on, never.
"""

from __future__ import annotations

from dataclasses import dataclass

from secgemini_api.models import Message

_UNSENT, _STALE = 0, -1


@dataclass(slots=True)
class _Call:
    answer: Message | None = None
    link: int = _UNSENT  # the number of the link the answer was last sent on; _STALE: send it only if asked again
    arrived: bool = False  # the other end of that link confirmed it
    settled: bool = False  # the service went on after the answer was sent: it has it


class Calls:
    """The calls of one turn, by the id of the call's message. Links are numbered from 1."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call_id: str) -> None:
        """Remember a call that is new."""
        self._calls[call_id] = _Call()

    def is_running(self) -> bool:
        """Tell whether a tool is at work."""
        return any(call.answer is None for call in self._calls.values())

    def answered(self, call_id: str, answer: Message) -> None:
        """Keep the answer of a call."""
        self._calls[call_id].answer = answer

    def arrived(self, call_id: str) -> None:
        """Note that the other end of the link has the answer."""
        self._calls[call_id].arrived = True

    def repeated(self, call_id: str, link: int) -> None:
        """Note that a known call came again, so that its answer is due again if it can have been lost."""
        call = self._calls.get(call_id)
        if call is not None and not call.settled and call.link != link:
            call.link = _UNSENT

    def went_on(self) -> None:
        """Note that something new came: the service has every answer that was sent."""
        for call in self._calls.values():
            call.settled = call.settled or call.link > 0

    def went_on_without(self) -> None:
        """Note that the service went on while the link was down: it no longer waits for answers not sent yet."""
        for call in self._calls.values():
            if call.link == _UNSENT:
                call.link = _STALE

    def relinked(self, link: int) -> None:
        """Note that a new link shows nothing new: answers that can have been lost with an earlier one are due again."""
        for call in self._calls.values():
            if 0 < call.link < link and not call.arrived and not call.settled:
                call.link = _UNSENT

    def due(self, link: int) -> list[tuple[str, Message]]:
        """Return the ids and answers of the calls to answer now on this link, and count them as sent."""
        due: list[tuple[str, Message]] = []
        for call_id, call in self._calls.items():
            if call.answer is not None and call.link == _UNSENT:
                call.link, call.arrived = link, False
                due.append((call_id, call.answer))
        return due
