"""Streamed turns through a session: one after the other, the first one left early."""

import pytest

from secgemini import AsyncSecGemini, ConfigurationError, SecGemini
from secgemini._turn_events import Phase
from secgemini.local.server import LocalService


async def test_a_turn_after_one_that_was_left_yields_its_own_messages(service: LocalService) -> None:
    async with AsyncSecGemini(service.api_key, base_url=service.base_url, proxy="") as sg:
        session = await sg.create_session()
        async with session.stream("first") as stream:
            async for _ in stream:
                break
        assert session.last_turn is not None
        assert session.last_turn.phase is not Phase.OVER
        second = [message async for message in session.stream("second")]
        stored = await session.history()
    place = max(i for i, m in enumerate(stored) if m.message_type == "query")
    assert stored[place].content == "second"
    assert second == stored[place + 1 :]
    assert [m.content for m in stored if m.message_type == "query"] == ["first", "second"]


@pytest.mark.parametrize("before", ["the stream is made", "it connects"])
def test_a_closed_client_opens_no_stream(service: LocalService, before: str) -> None:
    sg = SecGemini(service.api_key, base_url=service.base_url, proxy="")
    session = sg.create_session()
    messages = session.stream_sync("hello") if before == "it connects" else None
    sg.close()
    with pytest.raises(ConfigurationError, match="this client is closed"):
        list(messages or session.stream_sync("hello"))
    with SecGemini(service.api_key, base_url=service.base_url, proxy="") as other:
        assert other.resume_session(session.id).history() == []
