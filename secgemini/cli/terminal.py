"""Where lines go: data to stdout, progress to stderr; everything neutralised, colours only on a terminal."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from secgemini.display import neutralise, one_line


def secure_streams() -> None:
    """Make the standard streams usable: what is closed goes nowhere, what an encoding cannot express is escaped."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # print(file=None) would write to stdout
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # open until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def as_json(document: object) -> str:
    """Write a JSON document in ASCII: no character in it can act on a terminal."""
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f")


def print_json(document: object) -> None:
    """Print one JSON document to stdout."""
    print(as_json(document))


@contextmanager
def log_lines(level: int, *, tracebacks: bool) -> Iterator[None]:
    """Show this package's log records from `level` on as lines on stderr, neutralised, for as long as it is open."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(LogLine(tracebacks=tracebacks))
    with _listening(handler):
        yield


@contextmanager
def retries_shown(progress: Progress) -> Iterator[None]:
    """Show what the client tries again, and when, as progress for as long as it is open."""
    handler = _ProgressHandler(progress)
    with _listening(handler):
        logger = logging.getLogger("secgemini")
        before = logger.level
        if not logger.isEnabledFor(logging.INFO):
            logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.setLevel(before)


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    logger = logging.getLogger("secgemini")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _ProgressHandler(logging.Handler):
    """Says records of the level INFO, which are the retries, as progress."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.INFO)
        self.addFilter(lambda record: record.levelno == logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self._progress.line(record.getMessage())


class LogLine(logging.Formatter):
    """One line a record: what an exception says and, if asked for, where it came from."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text that is safe to print."""
        error = record.exc_info[1] if record.exc_info else None
        said = f"secgemini: {record.getMessage()}" + (f": {type(error).__name__}: {error}" if error else "")
        if self._tracebacks and record.exc_info:
            return f"{one_line(said)}\n{neutralise(self.formatException(record.exc_info))}"
        return one_line(said)


class Progress:
    """Lines about what goes on, dim, on stderr. `quiet` drops them."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty()

    def line(self, text: str) -> None:
        """Print one line, neutralised: a newline in a file's name or a message begins none."""
        if self._quiet:
            return
        if not self._is_terminal:
            print(one_line(text), file=sys.stderr, flush=True)
            return
        _print_styled(one_line(text), sys.stderr)


def _print_styled(text: str, file: TextIO) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(file=file, markup=False, highlight=False, emoji=False).print(Text(text, style="dim"), soft_wrap=True)
