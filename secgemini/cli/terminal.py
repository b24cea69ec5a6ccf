"""Where lines go: data to stdout, progress to stderr; everything neutralised, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from secgemini.display import markdown, neutralise


def make_writable() -> None:
    """Let stdout and stderr show what their encoding cannot express as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def as_json(document: object) -> str:
    """Write a JSON document in ASCII: no character in it can act on a terminal."""
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f")


def print_json(document: object) -> None:
    """Print one JSON document to stdout."""
    print(as_json(document))


class Progress:
    """Lines about what goes on, dim, on stderr. `quiet` drops them."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty()

    def line(self, text: str) -> None:
        """Print one line (or several), neutralised."""
        if self._quiet:
            return
        if not self._is_terminal:
            print(neutralise(text), file=sys.stderr, flush=True)
            return
        _print_styled(neutralise(text), sys.stderr)


class Answer:
    """The answer on stdout, as it comes: whole messages, each of which pieces may have announced."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._pieces: list[str] = []

    def piece(self, text: str) -> None:
        """Print a piece of the message that comes, and stay on its line."""
        self._pieces.append(text)
        _write(text)

    def whole(self, text: str, mime_type: str) -> None:
        """Print a whole message, or what its pieces left out of it.

        Without pieces, Markdown is laid out when stdout is a terminal.
        """
        printed, self._pieces = "".join(self._pieces), []
        if printed and text.startswith(printed):
            _write(text[len(printed) :] + ("" if text.endswith("\n") else "\n"))
            return
        if printed:  # pieces were lost with a connection: show the message from its start
            _write("\n")
        if self._is_terminal and mime_type == "text/markdown":
            _print_markdown(text)
        else:
            _write(text if text.endswith("\n") else text + "\n")


def _write(text: str) -> None:
    sys.stdout.write(neutralise(text))
    sys.stdout.flush()


def _print_styled(text: str, file: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(file=file, markup=False, highlight=False, emoji=False).print(Text(text, style="dim"), soft_wrap=True)


def _print_markdown(text: str) -> None:
    from rich.console import Console

    Console(file=sys.stdout, markup=False, highlight=False, emoji=False).print(markdown(text))
