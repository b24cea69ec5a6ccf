"""The parts of a running service, and what an operation is given and gives back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.responses import Response

from secgemini.local.clock import Clock, Ids
from secgemini.local.contract import Contract
from secgemini.local.faults import Faults
from secgemini.local.fields import JsonObject
from secgemini.local.keys import ApiKey, Caller, Keyring
from secgemini.local.messages import Writer
from secgemini.local.store import Session, Store
from secgemini.local.turns import Turns

NOT_FOUND = "Session not found"
NO_KEY = "Authentication credentials were not provided or were invalid."
MOST_REMEMBERED = 65536  # bytes of a body that the log of requests keeps


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask of the service at most.

    `body` and `frame` are bytes of a request's body and of a WebSocket frame, `tool_timeout` the seconds that a call
    of a local tool may take, `silence` the seconds after which a socket that sent no prompt is served what it missed,
    `patience` the further seconds after which it is sent the end of that turn too: a client whose prompt is still on
    its way would take it for the end of its own.
    """

    body: int = 128 * 2**20
    frame: int = 64 * 2**20
    tool_timeout: float = 120.0
    silence: float = 0.3
    patience: float = 3.0


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that the service answered, or a frame that came over a stream (`operation` is `stream` then).

    `operation` is the operationId of the contract, "" for a path that it does not have. `query` is without the key.
    `body` is the JSON body, None when there was none or a large one (more than 64 KiB). `status` is that of the answer,
    101 for a frame.
    """

    operation: str
    method: str
    path: str
    query: dict[str, str]
    body: JsonObject | None
    status: int
    request_id: str


class RequestError(Exception):
    """A request that ends with an HTTP error status. `detail` is the contract's `ErrorBody.detail`."""

    def __init__(self, status: int, detail: object, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail
        self.headers: dict[str, str] = headers or {}
        super().__init__(f"{status}: {detail}")


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a running service."""

    contract: Contract
    keyring: Keyring
    store: Store
    clock: Clock
    ids: Ids
    writer: Writer
    turns: Turns
    limits: Limits
    engine_name: str
    faults: Faults
    requests: deque[ReceivedRequest]
    """The newest requests, oldest first."""
    complain: Callable[[str], None] | None = None
    """Gets every answer that breaks the contract; None when answers are not checked."""

    def session(self, user: str, session_id: str) -> Session | None:
        """Return a live session of a user. Sessions whose time is over are deleted first."""
        self.sweep()
        return self.store.session(user, session_id)

    def sweep(self) -> None:
        """Delete the sessions whose time is over, with all that belongs to them, and stop their turns.

        Their log records are found by nobody then, and deleted by the next `shred`.
        """
        for pk in self.store.remove_expired(self.clock.peek()):
            self.turns.drop_session(pk)

    async def shred(self) -> None:
        """Delete the log records of sessions that are gone, a few at a time: others get their turn in between."""
        while self.store.shred():  # noqa: ASYNC110  # it waits for nothing
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: whose it is, its query parameters with defaults, and its body."""

    service: Service
    caller: Caller
    query: JsonObject = field(default_factory=dict)
    body: JsonObject = field(default_factory=dict)

    @property
    def key(self) -> ApiKey:
        """Return the key of the request."""
        return self.caller.key

    def session(self, session_id: str) -> Session | None:
        """Return a live session of the caller, or None."""
        return self.service.session(self.key.user, session_id)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as an answer."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def done(data: JsonObject | None = None) -> JsonObject:
    """Return the `OpResult` of an operation that did what was asked."""
    return _result(True, 200, "OK", data)


def refused(status: int, reason: str) -> JsonObject:
    """Return the `OpResult` of an operation that was refused."""
    return _result(False, status, reason, None)


def _result(ok: bool, status: int, message: str, data: JsonObject | None) -> JsonObject:
    return {
        "ok": ok,
        "status_code": status,
        "status_message": message,
        "data": data,
        "mime_type": "text/plain",
        "latency": None,
    }


def public_session(session: Session, files: list[JsonObject], messages: list[str] | None = None) -> JsonObject:
    """Return a session as the contract's `PublicSession`; without messages, as it stands in lists."""
    return session.facts | {
        "id": session.id,
        "turns": session.turns,
        "create_time": session.create_time,
        "update_time": session.update_time,
        "num_messages": session.num_messages,
        "messages": [msgspec.Raw(message.encode()) for message in messages or ()],
        "usage": session.usage,
        "state": session.state,
        "files": files,
        "logs_table": None if session.logs_hash is None else {"blake2s": session.logs_hash},
    }
