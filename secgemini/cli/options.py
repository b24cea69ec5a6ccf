"""The options of the commands, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
SessionId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The session's id.", show_default=False)]
Timeout: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="S", min=0.001, help="Seconds that the answer may take.", show_default=False),
]

# ask
Prompt: TypeAlias = Annotated[
    str, typer.Argument(metavar="PROMPT", help="What to ask; - reads it from standard input.", show_default=False)
]
Files: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--file", exists=True, dir_okay=False, metavar="PATH", help="Attach a file; repeat for more."),
]
Logs: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--logs", exists=True, dir_okay=False, metavar="PATH", help="Attach a log; repeat for more."),
]
Local: TypeAlias = Annotated[bool, typer.Option("--local", help="Use the embedded service: no key, no network.")]
Session: TypeAlias = Annotated[
    str | None, typer.Option(metavar="ID", help="Go on in this session.", show_default=False)
]
Model: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model of a new session.", show_default="sec-gemini-stable")
]
NoLog: TypeAlias = Annotated[bool, typer.Option("--no-log", help="Ask the service not to log the session.")]

# serve
Port: TypeAlias = Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="TCP port; 0 takes a free one.")]
Host: TypeAlias = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
KeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="FILE",
        help="Take the keys of clients from FILE, one a line; # begins a comment.",
    ),
]
Database: TypeAlias = Annotated[
    Path | None, typer.Option(dir_okay=False, metavar="FILE", help="Keep everything in an SQLite file, not in memory.")
]
Engine: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="What answers: analyst, openai:URL, script:FILE, or MODULE:NAME.", show_default="analyst"
    ),
]
FaultRules: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RULE", help="A fault rule, or a file with one a line, read again on SIGHUP; repeat for more."
    ),
]
TlsCertificate: TypeAlias = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Serve TLS with this certificate (PEM)."),
]
TlsKey: TypeAlias = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, metavar="FILE", help="The certificate's private key (PEM).")
]
HostNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Answer to this host name besides those of loopback; repeat for more."),
]
Origins: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="ORIGIN", help="Let pages of this origin call the service; repeat for more."),
]
