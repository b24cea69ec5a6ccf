"""The pieces (status 206) of a turn's messages: which of them are delivered, and what is missing before the whole.

Pieces have no number and are not stored, so once any can have been missed, those of a kind are ignored until a whole
message of that kind comes as a new one over the link.
"""

from __future__ import annotations

import copy

from secgemini_api.models import Message, MessageType

PIECE = 206
IN_PIECES = (MessageType.RESULT, MessageType.THINKING)


def is_piece(message: Message) -> bool:
    """Tell whether this is a piece of a message that follows whole."""
    return message.status_code == PIECE and message.message_type in IN_PIECES


class Pieces:
    """What was delivered of the messages that are not whole yet, each kind on its own."""

    def __init__(self) -> None:
        self._sent: dict[MessageType, list[str]] = {}
        self._ignored: set[MessageType] = set()

    def take(self, piece: Message) -> bool:
        """Tell whether to deliver this piece, and remember it."""
        if piece.message_type in self._ignored:
            return False
        self._sent.setdefault(piece.message_type, []).append(piece.content or "")
        return True

    def link_lost(self) -> None:
        """Ignore pieces from now on: some of those that belong before them may have been lost with the link."""
        self._ignored.update(IN_PIECES)

    def missing(self, whole: Message, *, from_link: bool) -> list[Message]:
        """Return the piece that makes the pieces delivered so far equal to `whole`; none if nothing is missing.

        A new message from the link says that the next piece of its kind begins another one. After a message from the
        history, its pieces may still be on their way.
        """
        kind = whole.message_type
        if kind not in IN_PIECES:
            return []
        if from_link:
            self._ignored.discard(kind)
        else:
            self._ignored.add(kind)
        sent = "".join(self._sent.pop(kind, ()))
        content = whole.content or ""
        if content == sent or not content.startswith(sent):
            return []
        piece = copy.copy(whole)
        piece.content, piece.status_code, piece.status_message = content[len(sent) :], PIECE, "PARTIAL_CONTENT"
        return [piece]
