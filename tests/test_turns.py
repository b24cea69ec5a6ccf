"""Streamed turns through a session: one after the other, left early, and what reconnects cost."""

import pytest

from secgemini import AsyncSecGemini, SecGemini
from secgemini._turn_events import Phase
from secgemini._turns import _policy
from secgemini.errors import APIConnectionError
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


def test_reconnects_give_back_what_they_cost_once_they_helped(monkeypatch: pytest.MonkeyPatch) -> None:
    sg = SecGemini("k")
    wait, budget = _policy(sg._driver), sg._driver.budget
    broken = APIConnectionError("the link broke")
    assert wait(broken, 1) is not None
    assert wait(broken, 2) is not None
    assert budget.tokens == 500 - 2 * 14
    assert wait(broken, 1) is not None, "the link worked in between"
    assert budget.tokens == 500 - 14
    assert wait(broken, 7) is None, "three times the retries of a request"
