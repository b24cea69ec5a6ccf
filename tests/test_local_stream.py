"""Turns of the embedded service, over raw WebSockets and without them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from raw_service import EchoEngine, Raw, RawStream, running_service
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from secgemini.local.engines import Reply, TokenUsage, TurnRequest
from secgemini.local.server import LocalService
from secgemini.local.service import Limits
from secgemini.local.store import Store
from secgemini.local.turns import Turns


class Scripted:
    """Yields what the test puts in, and waits where the test says so."""

    name = "scripted"

    def __init__(self, *steps: Reply | BaseException | str) -> None:
        self.steps = steps
        self.prompts: list[str] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.gate = asyncio.Event()

    def release(self) -> None:
        """Let the engine pass the step "wait"; from any thread."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.gate.set)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        self.loop = asyncio.get_running_loop()
        self.prompts.append(turn.prompt)
        for step in self.steps:
            if isinstance(step, BaseException):
                raise step
            if step == "wait":
                await self.gate.wait()
                self.gate.clear()
            elif isinstance(step, Reply):
                yield step


async def test_a_turn_is_streamed_and_stored_alike(http: Raw, open_stream: Any) -> None:
    session_id = http.register()
    stream: RawStream = await open_stream(session_id)
    prompt_id = await stream.ask("hello world", state="query", role="user")
    frames = await stream.turn()
    assert [(frame["message_type"], frame["state"], frame["role"]) for frame in frames] == [
        ("thinking", "thinking", "agent"),
        ("result", "agent_done", "agent"),
        ("info", "end", "system"),
    ]
    assert all(frame["status_code"] == 200 and frame["parent_id"] == "3713" for frame in frames)
    assert frames[1]["content"] == "hello world"
    session = http.session(session_id)
    prompt, *answer = session["messages"]
    assert answer == frames
    assert (prompt["id"], prompt["role"], prompt["content"]) == (prompt_id, "user", "hello world")
    assert (session["state"], session["turns"], session["num_messages"]) == ("agent_done", 1, 4)
    assert session["update_time"] == frames[-1]["created_at"]


@pytest.mark.parametrize(
    "prompt",
    [
        {"id": "5c0c8b4e-8f0f-4f3d-9d4c-3f6f4c8e2f10", "parent_id": "3713", "role": "user", "mime_type": "text/plain"},
        {"id": "f" * 32, "state": "start", "usage": None, "turn": "a" * 32, "group": "b" * 32, "actor": "user"},
        {"x-unknown": {"kept": False}},
    ],
    ids=["typescript", "rust", "least"],
)
async def test_prompts_of_every_client_are_understood(http: Raw, open_stream: Any, prompt: dict[str, Any]) -> None:
    session_id = http.register()
    stream: RawStream = await open_stream(session_id)
    await stream.socket.send(json.dumps({"message_type": "query", "content": "hi"} | prompt))
    assert (await stream.turn())[1]["content"] == "hi"
    stored = http.session(session_id)["messages"][0]
    assert stored["id"] == prompt.get("id", stored["id"])
    assert stored["turn"]
    assert stored["group"]


async def test_several_prompts_on_a_socket_are_answered_one_after_the_other(http: Raw, open_stream: Any) -> None:
    session_id = http.register()
    stream: RawStream = await open_stream(session_id)
    for word in ("one", "two", "three"):
        await stream.ask(word)
    assert [(await stream.turn())[1]["content"] for _ in range(3)] == ["one", "two", "three"]
    kinds = [message["message_type"] for message in http.session(session_id)["messages"]]
    assert kinds == ["query", "thinking", "result", "info"] * 3


class TestPartialResults:
    async def test_pieces_joined_are_the_whole(self, http: Raw, open_stream: Any) -> None:
        session_id = http.register()
        stream: RawStream = await open_stream(session_id, query="&stream=true")
        await stream.ask("a b c d")
        frames = await stream.turn()
        pieces = [frame["content"] for frame in frames if frame["status_code"] == 206]
        assert pieces
        assert "".join(pieces) == "a b c d" == frames[-2]["content"]
        stored = http.session(session_id)["messages"][1:]
        assert stored == [frame for frame in frames if frame["status_code"] != 206]

    @pytest.mark.parametrize("query", ["", "&stream=false", "&stream=0"])
    async def test_nobody_gets_pieces_unasked(self, http: Raw, open_stream: Any, query: str) -> None:
        stream: RawStream = await open_stream(http.register(), query=query)
        await stream.ask("a b c d")
        assert {frame["status_code"] for frame in await stream.turn()} == {200}


class TestErrors:
    async def test_an_engine_that_raises_ends_the_turn_with_an_error(self, open_stream: Any) -> None:
        engine = Scripted(Reply("thinking", "hm"), ValueError("no"), Reply("result", "never"))
        with running_service(engine=engine) as service, Raw(service) as http:
            session_id = http.register()
            stream: RawStream = await open_stream(session_id, of=service)
            await stream.ask("x")
            frames = await stream.turn()
            assert [(f["message_type"], f["state"], f["status_code"]) for f in frames[1:]] == [
                ("error", "agent_done", 500),
                ("info", "end", 200),
            ]
            assert "ValueError: no" in frames[1]["content"]
            assert http.session(session_id)["messages"][1:] == frames
            assert http.ask(session_id, "y")["status_code"] == 500

    async def test_an_engine_without_an_answer_is_an_error(self, open_stream: Any) -> None:
        with running_service(engine=Scripted(Reply("thinking", "hm"))) as service, Raw(service) as http:
            stream: RawStream = await open_stream(http.register(), of=service)
            await stream.ask("x")
            assert (await stream.turn())[1]["status_code"] == 500

    async def test_an_id_that_is_taken_by_an_answer_is_refused(self, http: Raw, open_stream: Any) -> None:
        session_id = http.register()
        taken = http.ask(session_id, "x")["messages"][0]["id"]
        stream: RawStream = await open_stream(session_id)
        await stream.ask("y", id=taken)
        assert (await stream.turn())[0]["status_code"] == 409
        message = {"id": taken, "message_type": "query", "content": "y"}
        answer = http.post("/v1/session/generate", json={"id": session_id, "messages": [message]}).json()
        assert (answer["status_code"], answer["messages"]) == (409, [])
        assert http.session(session_id)["turns"] == 1

    async def test_a_turn_that_cannot_be_stored_ends_and_the_service_goes_on(
        self, http: Raw, open_stream: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session_id = http.register()
        stream: RawStream = await open_stream(session_id)
        with monkeypatch.context() as patch:
            full = sqlite3.OperationalError("database or disk is full")
            patch.setattr(Store, "add_message", lambda *_: (_ for _ in ()).throw(full))
            await stream.ask("x")
            frames = await stream.turn()
            assert frames[0]["status_code"] == 500
            assert "not store" in frames[0]["content"]
            assert http.ask(session_id, "y")["status_code"] == 500
        await stream.ask("z")
        assert (await stream.turn())[1]["content"] == "z"

    @pytest.mark.parametrize("error", [sqlite3.OperationalError("no such table: iocs"), ValueError("\ud800")])
    async def test_whatever_an_engine_raises_is_its_failure(self, open_stream: Any, error: Exception) -> None:
        with running_service(engine=Scripted(Reply("thinking", "hm"), error)) as service, Raw(service) as http:
            stream: RawStream = await open_stream(http.register(), of=service)
            await stream.ask("x")
            _, failure, end = await stream.turn()
            assert failure["content"].startswith(f"The engine failed: {type(error).__name__}: ")
            assert end["state"] == "end"

    async def test_a_tool_result_that_cannot_be_stored_is_said(
        self, http: Raw, open_stream: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stream: RawStream = await open_stream(http.register())
        with monkeypatch.context() as patch:
            full = sqlite3.OperationalError("database or disk is full")
            patch.setattr(Turns, "tool_result", lambda *_: (_ for _ in ()).throw(full))
            await stream.socket.send(json.dumps({"message_type": "local_tool_result", "content": "x"}))
            assert (await stream.turn())[0]["status_code"] == 500
        await stream.ask("still there")
        assert (await stream.turn())[1]["content"] == "still there"

    async def test_an_unknown_session_is_told_after_the_first_frame(self, open_stream: Any) -> None:
        stream: RawStream = await open_stream("nope")
        await stream.ask("x")
        error, end = await stream.turn()
        assert (error["message_type"], error["status_code"]) == ("error", 404)
        assert "not found" in error["status_message"]
        assert end["state"] == "end"

    async def test_an_unknown_session_is_told_to_a_silent_socket_too(self, open_stream: Any) -> None:
        stream: RawStream = await open_stream("nope")
        assert (await stream.turn())[0]["status_code"] == 404

    @pytest.mark.parametrize(
        "frame",
        ["{", "[]", '"x"', '{"content": "x"}', '{"message_type": "query", "content": 5}', '{"message_type": "query"}'],
    )
    async def test_a_frame_that_is_no_prompt_does_not_hurt(self, http: Raw, open_stream: Any, frame: str) -> None:
        session_id = http.register()
        stream: RawStream = await open_stream(session_id)
        await stream.socket.send(frame)
        assert (await stream.turn())[0]["status_code"] == 400
        assert http.session(session_id)["messages"] == []
        await stream.ask("still there")
        assert (await stream.turn())[1]["content"] == "still there"

    async def test_binary_frames_are_refused(self, http: Raw, open_stream: Any) -> None:
        stream: RawStream = await open_stream(http.register())
        await stream.socket.send(b"{}")
        with pytest.raises(ConnectionClosed) as closed:
            await stream.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003

    @pytest.mark.parametrize(
        ("query", "status"), [("api_key=wrong&session_id=x", 401), ("session_id=x", 401), ("api_key={key}", 422)]
    )
    async def test_a_handshake_without_key_or_session_fails(
        self, service: LocalService, query: str, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{service.websocket_url}/v1/stream?{query.format(key=service.api_key)}")
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["x-request-id"]
        service.stop()
        assert [record.getMessage() for record in caplog.records] == [], "it is no failure of the service"

    def test_generate_says_what_is_wrong_with_a_prompt(self, http: Raw) -> None:
        session_id = http.register()
        for content in ("", "  "):
            assert http.ask(session_id, content)["status_code"] == 400
        assert http.post("/v1/session/generate", json={"id": session_id, "messages": []}).json()["status_code"] == 400
        assert http.post("/v1/session/generate", json={"id": "nope", "messages": []}).status_code == 404
        assert http.session(session_id)["messages"] == []


class TestDrops:
    """A turn goes on without a socket, and what was not delivered comes to the next one."""

    @pytest.fixture
    def engine(self) -> Scripted:
        return Scripted(Reply("thinking", "1"), "wait", Reply("thinking", "2"), Reply("result", "3"))

    async def test_a_silent_socket_gets_the_rest(self, engine: Scripted, open_stream: Any) -> None:
        with running_service(engine=engine) as service, Raw(service) as http:
            session_id = http.register()
            first: RawStream = await open_stream(session_id, of=service)
            await first.ask("x")
            taken = await first.next()
            first.socket.transport.abort()
            second: RawStream = await open_stream(session_id, of=service)
            engine.release()
            rest = await second.turn()
            assert [taken, *rest] == http.session(session_id)["messages"][1:]
            assert engine.prompts == ["x"]

    async def test_a_turn_that_ended_unheard_is_delivered_then_its_end_is_repeated(
        self, engine: Scripted, open_stream: Any
    ) -> None:
        with running_service(engine=engine) as service, Raw(service) as http:
            session_id = http.register()
            first: RawStream = await open_stream(session_id, of=service)
            await first.ask("x")
            taken = await first.next()
            await first.socket.close()
            engine.release()
            while http.session(session_id)["state"] != "agent_done":
                continue
            stored = http.session(session_id)["messages"][1:]
            second: RawStream = await open_stream(session_id, of=service)
            assert [taken, *await second.turn()] == stored
            third: RawStream = await open_stream(session_id, of=service)
            assert await third.turn() == stored[-1:]

    async def test_a_prompt_sent_again_is_not_processed_again(self, engine: Scripted, open_stream: Any) -> None:
        with running_service(engine=engine) as service, Raw(service) as http:
            session_id = http.register()
            first: RawStream = await open_stream(session_id, of=service)
            prompt_id = await first.ask("x")
            taken = await first.next()
            second: RawStream = await open_stream(session_id, of=service)
            await second.ask("x", id=prompt_id)
            assert await second.next() == taken
            engine.release()
            stored = [*await second.turn()]
            assert await first.turn() == stored
            third: RawStream = await open_stream(session_id, of=service)
            await third.ask("x", id=prompt_id)
            assert await third.turn() == [taken, *stored]
            message = {"id": prompt_id, "message_type": "query", "content": "x"}
            answer = http.post("/v1/session/generate", json={"id": session_id, "messages": [message]}).json()
            assert answer["messages"] == [taken, *stored]
            assert engine.prompts == ["x"]
            assert http.session(session_id)["turns"] == 1

    async def test_the_end_of_the_turn_before_is_not_sent_to_a_client_that_is_slow_to_prompt(
        self, open_stream: Any
    ) -> None:
        with running_service(limits=Limits(silence=0)) as service, Raw(service) as http:
            session_id = http.register()
            http.ask(session_id, "one")
            stream: RawStream = await open_stream(session_id, of=service)
            await stream.quiet()
            await stream.ask("two")
            assert await stream.turn() == http.session(session_id)["messages"][-3:]

    async def test_a_turn_whose_prompt_is_sent_again_late_comes_from_its_start(
        self, engine: Scripted, open_stream: Any
    ) -> None:
        with running_service(engine=engine, limits=Limits(silence=0)) as service, Raw(service) as http:
            session_id = http.register()
            first: RawStream = await open_stream(session_id, of=service)
            prompt_id = await first.ask("x")
            await first.next()  # the service cannot know that nobody read it
            await first.socket.close()
            second: RawStream = await open_stream(session_id, of=service)
            third: RawStream = await open_stream(session_id, of=service)
            for stream in (second, third):
                await stream.quiet()
            await second.ask("x", id=prompt_id)
            assert (await second.next())["content"] == "1"
            engine.release()
            rest = [await second.next(), *await second.turn()]
            stored = http.session(session_id)["messages"][1:]
            assert rest == stored[1:]
            assert [await third.next(), await third.next()] == stored[1:3], "its end waits for a word"
            await third.ask("x", id=prompt_id)
            assert await third.turn() == stored

    async def test_deleting_the_session_ends_its_turn(self, engine: Scripted, open_stream: Any) -> None:
        with running_service(engine=engine) as service, Raw(service) as http:
            session_id = http.register()
            stream: RawStream = await open_stream(session_id, of=service)
            await stream.ask("x")
            await stream.next()
            http.post("/v1/session/delete", json=http.session(session_id))
            error, end = await stream.turn()
            assert (error["status_code"], end["state"]) == (404, "end")
            assert http.get("/v1/session/list").json() == []

    async def test_stopping_the_service_ends_the_turn_and_says_so(
        self, engine: Scripted, open_stream: Any, tmp_path: Any
    ) -> None:
        database = tmp_path / "s.db"
        with running_service(path=database, engine=engine, key="k") as service, Raw(service) as http:
            session_id = http.register()
            stream: RawStream = await open_stream(session_id, of=service)
            await stream.ask("x")
            await stream.next()
        frames = await stream.turn()
        assert [(frame["message_type"], frame["status_code"]) for frame in frames] == [("error", 503), ("info", 200)]
        with running_service(path=database, engine=engine, key="k") as service, Raw(service) as http:
            session = http.session(session_id)
            assert session["messages"][2:] == frames
            assert session["state"] == "agent_done"


class TestLeaving:
    def test_the_end_of_the_service_does_not_wait_for_a_slow_file(self) -> None:
        began, go_on, done = threading.Event(), threading.Event(), threading.Event()

        def read_slowly() -> None:
            began.set()
            go_on.wait(20)
            done.set()

        class Slow(EchoEngine):
            async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
                await asyncio.to_thread(read_slowly)
                yield Reply("result", "read")

        async def leave(service: LocalService, session_id: str) -> None:
            url = f"{service.websocket_url}/v1/stream?api_key={service.api_key}&session_id={session_id}"
            async with connect(url) as socket:
                await RawStream(socket).ask("x")
                await asyncio.to_thread(began.wait)

        try:
            with running_service(engine=Slow()) as service, Raw(service) as http:
                asyncio.run(leave(service, http.register()))
            assert not done.is_set()
        finally:
            go_on.set()

    def test_a_program_that_ends_while_a_turn_runs_says_nothing(self, tmp_path: Path) -> None:
        program = """
            import asyncio, time
            from secgemini import SecGemini
            from secgemini.local.engines import Reply

            class Busy:
                name = "busy"

                async def answer(self, turn):
                    yield Reply("thinking", "hm", state="thinking")
                    while True:
                        await asyncio.to_thread(time.sleep, 0.001)

            client = SecGemini.local(engine=Busy())
            stream = client.create_session().stream_sync("x")
            next(stream)
        """
        (tmp_path / "program.py").write_text(textwrap.dedent(program))
        ended = subprocess.run([sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_usage_adds_up(http: Raw) -> None:
    engine = Scripted(Reply("result", "a", usage=TokenUsage(prompt_tokens=3, generated_tokens=2)))
    with running_service(engine=engine) as service, Raw(service) as client:
        session_id = client.register()
        answers = [client.ask(session_id, "x") for _ in range(2)]
        assert [answer["usage"]["total_tokens"] for answer in answers] == [5, 5]
        usage = client.session(session_id)["usage"]
        assert (usage["prompt_tokens"], usage["generated_tokens"], usage["total_tokens"]) == (6, 4, 10)
