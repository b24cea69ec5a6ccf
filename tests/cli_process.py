"""The command line in this process, or as one of its own: on a pipe or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from secgemini.cli import main

COMMAND = [sys.executable, "-m", "secgemini.cli"]
CHECKED = [sys.executable, str(Path(__file__).with_name("checked_serve.py"))]  # the same; `serve` checks its answers
Capture = pytest.CaptureFixture[str]
PATIENCE = 60.0  # seconds after which a process that should have said something hangs


def controls(text: str) -> list[str]:
    """Return the characters of a text that act on a terminal or hide."""
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t"]


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port


def environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return this process's environment with changes; None takes a variable out."""
    merged = {**os.environ, **{name: value for name, value in changes.items() if value is not None}}
    return {name: value for name, value in merged.items() if changes.get(name, "") is not None}


class Run:
    """What one run of the command printed, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        capsys.readouterr()
        self.code = main(arguments)
        self.out, self.err = capsys.readouterr()

    @property
    def document(self) -> dict[str, object]:
        """The one JSON document on stdout."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


def check_one_line(run: Run, code: int, start: str) -> None:
    """The error is one line on stderr, the last one, and nothing is on stdout."""
    assert run.code == code
    assert run.out == ""
    assert run.err.splitlines()[-1].startswith(start)
    assert "Traceback" not in run.err


@contextmanager
def running(*arguments: str, **changes: str | None) -> Iterator[subprocess.Popen[str]]:
    """Run the command with pipes; afterwards it has ended, by itself or not."""
    process = subprocess.Popen(
        [*(CHECKED if arguments[:1] == ("serve",) else COMMAND), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(changes),
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def on_terminal(*arguments: str, columns: int = 80, **changes: str | None) -> tuple[int, str]:
    """Run the command on a terminal of its own and return its exit code and all it wrote there."""
    ours, theirs = pty.openpty()
    env = environment({"TERM": "xterm-256color", "COLUMNS": str(columns), "NO_COLOR": None, **changes})
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    written = b""
    try:
        while select.select([ours], [], [], PATIENCE)[0]:
            try:
                written += os.read(ours, 65536)
            except OSError:  # the other end is closed: the process has ended
                break
        return process.wait(PATIENCE), written.decode()
    finally:
        os.close(ours)
        process.kill()
        process.wait()
