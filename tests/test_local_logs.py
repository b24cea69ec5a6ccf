"""The logs processor on the service's own port, and what engines see of the logs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from raw_service import Raw, running_service

from secgemini.local import store as store_module
from secgemini.local.engines import LogRecord, LogTable, Reply, TurnRequest
from secgemini.local.escapes import without_escapes
from secgemini.local.logs import Logs, LogTables
from secgemini.local.logtimes import LineReader
from secgemini.local.store import Store

LINES = [
    "2026-11-20T10:00:00Z sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2\n",
    "2026-11-20T10:04:00Z sshd[1]: Accepted publickey for ann from 198.51.100.7 port 22 ssh2\n",
    "2026-11-21T09:00:00Z kernel: Grüße aus dem Kern\u2028still the same line\n",
    "no time at all, evil.example.com",
]
LOGS_HASH = hashlib.blake2s("".join(LINES).encode(), key=b"secgemini").hexdigest()


class Ask:
    """Runs the test's question on the logs of the turn, and answers with what comes of it."""

    name = "ask"

    def __init__(self) -> None:
        self.question: Callable[[LogTable], object] = LogTable.count
        self.answer_was: object = None

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        self.answer_was = "no logs" if turn.logs is None else self.question(turn.logs)
        yield Reply("result", "done")


def create(http: Raw, logs_hash: str = LOGS_HASH) -> bool:
    query = {"logs_hash": logs_hash, "can_log": "true"}
    return bool(http.post("/create_logs_table", params=query).json()["table_created"])


def upload(http: Raw, lines: list[str], logs_hash: str = LOGS_HASH, **fields: Any) -> Any:
    return http.post("/upload_logs", json={"logs_hash": logs_hash, "can_log": True, "log_lines": lines} | fields)


def attach(http: Raw, session_id: str, logs_hash: str = LOGS_HASH) -> dict[str, Any]:
    query = {"session_id": session_id, "logs_hash": logs_hash}
    return dict(http.post("/v1/session/attach_logs", params=query).json())


@pytest.fixture
def asked() -> Iterator[tuple[Callable[[Callable[[LogTable], object]], Any], Raw]]:
    """Ask a question about the logs of a session that has LINES."""
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, LINES[:2])
        upload(http, LINES[2:])
        session_id = http.register()
        assert attach(http, session_id)["ok"]

        def ask(question: Callable[[LogTable], object]) -> Any:
            engine.question = question
            assert http.ask(session_id, "go")["status_code"] == 200
            return engine.answer_was

        yield ask, http


def test_logs_are_uploaded_once_and_attached(http: Raw) -> None:
    session_id = http.register()
    assert attach(http, session_id)["status_code"] == 404
    assert upload(http, LINES).status_code == 404
    assert create(http)
    assert upload(http, LINES[:3]).json() == {"inserted_log_lines": 3}
    assert upload(http, LINES[3:]).json() == {"inserted_log_lines": 1}
    assert attach(http, session_id)["ok"]
    assert http.session(session_id)["logs_table"] == {"blake2s": LOGS_HASH}
    assert not create(http), "the lines are there already"
    assert attach(http, "nope")["status_code"] == 404


def test_an_upload_that_broke_off_starts_anew(http: Raw) -> None:
    assert create(http)
    upload(http, LINES[:1])
    assert create(http), "no session has it: what is there is not known to be all"


def test_what_an_upload_left_is_deleted_a_few_records_at_a_time() -> None:
    store = Store(None)
    tables = LogTables(store)
    assert tables.create("ann", "h", 0.0)
    pk = tables.find("ann", "h")
    assert pk is not None
    assert tables.add(pk, [(None, "", "x")] * 1500) == 1500
    assert tables.create("ann", "h", 0.0)
    assert tables.find("ann", "h") not in (None, pk)
    assert store.read("SELECT count(*) FROM records") == [(1500,)], "others get their turn before they are gone"
    while store.shred():
        pass
    assert store.read("SELECT (SELECT count(*) FROM records), count(*) FROM log_tables") == [(0, 1)]
    store.close()


def test_what_an_upload_left_is_gone_when_the_next_one_begins() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as mine:
        create(mine)
        upload(mine, ["left behind\n"] * 3)
        assert create(mine)
        upload(mine, LINES)
        session_id = mine.register()
        attach(mine, session_id)
        engine.question = lambda logs: (logs.count(), logs.count(("left",)))
        mine.ask(session_id, "go")
        assert engine.answer_was == (len(LINES), 0)


def test_what_is_still_being_stored_when_an_upload_starts_anew_is_not_of_the_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, go_on = threading.Event(), threading.Event()
    read = LineReader.read

    def wait_at_a_line(self: LineReader, line: str) -> tuple[float | None, str]:
        if line == "wait\n":
            began.set()
            go_on.wait()
        return read(self, line)

    monkeypatch.setattr(LineReader, "read", wait_at_a_line)
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http, ThreadPoolExecutor() as pool:
        create(http)
        left = pool.submit(upload, http, ["old\n"] * 1000 + ["wait\n"] + ["old\n"] * 1000)
        began.wait()
        assert create(http), "that client gave up, and begins again"
        upload(http, LINES)
        go_on.set()
        assert left.result().status_code == 404
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: logs.count()
        http.ask(session_id, "go")
        assert engine.answer_was == len(LINES)


def test_engines_count_by_day_and_source(asked: Any) -> None:
    ask, _ = asked
    assert ask(lambda logs: logs.count()) == 4
    days = ask(lambda logs: logs.per_day())
    assert [(day, count) for day, _, count in days] == [
        ("2026-11-20", 1),
        ("2026-11-20", 1),
        ("2026-11-21", 1),
        ("", 1),
    ]
    assert {source for day, source, _ in days if day == "2026-11-20"} == {"203.0.113.9", "198.51.100.7"}


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ((), [1, 2, 3, 4]),
        (("FAILED", "root"), [1]),
        (("password",), [1]),
        (("evil.example",), [4]),
        (("203.0.113",), [1]),
        (("grüsse",), []),
        (("GRÜẞE",), [3]),
        (("grüße",), [3]),
        (("still the same line",), [3]),
        (("22", "ssh"), [1, 2]),
        (("%",), []),
        (('"', "*"), []),
        (('evil" OR "root',), []),
        (("\0", "root\0"), []),
        (("no time", "22") * 1000, []),
        (("no time", "at") * 1000, [4]),
    ],
)
def test_engines_search_words(asked: Any, words: tuple[str, ...], lines: list[int]) -> None:
    ask, _ = asked
    assert [record.line for record in ask(lambda logs: logs.search(words))] == lines
    assert ask(lambda logs: logs.count(words)) == len(lines)


def test_engines_search_times_and_look_around(asked: Any) -> None:
    ask, _ = asked
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    assert [record.line for record in ask(lambda logs: logs.search(at_or_after=noon))] == [3]
    assert [record.line for record in ask(lambda logs: logs.search(at_or_before=noon))] == [1, 2]
    assert [record.line for record in ask(lambda logs: logs.search(limit=1))] == [1]
    assert [record.line for record in ask(lambda logs: logs.around(1))] == [1, 2]
    assert [record.line for record in ask(lambda logs: logs.around(1, seconds=60))] == [1]
    assert [record.line for record in ask(lambda logs: logs.around(4, limit=2))] == [3, 4]
    assert ask(lambda logs: logs.around(9)) == []
    assert ask(lambda logs: logs.around(1, limit=0)) == []
    assert ask(lambda logs: logs.count(at_or_after=noon)) == 1
    assert ask(lambda logs: logs.count(at_or_before=noon)) == 2
    record = ask(lambda logs: logs.search(("Grüße",)))[0]
    assert record.text == "2026-11-21T09:00:00Z kernel: Grüße aus dem Kern\u2028still the same line"
    assert record.time == datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp()


def test_what_is_around_a_record_are_the_nearest_on_either_side() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, [f"2026-11-20T10:00:{number // 4:02}Z x" for number in range(200)])
        session_id = http.register()
        attach(http, session_id)
        for line, limit, expected in [
            (150, 5, [148, 149, 150, 151, 152]),
            (150, 4, [148, 149, 150, 151]),
            (150, 1, [150]),
            (1, 5, [1, 2, 3]),
            (200, 5, [198, 199, 200]),
        ]:
            engine.question = lambda logs, line=line, limit=limit: logs.around(line, limit=limit)  # type: ignore[misc]
            http.ask(session_id, "go")
            assert [record.line for record in cast("list[LogRecord]", engine.answer_was)] == expected


def test_what_a_search_does_not_return_is_counted_and_its_last_ones_can_be_asked_for() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, [f"2026-11-20T10:00:00Z {'odd' if number % 2 else 'even'} number" for number in range(12_000)])
        session_id = http.register()
        attach(http, session_id)

        def ask(question: Callable[[LogTable], object]) -> Any:
            engine.question = question
            http.ask(session_id, "go")
            return engine.answer_was

        assert ask(lambda logs: len(logs.search(limit=20_000))) == 12_000
        assert ask(lambda logs: logs.count(("odd",))) == 6000
        assert ask(lambda logs: logs.count(("odd number",), at_or_after=0.0)) == 6000
        assert [record.line for record in ask(lambda logs: logs.search(("odd",), limit=2))] == [2, 4]
        assert [record.line for record in ask(lambda logs: logs.search(("odd",), limit=2, last=True))] == [
            11_998,
            12_000,
        ]


def test_a_phrase_is_found_as_the_line_is_seen() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, ["Failed \x1b[31mPASSWORD\x1b[0m for root", "failed  password", "password failed", "failed"])
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: (logs.count(("failed password",)), logs.search(("failed password",))[0].line)
        http.ask(session_id, "go")
        assert engine.answer_was == (1, 1)


def test_a_line_is_read_once_however_many_phrases_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(text: str) -> str:
        read.append(text)
        return without_escapes(text)

    monkeypatch.setattr(store_module, "without_escapes", counted)
    store = Store(None)
    tables = LogTables(store)
    tables.create("ann", "h", 0.0)
    pk = tables.find("ann", "h")
    assert pk is not None
    line = "Failed \x1b[31mPASSWORD\x1b[0m for root \x1b[1;"
    tables.add(pk, [(None, "", line), (None, "", "password for root failed")])
    logs = Logs(store, pk)
    assert logs.count(("failed password", "Password for", "for root", "root \x1b[1;")) == 1
    assert read.count(line) == 1
    assert logs.count(("failed password", "for failed")) == 0
    store.close()


def test_the_last_moment_of_a_day_belongs_to_it() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, ["2026-11-20T23:59:59.999999Z x", "1969-12-31T23:59:59.5Z x", "2026-11-21T00:00:00Z x"])
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: logs.per_day()
        http.ask(session_id, "go")
        assert engine.answer_was == [("1969-12-31", "", 1), ("2026-11-20", "", 1), ("2026-11-21", "", 1)]


def test_logs_go_with_the_last_session_that_has_them(asked: Any) -> None:
    _, http = asked
    (session,) = http.get("/v1/session/list").json()
    other = http.register()
    assert attach(http, other)["ok"]
    http.post("/v1/session/delete", json=session)
    assert not create(http)
    http.post("/v1/session/delete", json=http.session(other))
    assert create(http)


def test_fields_of_json_lines_may_be_mapped() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        line = '{"event": {"when": "Nov 22, 2026 10:00 AM"}, "box": "fw1", "msg": "x"}\n'
        upload(http, [line], custom_fields_mapping={"timestamp": "event.when", "source": "box"})
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: logs.per_day()
        http.ask(session_id, "go")
        assert engine.answer_was == [("2026-11-22", "fw1", 1)]


@pytest.mark.parametrize("words", [("root",), ("hidden",), ("it",), ("\0hid",), ("a\0",)])
def test_nothing_hides_behind_a_nul(words: tuple[str, ...]) -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        upload(http, ["\0\0\x002026-11-20T10:00:00Z a\0hidden: it was root", "another"])
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: (logs.count(words), logs.search(words))
        http.ask(session_id, "go")
        time = datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()
        text = "␀␀␀2026-11-20T10:00:00Z a␀hidden: it was root"
        assert engine.answer_was == (1, [LogRecord(1, time, "", text)])


def test_the_time_and_the_source_of_a_coloured_line_are_read_and_its_text_is_kept() -> None:
    engine = Ask()
    with running_service(engine=engine) as service, Raw(service) as http:
        create(http)
        line = "\x1b[32m2026-11-20T10:00:00Z\x1b[0m login from \x1b[36m203.0.113.9\x1b[0m"
        upload(http, [line])
        session_id = http.register()
        attach(http, session_id)
        engine.question = lambda logs: logs.search(("203.0.113.9",))
        http.ask(session_id, "go")
        time = datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()
        assert engine.answer_was == [LogRecord(1, time, "203.0.113.9", line)]
