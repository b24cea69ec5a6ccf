"""How the messages of a turn are shown: results on stdout, the rest on stderr, or all as one JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answer import Answer
from .terminal import Progress, print_json

if TYPE_CHECKING:
    from secgemini import InteractiveSession, Message

PARTIAL = 206  # status of a message that is a piece of one that follows whole


class TurnView:
    """Takes the messages of one turn in order; `end` when there are no more."""

    def __init__(self, session: InteractiveSession, progress: Progress, *, as_json: bool) -> None:
        self._session = session
        self._progress = progress
        self._answer = None if as_json else Answer()
        self._messages: list[Message] = []

    def show(self, message: Message) -> None:
        """Show a message, or a piece of one; with JSON, say only what goes on."""
        is_piece = message.status_code == PARTIAL
        if message.message_type == "result":
            self._show_result(message, is_piece)
        elif not is_piece and message.content and message.message_type != "error" and message.state != "end":
            self._progress.line(f"{message.message_type}: {message.content}")
        if self._answer is None and not is_piece:
            self._messages.append(message)

    def end(self) -> None:
        """Print the document, if there is to be one: the session, the answer as one text, every message as it came."""
        if self._answer is not None:
            return
        results = [
            message.content for message in self._messages if message.message_type == "result" and message.content
        ]
        print_json(
            {
                "session": {"id": self._session.id, "name": self._session.name},
                "answer": "\n\n".join(results),
                "messages": [message.to_dict() for message in self._messages],
            }
        )

    def _show_result(self, message: Message, is_piece: bool) -> None:
        if self._answer is not None and message.content:
            show = self._answer.piece if is_piece else self._answer.whole
            show(message.content, str(message.mime_type))
