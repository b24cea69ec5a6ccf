"""Local tools over the wire: the service calls, the client answers, in the forms that published clients use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from loop_clock import skip
from raw_service import Raw, RawStream, running_service

from secgemini.local.engines import JsonDict, Reply, ToolResult, TurnRequest
from secgemini.local.service import Limits

ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
NOPE = {"name": "nope", "description": "Does nothing.", "parameters": {"type": "object"}}


class Caller:
    """Calls the tools that the prompt names, then answers with their results."""

    name = "caller"

    def __init__(self) -> None:
        self.results: list[ToolResult] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    def wait(self, seconds: float) -> None:
        """Let the service believe that so much time has passed."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(skip, self.loop, seconds)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        self.loop = asyncio.get_running_loop()
        arguments: JsonDict = {"a": 2, "b": 3}
        self.results = list(await asyncio.gather(*(turn.call_tool(name, arguments) for name in turn.prompt.split())))
        yield Reply("result", json.dumps([result.output for result in self.results]))


def result_message(content: str, **fields: Any) -> str:
    """Return a tool's result as the Python client sends it: with a new id and no word of which call it answers."""
    message = {"message_type": "local_tool_result", "role": "user", "parent_id": "3713", "mime_type": "text/plain"}
    return json.dumps(message | {"content": content} | fields)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (result_message('{"name": "add", "output": "5"}'), ToolResult("add", "5", False)),
        (result_message('{"name": "add", "output": "5", "is_error": null}'), ToolResult("add", "5", False)),
        (result_message('{"name": "add", "output": {"n": 5}}'), ToolResult("add", '{"n":5}', False)),
        (
            result_message(
                '{"name": "add", "output": "Tool \'add\' not found.", "is_error": true}',
                status_code=500,
                mime_type="text/serialized-json",
            ),
            ToolResult("add", "Tool 'add' not found.", True),
        ),
        (
            result_message("Tool 'add' execution failed: kaput", status_code=500),
            ToolResult("add", "Tool 'add' execution failed: kaput", True),
        ),
        (
            result_message('{"name": "", "output": "unparsable", "is_error": true}', status_code=500),
            ToolResult("add", "unparsable", True),
        ),
        (result_message("[" * 100_000), ToolResult("add", "[" * 100_000, False)),
    ],
    ids=["python", "rust", "object", "unknown", "plain-text", "no-name", "deep"],
)
async def test_a_call_has_the_wires_form_and_every_form_of_result_is_read(
    open_stream: Any, answer: str, expected: ToolResult
) -> None:
    engine = Caller()
    with running_service(engine=engine) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD])
        stream: RawStream = await open_stream(session_id, of=service)
        await stream.ask("add")
        call = await stream.next()
        assert (call["message_type"], call["mime_type"]) == ("local_tool_call", "text/serialized-json")
        assert (call["role"], call["parent_id"], call["status_code"]) == ("agent", "3713", 200)
        assert json.loads(call["content"]) == {"tool_name": "add", "tool_args": {"a": 2, "b": 3}}
        await stream.socket.send(answer)
        frames = await stream.turn()
        assert engine.results == [expected]
        stored = http.session(session_id)["messages"]
        kinds = ["query", "local_tool_call", "local_tool_result", "result", "info"]
        assert [message["message_type"] for message in stored] == kinds
        assert [message for message in stored if message["role"] != "user"] == [call, *frames]


async def test_one_call_is_outstanding_at_a_time(open_stream: Any) -> None:
    with running_service(engine=Caller()) as service, Raw(service) as http:
        stream: RawStream = await open_stream(http.register(local_tools=[ADD, NOPE]), of=service)
        await stream.ask("add nope")
        for name in ("add", "nope"):
            assert json.loads((await stream.next())["content"])["tool_name"] == name
            await stream.quiet()
            await stream.socket.send(result_message(json.dumps({"name": name, "output": name})))
        assert (await stream.turn())[0]["content"] == '["add", "nope"]'


async def test_a_tool_that_the_session_lacks_is_never_called(open_stream: Any) -> None:
    with running_service(engine=Caller()) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD])
        stream: RawStream = await open_stream(session_id, of=service)
        await stream.ask("rm_rf")
        frames = await stream.turn()
        assert [frame["message_type"] for frame in frames] == ["result", "info"]
        assert "no tool" in frames[0]["content"]
        assert "streamed turns only" in http.ask(session_id, "add")["messages"][0]["content"]


async def test_a_call_that_nobody_answers_becomes_an_error_and_its_late_result_is_dropped(open_stream: Any) -> None:
    engine = Caller()
    with running_service(engine=engine, limits=Limits(tool_timeout=60)) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD, NOPE])
        stream: RawStream = await open_stream(session_id, of=service)
        await stream.ask("add nope")
        await stream.next()
        engine.wait(60)
        assert json.loads((await stream.next())["content"])["tool_name"] == "nope"
        await stream.socket.send(result_message('{"name": "add", "output": "late"}'))
        await stream.socket.send(result_message('{"name": "nope", "output": "in time"}'))
        await stream.turn()
        assert engine.results == [
            ToolResult("add", "No answer within 60 s.", True),
            ToolResult("nope", "in time", False),
        ]
        kinds = [message["message_type"] for message in http.session(session_id)["messages"]]
        assert kinds.count("local_tool_result") == 1


async def test_the_result_may_come_over_another_socket(open_stream: Any) -> None:
    engine = Caller()
    with running_service(engine=engine) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD])
        first: RawStream = await open_stream(session_id, of=service)
        prompt_id = await first.ask("add")
        call = await first.next()
        first.socket.transport.abort()
        second: RawStream = await open_stream(session_id, of=service)
        await second.ask("add", id=prompt_id)
        assert await second.next() == call, "a call without a result is part of what is sent again"
        answer = result_message('{"name": "add", "output": "5"}', id="r" * 12)
        await second.socket.send(answer)
        frames = await second.turn()
        assert frames[0]["content"] == '["5"]'
        await second.socket.send(answer)
        third: RawStream = await open_stream(session_id, of=service)
        await third.ask("add", id=prompt_id)
        assert await third.turn() == frames, "a call that has its result is not"


async def test_a_socket_that_brings_the_result_gets_the_rest_of_the_turn(open_stream: Any) -> None:
    """The link was lost while the tool ran, and its result is the first word on the next one."""
    with running_service(engine=Caller(), limits=Limits(silence=60)) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD])
        first: RawStream = await open_stream(session_id, of=service)
        await first.ask("add")
        call = await first.next()
        first.socket.transport.abort()
        second: RawStream = await open_stream(session_id, of=service)
        await second.socket.send(result_message('{"name": "add", "output": "5"}'))
        rest = await second.turn()
        assert rest[0]["content"] == '["5"]'
        stored = http.session(session_id)["messages"]
        assert [message for message in stored if message["role"] != "user"] == [call, *rest]
        late: RawStream = await open_stream(session_id, of=service)
        await late.socket.send(result_message('{"name": "add", "output": "5"}'))
        assert await late.turn() == rest[-1:], "a result that comes too late brings the end once more"


async def test_a_client_whose_loop_is_held_up_by_its_tool_keeps_its_socket(open_stream: Any) -> None:
    engine = Caller()
    with running_service(engine=engine) as service, Raw(service) as http:
        session_id = http.register(local_tools=[ADD])
        stream: RawStream = await open_stream(session_id, of=service)
        await stream.ask("add")
        await stream.next()
        stream.socket.transport.pause_reading()  # it answers no ping
        for seconds in (20, 60):  # until it is pinged, and long after
            engine.wait(seconds)
            http.session(session_id)  # the service has lived through it
        stream.socket.transport.resume_reading()
        await stream.socket.send(result_message('{"name": "add", "output": "5"}'))
        assert (await stream.turn())[0]["content"] == '["5"]'
