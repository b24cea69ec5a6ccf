"""Exit codes, and how a failure is said: one line on stderr, or with `--json` one document on stdout."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from secgemini.display import neutralise, one_line
from secgemini.errors import (
    APIConnectionError,
    ApiKeyError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    SecGeminiError,
    StreamError,
)

from .terminal import log_lines, print_json


class Exit(IntEnum):
    """What the exit code of the command says. The names are for readers; scripts compare the numbers."""

    OK = 0
    FAILED = 1  # the service said no, or the turn failed
    USAGE = 2  # called wrongly: an option, a file, a setting or a prompt that cannot be used
    KEY = 3  # no key, a wrong key, or one that may not do this
    NOT_FOUND = 4  # no such session
    UNREACHABLE = 5  # no connection, a connection that was lost, or no answer in time
    INTERRUPTED = 130  # Ctrl-C
    READER_GONE = 141  # the program that read the output went away


HELP = """\b
Exit codes:
  0    done
  1    the service refused, or the turn failed
  2    called wrongly: an option, a file, a setting or a prompt that cannot be used
  3    no key, a wrong key, or one that may not do this
  4    no such session
  5    no connection, a connection that was lost, or no answer in time
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


SERVE_HELP = """\b
Exit codes:
  0    ended with Ctrl-C or SIGTERM
  1    failed while it ran
  2    called wrongly: a port, a key file, an engine, a rule that cannot be used
  3    what SEC_GEMINI_API_KEY has cannot be a key

\b
On SIGHUP it reads the files of --faults again; all rules start anew. When one
of them is wrong it says so, and the rules stay as they were.

\b
Environment:
  SEC_GEMINI_API_KEY  the keys of clients, when there is no --key-file
  SEC_GEMINI_DEBUG    1: show tracebacks
"""

# What the hints of the library say to a programmer, and what it is on the command line. {session} is the id of the
# session whose turn was followed.
_SAID_HERE = (
    ("resume() rejoins it, history() shows what is stored", "secgemini resume {session}"),
    ("see history()", "secgemini history {session}"),
    ("list_sessions() shows", "secgemini sessions shows"),
    ("timeout= sets it", "--timeout sets it"),
    ("; SecGemini.local() needs none", ""),
    ("pass api_key=… or set SEC_GEMINI_API_KEY", "set SEC_GEMINI_API_KEY"),
    ("SEC_GEMINI_API_KEY or api_key=", "SEC_GEMINI_API_KEY"),
    ("pass logs_url=… or set SEC_GEMINI_LOGS", "set SEC_GEMINI_LOGS"),
    ('verify= takes a CA file, "system" or an ssl.SSLContext', "SSL_CERT_FILE takes a file of CA certificates"),
    ("proxy= or the environment names it", "the environment names it"),
    ("proxy= and the environment take", "the environment takes"),
    ("check proxy= and the environment's proxies", "check the environment's proxies"),
    ("use headers= or proxy=", "leave them out"),
    ("max_frame_bytes sets it", "the command line cannot raise it"),
    ("Limits(max_messages=…) sets the limit", "the command line cannot raise it"),
    ("base_url", "SEC_GEMINI_API_HTTP_URL"),
    ("websocket_url", "SEC_GEMINI_API_WEBSOCKET_URL"),
    ("logs_url", "SEC_GEMINI_LOGS_PROCESSOR_API_URL"),
)


@dataclass(slots=True)
class Followed:
    """The session whose turn a command follows, "" while there is none that `secgemini resume` could go on with."""

    session_id: str = ""


class UsageError(SecGeminiError):
    """The command was called in a way that cannot work."""


_EXPECTED = (SecGeminiError, ValueError, OSError)


def exit_code(error: Exception) -> Exit:
    """Return the exit code that stands for an error."""
    match error:
        case ApiKeyError() | AuthenticationError() | PermissionDeniedError():
            return Exit.KEY
        case NotFoundError():
            return Exit.NOT_FOUND
        case APIConnectionError() | StreamError(lost_link=True):
            return Exit.UNREACHABLE
        case UsageError() | ConfigurationError() | ValueError():
            return Exit.USAGE
        case FileNotFoundError() | IsADirectoryError() | PermissionError():
            return Exit.USAGE
        case _:
            return Exit.FAILED


def error_line(error: Exception, session_id: str = "") -> str:
    """Return what is printed for an error: its class, what happened, what to do; neutralised."""
    bug = "" if isinstance(error, _EXPECTED) else " (a bug of secgemini; SEC_GEMINI_DEBUG=1 shows where)"
    hint = _hint(error, session_id)
    said = _message(error) + (f" ({hint})" if hint else "")
    request_id = getattr(error, "request_id", "")
    request = f" [request {request_id}]" if request_id else ""
    return f"secgemini: {type(error).__name__}: {one_line(said + request)}{bug}"


def error_document(error: Exception, session_id: str = "") -> dict[str, object]:
    """Return what `--json` prints for an error: `{"error": {type, message, hint, exit_code, …}}`."""
    document: dict[str, object] = {
        "type": type(error).__name__,
        "message": _message(error),
        "hint": _hint(error, session_id),
        "exit_code": int(exit_code(error)),
        "retryable": bool(getattr(error, "retryable", False)),
    }
    for name in ("status_code", "operation", "request_id", "retry_after"):
        value = getattr(error, name, None)
        if value:
            document[name] = value
    return {"error": document}


def _message(error: Exception) -> str:
    """Return what happened. Only what the library says of its settings is its own words alone, and said as here."""
    message = getattr(error, "message", "") or str(error)
    return _said_here(message) if isinstance(error, ConfigurationError) else message


def _hint(error: Exception, session_id: str) -> str:
    said = _said_here(getattr(error, "hint", ""))
    if "{session}" in said and not session_id:
        return ""  # the service ended with the command, and the turn with it
    return said.replace("{session}", shlex.quote(session_id))


def _said_here(text: str) -> str:
    for in_python, here in _SAID_HERE:
        text = text.replace(in_python, here)
    return text


def reported(
    command: Callable[[], None],
    *,
    as_json: bool = False,
    debug: bool = False,
    log: int = logging.CRITICAL,
    followed: Followed | None = None,
) -> int:
    """Run a command; say its failure as the user asked for it and return the exit code.

    `log` is the least level of this package's log records that are worth a line of their own on stderr. `followed` is
    kept by a command that follows a turn, so that an interruption tells how to go on with it.
    """
    debug = debug or bool(os.environ.get("SEC_GEMINI_DEBUG"))
    followed = followed or Followed()
    try:
        with log_lines(logging.WARNING if debug else log, tracebacks=debug):
            command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("secgemini: interrupted", file=sys.stderr)
        if followed.session_id:
            print(f"go on with: secgemini resume {one_line(shlex.quote(followed.session_id))}", file=sys.stderr)
        return Exit.INTERRUPTED
    except Exception as error:
        if debug and not isinstance(error, BrokenPipeError):
            print(neutralise(traceback.format_exc()), file=sys.stderr)
        return refused(error, as_json=as_json, session_id=followed.session_id)
    return Exit.OK


def refused(error: Exception, *, as_json: bool, session_id: str = "") -> int:
    """Say an error, as one line or as a document, and return its exit code."""
    if isinstance(error, BrokenPipeError):
        return reader_gone()
    if not as_json:
        print(error_line(error, session_id), file=sys.stderr)
    try:
        if as_json:
            print_json(error_document(error, session_id))
        sys.stdout.flush()
    except BrokenPipeError:
        return reader_gone()
    except OSError as failed:  # a full disk
        _drop_output()
        if as_json:
            print(error_line(failed), file=sys.stderr)
    return exit_code(error)


def reader_gone() -> int:
    """Write no more, because nobody reads; return the exit code for it."""
    _drop_output()
    return Exit.READER_GONE


def _drop_output() -> None:
    """Point stdout at nothing, so that Python's own flush at exit does not fail a second time."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
