"""Log lines that mean harm, or that no database takes: an upload survives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from raw_service import Raw, running_service

from secgemini.local.logs import LogTables
from secgemini.local.store import NO_USAGE, Store

HOSTILE = [
    "x Jan 5 10:00:00 +9999",
    "foo Mon, Jan 5 10:00:00 +9900 2026",
    "x Jan 5 10:00:00 -9959",
    '{"timestamp":"2026-01-01T00:00:00Z","src_ip":"\\ud800"}',
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_whose_time_or_source_is_nonsense_is_stored_like_any_other(http: Raw, line: str) -> None:
    http.post("/create_logs_table", params={"logs_hash": "h", "can_log": "true"})
    for mapping in ({}, {"timestamp": "timestamp", "source": "src_ip"}):
        body = {"logs_hash": "h", "can_log": True, "log_lines": [line, "x"], "custom_fields_mapping": mapping}
        answer = http.post("/upload_logs", json=body)
        assert (answer.status_code, answer.json()) == (200, {"inserted_log_lines": 2})


def with_logs(http: Raw, lines: int, **fields: object) -> str:
    """Return a session with a log of so many lines, under the hash "h"."""
    session_id = http.register(**fields)
    http.post("/create_logs_table", params={"logs_hash": "h", "can_log": "true"})
    http.post("/upload_logs", json={"logs_hash": "h", "can_log": True, "log_lines": ["a secret"] * lines})
    assert http.post("/v1/session/attach_logs", params={"session_id": session_id, "logs_hash": "h"}).json()["ok"]
    return session_id


def test_a_deleted_session_leaves_no_log_records(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with running_service(path=path, key="k") as service, Raw(service) as http:
        session_id = with_logs(http, 2500)
        assert http.post("/v1/session/delete", json=http.session(session_id)).json()["ok"]
        made = http.post("/create_logs_table", params={"logs_hash": "h", "can_log": "true"}).json()
        assert made == {"table_created": True}, "the same logs may come again"
    store = Store(str(path))
    assert store.read("SELECT count(*), (SELECT count(*) FROM log_tables) FROM records") == [(0, 1)]
    assert store.read("SELECT count(*) FROM records_text WHERE records_text MATCH 'secret'") == [(0,)]
    store.close()


def test_log_records_are_deleted_a_few_at_a_time_and_found_by_nobody_meanwhile() -> None:
    store = Store(None)
    tables = LogTables(store)
    assert store.add_session("ann", "s", dict(NO_USAGE), 0.0, 300.0)
    session = store.session("ann", "s")
    assert session is not None
    assert tables.create("ann", "h", 0.0)
    pk = tables.find("ann", "h")
    assert pk is not None
    tables.add(pk, [(None, "", "x")] * 2500)
    assert tables.attach(session, "h", 0.0)
    assert store.remove_expired(301.0) == [session.pk]
    assert tables.find("ann", "h") is None
    assert tables.add(pk, []) is None
    left = [store.read("SELECT count(*) FROM records")[0][0]]
    while store.shred():
        left.append(store.read("SELECT count(*) FROM records")[0][0])
    assert left == [2500, 1500, 500, 0]
    store.close()


def test_what_was_not_deleted_before_the_process_ended_is_deleted_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with running_service(path=path, key="k") as service, Raw(service) as http:
        session_id = with_logs(http, 5)
    store = Store(str(path))
    session = store.session("local", session_id)
    assert session is not None
    store.remove_session(session.pk)
    store.close()
    with running_service(path=path, key="k") as service, Raw(service) as http:
        http.get("/health")
    store = Store(str(path))
    assert store.read("SELECT count(*) FROM records") == [(0,)]
    store.close()
