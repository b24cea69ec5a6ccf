"""A scripted HTTP peer on loopback: says exactly the bytes that a test wants to hear, and keeps what it was sent."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Action = bytes | Callable[[socket.socket], None]


@dataclass
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    target: str = ""

    def json(self) -> object:
        return json.loads(self.body)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """Return a whole HTTP answer; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "content-type": "application/json",
        "content-length": str(len(data)),
        "connection": "close",
        **(headers or {}),
    }
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    return head.encode() + data


def reset(connection: socket.socket) -> None:
    """Break the connection as a dying machine does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


OK = {"ok": True, "status_code": 200, "status_message": "OK", "data": None, "mime_type": "text/plain", "latency": 0.0}


@dataclass
class HttpPeer:
    """`script` holds, by "METHOD /path", the actions for the requests in their order; the last one stays."""

    script: dict[str, list[Action]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def on(self, operation: str, *actions: object, status: int = 200) -> HttpPeer:
        """Script an operation; what is neither bytes nor callable is sent as JSON."""
        self.script[operation] = [
            a if isinstance(a, bytes) or callable(a) else answer(a, status)  # type: ignore[list-item]
            for a in actions
        ]
        return self

    def count(self, operation: str) -> int:
        return sum(f"{h.method} {h.path}" == operation for h in self.heard)

    def close(self) -> None:
        self._stopping.set()
        with socket.create_connection(self._listener.getsockname()):
            pass  # wakes the accepting thread
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    @property
    def stopping(self) -> threading.Event:
        """Set when the test is over: what a hanging action waits for."""
        return self._stopping

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            try:
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                request = self._read(connection)
                if request is None:
                    return
                self.heard.append(request)
                actions = self.script.get(f"{request.method} {request.path}", [answer({"detail": "unscripted"}, 404)])
                action = actions.pop(0) if len(actions) > 1 else actions[0]
                if callable(action):
                    action(connection)
                else:
                    connection.sendall(action)
            except OSError:
                return  # the client went away, which is often the point of the test

    def _read(self, connection: socket.socket) -> Heard | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            more = connection.recv(65536)
            if not more:
                return None
            body += more
        return Heard(method, target.partition("?")[0], headers, body, target)
