"""`secgemini ask`: one question, its answer streamed as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secgemini.display import file_line, one_line

from .answer import Answer
from .exits import UsageError, reported
from .terminal import Progress, print_json

if TYPE_CHECKING:
    from secgemini import InteractiveSession, Message, SecGemini

PARTIAL = 206  # status of a message that is a piece of one that follows whole
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
            turn = Turn(opened, text, timeout)
            if as_json:
                print_json(turn.document(progress))
            else:
                turn.print(progress)
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

    return SecGemini.local() if local else SecGemini(timeout=timeout)


def _attach(session: InteractiveSession, files: Sequence[Path], logs: Sequence[Path], progress: Progress) -> None:
    for path in files:
        progress.line(f"attached {file_line(session.attach_file_from_disk(path))}")
    for path in logs:
        session.attach_logs(path)
        progress.line(f"attached log {one_line(path.name)}")


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt in a session, and how its messages are shown. `timeout` is in seconds, for the turn as a whole."""

    session: InteractiveSession
    prompt: str
    timeout: float | None

    def print(self, progress: Progress) -> None:
        """Print the results to stdout as they come, piece by piece where the service sends pieces."""
        answer = Answer()
        for message in self._messages(progress, partial=True):
            if message.message_type != "result" or not message.content:
                continue
            show = answer.piece if message.status_code == PARTIAL else answer.whole
            show(message.content, str(message.mime_type))

    def document(self, progress: Progress) -> dict[str, object]:
        """Return what `--json` prints: the session, the answer as one text, and every message as it came."""
        messages = list(self._messages(progress, partial=False))
        results = [message.content for message in messages if message.message_type == "result" and message.content]
        return {
            "session": {"id": self.session.id, "name": self.session.name},
            "answer": "\n".join(results),
            "messages": [message.to_dict() for message in messages],
        }

    def _messages(self, progress: Progress, *, partial: bool) -> Iterator[Message]:
        """Yield the messages in order, after saying on stderr what is not part of the answer."""
        with self.session.stream_sync(self.prompt, partial=partial, timeout=self.timeout) as stream:
            for message in stream:
                is_aside = message.message_type not in ("result", "error") and message.state != "end"
                if is_aside and message.content and message.status_code < PARTIAL:
                    progress.line(f"{message.message_type}: {message.content}")
                yield message
