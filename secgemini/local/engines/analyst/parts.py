"""What a reader makes of a file: passages of text, inner files, facts and notes; and the limits it works within."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .kinds import Kind
from .logsummary import LogSummary

MEBIBYTE = 1 << 20
_LONGEST_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class Document:
    """A file or a part of one. `name` is the sender's text: it is shown, never opened."""

    name: str
    content: bytes
    mime_type: str
    label: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Text to search, and where it stands in its file (`page 2`, `header From`).

    `numbered` says whether line numbers mean something there; `lines` are the numbers when they are not 1, 2, 3, …
    """

    text: str
    where: tuple[str, ...] = ()
    numbered: bool = True
    kinds: Collection[Kind] = frozenset(Kind)
    lines: Sequence[int] | None = None

    def line(self, counted: int) -> int | None:
        """Return the number of a line, of which it is the `counted`th here."""
        if not self.numbered:
            return None
        return counted if self.lines is None else self.lines[counted - 1]


@dataclass(frozen=True, slots=True)
class Inner:
    """A file inside the file: an attachment, an archive entry, something decoded.

    `is_file` is False for a part that was never a file of its own, such as the text of an e-mail.
    """

    name: str
    content: bytes
    where: tuple[str, ...] = ()
    is_file: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a file says of itself: its subject, its number of pages."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to look at, or something that was left out and why."""

    text: str


Part = Passage | Inner | Fact | Note | LogSummary


def short_name(name: str) -> str:
    """Cut a name that is too long, in its middle: it is said with all that is found there, and its suffix matters."""
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}…{name[-half:]}"


@dataclass(slots=True)
class Budget:
    """How much may be done for one attached file, with everything that is inside it. Sizes are bytes.

    The defaults keep the worst files that were tried below twenty seconds of processor time; what is left out is said
    in the answer.
    """

    text: int = 8 * MEBIBYTE  # text that is read (characters)
    searched: int = 8 * MEBIBYTE  # text that is searched: what was read, and names, headers and links
    expanded: int = 64 * MEBIBYTE  # everything unpacked and decoded
    entry: int = 16 * MEBIBYTE  # one unpacked entry
    entries: int = 1000  # inner files
    ratio: int = 200  # unpacked / packed, above one mebibyte
    depth: int = 6  # files in files
    pages: int = 200
    work: int = 35_000_000  # of libraries that have no limit of their own (calls)
    spent: set[str] = field(default_factory=set)

    def clip(self, text: str) -> tuple[str, bool]:
        """Return as much of `text` as may still be read, and whether that is less than all of it."""
        kept = text[: self.text]
        self.text -= len(kept)
        return kept, len(kept) < len(text)

    def clip_search(self, text: str) -> tuple[str, bool]:
        """Return as much of `text` as may still be searched, and whether that is less than all of it."""
        kept = text[: self.searched]
        self.searched -= len(kept)
        return kept, len(kept) < len(text)

    def room(self) -> int:
        """Return how many bytes the next entry may have when it is unpacked."""
        return max(0, min(self.entry, self.expanded))

    def spend(self, size: int) -> None:
        """Count what was unpacked and is no inner file: a part of the file itself, or what was damaged in the end."""
        self.expanded = max(0, self.expanded - size)

    def take(self, size: int) -> bool:
        """Count one inner file of `size` bytes; False when the file holds too many or too much."""
        if self.entries <= 0 or size > self.expanded:
            return False
        self.entries -= 1
        self.expanded -= size
        return True

    def first(self, what: str) -> bool:
        """Tell whether `what` happens for the first time, so that a limit is reported once."""
        if what in self.spent:
            return False
        self.spent.add(what)
        return True
