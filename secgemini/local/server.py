"""The embedded service as a whole: start it, know its address, stop it."""

from __future__ import annotations

import atexit
import os
import secrets
from collections import deque
from collections.abc import Sequence
from typing import Self

from secgemini.errors import ConfigurationError
from secgemini.local.answering import Answering
from secgemini.local.app import make_app
from secgemini.local.clock import Clock, Ids
from secgemini.local.contract import Contract
from secgemini.local.engines import Engine
from secgemini.local.engines.find import find_engine
from secgemini.local.faults import Fault, Faults
from secgemini.local.gate import Doors, Gate
from secgemini.local.keys import ApiKey, Keyring, user_of
from secgemini.local.listening import Listening
from secgemini.local.logs import LogTables
from secgemini.local.messages import Writer
from secgemini.local.rehearsal import Snapshot, restore_snapshot, take_snapshot
from secgemini.local.service import Limits, ReceivedRequest, Service
from secgemini.local.store import Store
from secgemini.local.turns import Turns

_MOST_REQUESTS = 1000  # that a service remembers


class LocalService:
    """A Sec-Gemini service of your own, on a port of this machine.

        with LocalService() as service:
            client = SecGemini(service.api_key, base_url=service.base_url)

    `path` is an SQLite file, None keeps everything in memory. `engine` is a name (`analyst`, `openai`, `script`) or an
    object with `answer`. `faults` are rules for what goes wrong on purpose, see `secgemini.local.faults`. `key` is the
    one key, of the user `local`; `keys` are several, each with its user and limits, or only the key: then its user is
    made from it. Without either one is made up, of `local` too. `host` and `port` are where it listens; port 0 takes a
    free one. `tls_cert` and `tls_key` are PEM files. `allow_origins` and `allow_hosts` are origins of pages and names
    of this service besides those of loopback. With `seed`, ids and times are the same in every run that begins with the
    same database. `validate_responses` records every answer that breaks the contract in `violations`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        engine: str | Engine | None = None,
        faults: Fault | str | Sequence[Fault | str] | None = None,
        key: str | None = None,
        keys: Sequence[ApiKey | str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls_cert: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
        allow_origins: Sequence[str] = (),
        allow_hosts: Sequence[str] = (),
        seed: int | None = None,
        limits: Limits | None = None,
        validate_responses: bool = False,
    ) -> None:
        self._path = None if path is None else os.fspath(path)
        self._engine = find_engine(engine)
        self._keys = _keys(key, keys)
        self._address = (host, port)
        self._tls = _tls(tls_cert, tls_key)
        self._doors = Doors.of(host, allow_hosts, allow_origins)
        self._limits = limits or Limits()
        self._validate = validate_responses
        self._contract = Contract.load()
        operations = (operation.operation_id for operation in self._contract.operations.values())
        self.faults: Faults = Faults(operations, () if faults is None else faults)
        """What goes wrong on purpose; `faults.set(…)` changes it while the service runs."""
        self.clock: Clock = Clock(seeded=seed is not None)
        """The service's time. `clock.advance(seconds)` makes sessions expire without waiting."""
        self.violations: list[str] = []
        """What was wrong with answers, when `validate_responses` is on."""
        self.requests: deque[ReceivedRequest] = deque(maxlen=_MOST_REQUESTS)
        """The newest requests that the service received, oldest first, also frames of streams."""
        self._ids = Ids(seed)
        self._empty = Snapshot({}, self.clock.state, self._ids.state)
        self._listening: Listening | None = None

    @property
    def api_key(self) -> str:
        """Return the key, the first one when there are several."""
        return self._keys[0].key

    @property
    def base_url(self) -> str:
        """Return the address of the HTTP operations. Raises: ConfigurationError when the service is not running."""
        return self._url("https" if self._tls else "http")

    @property
    def websocket_url(self) -> str:
        """Return the address that `/v1/stream` is under."""
        return self._url("wss" if self._tls else "ws")

    @property
    def logs_url(self) -> str:
        """Return the address of the logs processor: the same port."""
        return self.base_url

    def start(self) -> Self:
        """Start the service in a thread of its own; return when it accepts connections.

        Raises:
            ConfigurationError: the port is taken, the certificate unusable, or the database in use or none.
        """
        if self._listening is None:
            store = Store(self._path)
            try:
                service = self._assemble(store)
                app = Gate(service, make_app(service), self._doors)
                self._listening = Listening(service, app, *self._address, tls=self._tls)
            except BaseException:
                store.close()
                raise
            atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop the service. Running turns get a second to end, then end with an error that is stored. Idempotent."""
        listening, self._listening = self._listening, None
        if listening is not None:
            atexit.unregister(self.stop)
            listening.stop()

    def snapshot(self) -> Snapshot:
        """Return all that the service remembers now, for `restore`."""
        return self._running.call(take_snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot: sessions, logs, clock and seeded ids; running turns end, requests are forgotten."""
        self._running.call(lambda service: restore_snapshot(service, snapshot))

    def reset(self) -> None:
        """Go back to the state after the first start with an empty database, without faults."""
        self.faults.set()
        self.violations.clear()
        self.restore(self._empty)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _running(self) -> Listening:
        if self._listening is None:
            raise ConfigurationError("the service is not running", hint="call start() first")
        return self._listening

    def _url(self, scheme: str) -> str:
        host, port = self._running.address
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def _assemble(self, store: Store) -> Service:
        writer = Writer(self.clock, self._ids)
        keyring = Keyring(self._keys)
        answering = Answering(
            store,
            writer,
            self._engine,
            logs=LogTables(store).of,
            tool_timeout=self._limits.tool_timeout,
            spend=keyring.spend_tokens,
        )
        turns = Turns(store, writer, answering)
        number, time = store.newest()
        self._ids.go_on(number)
        self.clock.go_on(time)
        turns.recover()
        return Service(
            contract=self._contract,
            keyring=keyring,
            store=store,
            clock=self.clock,
            ids=self._ids,
            writer=writer,
            turns=turns,
            limits=self._limits,
            engine_name=self._engine.name,
            faults=self.faults,
            requests=self.requests,
            complain=self.violations.append if self._validate else None,
        )


def _tls(cert: str | os.PathLike[str] | None, key: str | os.PathLike[str] | None) -> tuple[str, str] | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise ConfigurationError("TLS needs both a certificate and a key file")
    return os.fspath(cert), os.fspath(key)


def _keys(key: str | None, keys: Sequence[ApiKey | str]) -> list[ApiKey]:
    """Return the keys of a service, at least one. A plain key of `keys` gets a user that depends on it alone."""
    several = [entry if isinstance(entry, ApiKey) else ApiKey(entry, user=user_of(entry)) for entry in keys]
    return [*([ApiKey(key)] if key else []), *several] or [ApiKey(secrets.token_urlsafe(24))]
