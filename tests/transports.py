"""The same service reached in every way there is: in this process or another, memory or file, plain or over TLS, or
only what it once said, from a recording.

`with reach(way, folder) as transport:` runs a service whose engine answers from `data/contract_suite.toml` and whose
every answer is held against the contract; `transport.sync()` and `transport.asynchronous()` are clients of it.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import Certificates
from recordings import Player, Recorder, Stand

from secgemini import AsyncSecGemini, SecGemini
from secgemini.local.server import LocalService

HERE = Path(__file__).parent
ENGINE = f"script:{HERE / 'data/contract_suite.toml'}"
KEY = "a-key-of-the-tests"
WAYS = ("memory", "file", "process", "tls", "recorded")
PATIENCE = 30.0  # seconds after which a process that should have ended hangs


@dataclass(frozen=True)
class Transport:
    """Where a service is, and whom to trust there."""

    way: str
    base_url: str
    websocket_url: str
    verify: ssl.SSLContext | bool = True
    stand: Stand | None = None  # what records or plays, where nothing else answers

    def sync(self, key: str = KEY, **settings: Any) -> SecGemini:
        """Return a client."""
        return SecGemini(key, **self._settings(settings))

    def asynchronous(self, key: str = KEY, **settings: Any) -> AsyncSecGemini:
        """Return a client for asyncio."""
        return AsyncSecGemini(key, **self._settings(settings))

    def _settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        where = {"base_url": self.base_url, "websocket_url": self.websocket_url, "logs_url": self.base_url}
        return {**where, "verify": self.verify, "proxy": "", **settings}


@contextmanager
def reach(way: str, folder: Path, *, record: bool = False) -> Iterator[Transport]:
    """Run a service in one of the `WAYS`: "process" and "tls" are processes, which also have to end cleanly."""
    if way == "recorded":
        with recording() if record else playing() as stand:
            yield Transport(way, f"http://{stand.place}", f"ws://{stand.place}", stand=stand)
        return
    if way in ("memory", "file"):
        with LocalService(folder / "state.db" if way == "file" else None, engine=ENGINE, key=KEY) as service:
            yield Transport(way, service.base_url, service.websocket_url)
        return
    options, verify = ["--db", str(folder / "state.db")], None
    if way == "tls":
        certificates = Certificates(folder)
        options += ["--tls-cert", certificates.cert, "--tls-key", certificates.key]
        verify = certificates.client()
    with serving(*options) as (_, base_url, websocket_url):
        yield Transport(way, base_url, websocket_url, verify or True)


@contextmanager
def recording() -> Iterator[Stand]:
    """Run a service and what notes all that is said to it and by it."""
    with LocalService(engine=ENGINE, key=KEY, seed=0) as service:
        recorder = Recorder(service.base_url, KEY)
        yield recorder
        recorder.close()


@contextmanager
def playing() -> Iterator[Stand]:
    """Run what answers from the recordings."""
    player = Player("", KEY)
    yield player
    player.close()


@contextmanager
def serving(*options: str, engine: str = ENGINE) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run `secgemini serve`; yield it with its two addresses. One that was not killed has to end with code 0."""
    command = [sys.executable, str(HERE / "checked_serve.py"), "serve", "--engine", engine, *options]
    environment = os.environ | {"SEC_GEMINI_API_KEY": KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().replace(")", " ").split()
            http, websocket = (next(word for word in words if word.startswith(scheme)) for scheme in ("http", "ws"))
            yield process, http, websocket
        except BaseException:
            process.kill()
            raise
        process.terminate()
        assert process.wait(PATIENCE) in (0, -9)
