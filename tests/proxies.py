"""Real proxies on loopback, in threads: HTTP (CONNECT and forwarding) and SOCKS5, and a listener that takes off TLS.

Each notes in `seen` what it was asked for, before it does it, so that a test can tell the way that a request took.
`names` are the hosts that only the proxy can resolve.
"""

from __future__ import annotations

import base64
import select
import socket
import ssl
import struct
import threading
from collections.abc import Mapping

NAMES = {"secgemini.test": "127.0.0.1", "elsewhere.test": "127.0.0.1"}


class Relay:
    """A listener that decides for each connection where its bytes go. `close` ends all of its threads."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[str] = []
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._serving: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def hang_up(self) -> None:
        """End every connection that is open; on return all of them are closed on this side."""
        for connection in list(self._open):
            _hang_up(connection)
        for thread in self._serving:
            thread.join(10)
        self._serving.clear()
        self._open.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        self.hang_up()
        self._listener.close()

    def greet(self, client: socket.socket) -> tuple[socket.socket, bytes] | None:
        """Hear what a client wants; return the connection to there, and what was heard that goes there."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._serving.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        try:
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
                self._open.add(client)
            greeted = self.greet(client)
            if greeted is not None:
                server, heard = greeted
                self._open.add(server)
                with server:
                    server.sendall(heard)
                    _exchange(client, server)
        except (OSError, ValueError):
            return  # the client refused the certificate, or went: the point of some tests
        finally:
            client.close()


class HttpProxy(Relay):
    """`credentials` ("user:password") are asked for when given."""

    def __init__(self, tls: ssl.SSLContext | None = None, credentials: str = "") -> None:
        self._expected = "basic " + base64.b64encode(credentials.encode()).decode() if credentials else ""
        super().__init__(tls)
        user = f"{credentials}@" if credentials else ""
        self.url = f"http{'s' if tls else ''}://{user}127.0.0.1:{self.port}"

    def greet(self, client: socket.socket) -> tuple[socket.socket, bytes] | None:
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += _some(client)
        head, _, body = heard.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        method, target, _ = first.split(" ")
        given = headers.get("proxy-authorization", "")
        if self._expected and given[:6].lower() + given[6:] != self._expected:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return None
        if method == "CONNECT":
            self.seen.append(f"CONNECT {target}")
            host, _, port = target.rpartition(":")
            try:
                server = _connect(host, int(port))
            except OSError:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                return None
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return server, body
        place = target.removeprefix("http://").partition("/")
        self.seen.append(f"{method} http://{place[0]}")
        host, _, port = place[0].partition(":")
        headers["connection"] = "close"  # the next request may be for another host
        kept = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if not name.startswith("proxy-"))
        request = f"{method} /{place[2]} HTTP/1.1\r\n{kept}\r\n"
        return _connect(host, int(port or 80)), request.encode("latin-1") + body


class SocksProxy(Relay):
    """SOCKS5 (RFC 1928), with a user name and password (RFC 1929) when `credentials` are given."""

    def __init__(self, credentials: str = "", *, silent: bool = False) -> None:
        self._credentials = credentials
        self._silent = silent
        super().__init__()
        self.url = f"socks5://{credentials + '@' if credentials else ''}127.0.0.1:{self.port}"

    def greet(self, client: socket.socket) -> tuple[socket.socket, bytes] | None:
        if self._silent:
            _some(client)
            client.recv(1)  # nothing more comes until the client gives up
            return None
        _exactly(client, _exactly(client, 2)[1])
        client.sendall(b"\x05\x02" if self._credentials else b"\x05\x00")
        if self._credentials and not self._admit(client):
            return None
        _, _, _, kind = _exactly(client, 4)
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntop(
                socket.AF_INET if kind == 1 else socket.AF_INET6, _exactly(client, 4 if kind == 1 else 16)
            )
        (port,) = struct.unpack("!H", _exactly(client, 2))
        self.seen.append(f"{'name' if kind == 3 else 'address'} {host}:{port}")
        server = _connect(host, port)
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return server, b""

    def _admit(self, client: socket.socket) -> bool:
        user = _exactly(client, _exactly(client, 2)[1]).decode()
        password = _exactly(client, _exactly(client, 1)[0]).decode()
        is_right = f"{user}:{password}" == self._credentials
        client.sendall(b"\x01\x00" if is_right else b"\x01\x01")
        return is_right


class TlsFront(Relay):
    """Takes TLS off, with what certificates the context wants, and passes the bytes on to a port of this machine."""

    def __init__(self, tls: ssl.SSLContext, port: int) -> None:
        self._to = port
        super().__init__(tls)

    def greet(self, client: socket.socket) -> tuple[socket.socket, bytes] | None:
        self.seen.append("TLS")
        return _connect("127.0.0.1", self._to), b""


def _connect(host: str, port: int, names: Mapping[str, str] = NAMES) -> socket.socket:
    return socket.create_connection((names.get(host, host), port), timeout=20)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("hung up")
    return data


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("hung up")
        data += more
    return data


def _exchange(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on in both directions until either side hangs up. In one thread: OpenSSL wants no two on a socket."""
    while True:
        waiting = [side for side in (one, other) if isinstance(side, ssl.SSLSocket) and side.pending()]
        for side in waiting or select.select([one, other], [], [])[0]:
            data = side.recv(65536)
            if not data:
                return
            (other if side is one else one).sendall(data)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
