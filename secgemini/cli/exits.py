"""Exit codes, and how a failure is said: one line on stderr, or with `--json` one document on stdout."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

from secgemini.display import neutralise, one_line
from secgemini.errors import (
    APIConnectionError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    SecGeminiError,
)

from .terminal import log_lines, print_json


class Exit(IntEnum):
    """What the exit code of the command says. The names are for readers; scripts compare the numbers."""

    OK = 0
    FAILED = 1  # the service said no, or the turn failed
    USAGE = 2  # the command was called wrongly: an option, a file that is not there, an empty prompt
    KEY = 3  # no key, a wrong key, or one that may not do this
    NOT_FOUND = 4  # no such session
    UNREACHABLE = 5  # no connection, or no answer in time
    INTERRUPTED = 130  # Ctrl-C
    READER_GONE = 141  # the program that read the output went away


HELP = """\b
Exit codes:
  0    done
  1    the service refused, or the turn failed
  2    called wrongly: options, a file that is not there, an empty prompt
  3    no key, a wrong key, or one that may not do this
  4    no such session
  5    no connection, or no answer in time
  130  interrupted with Ctrl-C
  141  the reader of the output went away

\b
Environment:
  SEC_GEMINI_API_KEY                 the key; never an argument
  SEC_GEMINI_API_HTTP_URL            the service's address
  SEC_GEMINI_API_WEBSOCKET_URL       its WebSocket address, when it differs
  SEC_GEMINI_LOGS_PROCESSOR_API_URL  the address of the logs processor
  SEC_GEMINI_DEBUG                   1: show tracebacks
  NO_COLOR                           no colours
"""


class UsageError(SecGeminiError):
    """The command was called in a way that cannot work."""


_EXPECTED = (SecGeminiError, ValueError, OSError)


def exit_code(error: Exception) -> Exit:
    """Return the exit code that stands for an error."""
    match error:
        case ConfigurationError() | AuthenticationError() | PermissionDeniedError():
            return Exit.KEY
        case NotFoundError():
            return Exit.NOT_FOUND
        case APIConnectionError():
            return Exit.UNREACHABLE
        case UsageError() | ValueError() | FileNotFoundError() | IsADirectoryError() | PermissionError():
            return Exit.USAGE
        case _:
            return Exit.FAILED


def error_line(error: Exception) -> str:
    """Return what is printed for an error: its class, what happened, what to do; neutralised."""
    bug = "" if isinstance(error, _EXPECTED) else " (a bug of secgemini; SEC_GEMINI_DEBUG=1 shows where)"
    return f"secgemini: {type(error).__name__}: {one_line(str(error))}{bug}"


def error_document(error: Exception) -> dict[str, object]:
    """Return what `--json` prints for an error: `{"error": {type, message, hint, exit_code, …}}`."""
    document: dict[str, object] = {
        "type": type(error).__name__,
        "message": getattr(error, "message", "") or str(error),
        "hint": getattr(error, "hint", ""),
        "exit_code": int(exit_code(error)),
        "retryable": bool(getattr(error, "retryable", False)),
    }
    for name in ("status_code", "operation", "request_id", "retry_after"):
        value = getattr(error, name, None)
        if value:
            document[name] = value
    return {"error": document}


def reported(
    command: Callable[[], None], *, as_json: bool = False, debug: bool = False, log: int = logging.CRITICAL
) -> int:
    """Run a command; say its failure as the user asked for it and return the exit code.

    `log` is the least level of this package's log records that are worth a line of their own on stderr.
    """
    debug = debug or bool(os.environ.get("SEC_GEMINI_DEBUG"))
    try:
        with log_lines(logging.WARNING if debug else log, tracebacks=debug):
            command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("secgemini: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        if debug:
            print(neutralise(traceback.format_exc()), file=sys.stderr)
        return refused(error, as_json=as_json)
    return Exit.OK


def refused(error: Exception, *, as_json: bool) -> int:
    """Say an error, as one line or as a document, and return its exit code."""
    if not as_json:
        print(error_line(error), file=sys.stderr)
    try:
        if as_json:
            print_json(error_document(error))
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_gone()
    except OSError as failed:  # a full disk
        _drop_output()
        if as_json:
            print(error_line(failed), file=sys.stderr)
    return exit_code(error)


def _reader_gone() -> int:
    _drop_output()
    return Exit.READER_GONE


def _drop_output() -> None:
    """Point stdout at nothing, so that Python's own flush at exit does not fail a second time."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
