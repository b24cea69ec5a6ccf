"""What a client and a service said to each other, kept in files: `Recorder` writes them, `Player` answers from them.

A recording is a file of JSON lines in `data/recordings`, one HTTP exchange or WebSocket a line. The player holds every
request and every frame of a client against it, in full: whatever today's client says otherwise than when it was
recorded is a surprise, and so is whatever it no longer says. Only what a client makes up anew each time may differ
(ids, names, times); the answers then carry today's. Sync and async clients are played the same recording.

    pytest tests/test_contract_suite.py -k "recorded and async" --record      # write them anew
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect

FOLDER = Path(__file__).parent / "data/recordings"
PATIENCE = 20.0  # seconds after which a client that should have said something is taken to hang

_MADE_UP = re.compile(r"[0-9a-f]{32}|[0-9a-f]{12}|[a-z]+-[a-z]+-[0-9a-f]{4}")
_TIMES = {"created_at", "timestamp"}
_RUN, _PACKED = re.compile(r"(\w)\1{999,}"), re.compile(r"⟦(\w)×(\d+)⟧")


class Tape:
    """The exchanges of one test, in the order in which they began."""

    def __init__(self, name: str) -> None:
        self._path = FOLDER / (re.sub(r"[^\w]+", "_", name).strip("_") + ".jsonl")
        self.exchanges: list[dict[str, Any]] = []
        self.surprises: list[str] = []
        self._today: dict[str, str] = {}  # what was made up then -> what the client made up now

    def load(self) -> None:
        packed = self._path.read_text(encoding="utf-8")
        text = _PACKED.sub(lambda run: run[1] * int(run[2]), packed)
        self.exchanges = [json.loads(line) for line in text.split("\n") if line]

    def save(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        lines = [json.dumps(exchange, ensure_ascii=False) + "\n" for exchange in self.exchanges]
        text = _RUN.sub(lambda run: f"⟦{run[1]}×{len(run[0])}⟧", "".join(lines))
        self._path.write_text(text, encoding="utf-8")

    def take(self, said: dict[str, Any]) -> dict[str, Any] | None:
        """Return the first exchange that began like this, and take it off; none is a surprise."""
        for exchange in self.exchanges:
            if self.is_same({name: exchange.get(name) for name in said}, said):
                self.exchanges.remove(exchange)
                return exchange
        self.surprises.append(f"was never asked, or not so often: {json.dumps(said)[:2000]}")
        return None

    def is_same(self, then: object, now: object) -> bool:
        """Tell whether a client says now what it said then, and learn what it made up this time."""
        learned: dict[str, str] = {}
        same = self._is_same(then, now, learned)
        if same:
            self._today |= learned
        return same

    def _is_same(self, then: object, now: object, learned: dict[str, str]) -> bool:
        if isinstance(then, dict) and isinstance(now, dict):
            return then.keys() == now.keys() and all(
                name in _TIMES or self._is_same(value, now[name], learned) for name, value in then.items()
            )
        if isinstance(then, list) and isinstance(now, list):
            return len(then) == len(now) and all(self._is_same(a, b, learned) for a, b in zip(then, now, strict=True))
        if isinstance(then, str) and isinstance(now, str) and _MADE_UP.fullmatch(then) and _MADE_UP.fullmatch(now):
            known = self._today | learned
            if then not in known and now not in known.values():
                learned[then] = known[then] = now
            return known.get(then) == now
        return type(then) is type(now) and then == now

    def as_of_today(self, value: object) -> str:
        """Return an answer as JSON, with what the client made up this time."""
        text = json.dumps(value, ensure_ascii=False)
        for then, now in self._today.items():
            text = text.replace(then, now)
        return text


class Stand(ABC):
    """A Starlette application that listens on loopback; `tape` is what is recorded or played at the moment."""

    def __init__(self, base_url: str, key: str) -> None:
        self.tape = Tape("")
        self._base_url = base_url
        self._key = key
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        routes = [WebSocketRoute("/v1/stream", self.stream), Route("/{path:path}", self.http, methods=methods)]
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
        self.place = f"127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(Starlette(routes=routes), lifespan="off", log_config=None, ws="websockets-sansio")
        config.ws_max_size = 2**26
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        assert self._server.ready.wait(PATIENCE)

    @contextmanager
    def turning(self, test: str) -> Iterator[None]:
        """Record or play one test. What came out otherwise than recorded fails it."""
        self.tape = Tape(test)
        self.begin()
        yield
        self.end()

    @abstractmethod
    def begin(self) -> None: ...

    @abstractmethod
    def end(self) -> None: ...

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @abstractmethod
    async def http(self, request: Request) -> Response: ...

    @abstractmethod
    async def stream(self, client: WebSocket) -> None: ...

    def _said(self, connection: HTTPConnection, method: str, body: bytes = b"") -> dict[str, Any]:
        query = dict(connection.query_params)
        key = connection.headers.get("x-api-key") or query.pop("api_key", "")
        said = {"request": f"{method} {connection.url.path}", "query": query, "key": key == self._key}
        return {**said, "body": _readable(body)} if body else said


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self.ready.set()
        await super().main_loop()


class Recorder(Stand):
    """Passes everything on to a service, and notes it."""

    def begin(self) -> None:
        self.tape.exchanges.clear()

    def end(self) -> None:
        self.tape.save()

    async def http(self, request: Request) -> Response:
        body = await request.body()
        exchange = self._said(request, request.method, body)
        self.tape.exchanges.append(exchange)
        headers = {name: value for name, value in request.headers.items() if name in ("x-api-key", "content-type")}
        async with httpx.AsyncClient(base_url=self._base_url, timeout=PATIENCE, trust_env=False) as service:
            target = f"{request.url.path}?{request.url.query}"
            answer = await service.request(request.method, target, content=body, headers=headers)
        exchange["status"], exchange["answer"] = answer.status_code, answer.json()
        return Response(answer.content, answer.status_code, media_type="application/json")

    async def stream(self, client: WebSocket) -> None:
        frames: list[dict[str, Any]] = []
        self.tape.exchanges.append({**self._said(client, "STREAM"), "frames": frames})
        await client.accept()
        url = f"{self._base_url.replace('http', 'ws', 1)}{client.url.path}?{client.url.query}"
        async with connect(url, max_size=None, proxy=None) as service, asyncio.TaskGroup() as both:
            both.create_task(_hear(client, service, frames))
            both.create_task(_say(client, service, frames))


async def _hear(client: WebSocket, service: ClientConnection, frames: list[dict[str, Any]]) -> None:
    async for text in service:
        frames.append({"service": json.loads(text)})
        try:
            await client.send_text(str(text))
        except (WebSocketDisconnect, RuntimeError):
            return  # the client left; what else the service says to it nobody hears
    if client.client_state is WebSocketState.CONNECTED:
        frames.append({"closed": service.close_code})
        await client.close(service.close_code or 1000)


async def _say(client: WebSocket, service: ClientConnection, frames: list[dict[str, Any]]) -> None:
    async for text in client.iter_text():
        frames.append({"client": json.loads(text)})
        await service.send(text)
    await service.close()


class Player(Stand):
    """Answers as a service once did."""

    def begin(self) -> None:
        self.tape.load()

    def end(self) -> None:
        assert not self.tape.surprises, "\n".join(self.tape.surprises)
        assert not self.tape.exchanges, f"is no longer asked: {self.tape.exchanges}"

    async def http(self, request: Request) -> Response:
        exchange = self.tape.take(self._said(request, request.method, await request.body()))
        if exchange is None:
            return JSONResponse({"detail": "this is not on the tape"}, 418)
        return Response(self.tape.as_of_today(exchange["answer"]), exchange["status"], media_type="application/json")

    async def stream(self, client: WebSocket) -> None:
        exchange = self.tape.take(self._said(client, "STREAM"))
        await client.accept()
        if exchange is None:
            return await client.close(1011)
        try:
            async with asyncio.timeout(PATIENCE):
                for frame in exchange["frames"]:
                    if "service" in frame:
                        await client.send_text(self.tape.as_of_today(frame["service"]))
                    elif "closed" in frame:
                        return await client.close(frame["closed"])
                    elif not self.tape.is_same(frame["client"], now := json.loads(await client.receive_text())):
                        self.tape.surprises.append(f"the frame was {frame['client']}, it is {now}")
                        return await client.close(1011)
                frame_too_many = await client.receive_text()
        except WebSocketDisconnect:
            return None  # it had what it wanted: what followed was on its way when the client left
        except TimeoutError:
            self.tape.surprises.append(f"the client waits for ever in {exchange}")
        else:
            self.tape.surprises.append(f"was never said: {frame_too_many}")


def _readable(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "backslashreplace")
