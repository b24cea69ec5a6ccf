"""The compiled client and endpoints as a power user calls them, without the layer."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable

import httpx
import pytest
import wire
from secgemini_api import AuthenticatedClient, Client
from secgemini_api.api.sessions import get_session, list_sessions, register_session
from secgemini_api.api.system import get_health
from secgemini_api.errors import InvalidBody, UnexpectedStatus
from secgemini_api.models import ErrorBody, HTTPValidationError, ModelInfoInput, PublicSession, SessionInput

BASE = "http://test.invalid"
Answer = Callable[[httpx.Request], httpx.Response]


def client_with(answer: httpx.Response | Answer, **settings: object) -> AuthenticatedClient:
    """Return a client whose requests get this answer."""
    transport = httpx.MockTransport(answer if callable(answer) else lambda request: answer)
    return AuthenticatedClient(
        BASE, "KEY", prefix="", auth_header_name="x-api-key", httpx_args={"transport": transport}, **settings
    )


def test_a_session_is_read() -> None:
    client = client_with(httpx.Response(200, json=wire.session(messages=[wire.message("m1")])))
    session = get_session.sync(client=client, session_id="s")
    assert isinstance(session, PublicSession)
    assert session.messages[0].content == "content of m1"


async def test_a_session_is_read_asynchronously() -> None:
    async with client_with(httpx.Response(200, json=[wire.session()])) as client:
        sessions = await list_sessions.asyncio(client=client)
    assert isinstance(sessions, list)
    assert sessions[0].id == "s"


def test_null_is_no_session() -> None:
    answer = get_session.sync_detailed(client=client_with(httpx.Response(200, content=b"null")), session_id="s")
    assert (answer.status_code, answer.parsed) == (200, None)


def test_the_key_goes_in_its_header_and_the_body_is_json() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True, "status_code": 200})

    model = ModelInfoInput(model_name="sec-gemini", version="stable", model_string="sec-gemini-stable")
    body = SessionInput(id="s", user_id="u", org_id="o", model=model, ttl=300, name="n", description="")
    result = register_session.sync(client=client_with(answer), body=body)
    assert seen[0].headers["x-api-key"] == "KEY"
    assert SessionInput.from_dict(httpx.Response(200, content=seen[0].content).json()).id == "s"
    assert result is not None
    assert not isinstance(result, ErrorBody | HTTPValidationError)
    assert (result.ok, result.data) == (True, None)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>Sign in</html>", "JSONDecodeError"),
        (200, b'{"id": "s", "na', "JSONDecodeError"),
        (200, b"", "JSONDecodeError"),
        (200, b"\xff\xfe\xfd", "UnicodeDecodeError"),
        (200, b"[]", "UnexpectedShape: PublicSession"),
        (200, b"{}", "UnexpectedShape: PublicSession: the required field 'id' is missing"),
        (200, b'"text"', "UnexpectedShape"),
        (200, b"[" * 100_000, "RecursionError"),
        (502, b"<html>Bad gateway</html>", "JSONDecodeError"),
    ],
)
def test_a_body_outside_the_contract_is_one_error(status: int, body: bytes, reason: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        get_session.sync_detailed(client=client_with(httpx.Response(status, content=body)), session_id="s")
    error = caught.value
    assert error.status_code == status
    assert error.reason.startswith(reason)
    assert error.body == httpx.Response(status, content=body).text[:2000]
    assert str(status) in str(error)
    assert len(str(error)) < 600
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_list_of_sessions_that_is_an_object_is_an_error() -> None:
    with pytest.raises(InvalidBody, match="expected a list, got dict"):
        list_sessions.sync(client=client_with(httpx.Response(200, json={})))


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf[]", "[]".encode("utf-16"), b" [] \n"])
def test_json_that_the_standard_library_takes_is_taken(body: bytes) -> None:
    assert list_sessions.sync(client=client_with(httpx.Response(200, content=body))) == []


def test_numbers_are_those_of_the_standard_library() -> None:
    body = b'{"status": "ok", "big": 123456789012345678901234567890, "none": NaN, "small": 1e-7}'
    health = get_health.sync(client=client_with(httpx.Response(200, content=body)))
    assert health is not None
    assert health["big"] == 123456789012345678901234567890
    assert health["none"] != health["none"]
    assert health["small"] == 1e-7


@pytest.mark.parametrize("status", [500, 520, 529, 599])
def test_every_error_status_keeps_its_number_and_its_detail(status: int) -> None:
    answer = get_session.sync_detailed(
        client=client_with(httpx.Response(status, json={"detail": "overloaded"})), session_id="s"
    )
    assert answer.status_code == status
    assert isinstance(answer.parsed, ErrorBody)
    assert answer.parsed.detail == "overloaded"


def test_a_status_that_the_contract_lacks_gives_nothing_or_an_error() -> None:
    teapot = httpx.Response(418, content=b"x" * 10_000)
    assert get_session.sync(client=client_with(teapot), session_id="s") is None
    with pytest.raises(UnexpectedStatus) as caught:
        get_session.sync(client=client_with(teapot, raise_on_unexpected_status=True), session_id="s")
    assert (caught.value.status_code, len(caught.value.content)) == (418, 10_000)
    assert len(str(caught.value)) < 3_000
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_repr_shows_the_address_and_no_secret() -> None:
    client = AuthenticatedClient(BASE, "SECRET", headers={"a": "SECRET"}, cookies={"b": "SECRET"})
    client.get_httpx_client()
    for shown in (repr(client), str(client), repr(client.with_headers({"c": "SECRET"}))):
        assert "SECRET" not in shown
        assert BASE in shown
    assert "SECRET" not in repr(Client(BASE, headers={"a": "SECRET"}))


def test_timeouts_are_ten_seconds_to_connect_and_ninety_to_read_unless_set() -> None:
    assert Client(BASE).get_httpx_client().timeout == httpx.Timeout(90.0, connect=10.0)
    assert AuthenticatedClient(BASE, "k").get_async_httpx_client().timeout == httpx.Timeout(90.0, connect=10.0)
    assert Client(BASE).with_timeout(httpx.Timeout(3)).get_httpx_client().timeout == httpx.Timeout(3)
    assert Client(BASE, timeout=None).get_httpx_client().timeout == httpx.Timeout(None)


def test_a_derived_client_is_independent_and_keeps_the_key() -> None:
    client = AuthenticatedClient(BASE, "KEY", headers={"x-a": "1"})
    live = client.get_httpx_client()
    derived = client.with_headers({"x-b": "2"}).with_cookies({"c": "3"})
    assert "x-b" not in live.headers
    headers = derived.get_httpx_client().headers
    assert (headers["authorization"], headers["x-a"], headers["x-b"]) == ("Bearer KEY", "1", "2")
    assert derived.get_httpx_client().cookies["c"] == "3"
    assert client.get_httpx_client() is live


def test_a_client_that_was_set_is_used() -> None:
    mine, mine_async = httpx.Client(), httpx.AsyncClient()
    client = Client(BASE).set_httpx_client(mine).set_async_httpx_client(mine_async)
    assert client.get_httpx_client() is mine
    assert client.get_async_httpx_client() is mine_async


def test_a_client_can_be_copied_before_it_is_used() -> None:
    client = AuthenticatedClient(BASE, "KEY", headers={"x-a": "1"})
    for copied in (copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert copied == client


async def test_many_tasks_share_one_asynchronous_client() -> None:
    client = client_with(httpx.Response(200, json=[]))
    found = await asyncio.gather(*(asyncio.to_thread(client.get_async_httpx_client) for _ in range(16)))
    assert len(set(map(id, found))) == 1
    await found[0].aclose()
