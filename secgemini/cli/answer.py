"""The answer on stdout, as it comes: each message once, whether it comes whole or in pieces first."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from secgemini.display import markdown, neutralise

INDENT = 2  # columns that the rest of a wrapped line stands further right

_WORD = re.compile(r"[^ ]+ *")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


class Answer:
    """Prints messages as they stand; on a terminal Markdown block by block, other text line by line, laid out."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._pieces: list[str] = []
        self._page: _Page | None = None
        self._at_line_start = True

    def piece(self, text: str, mime_type: str) -> None:
        """Print a piece of the message that comes, and stay on its line."""
        if self._page is None and self._is_terminal:
            self._page = _Page(is_markdown=mime_type == "text/markdown")
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
    """Text on a terminal, laid out a part at a time while the rest is still to come: a block of Markdown, or a line."""

    def __init__(self, *, is_markdown: bool) -> None:
        from rich.console import Console

        self._console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
        self._parts = Blocks() if is_markdown else Lines()
        self._print = self._print_block if is_markdown else self._print_line
        self._is_first = True

    def add(self, text: str) -> None:
        for part in self._parts.add(text):
            self._print(part)

    def end(self) -> None:
        for part in self._parts.rest():
            self._print(part)

    def _print_block(self, block: str) -> None:
        if not self._is_first:
            self._console.print()
        self._is_first = False
        self._console.print(markdown(block))

    def _print_line(self, line: str) -> None:
        for part in wrapped(line, self._console.width):
            self._console.print(part, soft_wrap=True)


def wrapped(line: str, width: int) -> Iterator[str]:
    """Yield a line, neutralised, in parts of at most `width` columns, cut between words and indented after the first.

    A word that is wider stays whole: the terminal cuts it, and what is copied from there is whole. Linear.
    """
    from rich.cells import cell_len

    text = neutralise(line).expandtabs()
    bare = text.lstrip(" ")
    lead = min(len(text) - len(bare), width // 3)
    part, used = [" " * lead], lead
    for word in _WORD.findall(bare):
        if len(part) > 1 and used + cell_len(word.rstrip(" ")) > width:
            yield "".join(part).rstrip(" ")
            part, used = [" " * (lead + INDENT)], lead + INDENT
        part.append(word)
        used += cell_len(word)
    yield "".join(part).rstrip(" ")


class Lines:
    """Splits text that comes in pieces at its line ends, LF or CR LF. Linear."""

    def __init__(self) -> None:
        self._line: list[str] = []  # of the last line, which is not complete

    def add(self, text: str) -> Iterator[str]:
        """Take a piece and yield the lines that it completes."""
        *ends, tail = text.split("\n")
        for end in ends:
            yield "".join((*self._line, end)).removesuffix("\r")
            self._line = []
        self._line.append(tail)

    def rest(self) -> Iterator[str]:
        """Yield the last line when no more comes, unless it is empty."""
        line = "".join(self._line)
        self._line = []
        if line:
            yield line


class Blocks:
    """Splits Markdown that comes in pieces at its blank lines, those inside a code fence excepted. Linear."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._block: list[str] = []  # complete lines of the block that comes
        self._fence = ""  # what opened the code block that it is in

    def add(self, text: str) -> Iterator[str]:
        """Take a piece and yield the blocks that it completes."""
        for line in self._lines.add(text):
            if line.strip() or self._fence:
                self._block.append(line)
                self._note_fence(line)
            else:
                yield from self._complete()

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
