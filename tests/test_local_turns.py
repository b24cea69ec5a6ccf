"""Turns of the embedded service that fail, and services that end while turns run."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from held_services import checked
from raw_service import EchoEngine, Raw, RawStream, Scripted, running_service
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from secgemini import SecGemini, StreamError
from secgemini.local import listening
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService
from secgemini.local.store import Store
from secgemini.local.turn import Turn
from secgemini.local.turns import Turns


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

    @pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
    async def test_what_an_engine_raises_ends_its_turn_and_not_the_next_or_the_service(
        self, raised: BaseException, open_stream: Any
    ) -> None:
        with running_service(engine=Scripted(raised)) as service, Raw(service) as http:
            stream: RawStream = await open_stream(http.register(), of=service)
            for prompt in ("x", "y"):
                await stream.ask(prompt)
            for _ in range(2):
                assert f"The engine failed: {type(raised).__name__}" in (await stream.turn())[0]["content"]

    @pytest.mark.parametrize("reply", ["text", None])
    def test_what_is_no_reply_is_an_error(self, reply: object) -> None:
        class Wrong:
            name = "wrong"

            async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
                yield reply  # type: ignore[misc]

        with running_service(engine=Wrong()) as service, Raw(service) as http:
            answer = http.ask(http.register(), "x")
        assert f"an engine yields Reply, not {type(reply).__name__}" in answer["messages"][0]["content"]

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

    def test_what_an_engine_does_not_find_is_not_the_session(self) -> None:
        engine = Scripted(RuntimeError("the server answered 404: model 'llama9' not found"))
        with running_service(engine=engine) as service, SecGemini(service.api_key, base_url=service.base_url) as sg:
            session = sg.create_session()
            with pytest.raises(StreamError, match="model 'llama9' not found") as failed:
                list(session.stream_sync("x"))
            assert failed.value.status_code == 500
            error = session.history()[1]
            assert "not found" not in error.status_message, "published clients would say that the session is gone"
            assert "not found" in str(error.content)

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

    async def test_a_socket_that_fails_is_closed_as_the_contract_says(
        self, http: Raw, open_stream: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        stream: RawStream = await open_stream(http.register())
        monkeypatch.setattr(Turns, "submit", lambda *_: 1 / 0)
        await stream.ask("x")
        with pytest.raises(ConnectionClosed) as closed:
            await stream.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert "ZeroDivisionError" in caplog.text

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

    async def test_a_text_frame_that_is_no_text_closes_the_socket_and_is_no_failure_of_the_service(
        self, service: LocalService, http: Raw, open_stream: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        stream: RawStream = await open_stream(http.register())
        async with stream.socket.send_context():
            stream.socket.protocol.send_text(b"\xff{}")
        with pytest.raises(ConnectionClosed) as closed:
            await stream.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007
        service.stop()
        assert [record.getMessage() for record in caplog.records] == []

    async def test_a_prompt_may_come_in_parts_and_empty_ones_are_not_kept(self, http: Raw, open_stream: Any) -> None:
        stream: RawStream = await open_stream(http.register())
        prompt = json.dumps({"id": "a", "message_type": "query", "content": "in parts"})
        kept: list[int] = []

        async def parts() -> AsyncIterator[str]:
            yield prompt[:9]
            for _ in range(500):
                yield ""
            await (await stream.socket.ping())  # all of them have arrived
            sockets = [thing for thing in gc.get_objects() if type(thing) is listening._WebSocket]
            kept.extend(len(socket.frames) for socket in sockets)
            yield prompt[9:]

        await stream.socket.send(parts())
        assert (await stream.turn())[-2]["content"] == "in parts"
        assert kept
        assert max(kept) == 1

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


def held_turns() -> int:
    gc.collect()
    return sum(isinstance(thing, Turn) for thing in gc.get_objects())


async def test_a_turn_that_was_answered_is_held_in_the_store_alone(
    service: LocalService, http: Raw, open_stream: Any
) -> None:
    before, session_id = held_turns(), http.register()
    for number in range(5):
        assert http.ask(http.register(), f"number {number}")["status_code"] == 200
        chat = {"model": "sec-gemini-1.1", "messages": [{"role": "user", "content": f"number {number}"}]}
        answer = http.post("/chat/completions", json=chat, headers={"authorization": f"Bearer {service.api_key}"})
        assert answer.status_code == 200
    stream: RawStream = await open_stream(session_id)
    await stream.ask("x")
    await stream.turn()
    await stream.socket.close()
    http.get("/health")
    assert held_turns() <= before + 1, "the service's loop may not be done with the last one"


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

    @pytest.mark.parametrize("stubborn", [True, False])
    def test_the_end_of_the_service_does_not_wait_for_an_engine_that_holds_it_up(
        self, stubborn: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        began, go_on = threading.Event(), threading.Event()

        class Holding(EchoEngine):
            async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
                began.set()
                while stubborn and not go_on.is_set():
                    with suppress(asyncio.CancelledError):
                        await asyncio.sleep(0.01)
                go_on.wait()
                yield Reply("result", "at last")

        async def leave(service: LocalService, session_id: str) -> None:
            url = f"{service.websocket_url}/v1/stream?api_key={service.api_key}&session_id={session_id}"
            async with connect(url, close_timeout=0) as socket:
                await RawStream(socket).ask("x")
                await asyncio.to_thread(began.wait)

        monkeypatch.setattr(listening, "_END", 0.1)
        service = LocalService(engine=Holding()).start()
        with Raw(service) as http:
            asyncio.run(leave(service, http.register()))
        thread = next(thread for thread in threading.enumerate() if thread.name == "secgemini-local")
        service.stop()
        assert thread.is_alive()
        assert "left behind" in caplog.text
        go_on.set()
        thread.join()

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
        command = [sys.executable, str(tmp_path / "program.py")]
        ended = subprocess.run(command, env=checked(os.environ), capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")
