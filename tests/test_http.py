"""One request: what the service says wrong, and what the caller gets."""

import asyncio
import gzip
import os
import signal
import socket
import threading
import zlib
from collections.abc import Iterator

import httpx
import pytest
from closed_port import closed_port
from http_peer import HttpPeer, answer, reset
from wire import USER_INFO, session

from secgemini import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    AsyncSecGemini,
    AuthenticationError,
    ConfigurationError,
    InternalServerError,
    Limits,
    NotFoundError,
    RateLimitError,
    SecGemini,
    SecGeminiError,
    Timeout,
    UnprocessableEntityError,
    no_waiting,
)
from secgemini._http import Connections, _KeyAuth
from secgemini._proxies import proxy_for
from secgemini.config import Config

INFO = "GET /v1/user/info"


@pytest.fixture
def sg(peer: HttpPeer) -> Iterator[SecGemini]:
    with SecGemini("SENTINEL-KEY", base_url=peer.url, max_retries=0, proxy="") as client:
        yield client


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (answer(b"<html><b>Sign in</b></html>", headers={"content-type": "text/html"}), APIResponseError, "base_url"),
        (answer(b'{"user": {"id": "u", "or'), APIResponseError, "outside the contract"),
        (answer(b""), APIResponseError, "outside the contract"),
        (answer(b"[]"), APIResponseError, "outside the contract"),
        (answer({"sessions": []}), APIResponseError, "user"),
        (answer({"user": 7}), APIResponseError, "outside the contract"),
        (answer(b"\xff\xfe"), APIResponseError, "outside the contract"),
        (answer({"detail": "no such key"}, 401), AuthenticationError, "SEC_GEMINI_API_KEY"),
        (
            answer({"detail": [{"loc": ["body", "ttl"], "msg": "too small"}]}, 422),
            UnprocessableEntityError,
            "body.ttl: too",
        ),
        (answer(b"plain words", 404), NotFoundError, "plain words"),
        (answer({"detail": "slow down"}, 429, {"retry-after": "7"}), RateLimitError, "slow down"),
        (answer(b"<h1>Bad gateway</h1>", 502), InternalServerError, "502 from GET /v1/user/info"),
        (answer({"detail": "odd"}, 529), InternalServerError, "529"),
        (answer(b"", 302, {"location": "http://elsewhere.example/"}), APIResponseError, "elsewhere.example"),
        (answer(b"x", headers={"content-length": "9"}), APIConnectionError, "GET /v1/user/info"),
        (b"not http at all\r\n\r\n", APIConnectionError, "GET /v1/user/info"),
        (answer(b"not gzip", headers={"content-encoding": "gzip"}), APIResponseError, "decoded"),
        (answer(b"x", headers={"content-encoding": "br"}), APIResponseError, "compressed"),
        (reset, APIConnectionError, "GET /v1/user/info"),
    ],
)
def test_bad_answers_become_typed_errors(
    peer: HttpPeer, sg: SecGemini, reply: bytes, kind: type[SecGeminiError], says: str
) -> None:
    peer.on(INFO, reply)
    with pytest.raises(kind, match=says) as caught:
        sg.user_info()
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert "SENTINEL" not in str(caught.value)

    async def asynchronously() -> None:
        async with AsyncSecGemini("SENTINEL-KEY", base_url=peer.url, max_retries=0, proxy="") as asg:
            with pytest.raises(kind, match=says):
                await asg.user_info()

    asyncio.run(asynchronously())


def test_an_error_carries_what_a_user_needs(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer({"detail": "later \x1b]0;pwned\x07"}, 429, {"retry-after": "7", "x-request-id": "r-1"}))
    with pytest.raises(RateLimitError) as caught:
        sg.user_info()
    error = caught.value
    assert (error.status_code, error.operation, error.request_id, error.retry_after) == (429, INFO, "r-1", 7)
    assert error.retryable
    assert "\x1b" not in str(error), "what a service says is shown with its control characters visible"
    assert "later" in error.body


def test_a_server_that_is_not_there() -> None:
    with SecGemini("k", base_url=f"http://127.0.0.1:{closed_port()}", max_retries=0, proxy="") as sg:
        with pytest.raises(APIConnectionError, match="is the service running") as caught:
            sg.user_info()
    assert not caught.value.sent


def test_the_key_is_sent_as_a_header_and_to_the_configured_origin_only(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, USER_INFO)
    other = HttpPeer().on("GET /x", answer(b"{}"))
    sg.user_info()
    assert peer.heard[0].headers["x-api-key"] == "SENTINEL-KEY"
    assert "authorization" not in peer.heard[0].headers
    sg.api.get_httpx_client().get(other.url + "/x")
    assert "x-api-key" not in other.heard[0].headers
    other.close()


def test_an_echo_of_the_key_is_masked(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer(b"bad request: x-api-key=SENTINEL-KEY U0VOVElORUwtS0VZ", 400))
    with pytest.raises(SecGeminiError) as caught:
        sg.user_info()
    shown = repr(vars(caught.value)) + str(caught.value)
    assert "SENTINEL" not in shown
    assert "U0VOVEl" not in shown


def test_silence_ends_at_the_read_time_out(peer: HttpPeer) -> None:
    peer.on(INFO, lambda connection: peer.stopping.wait(20))
    with SecGemini("k", base_url=peer.url, max_retries=0, timeout=Timeout(read=0.2), proxy="") as sg:
        with pytest.raises(APITimeoutError, match="waiting for the answer") as caught:
            sg.user_info()
    assert caught.value.sent


def dribble(peer: HttpPeer, head: bytes) -> object:
    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(1000):  # 20 s, each byte of which starts the read time-out anew
            if peer.stopping.wait(0.02):
                return
            connection.sendall(b"x")

    return send


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nx-slow: ", b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"])
def test_a_dribbling_service_ends_at_the_total_time_out(peer: HttpPeer, head: bytes) -> None:
    peer.on(INFO, dribble(peer, head))
    with SecGemini("k", base_url=peer.url, max_retries=0, timeout=0.3, proxy="") as sg:
        with pytest.raises(APITimeoutError):
            sg.user_info()

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, max_retries=0, timeout=0.3, proxy="") as asg:
            with pytest.raises(APITimeoutError):
                await asg.user_info()

    asyncio.run(asynchronously())


def test_large_answers_are_refused(peer: HttpPeer) -> None:
    limits = Limits(max_response_bytes=1000)
    peer.on(INFO, answer(b'"' + b"x" * 2000 + b'"'))
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n"
    with SecGemini("k", base_url=peer.url, max_retries=0, limits=limits, proxy="") as sg:
        with pytest.raises(APIResponseError, match="limit is 1000"):
            sg.user_info()
        peer.on(INFO, chunked)
        with pytest.raises(APIResponseError, match="limit is 1000"):
            sg.user_info()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_decompression_bomb_is_refused(peer: HttpPeer, sg: SecGemini, pack: object) -> None:
    bomb = pack(b"0" * 40_000_000)  # type: ignore[operator]
    encoding = "gzip" if pack is gzip.compress else "deflate"
    peer.on(INFO, answer(bomb, headers={"content-encoding": encoding}))
    with pytest.raises(APIResponseError, match="200 times"):
        sg.user_info()


def test_honest_compression_is_read(peer: HttpPeer, sg: SecGemini) -> None:
    import json

    peer.on(INFO, answer(gzip.compress(json.dumps(USER_INFO).encode()), headers={"content-encoding": "gzip"}))
    assert sg.user_info().user.id == "u"
    assert peer.heard[0].headers["accept-encoding"] == "gzip, deflate"


def test_responses_are_shown_without_httpx(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer(USER_INFO, headers={"x-request-id": "r-7"}))
    with sg.responses() as seen:
        sg.user_info()
    assert [(r.operation, r.status_code, r.request_id) for r in seen] == [(INFO, 200, "r-7")]
    assert seen[0].headers["content-type"] == "application/json"
    sg.user_info()
    assert len(seen) == 1, "only inside the block"


def test_raw_endpoints_share_key_errors_and_limits(peer: HttpPeer, sg: SecGemini) -> None:
    from secgemini_api.api.sessions import get_session, list_sessions

    peer.on("GET /v1/session/list", [session("a"), session("b")])
    assert [s.id for s in list_sessions.sync(client=sg.api) or []] == ["a", "b"]  # type: ignore[union-attr]
    assert peer.heard[-1].headers["x-api-key"] == "SENTINEL-KEY"
    with pytest.raises(NotFoundError):
        get_session.sync(client=sg.api, session_id="gone")

    async def asynchronously() -> int:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="") as asg:
            return len(await list_sessions.asyncio(client=asg.api) or [])  # type: ignore[arg-type]

    assert asyncio.run(asynchronously()) == 2


def test_the_raw_client_keeps_the_time_outs_of_the_client_that_it_came_from(peer: HttpPeer, sg: SecGemini) -> None:
    from secgemini_api.api.users import get_user_info

    peer.on(INFO, lambda connection: peer.stopping.wait(60))
    with pytest.raises(APITimeoutError):
        get_user_info.sync(client=sg.with_options(timeout=0.05).api)
    assert sg.api.get_httpx_client().timeout.read == 90

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="") as asg:
            with pytest.raises(APITimeoutError):
                await get_user_info.asyncio(client=asg.with_options(timeout=0.05).api)

    asyncio.run(asynchronously())


def test_leaving_the_raw_client_leaves_the_connections_open(peer: HttpPeer, sg: SecGemini) -> None:
    from secgemini_api.api.users import get_user_info

    peer.on(INFO, USER_INFO)
    with sg.api as api:
        get_user_info.sync(client=api)
    assert sg.user_info().user.id == "u"

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="") as asg:
            async with asg.api as api:
                await get_user_info.asyncio(client=api)
            assert (await asg.user_info()).user.id == "u"

    asyncio.run(asynchronously())
    assert peer.count(INFO) == 4


def test_the_raw_client_of_the_logs_processor_asks_it(peer: HttpPeer) -> None:
    from secgemini_api.api.logs import create_logs_table

    other = HttpPeer().on("POST /create_logs_table", answer({"table_created": True}))
    with SecGemini("k", base_url=peer.url, logs_url=other.url, proxy="") as sg:
        create_logs_table.sync(client=sg.logs_api, logs_hash="0" * 64, can_log=False)
    assert (len(other.heard), peer.heard) == (1, [])
    assert other.heard[0].headers["x-api-key"] == "k"
    other.close()


@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "bücher.example", "[::1]:8000", "EXAMPLE.test:443"])
def test_the_key_goes_to_the_service_however_its_name_is_written(host: str) -> None:
    url = f"https://{host}"
    auth = _KeyAuth(Config.resolve("SENTINEL-KEY", base_url=url, logs_url=url))
    request = next(auth.auth_flow(httpx.Request("GET", f"{url}/v1/user/info")))
    assert request.headers["x-api-key"] == "SENTINEL-KEY"


def test_what_only_httpx_takes_for_no_address_is_a_configuration_error() -> None:
    with SecGemini("k", base_url="https://ab\u0644c.example", proxy="") as sg:
        with pytest.raises(ConfigurationError, match="is no address"):
            sg.user_info()


def test_two_event_loops_one_after_the_other(peer: HttpPeer) -> None:
    peer.on(INFO, USER_INFO)
    asg = AsyncSecGemini("k", base_url=peer.url, proxy="")

    async def once() -> str:
        return (await asg.user_info()).user.id

    assert asyncio.run(once()) == asyncio.run(once()) == "u"
    assert not asg._driver.connections._async, "a loop that ended took its client with it"


def test_one_client_for_64_threads(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, USER_INFO)
    barrier = threading.Barrier(64)
    clients, failures = set(), []

    def work() -> None:
        barrier.wait()
        try:
            clients.add(id(sg._driver.connections.sync_client()))
            sg.user_info()
        except SecGeminiError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(clients), failures) == (1, [])
    assert peer.count(INFO) == 64


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_connections_of_its_own(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, USER_INFO)
    sg.user_info()
    before = id(sg._driver.connections.sync_client())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs ends
        try:
            same = id(sg._driver.connections.sync_client()) == before
            os.write(write, b"same" if same else sg.user_info().user.id.encode())
        finally:
            os._exit(0)  # a child that fails runs no further tests
    os.close(write)
    assert os.read(read, 100) == b"u"
    os.close(read)
    os.waitpid(child, 0)
    assert id(sg._driver.connections.sync_client()) == before
    sg.user_info()


def test_a_closed_client_says_so(peer: HttpPeer, sg: SecGemini) -> None:
    sg.close()
    sg.close()
    with pytest.raises(SecGeminiError, match="closed"):
        sg.user_info()


def test_with_options_shares_the_connections(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer(b"", 503), USER_INFO)
    with no_waiting() as waits:
        assert sg.with_options(max_retries=1).user_info().user.id == "u"
    assert len(waits) == 1
    other = sg.with_options(timeout=5)
    assert other._driver.connections is sg._driver.connections
    assert other._driver.budget is sg._driver.budget
    other.close()
    assert sg.user_info().user.id == "u", "closing a copy closes nothing"


@pytest.mark.parametrize(
    ("url", "environment", "setting", "proxy"),
    [
        ("http://a.test", {}, None, None),
        ("http://a.test", {"http_proxy": "http://p:1"}, None, "http://p:1"),
        ("https://a.test", {"http_proxy": "http://p:1"}, None, None),
        ("https://a.test", {"https_proxy": "p:1"}, None, "http://p:1"),
        ("wss://a.test", {"https_proxy": "http://p:1"}, None, "http://p:1"),
        ("ws://a.test", {"all_proxy": "socks5://p:1"}, None, "socks5h://p:1"),
        ("https://a.test", {"https_proxy": "http://p:1", "no_proxy": "a.test"}, None, None),
        ("https://b.a.test:8", {"https_proxy": "http://p:1", "no_proxy": ".a.test"}, None, None),
        ("https://a.test", {"https_proxy": "http://p:1", "no_proxy": "*"}, None, None),
        ("https://a.test", {"https_proxy": "http://p:1"}, "", None),
        ("https://a.test", {"https_proxy": "http://p:1"}, "http://q:2", "http://q:2"),
    ],
)
def test_proxies_from_setting_and_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str], setting: str | None, proxy: str | None
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url, setting) == proxy


def test_constructing_does_no_io(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    Connections(Config.resolve("k"))
    SecGemini("k")
    AsyncSecGemini("k")
