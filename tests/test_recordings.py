"""That a recording notices what a client says otherwise than it once did: see recordings.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import recordings
from recordings import Tape
from transports import KEY, playing

from secgemini import APIStatusError, SecGemini, no_waiting

A, B, C = "a" * 32, "b" * 32, "c" * 32


@pytest.mark.parametrize(
    ("then", "now", "is_same"),
    [
        ({"ttl": 600}, {"ttl": 600}, True),
        ({"ttl": 600}, {"ttl": 601}, False),
        ({"ttl": 600}, {"ttl": 600.0}, False),
        ({"ttl": 1}, {"ttl": True}, False),
        ({"ttl": None}, {}, False),
        ({}, {"ttl": None}, False),
        ([1, 2], [2, 1], False),
        ({"created_at": 1.0}, {"created_at": 2.0}, True),
        ({"created_at": 1.0}, {}, False),
        ({"id": A}, {"id": B}, True),
        ({"id": A}, {"id": "b"}, False),
        ({"id": A, "group": A}, {"id": B, "group": B}, True),
        ({"id": A, "group": A}, {"id": B, "group": C}, False),
        ({"id": A, "group": B}, {"id": C, "group": C}, False),
        ({"name": "amber-badger-0123"}, {"name": "keen-otter-4567"}, True),
        ({"name": "amber-badger-0123"}, {"name": "mine"}, False),
    ],
)
def test_only_what_is_made_up_may_differ(then: object, now: object, is_same: bool) -> None:
    assert Tape("").is_same(then, now) is is_same


def test_what_was_made_up_stays_what_it_is() -> None:
    tape = Tape("")
    assert tape.is_same({"id": A}, {"id": B})
    assert not tape.is_same({"id": A}, {"id": C}), "it is already called otherwise today"
    assert not tape.is_same({"id": C}, {"id": B}), "today's name is already that of another"
    assert tape.as_of_today({"said to": A, "by": C}) == f'{{"said to": "{B}", "by": "{C}"}}'


def test_a_tape_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "FOLDER", tmp_path / "new")
    tape, again = Tape("a test[of/this]"), Tape("a test[of/this]")
    tape.exchanges = [{"request": "GET /", "body": "x" * 5000 + "\u2028\n三"}, {"answer": None}]
    tape.save()
    again.load()
    assert again.exchanges == tape.exchanges
    assert [path.stat().st_size < 200 for path in (tmp_path / "new").iterdir()] == [True]


def test_a_client_that_asks_for_something_else_fails() -> None:
    with playing() as stand, SecGemini(KEY, base_url=f"http://{stand.place}", proxy="") as sg, no_waiting():
        playing_it = stand.turning("test_who_is_let_in")
        playing_it.__enter__()
        with pytest.raises(APIStatusError, match="not on the tape"):
            sg.api.get_httpx_client().get("/v1/system/agent")
        with pytest.raises(AssertionError, match=r"never asked.*agent"):
            playing_it.__exit__(None, None, None)


def test_a_client_that_asks_for_less_fails() -> None:
    with playing() as stand, pytest.raises(AssertionError, match=r"no longer asked.*user/info"):
        with stand.turning("test_who_is_let_in"):
            pass
