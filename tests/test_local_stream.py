"""Turns of the embedded service, over raw WebSockets and without them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from raw_service import Raw, RawStream, Scripted, running_service

from secgemini.local.engines import Reply, TokenUsage
from secgemini.local.service import Limits


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


def test_usage_adds_up(http: Raw) -> None:
    engine = Scripted(Reply("result", "a", usage=TokenUsage(prompt_tokens=3, generated_tokens=2)))
    with running_service(engine=engine) as service, Raw(service) as client:
        session_id = client.register()
        answers = [client.ask(session_id, "x") for _ in range(2)]
        assert [answer["usage"]["total_tokens"] for answer in answers] == [5, 5]
        usage = client.session(session_id)["usage"]
        assert (usage["prompt_tokens"], usage["generated_tokens"], usage["total_tokens"]) == (6, 4, 10)
