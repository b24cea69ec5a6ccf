"""What `ask` is given, checked before anything is sent: what cannot be used leaves no session behind.

The paths are there and are no directories: the options see to that.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from .exits import UsageError


def read_prompt(argument: str) -> str:
    """Return the prompt; `-` reads it from standard input, where bytes that are no UTF-8 become visible escapes.

    Raises:
        UsageError: it is empty, or an argument that is not UTF-8.
    """
    prompt = sys.stdin.read() if argument == "-" else argument
    if not prompt.strip():
        raise UsageError("the prompt is empty", hint="say what to ask")
    if not _is_utf8(prompt):
        raise UsageError("the prompt is not UTF-8", hint="convert it, or give it on standard input: ask -")
    return prompt


def check_session(session: str | None, *, local: bool, for_new: bool) -> None:
    """Refuse an id that is empty, as a variable of the shell that is not set: it must not start a new session.

    Raises:
        UsageError: it is empty, or there are options beside it (`local`, `for_new`) that would be ignored.
    """
    if session is None:
        return
    if not session.strip():
        raise UsageError("--session is empty", hint="is its variable set? without --session a new one is made")
    if local:
        raise UsageError("--local starts a new service, which knows no session", hint="leave out --session")
    if for_new:
        raise UsageError("--model and --no-log are for a new session", hint="leave out --session, or them")


def check_files(paths: Sequence[Path]) -> None:
    """Refuse what cannot be attached as a file.

    Raises:
        UsageError: it is no regular file, or its name, which goes to the service, is not UTF-8.
    """
    for path in paths:
        _check_regular(path)
        if not _is_utf8(path.name):
            raise UsageError(f"the name of the file {path} is not UTF-8", hint="attach a copy under another name")


def check_logs(paths: Sequence[Path]) -> None:
    """Refuse what cannot be attached as a log.

    Raises:
        UsageError: it is no regular file, or empty.
    """
    for path in paths:
        _check_regular(path)
        if not path.stat().st_size:
            raise UsageError(f"the log {path} is empty", hint="leave it out")


def _check_regular(path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"{path} is no regular file", hint="write its content to a file and attach that")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
