"""The answer on stdout, as it comes: each message once, whether it comes whole or in pieces first."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from secgemini.display import markdown, neutralise

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


class Answer:
    """Prints messages as they stand, or on a terminal Markdown block by block, laid out."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._pieces: list[str] = []
        self._page: _Page | None = None
        self._at_line_start = True

    def piece(self, text: str, mime_type: str) -> None:
        """Print a piece of the message that comes, and stay on its line."""
        if self._page is None and self._is_terminal and mime_type == "text/markdown":
            self._page = _Page()
        self._pieces.append(text)
        if self._page is None:
            self._write(text)
        else:
            self._page.add(text)

    def whole(self, text: str, mime_type: str) -> None:
        """Print a whole message, or what its pieces left out of it, and end it."""
        printed = "".join(self._pieces)
        if text.startswith(printed):
            self.piece(text[len(printed) :], mime_type)
        else:  # pieces were lost with a connection: show the message from its start
            self._end()
            self.piece(text, mime_type)
        self._end()

    def _end(self) -> None:
        if self._page is not None:
            self._page.end()
        elif not self._at_line_start:
            self._write("\n")
        self._page = None
        self._pieces = []

    def _write(self, text: str) -> None:
        sys.stdout.write(neutralise(text))
        sys.stdout.flush()
        self._at_line_start = text.endswith("\n") or (self._at_line_start and not text)


class _Page:
    """Markdown on a terminal, laid out a block at a time while the rest is still to come."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
        self._blocks = Blocks()
        self._is_first = True

    def add(self, text: str) -> None:
        for block in self._blocks.add(text):
            self._print(block)

    def end(self) -> None:
        for block in self._blocks.rest():
            self._print(block)

    def _print(self, block: str) -> None:
        if not self._is_first:
            self._console.print()
        self._is_first = False
        self._console.print(markdown(block))


class Blocks:
    """Splits Markdown that comes in pieces at its blank lines, those inside a code fence excepted. Linear."""

    def __init__(self) -> None:
        self._line: list[str] = []  # of the last line, which is not complete
        self._block: list[str] = []  # complete lines of the block that comes
        self._fence = ""  # what opened the code block that it is in

    def add(self, text: str) -> Iterator[str]:
        """Take a piece and yield the blocks that it completes."""
        *ends, tail = text.split("\n")
        for end in ends:
            line = "".join((*self._line, end))
            self._line = []
            if line.strip() or self._fence:
                self._block.append(line)
                self._note_fence(line)
            else:
                yield from self._complete()
        self._line.append(tail)

    def rest(self) -> Iterator[str]:
        """Yield what is left when no more comes."""
        yield from self.add("\n")
        yield from self._complete()

    def _complete(self) -> Iterator[str]:
        if self._block:
            yield "\n".join(self._block)
        self._block = []

    def _note_fence(self, line: str) -> None:
        found = _FENCE.match(line)
        if found is None:
            return
        if not self._fence:
            self._fence = found[1]
        elif found[1].startswith(self._fence) and not line[found.end() :].strip():
            self._fence = ""
