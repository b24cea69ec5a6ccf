"""`secgemini serve`: the embedded service, in the foreground."""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from secgemini.display import one_line

from .exits import UsageError, reported
from .terminal import Progress

if TYPE_CHECKING:
    from secgemini.local.server import LocalService


def serve(
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="TCP port; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    key_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, metavar="FILE", help="Read the keys that clients need from FILE, one a line."
        ),
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(dir_okay=False, metavar="FILE", help="Keep everything in an SQLite file, not in memory."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="NAME", help="What answers prompts.", show_default="analyst")
    ] = None,
    faults: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="A fault rule, or a file with one a line; repeat for more.")
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="Serve TLS with this certificate (PEM)."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE", help="The certificate's private key (PEM)."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this origin call the service; repeat for more."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Serve the embedded service until Ctrl-C or SIGTERM.

    The keys that clients need, each with sessions of its own, are those in --key-file, else SEC_GEMINI_API_KEY, else
    one that is made up and printed. The first line on standard output says that the service is ready; the lines after
    it, read by a shell, point clients at it.
    """

    def run() -> None:
        from secgemini.local.server import LocalService

        given = _given_keys(key_file)
        with _stop_signals() as stop:
            service = LocalService(
                db,
                engine=engine,
                faults=faults,
                keys=given or [secrets.token_urlsafe(24)],
                host=host,
                port=port,
                tls_cert=tls_cert,
                tls_key=tls_key,
                allow_origins=tuple(allow_origin or ()),
            )
            with service:
                _announce(service, show_key=not given)
                stop.wait()

    return reported(run, debug=debug, log=logging.WARNING)


def _given_keys(path: Path | None) -> list[str]:
    """Return the keys that the user chose, none when there are none."""
    if path is None:
        return os.environ.get("SEC_GEMINI_API_KEY", "").split()
    keys = path.read_text(encoding="utf-8").split()
    if not keys:
        raise UsageError(f"the key file {one_line(str(path))} is empty")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        Progress().line(f"secgemini: others can read the key file {path} (chmod 600 it)")
    return keys


def _announce(service: LocalService, *, show_key: bool) -> None:
    """Print the ready line and what a shell needs to point clients here; a key the user chose is not repeated."""
    print(f"secgemini: serving on {service.base_url} (WebSocket {service.websocket_url})")
    exports = {
        "SEC_GEMINI_API_HTTP_URL": service.base_url,
        "SEC_GEMINI_API_WEBSOCKET_URL": service.websocket_url,
        "SEC_GEMINI_LOGS_PROCESSOR_API_URL": service.base_url,
        **({"SEC_GEMINI_API_KEY": service.api_key} if show_key else {}),
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set; afterwards the signals do what they did before."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
