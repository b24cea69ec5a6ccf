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
from typing import TYPE_CHECKING

from secgemini.display import one_line
from secgemini.errors import ConfigurationError

from .exits import UsageError, reported
from .options import (
    Database,
    Debug,
    Engine,
    FaultRules,
    Host,
    HostNames,
    KeyFile,
    Origins,
    Port,
    TlsCertificate,
    TlsKey,
)
from .terminal import Progress

if TYPE_CHECKING:
    from secgemini.local.server import LocalService


def serve(
    port: Port = 0,
    host: Host = "127.0.0.1",
    key_file: KeyFile = None,
    db: Database = None,
    engine: Engine = None,
    faults: FaultRules = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    allow_origin: Origins = None,
    allow_host: HostNames = None,
    debug: Debug = False,
) -> int:
    """Serve the embedded service until Ctrl-C or SIGTERM.

    The keys that clients need, each with sessions of its own, are those in --key-file, else SEC_GEMINI_API_KEY, else
    one that is made up and printed. The first line on standard output says that the service is ready; the lines after
    it, read by a shell, point clients at it.
    """

    def run() -> None:
        local_service = _import_service()
        given = _given_keys(key_file)
        with _stop_signals() as stop:
            service = local_service(
                db,
                engine=engine,
                faults=faults,
                keys=given or [secrets.token_urlsafe(24)],
                host=host,
                port=port,
                tls_cert=tls_cert,
                tls_key=tls_key,
                allow_origins=tuple(allow_origin or ()),
                allow_hosts=tuple(allow_host or ()),
            )
            with service:
                _announce(service, show_key=not given)
                stop.wait()

    return reported(run, debug=debug, log=logging.WARNING)


def _import_service() -> type[LocalService]:
    try:
        from secgemini.local.server import LocalService
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the embedded service needs a package that is not installed: {error.name}",
            hint="pip install 'secgemini[local]'",
        ) from error
    return LocalService


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
