"""What a user does with a client, the same on every transport, sync and async.

Here only the way to the service differs; what it answers, in which order and with which errors, may not.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from transports import WAYS, Transport, reach

from secgemini import (
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    Message,
    NotFoundError,
    StreamError,
    tool,
)

SAID = {
    "a word": "hello",
    "lines": "in\nlines\r\n",
    "hostile": "‮ 三 🙂 \x1b[31m \u2028",
    "large": "x" * 300_000,
}


@pytest.fixture(scope="module", params=WAYS)
def transport(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transport]:
    record = request.config.getoption("--record")
    with reach(request.param, tmp_path_factory.mktemp(request.param), record=record) as reached:
        yield reached


@pytest.fixture(autouse=True)
def _recording(transport: Transport, request: pytest.FixtureRequest) -> Iterator[None]:
    """Play this test's recording, where that is the way, or write it anew: of async users, for both."""
    if transport.stand is None:
        yield
        return
    if request.config.getoption("--record") and "recorded-sync" in request.node.name:
        pytest.skip("what an async user says is recorded, and played to both")
    with transport.stand.turning(re.sub("recorded-a?sync", "", request.node.name)):
        yield


class User:
    """A client, sync or async, used in the same way: `await user.do(session.method, …)`."""

    def __init__(self, client: Any, *, waits: bool) -> None:
        self.client = client
        self._waits = waits

    async def do(self, method: Callable[..., Any], *arguments: object, **named: object) -> Any:
        if self._waits:
            return await method(*arguments, **named)
        return await asyncio.to_thread(method, *arguments, **named)

    async def session(self, *arguments: object, **named: object) -> Any:
        return await self.do(self.client.create_session, *arguments, **named)

    async def stream(self, session: Any, prompt: str, **options: Any) -> list[Message]:
        async with asyncio.timeout(60):
            if self._waits:
                async with session.stream(prompt, **options) as messages:
                    return [message async for message in messages]
            return await asyncio.to_thread(lambda: list(session.stream_sync(prompt, **options)))


@pytest.fixture(params=["sync", "async"])
async def user(transport: Transport, request: pytest.FixtureRequest) -> AsyncIterator[User]:
    """A user with a client of its own, who leaves nothing behind."""
    waits = request.param == "async"
    client: Any = transport.asynchronous() if waits else transport.sync()
    user = User(client, waits=waits)
    yield user
    for session in await user.do(client.list_sessions):
        await user.do(session.delete)
    closed = (client.aclose if waits else client.close)()
    if inspect.isawaitable(closed):
        await closed


@tool(read_only=True)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def kinds(messages: list[Message]) -> list[str]:
    return [str(message.message_type) for message in messages]


async def test_a_session_from_its_beginning_to_its_end(user: User) -> None:
    session = await user.session("first", "a description", 600, False, language="de")
    assert (session.name, session.description, session.ttl, session.language) == ("first", "a description", 600, "de")
    assert session.model.model_string == "sec-gemini-1.1"
    assert session.create_time <= session.update_time
    other = await user.session()
    assert other.name
    assert [each.id for each in await user.do(user.client.list_sessions)] == [session.id, other.id]

    await user.do(session.update, name="second", ttl=900)
    resumed = await user.do(user.client.resume_session, session.id)
    assert (resumed.name, resumed.description, resumed.ttl) == ("second", "a description", 900)

    await user.do(session.delete)
    assert [each.id for each in await user.do(user.client.list_sessions)] == [other.id]
    for method in (session.refresh, session.delete, session.history, resumed.query):
        with pytest.raises(NotFoundError):
            await user.do(method, *(["hello"] if method == resumed.query else []))
    with pytest.raises(NotFoundError):
        await user.do(user.client.resume_session, session.id)


async def test_files(user: User, tmp_path: Path) -> None:
    session = await user.session()
    path = tmp_path / "notes – 1.txt"
    path.write_text("hxxp://evil[.]example\n" * 1000, encoding="utf-8")
    attached = await user.do(session.attach_file_from_disk, path)
    assert (attached.name, attached.size) == (path.name, path.stat().st_size)
    assert attached.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    await user.do(session.attach_file, "a.pdf", b"%PDF-1.7\n%%EOF", "text/plain")
    await user.do(session.attach_file, "empty", b"")
    assert [file.name for file in session.files] == [path.name, "a.pdf", "empty"]
    assert session.files[1].mime_type == "application/pdf", "sniffed, whatever the hint says"

    await user.do(session.detach_file, 0)
    await user.do(session.detach_file, session.id, 1)
    assert [file.name for file in session.files] == ["a.pdf"]
    assert [file.name for file in (await user.do(session.refresh)).files] == ["a.pdf"]
    with pytest.raises(BadRequestError, match="no file at index 1"):
        await user.do(session.detach_file, 1)


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
async def test_a_query_is_answered_and_kept(user: User, said: str) -> None:
    session = await user.session()
    response = await user.do(session.query, f"say {said}")
    assert (response.status_code, response.output_text) == (200, said)
    assert kinds(response.messages) == ["thinking", "result", "info"]
    history = await user.do(session.history)
    assert history[1:] == response.messages
    assert (history[0].message_type, history[0].content) == ("query", f"say {said}")


async def test_a_stream_is_what_the_history_keeps(user: User) -> None:
    session = await user.session()
    first = await user.stream(session, "say hello")
    second = await user.stream(session, "title")
    assert kinds(first) == ["thinking", "result", "info"]
    assert first[-1].state == "end"
    assert (second[0].title, second[0].mime_type, second[0].content) == ("A report", "text/markdown", "# Report")
    history = await user.do(session.history)
    assert [message for message in history if message.message_type != "query"] == first + second
    assert [message.content for message in history if message.message_type == "query"] == ["say hello", "title"]
    refreshed = await user.do(session.refresh)
    assert (refreshed.turns, refreshed.num_messages, refreshed.state) == (2, len(history), "agent_done")


async def test_pieces_come_only_when_asked_for_and_add_up(user: User) -> None:
    session = await user.session()
    whole = await user.stream(session, "in pieces")
    assert [message.status_code for message in whole] == [200, 200]
    with_pieces = await user.stream(session, "in pieces", partial=True)
    pieces = [message.content for message in with_pieces if message.status_code == 206]
    assert pieces
    assert "".join(piece or "" for piece in pieces) == whole[0].content == "one two three — 三 🙂"
    assert [message.status_code for message in await user.do(session.history)] == [200] * 6, "no piece is kept"


async def test_a_tool_of_this_machine_is_called(user: User) -> None:
    session = await user.session(tools=[add])
    answer = await user.stream(session, "add 20 and 22")
    assert [message.content for message in answer if message.message_type == "result"] == ["it is 42"]
    response = await user.do(session.query, "add 20 and 22")
    assert response.output_text == "it is 42"
    history = await user.do(session.history)
    assert kinds(history).count("local_tool_call") == kinds(history).count("local_tool_result") == 2


async def test_a_turn_that_fails(user: User) -> None:
    session = await user.session()
    with pytest.raises(InternalServerError, match="the model is tired") as failed:
        await user.do(session.query, "fail")
    assert failed.value.status_code == 503
    with pytest.raises(StreamError, match="the model is tired"):
        await user.stream(session, "fail")
    assert (await user.do(session.query, "say that it goes on")).output_text == "that it goes on"
    assert kinds(await user.do(session.history)).count("error") == 2


async def test_the_rest_of_a_turn_is_had_by_rejoining(user: User, transport: Transport) -> None:
    session = await user.session()
    async with session.stream("slowly") as stream:
        first = await anext(stream)
    async with transport.asynchronous() as another:
        rejoined = await another.resume_session(session.id)
        async with asyncio.timeout(60), rejoined.resume() as rest:
            messages = [message async for message in rest]
    assert [message.content for message in messages][:3] == ["step 1", "step 2", "done"]
    assert messages[0] == first
    assert (await user.do(session.history))[1:] == messages


async def test_logs(user: User, tmp_path: Path) -> None:
    path = tmp_path / "auth.log"
    path.write_text("2026-11-22T10:00:00Z sshd Failed password for root\n2026-11-22T10:00:01Z sshd Accepted", "utf-8")
    session = await user.session()
    table = await user.do(session.attach_logs, path)
    assert table.blake2s == hashlib.blake2s(path.read_bytes(), key=b"secgemini").hexdigest()
    assert (await user.do(session.refresh)).logs_table == table


async def test_feedback(user: User) -> None:
    session = await user.session()
    group = (await user.stream(session, "say hello"))[0].group
    assert await user.do(session.send_feedback, 1, group, comment="good") is None
    assert await user.do(session.send_bug_report, "it broke", group) is None


async def test_who_is_let_in(user: User, transport: Transport) -> None:
    info = await user.do(user.client.user_info)
    assert info.user.id
    assert info.sessions == []
    assert "sec-gemini-1.1" in [model.model_string for model in await user.do(user.client.models)]
    with transport.sync("a-wrong-key") as stranger, pytest.raises(AuthenticationError) as refused:
        stranger.list_sessions()
    assert "a-wrong-key" not in str(refused.value)
    with pytest.raises(BadRequestError, match="No such model"):
        await user.session(model="no-such-model")


async def test_many_turns_at_once(user: User) -> None:
    sessions = [await user.session() for _ in range(5)]
    streamed = await asyncio.gather(*(user.stream(s, f"say {i}") for i, s in enumerate(sessions)))
    assert [messages[1].content for messages in streamed] == [str(i) for i in range(5)]
