"""`secgemini serve`: the embedded service, in the foreground."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from secgemini._embedded import import_service
from secgemini.config import check_key
from secgemini.errors import ApiKeyError, ConfigurationError

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
    from secgemini.local.faults import Faults
    from secgemini.local.server import LocalService

SHORT_KEY = 12  # characters; what has fewer can be found by trying
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # said by the user
_HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # not on Windows


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
        local_service = import_service()
        progress = Progress()
        given = _given_keys(key_file, progress)
        one = given[0] if key_file is None and len(given) == 1 else None  # the user stays when such a key changes
        rules = faults or ()
        with _signals(hang_up=any(map(os.path.isfile, rules))) as next_signal:
            service = local_service(
                db,
                engine=engine,
                faults=rules,
                key=one,
                keys=() if one else given,
                host=host,
                port=port,
                tls_cert=tls_cert,
                tls_key=tls_key,
                allow_origins=tuple(allow_origin or ()),
                allow_hosts=tuple(allow_host or ()),
            )
            with service:
                _announce(service, show_key=not given)
                if warning := exposure(host, tls=tls_cert is not None):
                    progress.line(warning)
                while next_signal() == _HANG_UP:
                    progress.line(_read_again(service.faults, rules))

    return reported(run, debug=debug, log=logging.WARNING)


def _given_keys(path: Path | None, progress: Progress) -> list[str]:
    """Return the keys that the user chose, none when there are none."""
    if path is None:
        return [check_key(key).reveal() for key in os.environ.get("SEC_GEMINI_API_KEY", "").split()]
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"the key file {path} is no text", hint="one key a line") from None
    keys = _checked(path, lines, progress)
    if not keys:
        raise UsageError(f"the key file {path} is empty: it has no key", hint="one key a line")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        progress.line(f"secgemini: others can read the key file {path} (chmod 600 it)")
    return keys


def _checked(path: Path, lines: Sequence[str], progress: Progress) -> list[str]:
    """Return the keys in the lines of a file, without blank lines and comments; say which are short. None is quoted."""
    keys: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            keys.append(check_key(line).reveal())
        except ApiKeyError as error:
            raise UsageError(f"line {number} of the key file {path}: {error.message}", hint=error.hint) from None
        if keys[-1] in keys[:-1]:
            raise UsageError(f"line {number} of the key file {path}: the same key stands above")
        if len(keys[-1]) < SHORT_KEY:
            progress.line(
                f"secgemini: line {number} of the key file {path}: fewer than {SHORT_KEY} characters can be guessed"
            )
    return keys


def exposure(host: str, *, tls: bool) -> str:
    """Return what to say of a service that other machines can reach, "" when only this one can."""
    everywhere = host in _EVERYWHERE
    if not everywhere and (tls or _is_loopback(host)):
        return ""
    where = "on every interface" if everywhere else f"on {host}"
    how = "" if tls else " without TLS: the network can read keys and content (--tls-cert, --tls-key)"
    return f"secgemini: listening {where}{how}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_again(faults: Faults, rules: Sequence[str]) -> str:
    """Set the fault rules anew, their files read again, and return what became of it."""
    try:
        faults.set(*rules)
    except (ConfigurationError, ValueError) as error:
        return f"secgemini: the fault rules stay as they were: {error}"
    return "secgemini: the fault rules are read again"


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
def _signals(*, hang_up: bool) -> Iterator[Callable[[], int]]:
    """Yield what waits for a signal: Ctrl-C, SIGTERM and, if wanted, SIGHUP. Afterwards they do what they did.

    SIGHUP ends a process that wants nothing of it, as when its terminal is closed.
    """
    wanted = [signal.SIGINT, signal.SIGTERM, *([_HANG_UP] if hang_up and _HANG_UP is not None else [])]
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def wait() -> int:
        while (number := reader.recv(1)[0]) not in wanted:
            pass
        return number

    with reader, writer:
        before = {number: signal.signal(number, lambda *_: None) for number in wanted}
        # The system may give a signal to any thread, and this one would sleep on: the number that is written wakes it.
        written_to = signal.set_wakeup_fd(writer.fileno())
        try:
            yield wait
        finally:
            signal.set_wakeup_fd(written_to)
            for number, handler in before.items():
                signal.signal(number, handler)
