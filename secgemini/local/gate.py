"""What every request passes before it reaches an operation: who it is addressed to, where it comes from, how big it is.

Loopback is no boundary: any page in a browser can send requests to it. So the `Host` must be one of ours (a page that
rebinds its own name is refused), and only pages of loopback and of allowed origins are let in. Every answer gets a
request id, the errors too; no text that leaves here has the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

import msgspec
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from secgemini.errors import ConfigurationError
from secgemini.local.service import ReceivedRequest, RequestError, Service
from secgemini.local.spoil import spoil

_SLASHES = re.compile("/{2,}")
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # of a header, RFC 9110 section 5.6.2
_HOST = re.compile(r"(\[[^][]+\]|[^][:/?#@\\\s]+)(?::\d*)?")
_HOST_NAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?")  # without a scheme and a port
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#*\s]+|null")
_METHODS = "GET, POST"


@dataclass(frozen=True, slots=True)
class Doors:
    """Whom the service talks to: names that it is addressed by, and origins of pages, besides those of loopback."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    any_address: bool = False
    """Whether it may be addressed by any IP address: it listens on all of them. An address cannot be rebound."""

    @classmethod
    def of(cls, host: str, hosts: Iterable[str], origins: Iterable[str]) -> Doors:
        """Return the doors of a service that listens on `host` and is open to further names and origins.

        Raises:
            ConfigurationError: a name or an origin that no request could have.
        """
        return cls(
            frozenset(map(_plain, (host, *map(_checked_name, hosts)))),
            frozenset(map(_checked_origin, origins)),
            any_address=host in ("", "0.0.0.0", "::"),  # noqa: S104  # said by the user
        )

    def admits_host(self, host: str) -> bool:
        """Tell whether a `Host` header names this service."""
        name = _named(host)
        known = _is_loopback(name) or name in self.hosts or (self.any_address and _is_address(name))
        return bool(name) and known

    def admits_origin(self, origin: str) -> bool:
        """Tell whether pages of an origin may use this service."""
        scheme, _, host = origin.partition("://")
        local = scheme.lower() in ("http", "https") and _is_loopback(_named(host))
        return local or origin.lower().rstrip("/") in self.origins


def _named(host: str) -> str:
    """Return the name or address in a `Host` header, "" when it is more or less than one and perhaps a port."""
    found = _HOST.fullmatch(host)
    return _plain(found[1].strip("[]")) if found else ""


def _plain(name: str) -> str:
    """Return the one form of a name or an address in which it is compared."""
    name = name.lower().rstrip(".")
    return str(ip_address(name)) if _is_address(name) else name


def _checked_name(name: str) -> str:
    if not _HOST_NAME.fullmatch(name) and not _is_address(name):
        raise ConfigurationError(f"{name!r} is no host name that requests have", hint="like emulator.internal")
    return name


def _checked_origin(origin: str) -> str:
    plain = origin.lower().rstrip("/")
    if not _ORIGIN.fullmatch(plain):
        raise ConfigurationError(f"{origin!r} is no origin that pages have", hint="like https://app.example:8443")
    return plain


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ip_address(name).is_loopback


class Gate:
    """The ASGI application around the application."""

    def __init__(self, service: Service, app: ASGIApp, doors: Doors) -> None:
        self._service = service
        self._app = app
        self._doors = doors
        self._limit = service.limits.body
        self._too_large = f"The body is larger than {self._limit} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope["path"] = _SLASHES.sub("/", scope["path"])
        headers = Headers(scope=scope)
        operation = self._operation(scope)
        answer = _Answer(
            send, self._service.ids.hex(16), self._origin(headers), lambda: self._note(operation, scope, answer)
        )
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            self._check(scope, *refusal)
            await answer.refuse(scope, *refusal)
        elif scope["type"] == "http" and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await answer.preflight(headers)
        else:
            await self._pass(operation, scope, receive, answer.send)
        answer.note()

    def _note(self, operation: str, scope: Scope, answer: _Answer) -> None:
        if scope["type"] == "http":
            self._service.requests.append(_received(operation, scope, answer))

    def _operation(self, scope: Scope) -> str:
        """Return the operationId of a request, `stream` for the stream, "" for a path that there is not."""
        if scope["type"] == "websocket":
            return "stream"
        found = self._service.contract.operations.get((scope["method"], scope["path"]))
        return found.operation_id if found else ""

    def _check(self, scope: Scope, status: int, detail: str) -> None:
        operation = self._service.contract.operations.get((scope.get("method", ""), scope["path"]))
        if self._service.complain is not None and operation is not None:
            complaint = operation.complaint(status, "application/json", _error(detail))
            if complaint:
                self._service.complain(complaint)

    async def _pass(self, operation: str, scope: Scope, receive: Receive, send: Send) -> None:
        faults = self._service.faults.strike(operation)
        if scope["type"] == "http":
            receive = self._counted(receive)
        if faults:
            await spoil(faults, self._service.faults.pause, self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _origin(self, headers: Headers) -> str:
        origin = headers.get("origin", "")
        return origin if origin and self._doors.admits_origin(origin) else ""

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if not self._doors.admits_host(headers.get("host", "")):
            return 403, "This service is not called by that name; see --allow-host."
        foreign = "origin" in headers and not self._origin(headers)
        preflight = scope["type"] == "http" and scope["method"] == "OPTIONS"
        if foreign and (preflight or scope["type"] == "websocket"):
            return 403, "Pages of this origin may not use the service; see --allow-origin."
        if scope["type"] == "http" and int(headers.get("content-length") or 0) > self._limit:
            return 413, self._too_large
        return None

    def _counted(self, receive: Receive) -> Receive:
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise RequestError(413, self._too_large)
            return message

        return counted


def _asked(headers: Headers) -> str:
    """Return the headers that a page asks to send. None is refused: its origin and the key decide what it may do."""
    asked = (name.strip() for name in headers.get("access-control-request-headers", "").split(","))
    return ", ".join(name for name in asked if _NAME.fullmatch(name))


def _error(detail: str) -> bytes:
    return msgspec.json.encode({"detail": detail})


def _received(operation: str, scope: Scope, answer: _Answer) -> ReceivedRequest:
    query = {name: value for name, value in QueryParams(scope["query_string"]).items() if name != "api_key"}
    body = scope["state"].get("body")
    return ReceivedRequest(operation, scope["method"], scope["path"], query, body, answer.status, answer.request_id)


class _Answer:
    """The answer to one request, with what every answer carries."""

    def __init__(self, send: Send, request_id: str, origin: str, note: Callable[[], None]) -> None:
        self._send = send
        self._origin = origin
        self._unnoted: Callable[[], None] | None = note
        self.request_id = request_id
        self.status = 0

    def note(self) -> None:
        """Log the request, once and before its answer leaves: who got the answer finds the request in the log."""
        note, self._unnoted = self._unnoted, None
        if note is not None:
            note()

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.request_id
            self.status = message.get("status", 101)
            self.note()
            if message["type"] == "http.response.start":
                self._share(headers)
        await self._send(message)

    def _share(self, headers: MutableHeaders) -> None:
        headers.add_vary_header("Origin")
        if self._origin:
            headers["access-control-allow-origin"] = self._origin
            headers["access-control-expose-headers"] = "x-request-id, retry-after"

    async def refuse(self, scope: Scope, status: int, detail: str) -> None:
        """Answer with an error."""
        await self._whole(scope, status, _error(detail), [(b"content-type", b"application/json")])

    async def preflight(self, headers: Headers) -> None:
        """Answer a browser that asks whether its page may send a request."""
        allowed = [
            (b"access-control-allow-methods", _METHODS.encode()),
            (b"access-control-allow-headers", _asked(headers).encode()),
            (b"access-control-max-age", b"600"),
        ]
        if headers.get("access-control-request-private-network") == "true":
            allowed.append((b"access-control-allow-private-network", b"true"))
        await self._whole({"type": "http"}, 204, b"", allowed)

    async def _whole(self, scope: Scope, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
        length = [(b"content-length", str(len(body)).encode())] if status != 204 else []
        await self.send({"type": f"{kind}.start", "status": status, "headers": [*headers, *length]})
        await self._send({"type": f"{kind}.body", "body": body})
