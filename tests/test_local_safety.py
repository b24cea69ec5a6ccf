"""Loopback is no boundary: who is let in, how much, and what never leaves."""

from __future__ import annotations

import base64
import json
import logging
import socket
import sys
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import trustme
from raw_service import EchoEngine, Raw, RawStream, running_service, session_body
from transports import serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from secgemini.errors import ConfigurationError
from secgemini.local import listening
from secgemini.local.app import OPERATIONS
from secgemini.local.gate import Doors
from secgemini.local.keys import ApiKey
from secgemini.local.server import LocalService
from secgemini.local.service import Limits

LOOPBACK_ORIGINS = ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8080", "http://app.localhost"]
FOREIGN_ORIGINS = [
    "https://evil.example.com",
    "http://localhost.evil.example.com",
    "null",
    "http://127.0.0.1.nip.io",
    "http://[bad",
    "http://localhost#.evil.example.com",
    "http://evil.example.com@localhost",
]


class TestHost:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:80", "[::1]:80", "x.localhost", "LOCALHOST", "127.9.9.9"])
    def test_names_of_loopback_are_ours(self, service: LocalService, host: str) -> None:
        assert httpx.get(f"{service.base_url}/health", headers={"host": host}).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.example.com", "10.0.0.1", "127.0.0.1.nip.io"])
    def test_a_page_that_rebinds_its_name_is_refused(self, service: LocalService, host: str) -> None:
        answer = httpx.get(f"{service.base_url}/health", headers={"host": host})
        assert answer.status_code == 403
        assert answer.headers["x-request-id"]

    @pytest.mark.parametrize(
        "host",
        ["[::1", "", "a[b]", "evil.example@localhost", "localhost/evil.example", "[::1].evil.example", "localhost#x"],
    )
    def test_what_is_no_name_is_refused(self, service: LocalService, host: str) -> None:
        answer = httpx.get(f"{service.base_url}/health", headers={"host": host})
        assert answer.status_code == 403
        assert answer.headers["x-request-id"]

    @pytest.mark.parametrize(
        ("host", "named"),
        [
            ("192.168.1.5", "192.168.1.5:8000"),
            ("2001:DB8::0:5", "[2001:db8::5]:8000"),
            ("Box.lan", "box.LAN.:8000"),
            ("0.0.0.0", "10.0.0.7:8000"),
        ],
    )
    def test_the_address_that_it_listens_on_is_ours(self, host: str, named: str) -> None:
        doors = Doors.of(host, (), ())
        assert doors.admits_host(named)
        assert not doors.admits_host("evil.example.com")

    def test_other_names_are_ours_when_we_say_so(self) -> None:
        with running_service(allow_hosts=["api.secgemini.google"]) as service:
            headers = {"host": "api.secgemini.google:443"}
            assert httpx.get(f"{service.base_url}/health", headers=headers).status_code == 200


class TestOrigins:
    @pytest.mark.parametrize("origin", LOOPBACK_ORIGINS)
    def test_pages_of_loopback_are_served(self, service: LocalService, origin: str) -> None:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        wanted = {"access-control-request-headers": "content-type,x-api-key"}
        preflight = httpx.options(f"{service.base_url}/v1/session/register", headers=asked | wanted)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert {"content-type", "x-api-key"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
        for path, status in (("/v1/user/info", 401), ("/health", 200), ("/nothing", 404)):
            answer = httpx.get(f"{service.base_url}{path}", headers={"origin": origin})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == origin, "a page must be able to read an error too"
            assert "origin" in answer.headers["vary"].lower()

    def test_a_page_may_send_the_headers_that_its_client_has(self, service: LocalService) -> None:
        asked = {"origin": "http://localhost", "access-control-request-method": "POST"}
        wanted = {"access-control-request-headers": "authorization,x-stainless-lang, not a name,x-new"}
        preflight = httpx.options(f"{service.base_url}/chat/completions", headers=asked | wanted)
        assert preflight.headers["access-control-allow-headers"] == "authorization, x-stainless-lang, x-new"

    @pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
    def test_pages_of_others_are_not(self, service: LocalService, origin: str) -> None:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        preflight = httpx.options(f"{service.base_url}/v1/session/register", headers=asked)
        assert preflight.status_code == 403
        assert "access-control-allow-origin" not in preflight.headers
        answer = httpx.get(f"{service.base_url}/health", headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers

    async def test_sockets_of_foreign_pages_are_refused(self, service: LocalService, http: Raw) -> None:
        url = f"{service.websocket_url}/v1/stream?api_key={service.api_key}&session_id={http.register()}"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, origin="https://evil.example.com")  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403
        async with connect(url, origin="http://localhost:3000"):  # type: ignore[arg-type]
            pass

    def test_other_origins_are_served_when_we_say_so(self) -> None:
        with running_service(allow_origins=["https://App.example.com/"]) as service:
            headers = {"origin": "https://app.example.com"}
            answer = httpx.get(f"{service.base_url}/health", headers=headers)
            assert answer.headers["access-control-allow-origin"] == "https://app.example.com"


class TestLimits:
    def test_a_body_over_the_limit_is_refused_with_and_without_a_length(self) -> None:
        with running_service(limits=Limits(body=1000)) as service, Raw(service) as http:
            session_id = http.register()
            content = base64.b64encode(b"x" * 2000).decode()
            body = {"session_id": session_id, "filename": "a", "content": content}
            assert http.post("/v1/session/attach_file", json=body).status_code == 413
            pieces = (b" " * 600 for _ in range(3))
            chunked = http.post("/v1/session/attach_file", content=pieces, headers={"content-type": "application/json"})
            assert chunked.status_code == 413
            assert http.session(session_id)["files"] == []

    @pytest.mark.parametrize("depth", [100, 126, 127, 900, 973, 2000, 100_000])
    async def test_what_is_nested_too_deep_is_refused(self, http: Raw, open_stream: Any, depth: int) -> None:
        """Python may read JSON that it cannot write again some calls deeper: a session kept so would never be given."""
        session_id, inside = http.register(), '{"a":' * depth + "1" + "}" * depth
        new = session_body(agents_config={"a": "INSIDE"})
        body = json.dumps(new).replace('"INSIDE"', inside)
        answer = http.post("/v1/session/register", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code == 200) is (depth <= 126)
        assert answer.status_code in (200, 400, 422)
        stream: RawStream = await open_stream(session_id)
        await stream.socket.send(f'{{"message_type": "query", "content": "x", "usage": {{"a": {inside}}}}}')
        assert (await stream.turn())[-2]["status_code"] == (200 if depth <= 126 else 400)
        for path in ("/v1/session/list", "/v1/user/info", f"/v1/session/get?session_id={new['id']}"):
            assert http.get(path).status_code == (404 if "get" in path and depth > 126 else 200)

    async def test_a_frame_over_the_limit_closes_the_socket(self, open_stream: Any) -> None:
        with running_service(limits=Limits(frame=1000)) as service, Raw(service) as http:
            session_id = http.register()
            stream: RawStream = await open_stream(session_id, of=service)
            await stream.ask("x" * 2000)
            with pytest.raises(ConnectionClosed) as closed:
                await stream.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            assert http.session(session_id)["messages"] == []

    @pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is set")
    def test_more_connections_than_descriptors_wait_and_fill_no_log(self, capfd: pytest.CaptureFixture[str]) -> None:
        import resource

        with serving() as (process, address, _), ExitStack() as opened:
            port = int(address.rpartition(":")[2])
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (32, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            first = opened.enter_context(httpx.Client(base_url=address))
            said = ""
            while "Too many open files" not in said:
                opened.enter_context(socket.create_connection(("127.0.0.1", port)))
                assert first.get("/health").status_code == 200
                said += capfd.readouterr().err
            opened.close()
            assert httpx.get(f"{address}/health").status_code == 200
        said += capfd.readouterr().err
        assert said.count("Traceback") < 10

    async def test_prompts_on_a_socket_count_against_the_limit(self, open_stream: Any) -> None:
        with running_service(keys=[ApiKey("k", rpm=2)]) as service, Raw(service) as http:
            session_id = http.register()
            stream: RawStream = await open_stream(session_id, of=service)
            prompt_id = await stream.ask("one")
            turn = await stream.turn()
            assert turn[-2]["content"] == "one"
            await stream.ask("two")
            assert (await stream.turn())[0]["status_code"] == 429
            again: RawStream = await open_stream(session_id, of=service)
            await again.ask("one", id=prompt_id)
            assert await again.turn() == turn, "after a lost link a prompt that was counted is sent again"


@pytest.mark.parametrize("level", [logging.DEBUG, logging.NOTSET])
async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture, open_stream: Any, level: int) -> None:
    with caplog.at_level(level), running_service(key="the-secret-key") as service, Raw(service) as http:
        logging.getLogger("websockets.client").setLevel(logging.WARNING)  # the test's own client prints its URL
        logging.getLogger("httpcore").setLevel(logging.WARNING)  # and its own headers
        stream: RawStream = await open_stream(http.register(), of=service)
        await stream.ask("x")
        await stream.turn()
        http.get("/v1/user/info", params={"api_key": "the-secret-key"})
        assert "the-secret-key" not in repr(service) + repr(service.__dict__)
    service_records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [record for record in service_records if "the-secret-key" in record.getMessage()]


def test_a_client_that_sends_no_more_is_left_at_the_end_without_a_complaint(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "_PATIENCE", 0)
    with ExitStack() as opened, running_service() as service, Raw(service) as http:
        client = socket.create_connection(("127.0.0.1", int(service.base_url.rpartition(":")[2])))
        opened.enter_context(client)
        head = f"POST /v1/session/register HTTP/1.1\r\nHost: localhost\r\nx-api-key: {service.api_key}\r\n"
        client.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        assert http.get("/health").status_code == 200
    assert not [record for record in caplog.records if record.name.startswith("secgemini")]


async def test_it_speaks_tls(tmp_path: Any) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    import ssl

    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with running_service(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem") as service:
        assert service.base_url.startswith("https://")
        assert service.websocket_url.startswith("wss://")
        async with httpx.AsyncClient(base_url=service.base_url, verify=trust) as client:
            assert (await client.get("/health")).status_code == 200
        url = f"{service.websocket_url}/v1/stream?api_key={service.api_key}&session_id=nope"
        async with connect(url, ssl=trust) as socket:
            assert (await RawStream(socket).turn())[0]["status_code"] == 404
        async with httpx.AsyncClient(base_url=service.base_url) as distrustful:
            with pytest.raises(httpx.ConnectError):
                await distrustful.get("/health")


class TestSettings:
    def test_a_port_that_is_taken_is_said(self, service: LocalService) -> None:
        port = int(service.base_url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=str(port)):
            LocalService(engine=EchoEngine(), port=port).start()

    @pytest.mark.parametrize(
        "address", [{"port": 65536}, {"host": "a..b"}, {"host": "x" * 64 + ".lan"}, {"host": "a\0b"}]
    )
    def test_an_address_that_there_cannot_be_is_said(self, address: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match="cannot listen on"):
            LocalService(engine=EchoEngine(), **address).start()

    @pytest.mark.parametrize(
        "settings",
        [
            {"tls_cert": "/no/such"},
            {"engine": "nope"},
            {"engine": "no.such.module:Engine"},
            {"engine": "raw_service:nothing"},
            {"engine": "raw_service:session_body"},
        ],
    )
    def test_settings_that_cannot_work_are_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            LocalService(**{"engine": EchoEngine()} | settings)

    @pytest.mark.parametrize("keys", [{"keys": ["a", "a"]}, {"keys": ["a", ""]}])
    def test_keys_must_be_told_apart(self, keys: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            LocalService(engine=EchoEngine(), **keys).start()

    @pytest.mark.parametrize("origin", ["*", "app.example", "https://app.example/x", "https://*.app.example", ""])
    def test_an_origin_that_no_page_has_is_refused(self, origin: str) -> None:
        with pytest.raises(ConfigurationError, match="no origin that pages have"):
            LocalService(allow_origins=[origin])

    @pytest.mark.parametrize("name", ["*", "http://emulator", "emulator:8000", "a b", ""])
    def test_a_host_name_that_no_request_has_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match="no host name that requests have"):
            LocalService(allow_hosts=[name])

    def test_a_certificate_that_is_none_is_refused(self, tmp_path: Any) -> None:
        (tmp_path / "x").write_text("x")
        with pytest.raises(ConfigurationError, match="certificate"):
            LocalService(engine=EchoEngine(), tls_cert=tmp_path / "x", tls_key=tmp_path / "x").start()

    def test_a_stopped_service_has_no_address_and_may_start_again(self) -> None:
        service = LocalService(engine=EchoEngine())
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="not running"):
                _ = service.base_url
            with service.start():
                assert httpx.get(f"{service.base_url}/health").status_code == 200
        service.stop()


def test_every_operation_of_the_contract_is_there(service: LocalService) -> None:
    from secgemini.local.contract import Contract

    assert {operation.operation_id for operation in Contract.load().operations.values()} == set(OPERATIONS)


def test_an_operation_that_fails_is_a_500_with_a_request_id(
    service: LocalService, http: Raw, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(call: object) -> object:
        raise RuntimeError("boom")

    monkeypatch.setitem(OPERATIONS, "get_health", broken)
    answer = http.get("/health")
    assert (answer.status_code, "boom" in answer.text) == (500, False)
    assert answer.headers["x-request-id"]
    assert "boom" in caplog.text
