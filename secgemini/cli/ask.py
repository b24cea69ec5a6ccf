"""`secgemini ask` and `resume`: one turn, its answer streamed as it comes."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secgemini.display import file_line, one_line

from .connect import connect
from .exits import Followed, UsageError, reported
from .inputs import check_files, check_logs, check_session, read_prompt
from .options import Debug, Files, Json, Local, Logs, Model, NoLog, Prompt, Quiet, Session, SessionId, Timeout
from .terminal import Progress, retries_shown
from .turn import TurnView

if TYPE_CHECKING:
    from secgemini import InteractiveSession, SecGemini

DEFAULT_MODEL = "sec-gemini-stable"


def ask(
    prompt: Prompt,
    files: Files = None,
    logs: Logs = None,
    local: Local = False,
    as_json: Json = False,
    session: Session = None,
    model: Model = None,
    timeout: Timeout = None,
    no_log: NoLog = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Ask PROMPT and print the answer as it comes.

    The answer goes to standard output, progress to standard error. Without --session a session is made; its id is
    among the progress, and the service deletes it after a day.
    """
    progress = Progress(quiet=quiet)
    followed = Followed()

    def run() -> None:
        check_session(session, local=local, for_new=bool(model or no_log))
        check_files(files or ())
        check_logs(logs or ())
        text = read_prompt(prompt)
        with retries_shown(progress), _client(local, timeout) as client:
            _check_logs_address(client, logs or ())
            if session:
                opened = client.resume_session(session)
            else:
                opened = client.create_session(enable_logging=not no_log, model=model or DEFAULT_MODEL)
                progress.line(f"session {opened.id} ({one_line(opened.name)})")
            _attach(opened, files or (), logs or (), progress)
            view = TurnView(opened, progress, as_json=as_json)
            followed.session_id = "" if local else opened.id
            with opened.stream_sync(text, partial=not as_json, timeout=timeout) as stream:
                for message in stream:
                    view.show(message)
            view.end()
            if not (local or session):
                progress.line(f"go on with: secgemini ask --session {shlex.quote(opened.id)} …")

    return reported(run, as_json=as_json, debug=debug, followed=followed)


def _client(local: bool, timeout: float | None) -> SecGemini:
    from secgemini import SecGemini

    if local:
        return SecGemini.local()
    return connect(timeout, instead=", or use --local: the embedded service needs none")


def _check_logs_address(client: SecGemini, logs: Sequence[Path]) -> None:
    if logs and not client.logs_url:
        raise UsageError("no address of the logs processor", hint="set SEC_GEMINI_LOGS_PROCESSOR_API_URL")


def _attach(session: InteractiveSession, files: Sequence[Path], logs: Sequence[Path], progress: Progress) -> None:
    for path in files:
        progress.line(f"attached {file_line(session.attach_file_from_disk(path))}")
    for path in logs:
        session.attach_logs(path)
        progress.line(f"attached log {one_line(path.name)}")


def resume(
    session_id: SessionId, as_json: Json = False, timeout: Timeout = None, quiet: Quiet = False, debug: Debug = False
) -> int:
    """Print the last turn of session ID, and what is to come.

    It begins with the turn's first message. For an answer that was interrupted here: the service goes on working on it.
    """
    progress = Progress(quiet=quiet)
    followed = Followed()

    def run() -> None:
        with retries_shown(progress), connect(timeout) as client:
            opened = client.resume_session(session_id)
            view = TurnView(opened, progress, as_json=as_json)
            followed.session_id = opened.id
            asyncio.run(_follow(opened, view, timeout))
            view.end()

    return reported(run, as_json=as_json, debug=debug, followed=followed)


async def _follow(session: InteractiveSession, view: TurnView, timeout: float | None) -> None:  # noqa: ASYNC109
    async with session.resume(partial=True, timeout=timeout) as stream:
        async for message in stream:
            view.show(message)
