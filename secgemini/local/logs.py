"""The logs processor: log files in tables named by their hash, searchable, attached to sessions.

Records are in SQLite with a full-text index of trigrams, so that any part of a word is found, also within addresses.
A table that no session was given is an upload that broke off: it is begun anew, and swept after a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

from secgemini.local.engines import LogRecord
from secgemini.local.escapes import without_escapes
from secgemini.local.fields import JsonObject, table, text
from secgemini.local.service import NOT_FOUND, Call, RequestError, done, refused
from secgemini.local.store import DROP_LOGS, Session, Store

_ORPHAN = 86400.0  # seconds that an upload may take
_SHORT = 3  # characters; shorter words have no trigram
_MOST = 20_000  # records that one search returns
_NUL = "\N{SYMBOL FOR NULL}"  # SQLite searches no text behind a NUL
_BATCH = 1000  # records of one transaction, so that other requests get their turn in between
_COUNT = "SELECT count(*) FROM records r"
_LIKE = "r.text LIKE ? ESCAPE '\\'"
# Whole seconds, because date() rounds: the last moment of a day would be of the next one.
_PER_DAY = (
    "SELECT coalesce(date(CAST(time AS INTEGER) - (time < CAST(time AS INTEGER)), 'unixepoch'), '') AS day, source,"
    " count(*) FROM records WHERE log = ? GROUP BY day, source ORDER BY day = '', day, source"
)
_RECORD = "SELECT r.line, r.time, r.source, r.text FROM records r"


class LogTables:
    """The log tables of all users."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, owner: str, logs_hash: str, now: float) -> bool:
        """Make a table; return False when the logs are there already.

        Nobody finds the records of uploads that broke off from here on; the store's `shred` deletes them.
        """
        with self._store.transaction() as db:
            broken_off = "attached = 0 AND (created < ? OR (owner = ? AND hash = ?))"
            db.execute(f"{DROP_LOGS} WHERE {broken_off}", (now - _ORPHAN, owner, logs_hash))  # ours
            cursor = db.execute(
                "INSERT OR IGNORE INTO log_tables (owner, hash, created) VALUES (?, ?, ?)", (owner, logs_hash, now)
            )
            return cursor.rowcount == 1

    def find(self, owner: str, logs_hash: str) -> int | None:
        """Return the number of a table, which no other one ever gets, or None when there is no such table."""
        found = self._store.read("SELECT pk FROM log_tables WHERE owner = ? AND hash = ?", owner, logs_hash)
        return int(str(found[0][0])) if found else None

    def add(self, pk: int, records: Iterable[tuple[float | None, str, str]]) -> int | None:
        """Append records (time, source, text) to a table; return how many, or None when it is gone."""
        with self._store.transaction() as db:
            found = db.execute("SELECT lines FROM log_tables WHERE pk = ? AND owner != ''", (pk,)).fetchone()
            if found is None:
                return None
            before = found[0]
            first = db.execute("SELECT coalesce(max(pk), 0) FROM records").fetchone()[0]
            db.executemany(
                "INSERT INTO records (log, line, time, source, text) VALUES (?, ?, ?, ?, ?)",
                ((pk, line, *record) for line, record in enumerate(records, before + 1)),
            )
            db.execute("INSERT INTO records_text (rowid, text) SELECT pk, text FROM records WHERE pk > ?", (first,))
            count = int(db.execute("SELECT count(*) FROM records WHERE pk > ?", (first,)).fetchone()[0])
            db.execute("UPDATE log_tables SET lines = lines + ? WHERE pk = ?", (count, pk))
            return count

    def attach(self, session: Session, logs_hash: str, now: float) -> bool:
        """Give a session a table; return False when there is no such table."""
        with self._store.transaction() as db:
            cursor = db.execute(
                "UPDATE log_tables SET attached = 1 WHERE owner = ? AND hash = ?", (session.owner, logs_hash)
            )
            if cursor.rowcount == 0:
                return False
            db.execute("UPDATE sessions SET logs_hash = ?, update_time = ? WHERE pk = ?", (logs_hash, now, session.pk))
            return True

    def of(self, session: Session) -> Logs | None:
        """Return the logs of a session, or None when it has none."""
        found = self._store.read(
            "SELECT t.pk FROM log_tables t JOIN sessions s ON s.owner = t.owner AND s.logs_hash = t.hash"
            " WHERE s.pk = ?",
            session.pk,
        )
        return Logs(self._store, int(str(found[0][0]))) if found else None


class Logs:
    """The logs of one session, as engines see them: see `secgemini.local.engines.LogTable`."""

    def __init__(self, store: Store, pk: int) -> None:
        self._store = store
        self._pk = pk

    def count(
        self, words: Sequence[str] = (), *, at_or_after: float | None = None, at_or_before: float | None = None
    ) -> int:
        """Return the number of records, or of those with all the words, between two times."""
        where, values = self._holding(words, at_or_after, at_or_before)
        return int(str(self._store.read(f"{_COUNT} WHERE {where}", *values)[0][0]))

    def per_day(self) -> Sequence[tuple[str, str, int]]:
        """Return (day as YYYY-MM-DD, source, number of records), ordered by day, then source; undated records last."""
        found = self._store.read(_PER_DAY, self._pk)
        return [(str(day), str(source), int(str(count))) for day, source, count in found]

    def search(
        self,
        words: Sequence[str] = (),
        *,
        at_or_after: float | None = None,
        at_or_before: float | None = None,
        limit: int = 100,
        last: bool = False,
    ) -> Sequence[LogRecord]:
        """Return the records with all the words, in order of time, then line; of too many the first, or the last."""
        where, values = self._holding(words, at_or_after, at_or_before)
        if last:
            return self._records(where, values, limit, "r.time IS NULL DESC, r.time DESC, r.line DESC")[::-1]
        return self._records(where, values, limit)

    def around(self, line: int, *, seconds: float = 300.0, limit: int = 100) -> Sequence[LogRecord]:
        """Return the record `line` and those within `seconds` of it: see `secgemini.local.engines.LogTable`."""
        hit = self._records("r.log = ? AND r.line = ?", [self._pk, line], min(limit, 1))
        if not hit:
            return []
        time = hit[0].time
        if time is None:
            where, values = self._between(None, None)
            first, here = "r.log", float(self._pk)
        else:
            where, values = self._between(time - seconds, time + seconds)
            first, here = "r.time", time
        place, values, half = f"{where} AND ({first}, r.line)", [*values, here, line], limit // 2
        before = self._records(f"{place} < (?, ?)", values, half, f"{first} DESC, r.line DESC")
        after = self._records(f"{place} > (?, ?)", values, limit - half - 1, f"{first}, r.line")
        return [*before[::-1], *hit, *after]

    def _holding(
        self, words: Sequence[str], at_or_after: float | None, at_or_before: float | None
    ) -> tuple[str, list[object]]:
        where, values = self._between(at_or_after, at_or_before)
        words = list(dict.fromkeys(word.replace("\0", _NUL) for word in words))
        phrases = [word for word in words if len(word.split()) > 1]
        parts = (part for word in words for part in (word.split() if word in phrases else [word]) if part)
        wanted = list(dict.fromkeys(parts))
        if indexed := [word for word in wanted if len(word) >= _SHORT]:
            where += " AND r.pk IN (SELECT rowid FROM records_text WHERE records_text MATCH ?)"
            values.append(" ".join('"' + word.replace('"', '""') + '"' for word in indexed))
        for word in wanted:
            if len(word) < _SHORT:
                where += f" AND {_LIKE}"
                values.append(_pattern(word))
        if phrases:  # nearly all lines have them without colours inside, which takes a fifth of the time
            where += f" AND ({' AND '.join([_LIKE] * len(phrases))} OR shows(r.text, ?))"
            values += (*map(_pattern, phrases), "\0".join(phrases).casefold())
        return where, values

    def _between(self, at_or_after: float | None, at_or_before: float | None) -> tuple[str, list[object]]:
        where, values = "r.log = ?", cast("list[object]", [self._pk])
        for bound, sign in ((at_or_after, ">="), (at_or_before, "<=")):
            if bound is not None:
                where += f" AND r.time {sign} ?"
                values.append(bound)
        return where, values

    def _records(
        self, where: str, values: Sequence[object], limit: int, order: str = "r.time IS NULL, r.time, r.line"
    ) -> list[LogRecord]:
        limited = f"{_RECORD} WHERE {where} ORDER BY {order} LIMIT ?"
        found = self._store.read(limited, *values, max(0, min(limit, _MOST)))
        return [
            LogRecord(int(str(line)), time if isinstance(time, float) else None, str(source), str(line_text))
            for line, time, source, line_text in found
        ]


def _pattern(word: str) -> str:
    return "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


async def create_logs_table(call: Call) -> JsonObject:
    """Make room for a log file."""
    made = LogTables(call.service.store).create(
        call.key.user, text(call.query, "logs_hash"), call.service.clock.stamp()
    )
    await call.service.shred()
    return {"table_created": made}


async def upload_logs(call: Call) -> JsonObject:
    """Append lines to a log table, each a record; a line end at the end of a line is no part of the record."""
    lines = [line for line in cast("list[object]", call.body["log_lines"]) if isinstance(line, str)]
    fields = {name: str(source) for name, source in table(call.body, "custom_fields_mapping").items()}
    count = await asyncio.to_thread(_store_lines, call, lines, fields)
    if count is None:
        raise RequestError(404, "There is no such logs table; make it with create_logs_table")
    return {"inserted_log_lines": count}


def _store_lines(call: Call, lines: Sequence[str], fields: dict[str, str]) -> int | None:
    from secgemini.local.logtimes import LineReader

    reader = LineReader(fields, call.service.clock.peek())
    tables, stored = LogTables(call.service.store), 0
    # By its number: a client that gave up meanwhile may begin anew, and these records are not of its new table.
    pk = tables.find(call.key.user, text(call.body, "logs_hash"))
    for start in range(0, len(lines), _BATCH):
        batch = [line.replace("\0", _NUL) for line in lines[start : start + _BATCH]]
        records = [(*reader.read(without_escapes(line)), line.removesuffix("\n").removesuffix("\r")) for line in batch]
        added = tables.add(pk, records) if pk is not None else None
        if added is None:
            return None
        stored += added
    return stored if pk is not None else None


async def attach_logs(call: Call) -> JsonObject:
    """Give a session the logs that were uploaded under a hash."""
    session = call.session(text(call.query, "session_id"))
    if session is None:
        return refused(404, NOT_FOUND)
    logs_hash = text(call.query, "logs_hash")
    if not LogTables(call.service.store).attach(session, logs_hash, call.service.clock.stamp()):
        return refused(404, "Logs table not found; upload the logs first")
    return done()
