"""What is no request, or no opening of a WebSocket: refused like every other error, and nobody is left waiting."""

from __future__ import annotations

import json
import socket

import pytest

from secgemini.local.server import LocalService

HOST = b"Host: localhost\r\n"
OPENING = HOST + (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
POST = b"POST /upload_logs HTTP/1.1\r\n" + HOST
STREAM = b"GET /v1/stream?api_key=k&session_id=s"
REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(99), 400),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
    "a length below zero": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a length of 5000 digits": (POST + b"Content-Length: %s\r\n\r\n" % (b"9" * 5000), 400),
    "a chunk without size": (POST + b"x-api-key: k\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a bad WebSocket key": (STREAM + b" HTTP/1.1\r\n" + OPENING.replace(b"dGhl", b""), 400),
    "an old WebSocket": (STREAM + b" HTTP/1.1\r\n" + OPENING.replace(b"13", b"8"), 400),
    "a posted WebSocket": (STREAM.replace(b"GET", b"POST") + b" HTTP/1.1\r\n" + OPENING, 405),
    "a WebSocket with a body": (STREAM + b" HTTP/1.1\r\n" + OPENING + b"Content-Length: 5\r\n", 400),
    "a WebSocket of a long address": (STREAM + b"s" * 9000 + b" HTTP/1.1\r\n" + OPENING, 414),
    "a WebSocket with large cookies": (STREAM + b" HTTP/1.1\r\n" + OPENING + b"Cookie: %s\r\n" % (b"c" * 9000), 431),
}  # fmt: skip


def dial(service: LocalService) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(service.base_url.rpartition(":")[2])), 30)


def rest_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def service() -> LocalService:
    return LocalService(key="k")


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_a_reason_and_a_request_id(
    service: LocalService, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    said, status = REFUSED[what]
    with service, dial(service) as connection:
        connection.sendall(said if said.endswith(b"\r\n\r\n") else said + b"\r\n")
        head, _, body = rest_of(connection).partition(b"\r\n\r\n")
    first, *headers = head.decode().lower().split("\r\n")
    assert first.split()[1] == str(status)
    assert json.loads(body)["detail"]
    named = dict(line.split(": ", 1) for line in headers)
    assert len(named["x-request-id"]) == 16
    assert named["content-type"] == "application/json"
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "it is no failure of the service"


def test_after_an_answer_there_is_no_other(service: LocalService, caplog: pytest.LogCaptureFixture) -> None:
    with service, dial(service) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401 ")
        connection.sendall(b"no chunk\r\n")
        assert b"HTTP/1.1" not in rest_of(connection)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
