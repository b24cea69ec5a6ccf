"""`secgemini sessions`, `history`, `delete`: what the service keeps of yours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from secgemini.display import is_shortened, print_history

from .connect import connect
from .exits import reported
from .listing import sessions_table
from .options import Debug, Json, SessionId, Timeout
from .terminal import Progress, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDE = 10_000  # columns


def sessions(as_json: Json = False, timeout: Timeout = None, debug: Debug = False) -> int:
    """List your sessions."""
    return reported(lambda: _sessions(as_json, timeout), as_json=as_json, debug=debug)


def history(session_id: SessionId, as_json: Json = False, timeout: Timeout = None, debug: Debug = False) -> int:
    """Print the history of session ID as a tree."""
    return reported(lambda: _history(session_id, as_json, timeout), as_json=as_json, debug=debug)


def delete(session_id: SessionId, as_json: Json = False, timeout: Timeout = None, debug: Debug = False) -> int:
    """Delete session ID, its messages and its files."""
    return reported(lambda: _delete(session_id, as_json, timeout), as_json=as_json, debug=debug)


def _sessions(as_json: bool, timeout: float | None) -> None:
    with connect(timeout) as client:
        found = client.list_sessions()
    if as_json:
        print_json(
            [{"id": session.id, "name": session.name, "num_messages": session.num_messages} for session in found]
        )
    else:
        _print_table(sessions_table(found))


def _print_table(table: RenderableType) -> None:
    """Print to the width of the terminal; in a pipe or a file a session is one line, however long."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDE
    Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=width).print(table)


def _history(session_id: str, as_json: bool, timeout: float | None) -> None:
    with connect(timeout) as client:
        session = client.resume_session(session_id)
    if as_json:
        print_json([message.to_dict() for message in session.messages])
    else:
        print_history(session, sys.stdout)
        if any(is_shortened(message) for message in session.messages):
            Progress().line("messages are shortened here; --json prints all of them")


def _delete(session_id: str, as_json: bool, timeout: float | None) -> None:
    with connect(timeout) as client:
        client.resume_session(session_id).delete()
    if as_json:
        print_json({"deleted": session_id})
    else:
        Progress().line(f"deleted {session_id}")
