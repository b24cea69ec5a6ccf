"""Sessions and files of the embedded service, as any HTTP client sees them."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from raw_service import EchoEngine, Raw, running_service, session_body

from secgemini.local.engines import Reply, TokenUsage, TurnRequest
from secgemini.local.keys import ApiKey
from secgemini.local.server import LocalService


def test_a_registered_session_is_returned_whole_with_its_alias_resolved(http: Raw) -> None:
    session_id = http.register(name="case 7", description="mail", agents_config={"a": {"b": 1}}, language="en-US")
    session = http.session(session_id)
    assert session["name"] == "case 7"
    assert session["description"] == "mail"
    assert session["language"] == "en-US"
    assert session["agents_config"] == {"a": {"b": 1}}
    assert session["model"]["model_string"] == "sec-gemini-1.1"
    assert session["model"]["toolsets"]
    assert (session["state"], session["turns"], session["messages"], session["files"]) == ("start", 0, [], [])
    assert session["create_time"] == session["update_time"] > 1_700_000_000
    assert session["user_id"] == "local", "identity comes from the key, not from the body"


@pytest.mark.parametrize(
    ("model", "resolved"),
    [
        (("sec-gemini", "stable", False), "sec-gemini-1.1"),
        (("sec-gemini", "1.1", True), "sec-gemini-1.1-experimental"),
        (("sec-gemini-1.1", "stable", False), "sec-gemini-1.1"),
        (("sec", "gemini", True), "sec-gemini-1.1-experimental"),
        (("logs_analysis_agent", "1.1", False), "logs_analysis_agent-1.1"),
    ],
)
def test_a_model_string_is_understood_wherever_a_client_splits_it(
    http: Raw, model: tuple[str, str, bool], resolved: str
) -> None:
    name, version, trial = model
    string = f"{name}-{version}-experimental" if trial else f"{name}-{version}"
    wanted = {"model_name": name, "version": version, "model_string": string, "use_experimental": trial}
    assert http.session(http.register(model=wanted))["model"]["model_string"] == resolved


def test_a_session_without_an_id_gets_one(http: Raw) -> None:
    body = session_body()
    del body["id"]
    assert [http.post("/v1/session/register", json=body).json()["ok"] for _ in range(2)] == [True, True]
    assert [len(session["id"]) for session in http.get("/v1/session/list").json()] == [32, 32]


@pytest.mark.parametrize("session_id", [uuid.uuid4().hex, str(uuid.uuid4())], ids=["hexadecimal", "with dashes"])
def test_ids_of_all_clients_are_accepted_and_only_once(http: Raw, session_id: str) -> None:
    http.register(id=session_id)
    again = http.post("/v1/session/register", json=session_body(id=session_id, name="other")).json()
    assert (again["ok"], again["status_code"]) == (False, 409)
    assert http.session(session_id)["name"] == "a session"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ttl": 299}, "ttl must be"),
        ({"ttl": 2**31 - 1}, "ttl must be"),
        ({"model": {"model_name": "gpt", "version": "stable", "model_string": "gpt-stable"}}, "sec-gemini-1.1"),
        ({"model": {"model_name": "sec-gemini", "version": "9", "model_string": "sec-gemini-9"}}, "No such model"),
        ({"id": "x" * 300}, "256"),
        ({"id": ""}, "which the client makes"),
        ({"local_tools": [{"name": "t", "description": "d", "parameters": {}}] * 2}, "same name"),
    ],
)
def test_registering_nonsense_is_refused_with_the_reason(http: Raw, fields: dict[str, object], reason: str) -> None:
    answer = http.post("/v1/session/register", json=session_body(**fields))
    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["status_code"]) == (False, 400)
    assert reason in answer.json()["status_message"]
    assert http.get("/v1/session/list").json() == []


def test_sessions_are_listed_in_order_of_creation_without_messages(http: Raw) -> None:
    ids = [http.register() for _ in range(3)]
    http.ask(ids[1], "hello")
    listed = http.get("/v1/session/list").json()
    assert [session["id"] for session in listed] == ids
    assert [session["num_messages"] for session in listed] == [0, 4, 0]
    assert listed[1]["messages"] == []
    assert http.get("/v1/user/info").json()["sessions"] == listed


def test_update_changes_name_description_and_ttl_and_nothing_else(http: Raw) -> None:
    session_id = http.register()
    before = http.session(session_id)
    sent = before | {"name": "new", "description": "d", "ttl": 300, "can_log": False, "turns": 9, "state": "end"}
    assert http.post("/v1/session/update", json=sent).json()["ok"]
    after = http.session(session_id)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"name", "description", "ttl", "update_time"}
    refused = http.post("/v1/session/update", json=sent | {"ttl": 299}).json()
    assert (refused["ok"], refused["status_code"]) == (False, 400)


def test_a_deleted_session_is_gone(http: Raw) -> None:
    session_id = http.register()
    body = http.session(session_id)
    assert http.post("/v1/session/delete", json=body).json()["ok"]
    assert http.get("/v1/session/get", params={"session_id": session_id}).status_code == 404
    for path in ("delete", "update"):
        again = http.post(f"/v1/session/{path}", json=body).json()
        assert (again["ok"], again["status_code"], again["status_message"]) == (False, 404, "Session not found")


class TestTimeToLive:
    @pytest.fixture
    def service(self) -> Iterator[LocalService]:
        """A service whose time passes by `advance` alone, and a millisecond with each stamp."""
        with running_service(seed=1) as running:
            yield running

    def test_it_deletes_the_session_with_all_that_is_in_it(self, service: LocalService, http: Raw) -> None:
        session_id = http.register(ttl=300)
        http.ask(session_id, "a secret")
        service.clock.advance(299)
        assert http.session(session_id)
        service.clock.advance(2)
        assert http.get("/v1/session/get", params={"session_id": session_id}).status_code == 404
        assert http.get("/v1/session/list").json() == []
        assert http.register(id=session_id) == session_id

    def test_it_counts_from_the_last_time_it_was_set(self, service: LocalService, http: Raw) -> None:
        session_id = http.register(ttl=300)
        service.clock.advance(200)
        assert http.post("/v1/session/update", json=http.session(session_id) | {"ttl": 400}).json()["ok"]
        service.clock.advance(399)
        assert http.session(session_id)["ttl"] == 400

    def test_a_new_name_does_not_prolong_it_and_the_same_ttl_again_does(self, service: LocalService, http: Raw) -> None:
        renamed, renewed = http.register(ttl=300), http.register(ttl=300)
        service.clock.advance(200)
        http.post("/v1/session/update", json=http.session(renamed) | {"name": "new"})
        http.post("/v1/session/update", json=http.session(renewed))
        service.clock.advance(150)
        assert [session["id"] for session in http.get("/v1/session/list").json()] == [renewed]


class TestFiles:
    def attach(self, http: Raw, session_id: str, name: str, content: bytes, **fields: object) -> dict[str, object]:
        body = {"session_id": session_id, "filename": name, "content": base64.b64encode(content).decode()} | fields
        return dict(http.post("/v1/session/attach_file", json=body).json())

    def test_what_is_attached_is_named_measured_and_sniffed(self, http: Raw) -> None:
        session_id = http.register()
        content = b"%PDF-1.7\n%..."
        data = self.attach(http, session_id, "report.txt", content, mime_type="text/plain")["data"]
        assert data == {
            "name": "report.txt",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "mime_type": "application/pdf",
            "content_type_label": "pdf",
        }
        assert http.session(session_id)["files"] == [data]

    def test_detaching_moves_later_files_down(self, http: Raw) -> None:
        session_id = http.register()
        for name in ("a", "b", "c"):
            self.attach(http, session_id, name, name.encode())
        assert http.post("/v1/session/detach_file", json={"session_id": session_id, "file_idx": 1}).json()["ok"]
        assert [file["name"] for file in http.session(session_id)["files"]] == ["a", "c"]

    @pytest.mark.parametrize("index", [-1, 1, 2**31 - 1])
    def test_an_index_that_is_not_there_is_refused(self, http: Raw, index: int) -> None:
        session_id = http.register()
        self.attach(http, session_id, "a", b"a")
        answer = http.post("/v1/session/detach_file", json={"session_id": session_id, "file_idx": index}).json()
        assert (answer["ok"], answer["status_code"]) == (False, 400)
        assert len(http.session(session_id)["files"]) == 1

    @pytest.mark.parametrize("content", ["not base64!", "YQ", "é", "YQ==\n"])
    def test_what_is_not_base64_is_refused(self, http: Raw, content: str) -> None:
        session_id = http.register()
        body = {"session_id": session_id, "filename": "a", "content": content}
        answer = http.post("/v1/session/attach_file", json=body).json()
        assert (answer["ok"], answer["status_code"]) == (False, 400)
        assert http.session(session_id)["files"] == []

    def test_an_unknown_session_takes_no_file(self, http: Raw) -> None:
        assert self.attach(http, "nope", "a", b"a")["status_code"] == 404


class TestKeys:
    def test_every_operation_with_a_key_in_the_contract_needs_one(self, service: LocalService) -> None:
        with httpx.Client(base_url=service.base_url) as nobody:
            for key in ({}, {"x-api-key": "wrong"}, {"x-api-key": ""}):
                answer = nobody.get("/v1/user/info", headers=key)
                assert answer.status_code == 401
                assert "credentials" in answer.json()["detail"]
            assert nobody.get("/health").json()["status"] == "ok"

    def test_each_user_has_sessions_of_its_own(self) -> None:
        keys = [ApiKey("k1", user="ann", org="x"), ApiKey("k2", user="bob", can_disable_logging=False)]
        with running_service(keys=keys) as service, Raw(service, "k1") as ann, Raw(service, "k2") as bob:
            session_id = ann.register(can_log=False)
            assert bob.get("/v1/session/get", params={"session_id": session_id}).status_code == 404
            assert bob.get("/v1/session/list").json() == []
            assert bob.register(id=session_id, can_log=False) == session_id, (
                "ids of others are no secret to collide with"
            )
            assert ann.session(session_id)["can_log"] is False
            assert bob.session(session_id)["can_log"] is True, "not granted to this key"
            assert ann.get("/v1/user/info").json()["user"]["org_id"] == "x"

    def test_the_user_of_a_plain_key_does_not_hang_on_the_other_keys(self, tmp_path: Path) -> None:
        database = tmp_path / "s.db"
        with running_service(path=database, keys=["of-alice", "of-bob"]) as service, Raw(service, "of-alice") as alice:
            of_alice = alice.register(name="a secret")
            with Raw(service, "of-bob") as bob:
                of_bob = bob.register()
                assert bob.session(of_bob)["user_id"] != alice.session(of_alice)["user_id"]
                assert "of-bob" not in bob.session(of_bob)["user_id"]
        with running_service(path=database, keys=["of-bob"]) as service, Raw(service) as bob:
            assert [session["id"] for session in bob.get("/v1/session/list").json()] == [of_bob]
        with running_service(path=database, key="of-carol") as service, Raw(service) as carol:
            assert carol.get("/v1/session/list").json() == []
            kept = carol.register()
            assert carol.session(kept)["user_id"] == "local"
        with running_service(path=database) as service, Raw(service) as again:
            assert [session["id"] for session in again.get("/v1/session/list").json()] == [kept]

    def test_an_experimental_model_is_not_for_every_key(self) -> None:
        model = {"model_name": "sec-gemini", "version": "1.1", "model_string": "sec-gemini-1.1"}
        with running_service(keys=[ApiKey("k", allow_experimental=False)]) as service, Raw(service) as http:
            assert http.register(model=model)
            refused = http.post("/v1/session/register", json=session_body(model=model | {"use_experimental": True}))
            assert refused.json()["status_message"].startswith("No such model")

    def test_a_used_up_limit_says_when_to_come_again(self) -> None:
        with (
            running_service(keys=[ApiKey("k1", rpm=2), ApiKey("k2", user="b")]) as service,
            Raw(service) as client,
            Raw(service, "k2") as other,
        ):
            assert [client.get("/v1/user/info").status_code for _ in range(3)] == [200, 200, 429]
            answer = client.get("/v1/user/info")
            assert 0 < int(answer.headers["retry-after"]) <= 61
            assert other.get("/v1/user/info").status_code == 200

    def test_tokens_count_as_the_engine_reports_them(self) -> None:
        class Costly(EchoEngine):
            async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
                yield Reply("result", "x", usage=TokenUsage(prompt_tokens=6, generated_tokens=4))

        with running_service(keys=[ApiKey("k", tpm=15)], engine=Costly()) as service, Raw(service) as client:
            session_id = client.register()
            assert [client.ask(session_id, "x")["status_code"] for _ in range(2)] == [200, 200]
            assert client.get("/v1/user/info").status_code == 429


class TestBadRequests:
    def test_a_body_outside_the_contract_is_a_422_that_names_the_place(self, http: Raw) -> None:
        answer = http.post("/v1/session/register", json=session_body(ttl="long"))
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "ttl"]
        assert http.get("/v1/session/get").json()["detail"][0]["loc"] == ["query", "session_id"]
        beyond = http.post("/v1/session/detach_file", json={"session_id": "s", "file_idx": 2**31})
        assert beyond.json()["detail"][0]["loc"] == ["body", "file_idx"], "an int32 is one"

    @pytest.mark.parametrize(
        ("body", "media_type", "status"),
        [
            (b"{", "application/json", 400),
            (b'"\x81"', "application/json", 400),
            (b"[" * 100_000, "application/json", 400),
            (b'{"a": "\\ud800"}', "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"", "application/json", 422),
            (b"[]", "application/json", 422),
            (b"{}", "text/plain", 415),
        ],
    )
    def test_what_is_no_json_is_refused(self, http: Raw, body: bytes, media_type: str, status: int) -> None:
        answer = http.post("/v1/session/register", content=body, headers={"content-type": media_type})
        assert answer.status_code == status
        assert answer.json()["detail"]

    def test_unknown_paths_and_methods(self, service: LocalService, http: Raw) -> None:
        assert http.get("/v1/nothing").status_code == 404
        assert http.get("/v1/session/register").status_code == 405
        doubled = http.get(f"{service.base_url}//v1//user/info")
        assert doubled.status_code == 200, "clients that were given an address with a trailing slash double it"


def test_feedback_of_any_score_is_taken(http: Raw, service: LocalService) -> None:
    session_id = http.register()
    for kind, score in (("user_feedback", 1), ("user_feedback", -7), ("bug_report", 0)):
        body = {"session_id": session_id, "type": kind, "score": score, "comment": "c", "group_id": "g"}
        assert http.post("/v1/session/feedback", json=body).json()["ok"]
    assert not http.post("/v1/session/feedback", json=body | {"session_id": "nope"}).json()["ok"]


def test_a_name_is_made_up_from_the_first_prompt(http: Raw) -> None:
    session_id = http.register()
    params = {"session_id": session_id}
    assert http.get("/v1/session/generate_name", params=params).json()["data"]["name"].startswith("Session ")
    http.ask(session_id, "Is evil.example.com known?")
    assert http.get("/v1/session/generate_name", params=params).json()["data"]["name"] == "Is evil.example.com known"
