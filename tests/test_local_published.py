"""Published clients of other languages, as they behave on the wire: in a browser, over TLS, with what they send."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from certificates import Certificates
from raw_service import Raw, RawStream, running_service, session_body
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from secgemini.local.server import LocalService

PAGE = "http://localhost:5173"
ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"$schema": "x", "type": "object", "properties": {"a": {"type": "integer", "format": "uint16"}}},
}
# What the Rust client must find, or it ends: it has no defaults.
NEEDED = {
    "user": "id org_id type never_log can_disable_logging key_expire_time tpm rpm allow_experimental vendors",
    "model": "model_name version model_string use_experimental toolsets",
    "session": "id user_id org_id model ttl language turns name description create_time update_time num_messages"
    " messages usage can_log state files local_tools",
    "usage": "prompt_tokens generated_tokens total_tokens",
    "message": "actor created_at group id message_type parent_id role state status_code status_message turn",
    "tool": "name description parameters",
    "result": "ok status_code status_message",
}


def holds(kind: str, given: dict[str, Any]) -> bool:
    return all(given.get(name) is not None for name in NEEDED[kind].split())


def six_fields(content: str) -> str:
    """Return a prompt as the TypeScript client sends it."""
    fields = {"parent_id": "3713", "role": "user", "mime_type": "text/plain", "message_type": "query"}
    return json.dumps({"id": str(uuid.uuid4()), **fields, "content": content})


@pytest.fixture
def service() -> Any:
    """A service with its default engine: the order of messages is the engine's."""
    with running_service(engine="analyst") as running:
        yield running


async def test_typescript_in_a_browser(service: LocalService, http: Raw) -> None:
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    headers = {"access-control-request-headers": "content-type,x-api-key"}
    preflight = http.options("/v1/session/register", headers=asked | headers)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, PAGE)
    body = session_body(id=str(uuid.uuid4()), language="en-US", messages=[], files=[])
    answer = http.post("/v1/session/register", json=body, headers={"origin": PAGE})
    assert (answer.json()["ok"], answer.headers["access-control-allow-origin"]) == (True, PAGE)

    url = f"{service.websocket_url}/v1/stream?api_key={service.api_key}&session_id={body['id']}&stream=false"
    prompts = ["Answer only with the word 'one'", "Answer only with the word 'two'", "evil.example"]
    async with connect(url, origin=PAGE) as socket:  # type: ignore[arg-type]
        for prompt in prompts:
            await socket.send(six_fields(prompt))
        turns = [await RawStream(socket).turn() for _ in prompts]
    assert [turn[-2]["content"] for turn in turns[:2]] == ["one", "two"]
    assert {frame["status_code"] for turn in turns for frame in turn} == {200}
    stored = http.session(body["id"])
    assert [message for message in stored["messages"] if message["role"] != "user"] == [
        frame for turn in turns for frame in turn
    ]
    changed = stored | {"name": "renamed", "turns": 0, "messages": stored["messages"][:1]}
    assert http.post("/v1/session/update", json=changed, headers={"origin": PAGE}).json()["status_code"] == 200
    assert http.session(body["id"])["num_messages"] == stored["num_messages"]

    async with connect(url.replace(body["id"], "gone"), origin=PAGE) as socket:  # type: ignore[arg-type]
        await socket.send(six_fields("x"))
        error, _ = await RawStream(socket).turn()
    assert "not found" in error["status_message"], "by these words it knows"


async def test_the_web_component_is_unlocked_after_each_turn(http: Raw, open_stream: Any) -> None:
    session_id = http.register(local_tools=[ADD])
    for name, content in (("a.txt", "ZXZpbC5leGFtcGxl"), ("b.pdf", "JVBERi0xLjcK")):
        body = {"session_id": session_id, "filename": name, "content": content}
        assert http.post("/v1/session/attach_file", json=body).json()["ok"]
    stream: RawStream = await open_stream(session_id, query="&stream=true")
    await stream.socket.send(six_fields("use add on 2 and look at the files"))
    frames = [await stream.next()]
    while frames[-1]["message_type"] != "local_tool_call":
        frames.append(await stream.next())
    await stream.socket.send(
        json.dumps({"message_type": "local_tool_result", "content": '{"name":"add","output":"2"}'})
    )
    frames += await stream.turn()
    whole = [frame for frame in frames if frame["status_code"] == 200]
    roles = {(frame["message_type"], frame["role"]) for frame in whole}
    assert roles >= {("info", "system"), ("result", "agent"), ("local_tool_call", "agent")}
    assert len({kind for kind, _ in roles}) == len(roles), "each type has one role"
    assert [frame["message_type"] for frame in whole].count("result") == 1
    assert (whole[-2]["message_type"], whole[-2]["mime_type"]) == ("result", "text/plain"), "just before the end"
    assert [frame["state"] for frame in whole].count("end") == 1
    assert "".join(frame["content"] for frame in frames if frame["status_code"] == 206) == whole[-2]["content"]
    assert {frame["parent_id"] for frame in frames} == {"3713"}


async def test_rust_over_tls_finds_every_field(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    tls = {"tls_cert": certificates.cert, "tls_key": certificates.key}
    with running_service(engine="analyst", **tls) as service, Raw(service, verify=certificates.client()) as http:
        session_id = http.register(local_tools=[ADD])
        url = f"wss://{service.base_url.removeprefix('https://')}/v1/stream?api_key={service.api_key}"
        async with connect(f"{url}&session_id={session_id}", ssl=certificates.client()) as socket:
            stream = RawStream(socket)
            digits = {name: uuid.uuid4().hex for name in ("id", "turn", "group")}
            await stream.ask("What is evil.example?", **digits, parent_id="3713", state="start", usage=None)
            frames = await stream.turn()
        info = http.get("/v1/user/info").json()
        session = http.session(session_id)
        assert holds("user", info["user"])
        assert all(holds("model", model) for model in info["available_models"])
        assert any(not model["use_experimental"] for model in info["available_models"])
        for one in (session, *info["sessions"]):
            assert holds("session", one)
            assert holds("usage", one["usage"])
            assert type(one["ttl"]) is int
            assert all(holds("tool", local) for local in one["local_tools"])
        assert all(holds("message", message) for message in (*frames, *session["messages"]))
        assert session["messages"][0]["id"] == digits["id"]
        assert [frame["message_type"] for frame in frames[-2:]] == ["result", "info"]
        for path in ("update", "delete", "delete"):
            assert holds("result", http.post(f"/v1/session/{path}", json=session).json())


async def test_a_key_is_understood_as_it_stands_and_percent_encoded() -> None:
    key = "a+b/c=="
    with running_service(key=key) as service, Raw(service) as http:
        address = f"{service.websocket_url}/v1/stream?session_id={http.register()}&api_key="
        for written in (key, quote(key, safe="")):
            async with connect(address + written) as socket:
                await RawStream(socket).ask("hello")
                assert (await RawStream(socket).turn())[-1]["state"] == "end"
        with pytest.raises(InvalidStatus):
            await connect(address + "a+b+c==")
