"""Each example of the contract is what the embedded service really answers, and streams: same fields, same types.

The requests are the contract's own examples, sent to a service with the default engine. Values may differ (ids, times,
words); fields and their JSON types may not.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from contract_document import DOCUMENT, OPERATIONS, resolve
from raw_service import Raw, running_service
from websockets.asyncio.client import connect

from secgemini.local.engines import Reply, TokenUsage, TurnRequest
from secgemini.local.keys import ApiKey
from secgemini.local.server import LocalService
from secgemini.local.service import Limits

BY_ID = {operation["operationId"]: (path, operation) for path, operation in OPERATIONS.items()}
SESSION = resolve(OPERATIONS["POST /v1/session/register"]["requestBody"])["content"]["application/json"]["examples"]
ID = {"session_id": SESSION["plain"]["value"]["id"]}
HASH = {"logs_hash": "d9a151b5dea52350ad7c6e025a2b352371b5cbc9bcba86fe8c3c44b1d43256ce", "can_log": "true"}


class Caller:
    """Sends the contract's own example requests."""

    def __init__(self, http: Raw) -> None:
        self._http = http

    def __call__(self, operation: str, example: str = "", /, **changes: Any) -> Any:
        """Send an example request with some fields changed, or a request without a body with these parameters."""
        method, path = BY_ID[operation][0].split()
        if not example:
            answer = self._http.request(method, path, params=changes)
        else:
            content = BY_ID[operation][1]["requestBody"]["content"]["application/json"]
            key = {"authorization": f"Bearer {self._http.headers['x-api-key']}"}
            body = content["examples"][example]["value"] | changes
            answer = self._http.request(method, path, json=body, headers=key)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text

    def opened(self) -> Caller:
        """Register the example session first."""
        assert self("register_session", "plain")["ok"]
        return self

    def asked(self) -> Caller:
        """Register it, attach the example file and ask the example question first."""
        self.opened()("attach_file", "text")
        self("generate", "prompt")
        return self


SENT: dict[str, Callable[[Caller], Any]] = {
    "register_session/done": lambda call: call("register_session", "tools"),
    "register_session/taken": lambda call: call.opened()("register_session", "plain"),
    "update_session/done": lambda call: call.opened()("update_session", "rename"),
    "update_session/unknown": lambda call: call("update_session", "rename"),
    "update_session/ttl": lambda call: call.opened()("update_session", "rename", ttl=299),
    "delete_session/done": lambda call: call.opened()("delete_session", "delete"),
    "delete_session/unknown": lambda call: call("delete_session", "delete"),
    "list_sessions/one": lambda call: call.asked()("list_sessions"),
    "list_sessions/none": lambda call: call("list_sessions"),
    "get_session/session": lambda call: call.asked()("get_session", **ID),
    "generate_session_name/name": lambda call: call.asked()("generate_session_name", **ID),
    "generate_session_name/unknown": lambda call: call("generate_session_name", **ID),
    "generate/answer": lambda call: call.opened()("generate", "prompt"),
    "attach_file/file": lambda call: call.opened()("attach_file", "text"),
    "attach_file/unknown": lambda call: call("attach_file", "text"),
    "detach_file/done": lambda call: call.asked()("detach_file", "first"),
    "detach_file/index": lambda call: call.asked()("detach_file", "first", file_idx=7),
    "attach_logs/unknown": lambda call: call("attach_logs", **ID, **HASH),
    "send_feedback/done": lambda call: call.opened()("send_feedback", "praise"),
    "send_feedback/unknown": lambda call: call("send_feedback", "bug"),
    "get_user_info/user": lambda call: call.asked()("get_user_info"),
    "create_chat_completion/answer": lambda call: call("create_chat_completion", "question"),
    "create_chat_completion/events": lambda call: call("create_chat_completion", "file"),
    "get_tools/toolsets": lambda call: call("get_tools"),
    "get_agent/agent": lambda call: call("get_agent"),
    "get_prompts/prompts": lambda call: call("get_prompts"),
    "get_graph/graph": lambda call: call("get_graph"),
    "get_diagnostic/diagnostic": lambda call: call("get_diagnostic"),
    "get_timestamp/time": lambda call: call("get_timestamp"),
    "get_health/healthy": lambda call: call("get_health"),
    "get_root/greeting": lambda call: call("get_root"),
    "create_logs_table/new": lambda call: call("create_logs_table", **HASH),
    "create_logs_table/known": lambda call: (call("create_logs_table", **HASH), call("create_logs_table", **HASH))[1],
    "upload_logs/stored": lambda call: (call("create_logs_table", **HASH), call("upload_logs", "lines"))[1],
}


def logs_attached(call: Caller) -> Any:
    """Store the example log and attach it to the example session."""
    call.opened()("create_logs_table", **HASH)
    call("upload_logs", "lines")
    return call("attach_logs", **ID, **HASH)


SENT["attach_logs/done"] = logs_attached

ELSEWHERE = {
    "get_session/none": "what older services say of an unknown session; the embedded service says 404",
    "generate/failed": "test_a_failed_turn_is_answered_like_its_example",
}


def answers() -> Iterator[tuple[str, Any]]:
    """Yield (operation/example, value) for every example of a successful answer."""
    for operation, (_, item) in BY_ID.items():
        for content in resolve(item["responses"]["200"])["content"].values():
            for name, example in content["examples"].items():
                yield f"{operation}/{name}", resolve(example)["value"]


ANSWERS = dict(answers())


def shape(value: Any) -> set[str]:
    """Return every path in a JSON value with the type that is there; the elements of a list share one path."""
    if isinstance(value, dict):
        return {"object"} | {f".{name}{rest}" for name, inner in value.items() for rest in shape(inner)}
    if isinstance(value, list):
        return {"array"} | {f"[]{rest}" for inner in value for rest in shape(inner)}
    names = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return {f": {names[type(value)]}"}


def same_shape(answer: Any, example: Any) -> None:
    if isinstance(example, str):  # server-sent events
        answer, example = events(answer), events(example)
    assert shape(answer) == shape(example)


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.fixture
def call() -> Iterator[Caller]:
    with running_service(engine="analyst") as service, Raw(service) as http:
        yield Caller(http)


def test_every_example_of_an_answer_is_tried() -> None:
    assert SENT.keys() | ELSEWHERE.keys() == ANSWERS.keys()


@pytest.mark.parametrize("name", SENT)
def test_an_example_is_what_the_service_answers(name: str, call: Caller) -> None:
    same_shape(SENT[name](call), ANSWERS[name])


def test_the_prompt_of_the_example_is_stored_as_in_the_example(call: Caller) -> None:
    stored = SENT["get_session/session"](call)["messages"][0]
    expected = ANSWERS["get_session/session"]["messages"][0]
    made = ("turn", "group", "created_at", "timestamp")  # by whoever stores it
    assert {key: value for key, value in stored.items() if key not in made} == {
        key: value for key, value in expected.items() if key not in made
    }


class Failing:
    """An engine whose model does not answer."""

    name = "failing"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        yield Reply("error", "The model did not answer.", state="agent_done", status_code=500)


def test_a_failed_turn_is_answered_like_its_example() -> None:
    with running_service(engine=Failing()) as service, Raw(service) as http:
        same_shape(Caller(http).opened()("generate", "prompt"), ANSWERS["generate/failed"])


# -- the stream --------------------------------------------------------------------------------------------------

STREAM = DOCUMENT["x-websocket"]
SAID, HEARD = (
    {name: one["value"] for name, one in STREAM["frames"][side]["examples"].items()} for side in ("client", "server")
)


class Showing:
    """An engine that says one of each: a thought, a tool call, what came of it, pieces, and the whole."""

    name = "showing"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        if "fail" in turn.prompt:
            yield Reply("error", "The model did not answer.", state="agent_done", status_code=500)
            return
        yield Reply("thinking", HEARD["thinking"]["content"], state="thinking")
        call = json.loads(HEARD["toolCall"]["content"])
        result = await turn.call_tool(call["tool_name"], call["tool_args"])
        yield Reply("result", HEARD["partial"]["content"], partial=True)
        yield Reply(
            "result", f"{HEARD['partial']['content']}{result.output}", state="agent_done", usage=TokenUsage(12, 9)
        )


def sort_of(frame: dict[str, Any]) -> str:
    """Return the example that a frame is one of."""
    names = {"local_tool_call": "toolCall", "info": "end"}
    if frame["message_type"] == "error":
        return "notFound" if frame["status_code"] == 404 else "error"
    return "partial" if frame["status_code"] == 206 else names.get(frame["message_type"], frame["message_type"])


async def frames_of(
    service: LocalService, session_id: str, prompt: dict[str, Any], result: str = "toolResult"
) -> list[dict[str, Any]]:
    """Send a prompt, answer a tool call with an example of a result, and return the frames of the turn."""
    url = f"{service.websocket_url}{STREAM['path']}?api_key={service.api_key}&session_id={session_id}&stream=true"
    frames: list[dict[str, Any]] = []
    async with connect(url) as socket:
        await socket.send(json.dumps(prompt))
        while not frames or sort_of(frames[-1]) != "end":
            frames.append(json.loads(await socket.recv()))
            if sort_of(frames[-1]) == "toolCall":
                await socket.send(json.dumps(SAID[result]))
    return frames


@pytest.mark.parametrize(("prompt", "result"), [("prompt", "toolResult"), ("fullPrompt", "toolDenied")])
async def test_the_frames_of_a_stream_are_its_examples(prompt: str, result: str) -> None:
    asked = SAID[prompt]
    fails = asked | {"id": uuid.uuid4().hex[:12], "content": "fail"}
    with running_service(engine=Showing()) as service, Raw(service) as http:
        call = Caller(http)
        call("register_session", "tools")
        good = await frames_of(service, ID["session_id"], asked, result)
        bad = await frames_of(service, ID["session_id"], fails)
        nowhere = await frames_of(service, "no-such-session", asked)
        stored = call("get_session", **ID)["messages"]
    assert [sort_of(frame) for frame in good] == ["thinking", "toolCall", "partial", "result", "end"]
    assert [sort_of(frame) for frame in bad] == ["error", "end"]
    assert [sort_of(frame) for frame in nowhere] == ["notFound", "end"]
    for frame in [*good, *bad, *nowhere]:
        same_shape(frame, HEARD[sort_of(frame)])
    assert {sort_of(frame) for frame in [*good, *bad, *nowhere]} == set(HEARD), "every example was seen"

    assert [message["id"] for message in stored if message["message_type"] == "query"] == [asked["id"], fails["id"]]
    tools = STREAM["localTools"]
    assert json.loads(good[1]["content"]) == json.loads(HEARD["toolCall"]["content"]) == tools["call"]["example"]
    assert json.loads(SAID["toolResult"]["content"]) == tools["result"]["example"]
    output = json.loads(SAID[result]["content"])["output"]
    assert good[3]["content"].endswith(output), "the example of a result was understood"


def refusals() -> Iterator[tuple[str, int, Any]]:
    """Yield (name, status, example) of every error response."""
    statuses = {"BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "ContentTooLarge": 413}
    statuses |= {"UnsupportedMediaType": 415, "ValidationFailed": 422, "TooManyRequests": 429, "ServerError": 503}
    for name, response in DOCUMENT["components"]["responses"].items():
        for example in response["content"]["application/json"]["examples"].values():
            yield name, statuses[name], example["value"]


REFUSALS = list(refusals())


def provoke(name: str, service: LocalService, http: Raw) -> Any:
    """Do what is answered with this error."""
    generate, body = "/v1/session/generate", {"id": "x", "messages": []}
    match name:
        case "BadRequest":
            return http.post(generate, content=b"{", headers={"content-type": "application/json"})
        case "Unauthorized":
            return http.get("/v1/user/info", headers={"x-api-key": "wrong"})
        case "Forbidden":
            return http.get("/v1/user/info", headers={"host": "evil.example.com"})
        case "NotFound":
            return http.get("/v1/session/get", params=ID)
        case "ContentTooLarge":
            return http.post(generate, json=body | {"padding": "x" * 5000})
        case "UnsupportedMediaType":
            return http.post(generate, data={"id": "x"})
        case "ValidationFailed":
            return http.post(generate, json={"id": "x"})
        case "TooManyRequests":
            return next(answer for _ in range(10) if (answer := http.get("/v1/user/info")).status_code != 200)
    service.faults.set("*:status=503")
    return http.get("/v1/user/info")


@pytest.mark.parametrize(("name", "status", "example"), REFUSALS, ids=[name for name, _, _ in REFUSALS])
def test_an_error_is_what_the_service_answers(name: str, status: int, example: Any) -> None:
    key = ApiKey("key", rpm=5)
    with running_service(keys=[key], limits=Limits(body=4096)) as service, Raw(service) as http:
        answer = provoke(name, service, http)
        assert answer.status_code == status
        same_shape(answer.json(), example)
        assert answer.headers["x-request-id"]
