"""`secgemini sessions`, `history`, `delete`: what the service keeps of yours."""

from __future__ import annotations

import sys

from secgemini.display import print_history, sessions_table

from .connect import connect
from .exits import reported
from .options import Debug, Json, SessionId
from .terminal import Progress, print_json


def sessions(as_json: Json = False, debug: Debug = False) -> int:
    """List your sessions."""
    return reported(lambda: _sessions(as_json), as_json=as_json, debug=debug)


def history(session_id: SessionId, as_json: Json = False, debug: Debug = False) -> int:
    """Print the history of session ID as a tree."""
    return reported(lambda: _history(session_id, as_json), as_json=as_json, debug=debug)


def delete(session_id: SessionId, as_json: Json = False, debug: Debug = False) -> int:
    """Delete session ID, its messages and its files."""
    return reported(lambda: _delete(session_id, as_json), as_json=as_json, debug=debug)


def _sessions(as_json: bool) -> None:
    from rich.console import Console

    with connect() as client:
        found = client.list_sessions()
    if as_json:
        print_json(
            [{"id": session.id, "name": session.name, "num_messages": session.num_messages} for session in found]
        )
    else:
        Console(file=sys.stdout, markup=False, highlight=False, emoji=False).print(sessions_table(found))


def _history(session_id: str, as_json: bool) -> None:
    with connect() as client:
        session = client.resume_session(session_id)
    if as_json:
        print_json([message.to_dict() for message in session.messages])
    else:
        print_history(session, sys.stdout)


def _delete(session_id: str, as_json: bool) -> None:
    with connect() as client:
        client.resume_session(session_id).delete()
    if as_json:
        print_json({"deleted": session_id})
    else:
        Progress().line(f"deleted {session_id}")
