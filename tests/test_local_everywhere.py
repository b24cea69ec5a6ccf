"""One suite on every form of the service: in memory, in a file, as a process of its own, and over TLS.

Every HTTP answer and every frame is held against the contract on this side of the wire.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import Certificates
from raw_service import EchoEngine, Raw, RawStream
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from secgemini.local.contract import Contract
from secgemini.local.server import LocalService

KEY = "a-key-of-the-tests"
WAYS = ("memory", "file", "process", "tls", "tls-process")
CONTRACT = Contract.load()


@dataclass(frozen=True)
class Place:
    """Where a service is."""

    base_url: str
    websocket_url: str
    trust: ssl.SSLContext | None = None
    api_key: str = KEY


@contextmanager
def process(*options: str) -> Iterator[Place]:
    """Run `secgemini serve`, which checks its answers too, and read its ready line."""
    command = [sys.executable, str(Path(__file__).with_name("checked_serve.py")), "serve"]
    command += ["--engine", "raw_service:EchoEngine", *options]
    environment = os.environ | {"SEC_GEMINI_API_KEY": KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            words = running.stdout.readline().replace(")", " ").split()
            base_url, websocket_url = (next(w for w in words if w.startswith(scheme)) for scheme in ("http", "ws"))
            yield Place(base_url, websocket_url)
        finally:
            running.terminate()
            assert running.wait(60) == 0


@contextmanager
def embedded(**settings: Any) -> Iterator[Place]:
    with LocalService(engine=EchoEngine(), key=KEY, **settings) as service:
        yield Place(service.base_url, service.websocket_url)


@pytest.fixture(scope="module", params=WAYS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service in each form."""
    folder = tmp_path_factory.mktemp("place")
    certificates = Certificates(folder) if "tls" in request.param else None
    if certificates is None:
        ways = {"memory": embedded, "file": lambda: embedded(path=folder / "s.db")}
        with ways.get(request.param, lambda: process("--db", str(folder / "s.db")))() as here:
            yield here
    elif request.param == "tls":
        with embedded(tls_cert=certificates.cert, tls_key=certificates.key) as here:
            yield Place(here.base_url, here.websocket_url, certificates.client())
    else:
        with process("--tls-cert", certificates.cert, "--tls-key", certificates.key) as here:
            yield Place(here.base_url, here.websocket_url, certificates.client())


def hold_against_contract(response: httpx.Response) -> None:
    """Fail when an answer is not what the contract says of its operation."""
    operation = CONTRACT.operations.get((response.request.method, response.request.url.path))
    response.read()
    assert response.headers["x-request-id"]
    if operation is not None:
        media_type = response.headers["content-type"].partition(";")[0]
        assert operation.complaint(response.status_code, media_type, response.content) is None


@pytest.fixture
def http(place: Place) -> Iterator[Raw]:
    with Raw(place, verify=place.trust or True) as client:
        client.event_hooks = {"response": [hold_against_contract]}
        yield client
        for session in client.get("/v1/session/list").json():
            assert client.post("/v1/session/delete", json=session).json()["ok"]


@pytest.fixture
async def stream(place: Place) -> AsyncIterator[Callable[..., Any]]:
    sockets = []

    async def opener(session_id: str, query: str = "", key: str = KEY) -> RawStream:
        url = f"{place.websocket_url}/v1/stream?api_key={key}&session_id={session_id}{query}"
        sockets.append(await connect(url, ssl=place.trust))
        return RawStream(sockets[-1])

    yield opener
    for socket in sockets:
        await socket.close()


def test_who_and_what(http: Raw) -> None:
    info = http.get("/v1/user/info").json()
    assert info["available_models"][0]["model_string"] == "sec-gemini-1.1"
    for path in ("tools", "agent", "prompts", "graph", "diagnostic"):
        assert http.get(f"/v1/system/{path}").status_code == 200
    for path in ("/", "/health", "/v1/experimental/ts"):
        assert http.get(path).status_code == 200
    assert http.get("/v1/user/info", headers={"x-api-key": "wrong"}).status_code == 401


def test_a_session_from_its_beginning_to_its_end(http: Raw) -> None:
    session_id = http.register(name="one")
    session = http.session(session_id)
    assert http.post("/v1/session/update", json=session | {"name": "two", "ttl": 400}).json()["ok"]
    assert http.session(session_id)["name"] == "two"
    assert http.get("/v1/session/generate_name", params={"session_id": session_id}).json()["data"]["name"]
    feedback = {"session_id": session_id, "type": "bug_report", "score": 0, "comment": "c"}
    assert http.post("/v1/session/feedback", json=feedback).json()["ok"]
    assert http.post("/v1/session/delete", json=session).json()["ok"]
    assert http.get("/v1/session/get", params={"session_id": session_id}).status_code == 404
    assert http.post("/v1/session/register", json={}).status_code == 422


def test_files(http: Raw) -> None:
    session_id = http.register()
    for name in ("a", "b"):
        body = {"session_id": session_id, "filename": name, "content": "JVBERi0xLjcK"}
        assert http.post("/v1/session/attach_file", json=body).json()["data"]["mime_type"] == "application/pdf"
    for index, ok in ((0, True), (1, False), (0, True), (0, False)):
        answer = http.post("/v1/session/detach_file", json={"session_id": session_id, "file_idx": index}).json()
        assert answer["ok"] is ok


def test_a_turn_at_once(http: Raw) -> None:
    session_id = http.register()
    answer = http.ask(session_id, "hello there")
    assert answer["messages"] == http.session(session_id)["messages"][1:]
    assert [message["message_type"] for message in answer["messages"]] == ["thinking", "result", "info"]


async def test_a_turn_as_it_comes(http: Raw, stream: Callable[..., Any]) -> None:
    session_id = http.register()
    socket = await stream(session_id, "&stream=true")
    prompt_id = await socket.ask("hello there")
    frames = await socket.turn()
    for frame in frames:
        CONTRACT.check_component("Message", frame)
    whole = [frame for frame in frames if frame["status_code"] == 200]
    assert http.session(session_id)["messages"][1:] == whole
    again = await stream(session_id)
    assert await again.turn() == whole[-1:]
    await again.ask("hello there", id=prompt_id)
    assert await again.turn() == whole
    with pytest.raises(InvalidStatus):
        await stream(session_id, key="wrong")
    nowhere = await stream("nope")
    await nowhere.ask("x")
    assert (await nowhere.turn())[0]["status_message"] == "Session not found"


def test_logs(http: Raw) -> None:
    logs_hash = hashlib.blake2s(b"a line\n", key=b"secgemini").hexdigest()
    table = {"logs_hash": logs_hash, "can_log": "true"}
    assert http.post("/create_logs_table", params=table).json() == {"table_created": True}
    lines = {"logs_hash": logs_hash, "can_log": True, "log_lines": ["a line\n"]}
    assert http.post("/upload_logs", json=lines).json() == {"inserted_log_lines": 1}
    session_id = http.register()
    attached = http.post("/v1/session/attach_logs", params={"session_id": session_id, "logs_hash": logs_hash})
    assert attached.json()["ok"]
    assert http.session(session_id)["logs_table"] == {"blake2s": logs_hash}


@pytest.mark.parametrize("streamed", [False, True])
def test_chat(http: Raw, streamed: bool) -> None:
    body = {"model": "sec-gemini-stable", "messages": [{"role": "user", "content": "hello"}], "stream": streamed}
    answer = http.post("/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200
    assert "hello" in answer.text
