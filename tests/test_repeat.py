"""What is sent again after a failure that leaves open whether the service did the work: for each operation."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from http_peer import OK, HttpPeer, answer, reset
from secgemini_api.models import UserInfo
from wire import FILE, USAGE, USER_INFO, message, session

from secgemini import (
    APIConnectionError,
    InteractiveSession,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    SecGemini,
    SecGeminiError,
    no_waiting,
)
from secgemini._plans import choose_model

INFO, LIST, TABLE, CHUNK, LOGS = (
    "GET /v1/user/info",
    "GET /v1/session/list",
    "POST /create_logs_table",
    "POST /upload_logs",
    "POST /v1/session/attach_logs",
)
GET, REGISTER, UPDATE, DELETE, ATTACH, DETACH, GENERATE, FEEDBACK = (
    "GET /v1/session/get",
    "POST /v1/session/register",
    "POST /v1/session/update",
    "POST /v1/session/delete",
    "POST /v1/session/attach_file",
    "POST /v1/session/detach_file",
    "POST /v1/session/generate",
    "POST /v1/session/feedback",
)
OTHER = {"name": "b.txt", "size": 1, "sha256": "b" * 64, "mime_type": "text/plain", "content_type_label": "txt"}
ABC = {**FILE, "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}  # of b"abc"
UNCLEAR = [reset, answer(b"", 500), answer(b"<html>", 502), answer(b"", 504)]
NOT_DONE = [answer({"detail": "busy"}, 503), answer({"detail": "slow"}, 429)]


@pytest.fixture
def sg(peer: HttpPeer) -> Iterator[SecGemini]:
    """A client of the peer that is its logs processor too, with room for any logs."""

    def take(connection: socket.socket) -> None:
        lines: Any = peer.heard[-1].json()
        connection.sendall(answer({"inserted_log_lines": len(lines["log_lines"])}))

    peer.on(TABLE, {"table_created": True}).on(CHUNK, take).on(LOGS, done()).on(FEEDBACK, done())
    with SecGemini("SENTINEL-KEY", base_url=peer.url, logs_url=peer.url, proxy="") as client, no_waiting():
        yield client


@pytest.fixture
def mine(peer: HttpPeer, sg: SecGemini) -> InteractiveSession:
    peer.on(GET, session(files=[FILE, OTHER]))
    return sg.resume_session("s")


def done(data: object = None) -> bytes:
    return answer({**OK, "data": data})


def refused(status: int) -> bytes:
    return answer({**OK, "ok": False, "status_code": status, "status_message": "no"})


Do = Callable[[InteractiveSession], object]
SAFE: list[tuple[str, Do]] = [
    (UPDATE, lambda s: s.update(name="new")),
    (DELETE, lambda s: s.delete()),
    (GET, lambda s: s.history()),
    (LOGS, lambda s: s.attach_logs(__file__)),
]
ONCE: list[tuple[str, Do]] = [
    (FEEDBACK, lambda s: s.send_feedback(1)),
    (TABLE, lambda s: s.attach_logs(__file__)),
    (CHUNK, lambda s: s.attach_logs(__file__)),
]


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
@pytest.mark.parametrize(("operation", "do"), SAFE)
def test_what_is_the_same_when_made_twice_is_sent_again(
    peer: HttpPeer, mine: InteractiveSession, operation: str, do: Do, failure: object
) -> None:
    good = answer(session()) if operation == GET else done()
    before = peer.count(operation)
    peer.on(operation, failure, failure, good)
    do(mine)
    assert peer.count(operation) - before == 3


def test_a_third_failure_is_raised(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(UPDATE, reset)
    with pytest.raises(APIConnectionError):
        mine.update(name="new")
    assert peer.count(UPDATE) == 3
    assert mine.name == "n", "a failed update leaves the session as it was"


@pytest.mark.parametrize("failure", UNCLEAR)
def test_delete_that_was_carried_out_is_success(peer: HttpPeer, mine: InteractiveSession, failure: object) -> None:
    peer.on(DELETE, failure, refused(404))
    mine.delete()


def test_delete_of_what_was_never_there_is_an_error(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(DELETE, answer({"detail": "busy"}, 503), refused(404))
    with pytest.raises(NotFoundError):
        mine.delete()


@pytest.mark.parametrize("failure", UNCLEAR)
def test_register_that_was_carried_out_is_success(peer: HttpPeer, sg: SecGemini, failure: object) -> None:
    peer.on(INFO, USER_INFO).on(REGISTER, failure, refused(409)).on(GET, session("made"))
    assert sg.create_session().id == "made"
    bodies = [h.json() for h in peer.heard if h.path.endswith("register")]
    assert bodies[0] == bodies[1], "the same id both times"


@pytest.mark.parametrize("failure", UNCLEAR)
def test_attach_looks_and_finds_its_file(peer: HttpPeer, mine: InteractiveSession, failure: object) -> None:
    peer.on(ATTACH, failure, done(ABC)).on(GET, session(files=[FILE, OTHER, ABC]))
    assert mine.attach_file("a.txt", b"abc").sha256 == ABC["sha256"]
    assert peer.count(ATTACH) == 1, "it was attached: sending it again would attach it twice"
    assert len(mine.files) == 3


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
def test_attach_is_sent_again_when_its_file_is_missing(
    peer: HttpPeer, mine: InteractiveSession, failure: object
) -> None:
    peer.on(ATTACH, failure, done(ABC))
    mine.attach_file("a.txt", b"abc")
    assert peer.count(ATTACH) == 2
    bodies = [json.loads(h.body) for h in peer.heard if h.path.endswith("attach_file")]
    assert bodies[0] == bodies[1]
    assert bodies[0]["content"] == "YWJj"


def test_attach_of_the_same_content_twice_on_purpose(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(GET, session(files=[ABC]))
    mine = sg.resume_session("s")
    peer.on(ATTACH, reset, done(ABC))
    mine.attach_file("a.txt", b"abc")
    assert peer.count(ATTACH) == 2, "the one that was there before is not ours"


@pytest.mark.parametrize("failure", UNCLEAR)
def test_detach_looks_and_takes_no_second_file(peer: HttpPeer, mine: InteractiveSession, failure: object) -> None:
    peer.on(DETACH, failure, done()).on(GET, session(files=[OTHER]))
    mine.detach_file(0)
    assert peer.count(DETACH) == 1
    assert [f.name for f in mine.files] == ["b.txt"]


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
def test_detach_is_sent_again_when_the_file_is_still_there(
    peer: HttpPeer, mine: InteractiveSession, failure: object
) -> None:
    peer.on(DETACH, failure, done())
    mine.detach_file(0)
    assert peer.count(DETACH) == 2
    assert [f.name for f in mine.files] == ["b.txt"]


def test_detach_does_not_guess_when_the_files_changed_otherwise(peer: HttpPeer, mine: InteractiveSession) -> None:
    peer.on(DETACH, reset, done()).on(GET, session(files=[FILE]))
    with pytest.raises(APIConnectionError):
        mine.detach_file(0)
    assert peer.count(DETACH) == 1


def stored_turn(peer: HttpPeer, *messages: dict[str, object], state: str = "agent_done") -> Callable[..., None]:
    """Answer the look with the prompt that was sent, and what the service stored after it."""

    def reply(connection: object) -> None:
        sent = next(h for h in peer.heard if h.path.endswith("generate")).json()
        prompt = sent["messages"][0]  # type: ignore[index]
        body = session(messages=[message(prompt["id"], "query", role="user"), *messages], state=state)
        connection.sendall(answer(body))  # type: ignore[attr-defined]

    return reply


@pytest.mark.parametrize("failure", UNCLEAR)
def test_query_reads_the_answer_that_got_lost(peer: HttpPeer, mine: InteractiveSession, failure: object) -> None:
    end = message("e", "info", state="end")
    peer.on(GENERATE, failure)
    peer.on(GET, stored_turn(peer), stored_turn(peer, message("m")), stored_turn(peer, message("m"), end))
    response = mine.query("hello")
    assert response.output_text == "content of m"
    assert peer.count(GENERATE) == 1, "the service has the prompt: it is not processed twice"


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
def test_query_is_sent_again_with_its_id_when_it_never_arrived(
    peer: HttpPeer, mine: InteractiveSession, failure: object
) -> None:
    good = {"id": "s", "messages": [message("m")], "status_code": 200, "status_message": "OK", "usage": USAGE}
    peer.on(GENERATE, failure, answer(good))
    assert mine.query("hello").output_text == "content of m"
    first, second = (h.json() for h in peer.heard if h.path.endswith("generate"))
    assert first == second


@pytest.mark.parametrize("failure", UNCLEAR)
@pytest.mark.parametrize(("operation", "do"), ONCE)
def test_what_would_be_there_twice_is_sent_once(
    peer: HttpPeer, mine: InteractiveSession, operation: str, do: Do, failure: object
) -> None:
    """Feedback and log lines would be stored again; a second table would be said to have its lines already."""
    peer.on(operation, failure, *peer.script[operation])
    with pytest.raises((APIConnectionError, InternalServerError)) as caught:
        do(mine)
    assert caught.value.operation == operation
    assert peer.count(operation) == 1
    assert f"{peer.heard[-1].method} {peer.heard[-1].path}" == operation, "nothing follows it"
    assert mine.data.logs_table is None


@pytest.mark.parametrize("failure", NOT_DONE)
@pytest.mark.parametrize(("operation", "do"), ONCE)
def test_what_was_surely_not_taken_is_sent_again(
    peer: HttpPeer, mine: InteractiveSession, operation: str, do: Do, failure: object
) -> None:
    peer.on(operation, failure, *peer.script[operation])
    do(mine)
    first, second = (h for h in peer.heard if f"{h.method} {h.path}" == operation)
    assert (first.target, first.body) == (second.target, second.body)


# -- the list of sessions ----------------------------------------------------------------------------------------


def asked(peer: HttpPeer) -> list[str]:
    return [f"{h.method} {h.path}" for h in peer.heard]


def test_many_sessions_are_listed_by_one_request(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(LIST, [session(f"s{number}") for number in range(200)])
    assert [listed.id for listed in sg.list_sessions()] == [f"s{number}" for number in range(200)]
    assert asked(peer) == [LIST]


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
def test_the_list_is_asked_for_again(peer: HttpPeer, sg: SecGemini, failure: object) -> None:
    peer.on(LIST, failure, failure, [session("a")])
    assert [listed.id for listed in sg.list_sessions()] == ["a"]
    assert asked(peer) == [LIST] * 3


@pytest.mark.parametrize("failure", UNCLEAR + NOT_DONE)
def test_a_service_without_the_list_is_asked_for_the_user(peer: HttpPeer, sg: SecGemini, failure: object) -> None:
    peer.on(LIST, answer({"detail": "Not Found"}, 404)).on(INFO, failure, USER_INFO | {"sessions": [session("a")]})
    assert [listed.id for listed in sg.list_sessions()] == ["a"]
    assert asked(peer) == [LIST, INFO, INFO]


@pytest.mark.parametrize("failure", [reset, answer(b"", 500), answer({}, 401), answer({}, 403), answer(b"<html>")])
def test_a_list_that_fails_otherwise_is_not_looked_for_elsewhere(
    peer: HttpPeer, sg: SecGemini, failure: object
) -> None:
    peer.on(LIST, failure).on(INFO, USER_INFO)
    with pytest.raises(SecGeminiError):
        sg.list_sessions()
    assert peer.count(INFO) == 0


# -- how long, and how often -------------------------------------------------------------------------------------


def test_retry_after_is_waited_for_or_raised(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer({}, 429, {"retry-after": "11"}), USER_INFO)
    with no_waiting() as waits:
        sg.user_info()
    assert 11 <= waits[0] <= 13.2
    peer.on(INFO, answer({}, 429, {"retry-after": "3600"}))
    with pytest.raises(RateLimitError) as caught:
        sg.user_info()
    assert caught.value.retry_after == 3600


def test_a_dead_service_is_not_hammered(peer: HttpPeer, sg: SecGemini) -> None:
    peer.on(INFO, answer(b"", 503))
    for _ in range(400):
        with pytest.raises(InternalServerError):
            sg.user_info()
    assert peer.count(INFO) <= 400 * 1.1


@pytest.mark.parametrize(
    ("text", "name", "version", "experimental"),
    [
        ("sec-gemini-stable", "sec-gemini", "stable", False),
        ("sec-gemini-1.1", "sec-gemini", "1.1", False),
        ("sec-gemini-2-experimental", "sec-gemini", "2", True),
        ("logs_analysis_agent-1.1", "logs_analysis_agent", "1.1", False),
    ],
)
def test_model_strings_are_split_from_the_right(text: str, name: str, version: str, experimental: bool) -> None:
    chosen = choose_model(text, UserInfo.from_dict(USER_INFO))
    assert (chosen.model_name, chosen.version, chosen.use_experimental) == (name, version, experimental)
    with pytest.raises(ValueError, match="available"):
        choose_model("plain", UserInfo.from_dict(USER_INFO))


def test_a_retry_is_logged_and_nothing_else_is(peer: HttpPeer, sg: SecGemini, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "secgemini")
    peer.on(INFO, answer({"detail": "later \x1b[2J k"}, 503), USER_INFO)
    with no_waiting() as waits:
        sg.user_info()
        sg.user_info()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("secgemini")]
    assert said == [f"503 from GET /v1/user/info: later \\x1b[2J k; attempt 2 follows in {waits[0]:.1f} s"]
