"""One WebSocket connection: open it, queue its frames, say in our errors why it failed or closed.

Nothing here knows turns. The URL carries the key, so no library may log it, and no exception of a library leaves this
module: ours are raised outside the `except` block, so that theirs are not even their context.
"""

from __future__ import annotations

import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from secgemini_api.models import Message
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI, ProxyError
from websockets.frames import DATA_OPCODES, CloseCode, Opcode
from websockets.frames import Frame as WireFrame
from websockets.http11 import Response
from websockets.protocol import State

from ._failures import DISTRUSTED, HINTS, PROXY, detail, is_distrusted, status_error
from ._network import KEEP_ALIVE
from ._turn_failures import OPERATION, REJOIN, TOLD
from .config import MIB
from .display import neutralise
from .errors import (
    BODY_HEAD,
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    ConfigurationError,
    SecGeminiError,
    StreamError,
)
from .retry import parse_retry_after

_READ = 16 * BODY_HEAD  # bytes of a frame in which the key is looked for before a cut, which may leave no part of it
CLOSE_TIMEOUT = 1.0  # seconds that a failed connection waits for the peer to hang up

Frame = bytes | bytearray | memoryview  # what a whole data frame holds

# Close codes with which a service refuses for good. 4401 … 4404 say what the HTTP status without the 4000 says.
_REFUSALS = {4401: 401, 4403: 403, 4404: 404, 3000: 401, 3003: 403}
_FINAL = {1003, 1007, 1008, 1009, 1010}

# Not registered with `logging`, so that no configuration can turn its DEBUG on: that would print the request line.
_logger = logging.Logger("secgemini.websocket", logging.WARNING)
_logger.parent = logging.getLogger("secgemini")


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a stream needs to reach its session. Nothing in it is bound to an event loop.

    `url` makes the address with the key in its query when a connection is opened; `history` reads the session's stored
    messages; `run_tool` turns a tool call into the result that is sent back, None when the caller lends no tools.
    `finished` is called when the turn came to its end. `redact` takes the key out of what others wrote, `scrub` out of
    an error as a whole. `proxy`: a URL, True for what the environment says, None for none. Times are seconds, None for
    no bound: `open_timeout` for one attempt to connect, `ping_interval` and `ping_timeout` for a peer that no longer
    answers, `idle_timeout` for a service that answers pings and says nothing, `total_timeout` for the turn. `max_frame`
    is in bytes.
    """

    url: Callable[[], str] = field(repr=False)
    history: Callable[[], Awaitable[Sequence[Message]]]
    run_tool: Callable[[Message], Awaitable[Message]] | None = None
    finished: Callable[[], object] = field(default=lambda: None, repr=False)
    redact: Callable[[str], str] = field(default=str, repr=False)
    scrub: Callable[[SecGeminiError], SecGeminiError] = field(default=lambda error: error, repr=False)
    ssl: ssl.SSLContext | None = None
    proxy: str | Literal[True] | None = field(default=True, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str | None = None
    max_frame: int = 64 * MIB
    open_timeout: float | None = 10.0
    ping_interval: float | None = 20.0
    ping_timeout: float | None = 20.0
    idle_timeout: float | None = 600.0
    total_timeout: float | None = None


class Connection(ClientConnection):
    """Queues whole data frames in `frames`, undecoded, and calls `wake` when there are some or the connection is over.

    A reader takes frames from the queue without a task switch for each. Reading pauses when more than `HIGH_WATER`
    bytes wait; a reader that stays away for longer than the ping time-out after that loses the link, and the frames
    come again from the history.
    """

    HIGH_WATER = 64 * MIB

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.frames: deque[Frame] = deque()
        self.wake: Callable[[], None] = _do_nothing
        self.heard_at = 0.0  # the loop's time when frames last arrived, taken or not
        self.confirmed: deque[str] = deque()  # labels of the pings that were answered
        self._pings: dict[bytes, str] = {}
        self._parts: bytearray | None = None
        self._unread = 0
        self._paused = False

    def connection_made(self, transport: Any) -> None:
        """Let the system notice a peer that is gone while nothing is sent."""
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            for option in KEEP_ALIVE:
                raw.setsockopt(*option)

    def process_event(self, event: Any) -> None:
        """Queue a data frame; everything else is the library's."""
        if not isinstance(event, WireFrame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            if self._pings and isinstance(event, WireFrame) and event.opcode is Opcode.PONG:
                self._take_pong(bytes(event.data))
        elif event.fin and self._parts is None:
            self.frames.append(event.data)
        else:
            self._parts = self._parts or bytearray()
            self._parts += event.data
            if event.fin:
                self.frames.append(self._parts)
                self._parts = None

    def data_received(self, data: bytes) -> None:
        """Feed bytes to the protocol, then tell the reader once, however many frames they held."""
        waiting = len(self.frames)
        super().data_received(data)
        if len(self.frames) > waiting:
            self.heard_at = self.loop.time()
        if self.frames:
            self._unread += len(data)
            if self._unread > self.HIGH_WATER and not self._paused:
                self._paused = True
                self.transport.pause_reading()
            self.wake()
        elif self.is_over or self.confirmed:
            self.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the reader that no more frames will come."""
        super().connection_lost(exc)
        self.wake()

    def drained(self) -> None:
        """Note that the reader has taken every frame."""
        self._unread = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()

    @property
    def is_over(self) -> bool:
        """Tell whether the connection is closed, or closing so that nothing more will be read from it."""
        return self.protocol.state is not State.OPEN

    def send_now(self, text: bytes) -> None:
        """Write one text frame without waiting; a connection that is over drops it."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(text)
            self.send_data()

    def ping_now(self, label: str) -> None:
        """Ask the peer to confirm what was written so far; `confirmed` gets the label when it does."""
        if self.protocol.state is State.OPEN:
            payload = len(self._pings).to_bytes(8, "big")
            self._pings[payload] = label
            self.protocol.send_ping(payload)
            self.send_data()

    def _take_pong(self, payload: bytes) -> None:
        label = self._pings.get(payload)
        if label is not None:
            self.confirmed.append(label)

    def shut(self) -> None:
        """Say goodbye and close the socket at once, without waiting for the peer."""
        self.wake = _do_nothing
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self.send_data()
        self.transport.abort()


def _do_nothing() -> None:
    """Stand in for a reader that is not there yet, or no longer."""


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception:
        """Follow no redirect: the new address could be given the caller's headers."""
        return exc


async def dial(link: Link) -> Connection:
    """Open a connection.

    Raises:
        SecGeminiError: why there is none; `retryable` says whether another attempt may succeed.
    """
    failure: SecGeminiError
    to_proxy: dict[str, Any] = {"proxy_ssl": link.ssl} if str(link.proxy).startswith("https:") else {}
    try:
        connection = await _Connect(
            link.url(),  # held by no variable here: a traceback may show those
            ssl=(link.ssl or True) if link.url().startswith("wss:") else None,
            proxy=link.proxy,
            **to_proxy,
            additional_headers=link.headers or None,
            user_agent_header=link.user_agent,
            compression=None,
            open_timeout=link.open_timeout,
            ping_interval=link.ping_interval,
            ping_timeout=link.ping_timeout,
            close_timeout=CLOSE_TIMEOUT,
            max_size=link.max_frame,
            max_queue=None,
            logger=_logger,
            create_connection=Connection,
        )
    except Exception as error:  # every failure to connect, of whatever library, becomes one of ours
        failure = _failure(error, link)
    else:
        if isinstance(connection, Connection):
            return connection
        failure = APIConnectionError(f"{OPERATION}: no connection", operation=OPERATION, sent=False)
    raise failure


def _failure(error: Exception, link: Link) -> SecGeminiError:
    """Say in our terms why connecting failed."""
    text = link.redact(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    if isinstance(error, SecGeminiError):
        return error
    if isinstance(error, InvalidStatus):
        return _refused(error, link)
    if isinstance(error, InvalidURI):  # its text is the URL
        return ConfigurationError("the WebSocket address is not one", hint="check websocket_url")
    if isinstance(error, InvalidProxy):  # its text is the proxy's address, which may hold a password
        return ConfigurationError("the proxy's address is not one", hint="check proxy= and the environment's proxies")
    if isinstance(error, ImportError):
        return ConfigurationError("SOCKS proxies need more packages", hint="pip install 'secgemini[socks]'")
    if isinstance(error, TimeoutError):
        return APITimeoutError(f"{OPERATION}: time-out while connecting", operation=OPERATION, sent=False)
    failure = APIConnectionError(f"{OPERATION}: {text}", operation=OPERATION, sent=False, hint=_hint(error))
    is_known = isinstance(error, (OSError, EOFError, InvalidHandshake))
    failure.retryable = is_known and not is_distrusted(error) and not (isinstance(error, ProxyError) and "407" in text)
    return failure


def _hint(error: Exception) -> str:
    if is_distrusted(error):
        return DISTRUSTED
    return PROXY if isinstance(error, ProxyError) else "is the service running, and websocket_url right?"


def _refused(error: InvalidStatus, link: Link) -> SecGeminiError:
    response = error.response
    status = response.status_code
    body = link.redact(bytes(response.body or b"").decode(errors="replace"))
    request_id = neutralise(link.redact(_header(response, "x-request-id"))[:200], newlines=False)
    if status < 400:
        return APIResponseError(
            f"{OPERATION}: {status} instead of a WebSocket",
            operation=OPERATION,
            status_code=status,
            body=body,
            request_id=request_id,
        )
    return status_error(
        status,
        link.redact(detail(body)),
        operation=OPERATION,
        body=body,
        request_id=request_id,
        retry_after=parse_retry_after(_header(response, "retry-after")),
    )


def _header(response: Response, name: str) -> str:
    """Return a header, "" without it, the first one of several."""
    return next(iter(response.headers.get_all(name)), "")


def why_over(connection: Connection, link: Link) -> SecGeminiError:
    """Say why the connection closed. `retryable` tells whether a new one may carry the turn on."""
    protocol = connection.protocol
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received is None and sent is not None and sent.code == CloseCode.MESSAGE_TOO_BIG:
        return StreamError(
            f"a frame is larger than the limit of {link.max_frame} bytes", hint="max_frame_bytes sets it"
        )
    code = received.code if received is not None else CloseCode.ABNORMAL_CLOSURE
    reason = link.redact(received.reason if received is not None else sent.reason if sent is not None else "")
    if code in _REFUSALS:
        return status_error(_REFUSALS[code], reason or "no explanation", operation=f"{OPERATION} (close code {code})")
    text = f"the service closed the link with code {int(code)}" if received is not None else "the link broke"
    text = f"{text}: {reason}" if reason else text
    if code in _FINAL:
        return StreamError(text, status_code=int(code))
    return APIConnectionError(text, operation=OPERATION)


def outside_contract(text: str, link: Link, frame: Frame = b"") -> APIResponseError:
    """Say that what came is outside the contract. What noticed it is not chained: it may quote the key."""
    body = link.redact(bytes(frame[:_READ]).decode(errors="replace"))
    text = f"{OPERATION} is outside the contract: {link.redact(text)[:TOLD]}"
    return APIResponseError(text, operation=OPERATION, body=body, hint=REJOIN)


def explained(error: Exception, link: Link) -> Exception:
    """Add what to do about a failure that leaves the stream, and mask the key in it."""
    if not isinstance(error, SecGeminiError):
        return error
    error.hint = error.hint or HINTS.get(getattr(error, "status_code", 0), "")
    return link.scrub(error)
