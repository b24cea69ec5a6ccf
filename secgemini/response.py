"""The answer of `query`: parsed fields, nothing decoded twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .display import neutralise, response_html

if TYPE_CHECKING:
    from secgemini_api.models import Message, Usage
    from secgemini_api.models import SessionResponse as WireResponse


@dataclass(frozen=True, slots=True)
class SessionResponse:
    """What the service answered to one prompt.

    `messages`: of this turn, in order; `status_code`: 2xx is OK, 4xx a client error, 5xx a server error (errors are
    raised, so you see 2xx); `status_message`: explains it; `usage`: tokens of this answer; `id`: the session's.
    """

    messages: list[Message]
    status_code: int
    status_message: str
    usage: Usage
    id: str = ""

    @classmethod
    def from_wire(cls, answer: WireResponse) -> SessionResponse:
        """Return the response with the parsed parts of the generated model."""
        return cls(answer.messages, int(answer.status_code), answer.status_message, answer.usage, answer.id)

    def text(self) -> list[str]:
        """Return the content of every message that has one, in order."""
        return [message.content for message in self.messages if message.content is not None]

    @property
    def output_text(self) -> str:
        """Return the answer: the contents of the `result` messages, joined by blank lines."""
        return "\n\n".join(m.content for m in self.messages if m.message_type == "result" and m.content is not None)

    def __str__(self) -> str:
        """Return the answer to be shown: control characters are visible in it. `output_text` has it as it came."""
        return neutralise(self.output_text)

    def _repr_html_(self) -> str:
        return response_html(self)
