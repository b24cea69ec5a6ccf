"""A log file arrives line by line, each line once; what cannot be known after a failure is said and not guessed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from http_peer import OK, HttpPeer, answer, reset
from raw_service import running_service
from wire import session

from secgemini import (
    APIConnectionError,
    APIResponseError,
    AsyncSecGemini,
    ConfigurationError,
    InteractiveSession,
    SecGemini,
    SecGeminiError,
    _logs,
    no_waiting,
)
from secgemini.local.engines import LogRecord, Reply, TurnRequest

TABLE, CHUNK, ATTACH = "POST /create_logs_table", "POST /upload_logs", "POST /v1/session/attach_logs"
SMALL = 40  # bytes of a chunk in these tests
NEW, KNOWN = answer({"table_created": True}), answer({"table_created": False})
Action = Callable[[socket.socket], None]


def digest(content: bytes) -> str:
    """Return the name of logs: the wire's own hash, written out here once more."""
    return hashlib.blake2s(content, key=b"secgemini").hexdigest()


def takes(peer: HttpPeer, less: int = 0) -> Action:
    """Answer a chunk with the number of its lines."""

    def reply(connection: socket.socket) -> None:
        lines: Any = peer.heard[-1].json()
        connection.sendall(answer({"inserted_log_lines": len(lines["log_lines"]) - less}))

    return reply


def sent(peer: HttpPeer) -> list[Any]:
    """Return the chunks that the peer was sent."""
    return [heard.json() for heard in peer.heard if heard.path == "/upload_logs"]


def lines_of(peer: HttpPeer) -> list[str]:
    return [line for chunk in sent(peer) for line in chunk["log_lines"]]


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_logs, "CHUNK", SMALL)


@pytest.fixture
def peer(peer: HttpPeer) -> HttpPeer:
    """The peer has a session, and room for any logs."""
    peer.on("GET /v1/session/get", session()).on(TABLE, NEW).on(ATTACH, {**OK, "data": None})
    return peer.on(CHUNK, takes(peer))


@pytest.fixture
def mine(peer: HttpPeer) -> Iterator[InteractiveSession]:
    with SecGemini("SENTINEL-KEY", base_url=peer.url, logs_url=peer.url, proxy="") as sg, no_waiting():
        yield sg.resume_session("s")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Ten lines of 15 bytes: two fit into a chunk."""
    path = tmp_path / "auth.log"
    path.write_text("".join(f"10:00:0{number} login\n" for number in range(10)))
    return path


def test_chunks_of_whole_lines_then_the_hash_is_attached(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    told: list[tuple[int, int]] = []
    table = mine.attach_logs(log, progress=lambda done, total: told.append((done, total)))

    name = digest(log.read_bytes())
    assert table.blake2s == name
    assert mine.data.logs_table == table
    assert [chunk["log_lines"] for chunk in sent(peer)] == [
        [f"10:00:0{n} login\n", f"10:00:0{n + 1} login\n"] for n in range(0, 10, 2)
    ]
    assert {(chunk["logs_hash"], chunk["can_log"]) for chunk in sent(peer)} == {(name, True)}
    assert all("custom_fields_mapping" not in chunk for chunk in sent(peer))
    assert told == [(done, 150) for done in (30, 60, 90, 120, 150)]
    targets = [h.target for h in peer.heard[1:] if h.path != "/upload_logs"]
    assert targets == [
        f"/create_logs_table?logs_hash={name}&can_log=true",
        f"/v1/session/attach_logs?session_id=s&logs_hash={name}",
    ]


async def test_the_asynchronous_twin_sends_the_same(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    mine.attach_logs(log)
    expected = [(heard.target, heard.body) for heard in peer.heard]
    peer.heard.clear()
    async with AsyncSecGemini("k", base_url=peer.url, logs_url=peer.url, proxy="") as sg:
        session = await sg.resume_session("s")
        assert await session.attach_logs(log) == mine.data.logs_table
    assert [(heard.target, heard.body) for heard in peer.heard] == expected


def test_what_the_session_says_of_logging_and_of_fields_goes_with_each_chunk(
    peer: HttpPeer, mine: InteractiveSession, log: Path
) -> None:
    peer.on("GET /v1/session/get", session(can_log=False))
    mapping = {"timestamp": "when", "source": "Höst"}
    mine.refresh().attach_logs(log, mapping=mapping)
    assert [(chunk["can_log"], chunk["custom_fields_mapping"]) for chunk in sent(peer)] == [(False, mapping)] * 5
    assert any(heard.target.endswith("&can_log=false") for heard in peer.heard)


CONTENTS = {
    "no newline at the end": (b"one\ntwo", ["one\n", "two"]),
    "one line without newline": (b"one", ["one"]),
    "empty lines": (b"\n\none\n\n", ["\n", "\n", "one\n", "\n"]),
    "only LF ends a line": (
        "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh\n".encode(),
        ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh\n"],
    ),
    "CR LF stays": (b"one\r\ntwo\r\n", ["one\r\n", "two\r\n"]),
    "no UTF-8": (b"caf\xe9 \xff\xfe\nna\xc3\xafve\n", ["caf\\xe9 \\xff\\xfe\n", "naïve\n"]),
    "a surrogate, encoded": (b"\xed\xa0\x80\n", ["\\xed\\xa0\\x80\n"]),
    "NUL and other controls": (b"a\x00b\x1b[2J\x7f\n", ["a\x00b\x1b[2J\x7f\n"]),
    "a byte order mark": ("\ufeffone\n".encode(), ["\ufeffone\n"]),
    "quotes and backslashes": (b'say "a\\b"\n', ['say "a\\b"\n']),
    "a line longer than a chunk": (
        b"short\n" + b"x" * 100 + b"\nlast\n",
        ["short\n", "x" * 100 + "\n", "last\n"],
    ),
}


@pytest.mark.parametrize(("content", "lines"), CONTENTS.values(), ids=CONTENTS)
def test_every_line_arrives_as_it_is(
    peer: HttpPeer, mine: InteractiveSession, tmp_path: Path, content: bytes, lines: list[str]
) -> None:
    path = tmp_path / "any.log"
    path.write_bytes(content)
    told: list[int] = []
    assert mine.attach_logs(path, progress=lambda done, total: told.append(done)).blake2s == digest(content)
    assert lines_of(peer) == lines
    assert told[-1] == len(content), "bytes of the file, whatever became of them"
    for chunk in sent(peer):
        assert len(chunk["log_lines"]) == 1 or len("".join(chunk["log_lines"]).encode()) <= SMALL


def test_logs_that_are_there_are_only_attached(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    peer.on(TABLE, KNOWN)
    told: list[int] = []
    table = mine.attach_logs(log, progress=lambda done, total: told.append(done))
    assert table.blake2s == digest(log.read_bytes())
    assert (peer.count(CHUNK), peer.count(ATTACH), told) == (0, 1, [])


@pytest.mark.parametrize("where", ["empty", "missing", "folder"])
def test_what_is_no_log_file_is_refused_before_any_request(
    peer: HttpPeer, mine: InteractiveSession, tmp_path: Path, where: str
) -> None:
    (tmp_path / "empty").touch()
    wrong = {"empty": (ValueError, "no logs"), "missing": (FileNotFoundError, "no file")}
    kind, says = wrong.get(where, (IsADirectoryError, "one by one"))
    with pytest.raises(kind, match=says):
        mine.attach_logs(tmp_path / where if where != "folder" else tmp_path)
    assert len(peer.heard) == 1, "the session was read, nothing else"


@pytest.mark.parametrize(
    "wrong", [{"mapping": 5}, {"mapping": ["host"]}, {"mapping": {"source": 5}}, {"progress": 5}], ids=str
)
def test_wrong_arguments_are_refused_before_any_request(
    peer: HttpPeer, mine: InteractiveSession, log: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="must be"):
        mine.attach_logs(log, **wrong)
    assert len(peer.heard) == 1, "the session was read, nothing else"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"line\n"), "is gzip, not lines of text: unpack"),
        (bz2.compress(b"line\n"), "is bzip2"),
        (lzma.compress(b"line\n"), "is xz"),
        ("line\n".encode("utf-16"), "is UTF-16, not lines of text: attach a copy in UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_before_any_request(
    peer: HttpPeer, mine: InteractiveSession, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "auth.log.1").write_bytes(content)
    with pytest.raises(ValueError, match=rf"auth\.log\.1' {says}"):
        mine.attach_logs(tmp_path / "auth.log.1")
    assert len(peer.heard) == 1, "the session was read, nothing else"


def test_without_an_address_nothing_is_read(peer: HttpPeer, sg: SecGemini, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", raising=False)
    with pytest.raises(ConfigurationError, match="SEC_GEMINI_LOGS_PROCESSOR_API_URL"):
        sg.resume_session("s").attach_logs("/no/such/file")


# -- what gets lost ----------------------------------------------------------------------------------------------


def test_a_lost_answer_to_a_chunk_is_an_error_that_says_how_far_it_came(
    peer: HttpPeer, mine: InteractiveSession, log: Path
) -> None:
    peer.on(CHUNK, takes(peer), takes(peer), reset, takes(peer))
    told: list[int] = []
    with pytest.raises(APIConnectionError) as caught:
        mine.attach_logs(log, progress=lambda done, total: told.append(done))
    said = " ".join([str(caught.value), *caught.value.__notes__])
    assert "60 of 150 bytes of 'auth.log'" in said
    assert "30 perhaps" in said
    assert caught.value.operation == CHUNK
    assert lines_of(peer) == [f"10:00:0{n} login\n" for n in range(6)], "the lost chunk was sent once, none after it"
    assert (told, peer.count(ATTACH), mine.data.logs_table) == ([30, 60], 0, None)


def test_lines_that_the_service_does_not_take_are_an_error(peer: HttpPeer, mine: InteractiveSession, log: Path) -> None:
    peer.on(CHUNK, takes(peer), takes(peer, less=1))
    with pytest.raises(SecGeminiError, match=r"took 1 of 2 lines of 'auth\.log'"):
        mine.attach_logs(log)
    assert (peer.count(CHUNK), peer.count(ATTACH), mine.data.logs_table) == (2, 0, None)


@pytest.mark.parametrize("operation", [TABLE, CHUNK])
@pytest.mark.parametrize(
    "said", [*map(answer, (b"<html>", b"null", b"[]", b"{}")), answer({"table_created": True}, 201), answer(b"", 204)]
)
def test_an_answer_outside_the_contract_ends_the_upload(
    peer: HttpPeer, mine: InteractiveSession, log: Path, operation: str, said: bytes
) -> None:
    peer.on(operation, said)
    with pytest.raises(APIResponseError, match=operation):
        mine.attach_logs(log)
    assert (peer.count(operation), peer.count(ATTACH), mine.data.logs_table) == (1, 0, None)


# -- a file that somebody writes to ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text(path.read_text() + "11:00:00 later\n"),
        lambda path: path.write_text("short\n"),
        lambda path: os.utime(path, (1, 1)),
    ],
    ids=["grows", "shrinks", "is written to"],
)
def test_a_file_that_changes_while_it_is_uploaded_is_not_attached(
    peer: HttpPeer, mine: InteractiveSession, log: Path, change: Callable[[Path], object]
) -> None:
    def progress(done: int, total: int) -> None:
        if done == 60:
            change(log)

    with pytest.raises(SecGeminiError, match=r"'auth\.log' changed while it was uploaded .*a copy"):
        mine.attach_logs(log, progress=progress)
    assert len(lines_of(peer)) == 4, "none after the change: its hash would not be that of the lines"
    assert (peer.count(ATTACH), mine.data.logs_table) == (0, None)


def test_a_file_that_changed_after_it_was_hashed_is_not_uploaded(
    peer: HttpPeer, mine: InteractiveSession, log: Path
) -> None:
    def write_then_answer(connection: socket.socket) -> None:
        os.utime(log, (1, 1))
        connection.sendall(NEW)

    peer.on(TABLE, write_then_answer)
    with pytest.raises(SecGeminiError, match="changed while it was uploaded"):
        mine.attach_logs(log)
    assert (peer.count(CHUNK), peer.count(ATTACH)) == (0, 0)


# -- a large file ------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_file(
    peer: HttpPeer, mine: InteractiveSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_logs, "CHUNK", 100_000)
    path, seen = tmp_path / "large.log", list[int]()
    with path.open("w") as file:
        file.writelines(f"{number:06} {'x' * 992}\n" for number in range(20_000))

    def count_and_forget(connection: socket.socket) -> None:
        takes(peer)(connection)
        seen.extend(int(line[:6]) for chunk in sent(peer) for line in chunk["log_lines"])
        peer.heard.clear()

    peer.on(CHUNK, count_and_forget)
    tracemalloc.start()
    try:
        mine.attach_logs(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size == 20_000_000
    assert seen == [*range(20_000)], "each line once, in order"
    assert peak < 6 << 20, "some blocks and chunks, on both sides; not the 20 MB of the file"


# -- what arrives ------------------------------------------------------------------------------------------------


class Reader:
    """An engine that keeps the records which it was shown."""

    name = "reader"

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        assert turn.logs is not None
        self.records = list(turn.logs.search())
        yield Reply("result", "read")


TEN = 1795341600.0  # 2026-11-22T10:00:00Z
STAMPED = [
    '{"when": "2026-11-22T10:00:00Z", "host": "a", "text": "mapped"}\n',
    "2026-11-22T10:00:01.5+00:00 sshd[1]: ISO\n",
    "2026-11-22 11:00:02 +0100 with a zone\n",
    "1795341603 an epoch\n",
    "1795341604000 milliseconds\n",
    "2026/11/22 10:00:05 slashes\n",
    '192.0.2.1 - - [22/Nov/2026:10:00:06 +0000] "GET / HTTP/1.1" 200 5\n',
    "no time, and \u2028 one\x85line\n",
    "the last\xa0line",
]


def test_the_service_has_the_lines_their_times_and_their_sources(tmp_path: Path) -> None:
    path, engine = tmp_path / "mixed.log", Reader()
    path.write_text("".join(STAMPED), "utf-8", newline="")
    with running_service(engine=engine) as service:
        where: dict[str, Any] = {"base_url": service.base_url, "logs_url": service.logs_url, "proxy": ""}
        with SecGemini(service.api_key, **where) as sg:
            mine, other = sg.create_session(), sg.create_session()
            table = mine.attach_logs(path, mapping={"timestamp": "when", "source": "host"})
            assert str(mine.query("read")) == "read"
            assert other.attach_logs(path) == table == mine.refresh().data.logs_table
            uploads = [request.path for request in service.requests if request.path == "/upload_logs"]
    assert len(uploads) > 1, "several chunks, and not again for the other session"
    assert [record.text for record in engine.records] == [line.rstrip("\n") for line in STAMPED]
    assert [record.line for record in engine.records] == [*range(1, 10)]
    assert [record.time for record in engine.records] == [
        *(TEN + seconds for seconds in (0, 1.5, 2, 3, 4, 5, 6)),
        None,
        None,
    ]
    assert engine.records[0].source == "a"
