"""Where lines go: data to stdout, progress to stderr; everything neutralised, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from secgemini.display import neutralise


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


def _print_styled(text: str, file: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(file=file, markup=False, highlight=False, emoji=False).print(Text(text, style="dim"), soft_wrap=True)
