"""`secgemini ask` and `resume`: one turn, its answer streamed as it comes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secgemini.display import file_line, one_line

from .connect import connect
from .exits import UsageError, reported
from .terminal import Progress
from .turn import TurnView

if TYPE_CHECKING:
    from secgemini import InteractiveSession, SecGemini

_LOCAL = "Use the embedded service: no key, no network."
_TIMEOUT = "Seconds that the answer may take."


def ask(
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What to ask; - reads it from standard input.", show_default=False)
    ],
    file: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, metavar="PATH", help="Attach a file; repeat for more."
        ),
    ] = None,
    logs: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, readable=True, metavar="PATH", help="Attach a log; repeat for more."),
    ] = None,
    local: Annotated[bool, typer.Option("--local", help=_LOCAL)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    session: Annotated[str, typer.Option(metavar="ID", help="Go on in this session.", show_default=False)] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="The model of a new session.")] = "sec-gemini-stable",
    timeout: Annotated[float | None, typer.Option(metavar="S", min=0.001, help=_TIMEOUT, show_default=False)] = None,
    no_log: Annotated[bool, typer.Option("--no-log", help="Ask the service not to log the session.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Ask PROMPT and print the answer as it comes.

    The answer goes to standard output, progress to standard error. Without --session a session is made; its id is
    among the progress, and the service deletes it after a day.
    """
    progress = Progress(quiet=quiet)

    def run() -> None:
        if local and session:
            raise UsageError("--local starts a new service, which knows no session", hint="leave out --session")
        text = _read_prompt(prompt)
        with _client(local, timeout) as client:
            if session:
                opened = client.resume_session(session)
            else:
                opened = client.create_session(enable_logging=not no_log, model=model)
                progress.line(f"session {opened.id} ({one_line(opened.name)})")
            _attach(opened, file or (), logs or (), progress)
            view = TurnView(opened, progress, as_json=as_json)
            with opened.stream_sync(text, partial=not as_json, timeout=timeout) as stream:
                for message in stream:
                    view.show(message)
            view.end()
            if not (local or session):
                progress.line(f"go on with: secgemini ask --session {opened.id} …")

    return reported(run, as_json=as_json, debug=debug)


def _read_prompt(argument: str) -> str:
    prompt = sys.stdin.read() if argument == "-" else argument
    if not prompt.strip():
        raise UsageError("the prompt is empty", hint="say what to ask")
    return prompt


def _client(local: bool, timeout: float | None) -> SecGemini:
    from secgemini import SecGemini

    if local:
        return SecGemini.local()
    return connect(timeout, instead=", or use --local: the embedded service needs none")


def _attach(session: InteractiveSession, files: Sequence[Path], logs: Sequence[Path], progress: Progress) -> None:
    for path in files:
        progress.line(f"attached {file_line(session.attach_file_from_disk(path))}")
    for path in logs:
        session.attach_logs(path)
        progress.line(f"attached log {one_line(path.name)}")


def resume(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session's id.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
    timeout: Annotated[float | None, typer.Option(metavar="S", min=0.001, help=_TIMEOUT, show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Print the last turn of session ID from its beginning, and what is still to come of it.

    For an answer that was interrupted here: the service goes on working on it.
    """

    def run() -> None:
        with connect(timeout) as client:
            opened = client.resume_session(session_id)
            view = TurnView(opened, Progress(quiet=quiet), as_json=as_json)
            asyncio.run(_follow(opened, view, timeout))
            view.end()

    return reported(run, as_json=as_json, debug=debug)


async def _follow(session: InteractiveSession, view: TurnView, timeout: float | None) -> None:  # noqa: ASYNC109
    async with session.resume(partial=True, timeout=timeout) as stream:
        async for message in stream:
            view.show(message)
