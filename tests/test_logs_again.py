"""Logs whose upload failed are not attached for whole the next time: the processor takes any hash that it knows."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from http_peer import OK, HttpPeer, answer, reset
from wire import session

from secgemini import AsyncSecGemini, InteractiveSession, SecGemini, SecGeminiError, _logs, no_waiting

TABLE, CHUNK, ATTACH = "POST /create_logs_table", "POST /upload_logs", "POST /v1/session/attach_logs"
NEW, KNOWN = answer({"table_created": True}), answer({"table_created": False})


@pytest.fixture
def peer(peer: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> HttpPeer:
    """The peer has a session, and takes chunks of two lines of ten bytes."""
    monkeypatch.setattr(_logs, "CHUNK", 20)
    peer.on("GET /v1/session/get", session()).on(TABLE, NEW).on(ATTACH, {**OK, "data": None})
    return peer.on(CHUNK, takes(peer))


def takes(peer: HttpPeer, less: int = 0) -> Callable[[socket.socket], None]:
    """Answer a chunk with the number of its lines."""

    def reply(connection: socket.socket) -> None:
        chunk: Any = peer.heard[-1].json()
        connection.sendall(answer({"inserted_log_lines": len(chunk["log_lines"]) - less}))

    return reply


@pytest.fixture
def mine(peer: HttpPeer) -> Iterator[InteractiveSession]:
    with SecGemini("k", base_url=peer.url, logs_url=peer.url, proxy="") as sg, no_waiting():
        yield sg.resume_session("s")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "auth.log"
    path.write_text("".join(f"line {number:04}\n" for number in range(6)))
    return path


FAILURES = {
    "refused": lambda peer: answer({"detail": "oops"}, 500),
    "lost": lambda peer: reset,
    "outside the contract": lambda peer: answer(b"<html>"),
    "a line less": lambda peer: takes(peer, less=1),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_part_of_the_logs_is_not_attached_for_all(
    peer: HttpPeer, mine: InteractiveSession, log: Path, failure: str
) -> None:
    peer.on(CHUNK, takes(peer), FAILURES[failure](peer))
    with pytest.raises(SecGeminiError) as caught:
        mine.attach_logs(log)
    (note,) = caught.value.__notes__
    assert note.startswith("20 of 60 bytes of 'auth.log' were uploaded for certain, the next 20 perhaps. ")
    assert "may not send the rest: attach a copy with one more line" in note

    peer.on(TABLE, KNOWN)
    for _ in range(2):
        with pytest.raises(SecGeminiError, match=r"only a part of 'auth\.log'.*a copy with one more line"):
            mine.attach_logs(log)
    assert (peer.count(CHUNK), peer.count(ATTACH)) == (2, 0)

    log.write_text(log.read_text() + "\n")
    peer.on(TABLE, NEW).on(CHUNK, takes(peer))
    mine.attach_logs(log)
    assert peer.count(ATTACH) == 1


def test_a_processor_that_starts_anew_gets_all_of_them(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    peer.on(CHUNK, takes(peer), reset, takes(peer))
    with pytest.raises(SecGeminiError):
        mine.attach_logs(log)
    mine.attach_logs(log)
    assert (peer.count(CHUNK), peer.count(ATTACH)) == (2 + 3, 1)
    peer.on(TABLE, KNOWN)
    mine.attach_logs(log)
    assert (peer.count(CHUNK), peer.count(ATTACH)) == (2 + 3, 2), "now they are whole"


def test_a_table_that_was_made_without_an_answer_is_empty(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    peer.on(TABLE, reset, KNOWN)
    with pytest.raises(SecGeminiError):
        mine.attach_logs(log)
    with pytest.raises(SecGeminiError, match="only a part"):
        mine.attach_logs(log)


def test_a_refused_table_was_not_made(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    peer.on(TABLE, answer({"detail": "no"}, 403), KNOWN)
    with pytest.raises(SecGeminiError):
        mine.attach_logs(log)
    mine.attach_logs(log)
    assert peer.count(ATTACH) == 1


def test_what_ended_by_the_callers_own_error_is_unfinished_too(
    peer: HttpPeer, mine: InteractiveSession, log: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mine.attach_logs(log, progress=interrupt)
    peer.on(TABLE, KNOWN)
    with pytest.raises(SecGeminiError, match="only a part"):
        mine.attach_logs(log)


def test_only_so_many_are_remembered(
    peer: HttpPeer, mine: InteractiveSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_logs, "MOST_REMEMBERED", 3)
    peer.on(CHUNK, reset)
    for number in range(5):
        path = tmp_path / str(number)
        path.write_text(f"{number}\n")
        with pytest.raises(SecGeminiError):
            mine.attach_logs(path)
    assert len(mine._driver.connections.unfinished_logs) == 3


def test_the_file_is_read_beside_the_event_loop(peer: HttpPeer, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hash_file, loop_thread, seen = _logs._hash, threading.get_ident(), list[int]()
    monkeypatch.setattr(_logs, "_hash", lambda file: (seen.append(threading.get_ident()), hash_file(file))[1])

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, logs_url=peer.url, proxy="") as sg:
            await (await sg.resume_session("s")).attach_logs(log)

    asyncio.run(asynchronously())
    assert len(seen) == 1
    assert loop_thread not in seen
