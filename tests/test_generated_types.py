"""Type checkers are content with the compiled package and with programs that use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
from secgemini_api import AuthenticatedClient
from secgemini_api.api.sessions import get_session
from secgemini_api.models import Message, MessageType, PublicSession
from secgemini_api.types import Unset


def contents(client: AuthenticatedClient, session_id: str) -> list[str]:
    session = get_session.sync(client=client, session_id=session_id)
    if not isinstance(session, PublicSession):
        return []
    results = [message for message in session.messages if message.message_type is MessageType.RESULT]
    return [message.content or "" for message in results]


def seconds(message: Message) -> int | None:
    return None if isinstance(message.timestamp, Unset) else message.timestamp
"""


def check(*command: str | Path) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


@pytest.mark.slow
def test_mypy_strict_is_content(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert check("mypy", "--strict", "generated/secgemini_api", program) == ""
    wrong = tmp_path / "wrong.py"  # a file of its own: mypy keeps what it found in one of the same size and second
    wrong.write_text(PROGRAM.replace("MessageType, PublicSession", "MessageTypo, PublicSession"))
    assert "MessageTypo" in check("mypy", "--strict", wrong)


@pytest.mark.slow
def test_pyright_is_content(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert check("pyright", "generated/secgemini_api") == ""
    assert check("pyright", "--pythonpath", sys.executable, program) == ""
    program.write_text(PROGRAM.replace("MessageType, PublicSession", "MessageTypo, PublicSession"))
    assert "MessageTypo" in check("pyright", "--pythonpath", sys.executable, program)
