"""What a newer service says and this client does not know survives: history, stream and the way back."""

import pytest
from http_peer import HttpPeer, answer
from wire import message, session

from secgemini import InternalServerError, Message, SecGemini

NEWER = message(
    "m1",
    "hologram",
    state="dreaming",
    role="oracle",
    mime_type="text/klingon",
    status_code=299,
    new_field={"deep": [1, None]},
)
STORED = session(
    messages=[message("m0", "query", role="user"), NEWER, message("m2", status_code=529)], state="asleep", colour="blue"
)


@pytest.fixture
def peer(peer: HttpPeer) -> HttpPeer:
    """The peer has a session that is newer than this client."""
    return peer.on("GET /v1/session/get", STORED)


def test_what_is_not_known_survives_history_and_a_round_trip(peer: HttpPeer) -> None:
    with SecGemini("k", base_url=peer.url, proxy="") as sg:
        mine = sg.resume_session("s")
        stored = mine.history()
    strange = stored[1]
    assert strange.message_type == "hologram"
    assert (strange.state, strange.role, strange.mime_type) == ("dreaming", "oracle", "text/klingon")
    assert strange.additional_properties["new_field"] == {"deep": [1, None]}
    assert strange.to_dict() == NEWER
    assert stored[2].status_code == 529
    assert mine.data.to_dict() == STORED
    assert [Message.from_dict(m.to_dict()) for m in stored] == stored


def test_a_status_that_http_does_not_know_is_an_error_of_its_class(peer: HttpPeer) -> None:
    peer.on("GET /v1/user/info", answer({"detail": "overloaded"}, 529))
    with SecGemini("k", base_url=peer.url, proxy="", max_retries=0) as sg:
        with pytest.raises(InternalServerError, match="529 from") as caught:
            sg.user_info()
    assert caught.value.status_code == 529
    assert caught.value.retryable
