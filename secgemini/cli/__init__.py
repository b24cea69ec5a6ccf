"""The `secgemini` command: data on stdout, all else on stderr, exit codes that mean something.

    ask          one question, its answer streamed as it comes; resume, the rest of one
    sessions     list, read and delete sessions
    listing      the list of them, drawn
    serve        the embedded service, in the foreground
    options      their options, each said once
    inputs       what `ask` is given, checked before anything is sent
    connect      the client that they use
    exits        the exit codes, and how a failure is said
    turn         how the messages of a turn are shown
    answer       the answer on stdout, as it comes
    terminal     where the other lines go
    app          the commands put together

This module imports nothing of it before `main` runs, so that a missing extra is one line and not a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (`argv` without the program's name, default `sys.argv`) and return its exit code."""
    try:
        from .app import run

        return run(sys.argv[1:] if argv is None else argv)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "typer":
            raise
        print('secgemini: the command line needs the extra "cli": pip install "secgemini[cli]"', file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # while it starts, or a second time while it ends
        return 130
