"""What the service remembers: sessions, messages, files and feedback, in SQLite.

A message is stored as the JSON text that is sent, so that what was streamed and what the history gives are the same
bytes. Every method is one short transaction; what a method reported as done survives the death of the process (a file
database is in WAL mode). SQL has parameters only. A lock makes it safe to store large files from a worker thread.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from secgemini.local.database import identity, open_database
from secgemini.local.escapes import without_escapes
from secgemini.local.fields import JsonObject

NEW, RUNNING, IDLE = "start", "running_agent", "agent_done"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, id TEXT NOT NULL, facts TEXT NOT NULL,
  state TEXT NOT NULL, turns INTEGER NOT NULL DEFAULT 0, num_messages INTEGER NOT NULL DEFAULT 0, usage TEXT NOT NULL,
  create_time REAL NOT NULL, update_time REAL NOT NULL, expires REAL NOT NULL, logs_hash TEXT,
  UNIQUE (owner, id));
CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires);
CREATE TABLE IF NOT EXISTS messages (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
  id TEXT NOT NULL, prompt TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (session, id));
CREATE INDEX IF NOT EXISTS messages_by_turn ON messages (session, prompt, pk);
CREATE TABLE IF NOT EXISTS files (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
  facts TEXT NOT NULL, content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS files_by_session ON files (session, pk);
CREATE TABLE IF NOT EXISTS feedback (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS feedback_by_session ON feedback (session, pk);
CREATE TABLE IF NOT EXISTS log_tables (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, hash TEXT NOT NULL, created REAL NOT NULL,
  lines INTEGER NOT NULL DEFAULT 0, attached INTEGER NOT NULL DEFAULT 0, UNIQUE (owner, hash));
CREATE TABLE IF NOT EXISTS records (
  pk INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES log_tables ON DELETE CASCADE,
  line INTEGER NOT NULL, time REAL, source TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS records_by_line ON records (log, line);
CREATE INDEX IF NOT EXISTS records_by_time ON records (log, time);
CREATE VIRTUAL TABLE IF NOT EXISTS records_text USING fts5 (text, content = 'records', content_rowid = 'pk',
  tokenize = 'trigram');
CREATE TRIGGER IF NOT EXISTS records_gone AFTER DELETE ON records BEGIN
  INSERT INTO records_text (records_text, rowid, text) VALUES ('delete', old.pk, old.text); END;
"""
# Parents stand before children, and the table that numbers the others comes last.
_TABLES = ("sessions", "messages", "files", "feedback", "log_tables", "records", "sqlite_sequence")
_DOOMED = 2  # in `attached`, after `DROP_LOGS`: of no session any more, and nobody's
DROP_LOGS = f"UPDATE log_tables SET attached = {_DOOMED}, owner = '', hash = pk"  # noqa: S608  # ours
"""Takes logs away from everybody; `Store.shred` deletes their records."""
_BATCH = 1000  # log records of one transaction, so that other requests get their turn in between
NO_USAGE: JsonObject = {
    "prompt_tokens": 0,
    "generated_tokens": 0,
    "total_tokens": 0,
    "cached_token_count": 0,
    "thoughts_token_count": 0,
    "tool_use_prompt_token_count": 0,
    "prompt_tokens_details": None,
}


@dataclass(frozen=True, slots=True)
class Session:
    """A session as stored. `pk` is the store's own number of it; `facts` is what the client said, by contract field."""

    pk: int
    owner: str
    id: str
    facts: JsonObject
    state: str
    turns: int
    num_messages: int
    usage: JsonObject
    create_time: float
    update_time: float
    expires: float
    logs_hash: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as stored: its place in the order of all messages, its type, and the text that is sent."""

    pk: int
    kind: str
    text: str


_SESSION = (
    "SELECT s.pk, s.owner, s.id, s.facts, s.state, s.turns, s.num_messages, s.usage, s.create_time, s.update_time,"
    " s.expires, s.logs_hash FROM sessions s"
)
_MESSAGE = "SELECT pk, kind, body FROM messages WHERE session = ?"


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _load(text: str) -> JsonObject:
    return msgspec.json.decode(text, type=dict[str, object])


def _session(row: tuple[object, ...]) -> Session:
    values = list(row)
    values[3], values[7] = _load(str(row[3])), _load(str(row[7]))
    return Session(*values)  # type: ignore[arg-type]  # the columns are typed by the schema above


def _shows(text: str, phrases: str) -> bool:
    """Tell, within SQL, whether a terminal that is sent `text` shows all the phrases: in lower case, NUL in between."""
    shown = f"{without_escapes(text)}\0{text}".casefold()
    return all(phrase in shown for phrase in phrases.split("\0"))


class Store:
    """The database of a service: in memory when `path` is None, else in that file.

    Raises:
        ConfigurationError: the file is in use by another service, or is no database of this version.
    """

    def __init__(self, path: str | None) -> None:
        self._lock = threading.RLock()
        self.database: sqlite3.Connection = open_database(path)
        self._path = None if path is None else os.path.realpath(path)
        self._file = identity(self._path)
        self.database.executescript(_SCHEMA)
        self.database.create_function("shows", 2, _shows, deterministic=True)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do several things or none of them, alone on the database.

        Raises:
            sqlite3.OperationalError: they could not be stored; also when the file was deleted or replaced, for what is
                written to it then is gone with the process.
        """
        if identity(self._path) != self._file:
            raise sqlite3.OperationalError(f"the file {self._path} was deleted or replaced while it was in use")
        with self._lock:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield self.database
            except BaseException:
                if self.database.in_transaction:  # some errors of SQLite have ended it
                    self.database.execute("ROLLBACK")
                raise
            self.database.execute("COMMIT")

    def read(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self.database.execute(sql, values).fetchall()

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Return the rows of all tables."""
        with self._lock:
            return {table: self.read(f"SELECT * FROM {table}") for table in _TABLES}  # noqa: S608  # names of ours

    def load(self, dump: Mapping[str, list[tuple[object, ...]]]) -> None:
        """Replace everything by the rows of a dump; none at all make the store as new."""
        with self.transaction() as db:
            for table in _TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608
                for row in dump.get(table, ()):
                    db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
            db.execute("INSERT INTO records_text (records_text) VALUES ('rebuild')")

    def empty_log(self) -> None:
        """Move all that was written to the database's place, and what was deleted out of the write-ahead log."""
        self.read("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database; a file is left as one piece, without its write-ahead log."""
        with self._lock:
            self.database.close()

    def newest(self) -> tuple[int, float]:
        """Return the number of the newest message that there ever was, and when a session was last changed."""
        with self._lock:
            number, time = self.database.execute(
                "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'messages'), max(update_time) FROM sessions"
            ).fetchone()
        return number or 0, time or 0.0

    # Sessions

    def add_session(self, owner: str, session_id: str, facts: JsonObject, now: float, expires: float) -> bool:
        """Add a session; return False when the owner has one with that id."""
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO sessions (owner, id, facts, state, usage, create_time, update_time, expires)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (owner, session_id, _dump(facts), NEW, _dump(NO_USAGE), now, now, expires),
            )
            return cursor.rowcount == 1

    def session(self, owner: str, session_id: str) -> Session | None:
        """Return a session of the owner, or None."""
        found = self.read(_SESSION + " WHERE s.owner = ? AND s.id = ?", owner, session_id)
        return _session(found[0]) if found else None

    def sessions(self, owner: str) -> list[Session]:
        """Return the owner's sessions in order of creation."""
        return [_session(row) for row in self.read(_SESSION + " WHERE s.owner = ? ORDER BY s.pk", owner)]

    def by_number(self, pk: int) -> Session | None:
        """Return the session with the store's number, or None."""
        found = self.read(_SESSION + " WHERE s.pk = ?", pk)
        return _session(found[0]) if found else None

    def change_session(self, pk: int, facts: JsonObject, now: float, expires: float) -> None:
        """Replace what the client said of a session."""
        with self.transaction() as db:
            db.execute(
                "UPDATE sessions SET facts = ?, update_time = ?, expires = ? WHERE pk = ?",
                (_dump(facts), now, expires, pk),
            )

    def remove_session(self, pk: int) -> None:
        """Delete a session and all that belongs to it, its logs too unless another session has them.

        From here on nobody finds those logs; `shred` deletes their records.
        """
        with self.transaction() as db:
            db.execute("DELETE FROM sessions WHERE pk = ?", (pk,))
            db.execute(
                f"{DROP_LOGS} WHERE attached = 1 AND NOT EXISTS"  # noqa: S608  # all of it is ours
                " (SELECT 1 FROM sessions s WHERE s.owner = log_tables.owner AND s.logs_hash = log_tables.hash)"
            )

    def shred(self) -> bool:
        """Delete some of the records of logs that nobody has any more; return whether there may be more."""
        with self.transaction() as db:
            doomed = db.execute("SELECT min(pk) FROM log_tables WHERE attached = ?", (_DOOMED,)).fetchone()[0]
            if doomed is None:
                return False
            some = "DELETE FROM records WHERE pk IN (SELECT pk FROM records WHERE log = ? LIMIT ?)"
            if db.execute(some, (doomed, _BATCH)).rowcount < _BATCH:
                db.execute("DELETE FROM log_tables WHERE pk = ?", (doomed,))
            return True

    def remove_expired(self, now: float) -> list[int]:
        """Delete the sessions whose time is over; return their numbers."""
        expired = [int(str(row[0])) for row in self.read("SELECT pk FROM sessions WHERE expires <= ?", now)]
        for pk in expired:
            self.remove_session(pk)
        return expired

    # Messages

    def begin_turn(self, pk: int, prompt_id: str, body: str, now: float) -> int:
        """Store a prompt and mark its session as running; return the message's number."""
        with self.transaction() as db:
            db.execute("UPDATE sessions SET state = ?, turns = turns + 1 WHERE pk = ?", (RUNNING, pk))
            return self._add_message(db, pk, prompt_id, prompt_id, "query", body, now)

    def add_message(self, pk: int, prompt_id: str, message_id: str, kind: str, body: str, now: float) -> int:
        """Store a message of the turn of that prompt; return its number."""
        with self.transaction() as db:
            return self._add_message(db, pk, prompt_id, message_id, kind, body, now)

    def end_turn(self, pk: int, prompt_id: str, message_id: str, body: str, usage: JsonObject, now: float) -> int:
        """Store the message that ends a turn, with the session's new state and usage; return its number."""
        with self.transaction() as db:
            db.execute("UPDATE sessions SET state = ?, usage = ? WHERE pk = ?", (IDLE, _dump(usage), pk))
            return self._add_message(db, pk, prompt_id, message_id, "info", body, now)

    @staticmethod
    def _add_message(
        db: sqlite3.Connection, pk: int, prompt_id: str, message_id: str, kind: str, body: str, now: float
    ) -> int:
        cursor = db.execute(
            "INSERT INTO messages (session, id, prompt, kind, body) VALUES (?, ?, ?, ?, ?)",
            (pk, message_id, prompt_id, kind, body),
        )
        db.execute("UPDATE sessions SET num_messages = num_messages + 1, update_time = ? WHERE pk = ?", (now, pk))
        return int(cursor.lastrowid or 0)

    def knows_message(self, pk: int, message_id: str) -> bool:
        """Tell whether the session has a message with that id."""
        return bool(self.read("SELECT 1 FROM messages WHERE session = ? AND id = ?", pk, message_id))

    def history(self, pk: int) -> list[Stored]:
        """Return all messages of a session, in order."""
        return self._stored(_MESSAGE + " ORDER BY pk", pk)

    def turn(self, pk: int, prompt_id: str, after: int = 0) -> list[Stored]:
        """Return the messages that followed a prompt, without it, from the one after number `after` on."""
        return self._stored(
            _MESSAGE + " AND prompt = ? AND pk > ? AND id != prompt ORDER BY pk",
            pk,
            prompt_id,
            after,
        )

    def last_message(self, pk: int) -> Stored | None:
        """Return the newest message of a session, or None when it has none."""
        found = self._stored(_MESSAGE + " ORDER BY pk DESC LIMIT 1", pk)
        return found[0] if found else None

    def interrupted(self) -> list[tuple[Session, str]]:
        """Return the sessions with a turn that never ended, each with the body of its prompt."""
        running = [_session(row) for row in self.read(_SESSION + " WHERE s.state = ?", RUNNING)]
        prompts = [self._stored(_MESSAGE + " AND id = prompt ORDER BY pk DESC LIMIT 1", one.pk) for one in running]
        return [(session, prompt[0].text) for session, prompt in zip(running, prompts, strict=True) if prompt]

    def _stored(self, sql: str, *values: object) -> list[Stored]:
        return [Stored(int(str(pk)), str(kind), str(body)) for pk, kind, body in self.read(sql, *values)]

    # Files and feedback

    def add_file(self, pk: int, facts: JsonObject, content: bytes, now: float) -> None:
        """Append a file to a session."""
        with self.transaction() as db:
            db.execute("INSERT INTO files (session, facts, content) VALUES (?, ?, ?)", (pk, _dump(facts), content))
            db.execute("UPDATE sessions SET update_time = ? WHERE pk = ?", (now, pk))

    def files(self, pk: int) -> list[JsonObject]:
        """Return what is known of a session's files, in the order they were attached."""
        return [_load(str(row[0])) for row in self.read("SELECT facts FROM files WHERE session = ? ORDER BY pk", pk)]

    def files_of(self, owner: str) -> dict[int, list[JsonObject]]:
        """Return the files of all sessions of an owner, by the session's number."""
        found: dict[int, list[JsonObject]] = {}
        sql = (
            "SELECT f.session, f.facts FROM files f JOIN sessions s ON s.pk = f.session WHERE s.owner = ? ORDER BY f.pk"
        )
        for session, facts in self.read(sql, owner):
            found.setdefault(int(str(session)), []).append(_load(str(facts)))
        return found

    def file_contents(self, pk: int) -> Sequence[tuple[JsonObject, bytes]]:
        """Return a session's files with their content."""
        found = self.read("SELECT facts, content FROM files WHERE session = ? ORDER BY pk", pk)
        return [(_load(str(facts)), content) for facts, content in found if isinstance(content, bytes)]

    def remove_file(self, pk: int, index: int, now: float) -> bool:
        """Remove the file at that place; return False when there is none. Later files move down."""
        if index < 0:
            return False
        with self.transaction() as db:
            cursor = db.execute(
                "DELETE FROM files WHERE pk = (SELECT pk FROM files WHERE session = ? ORDER BY pk LIMIT 1 OFFSET ?)",
                (pk, min(index, 2**31)),
            )
            if cursor.rowcount == 1:
                db.execute("UPDATE sessions SET update_time = ? WHERE pk = ?", (now, pk))
            return cursor.rowcount == 1

    def add_feedback(self, pk: int, body: JsonObject, now: float) -> None:
        """Record feedback on a session."""
        with self.transaction() as db:
            db.execute("INSERT INTO feedback (session, created, body) VALUES (?, ?, ?)", (pk, now, _dump(body)))

    def feedback(self, pk: int) -> list[JsonObject]:
        """Return the feedback on a session, in the order it came."""
        return [_load(str(row[0])) for row in self.read("SELECT body FROM feedback WHERE session = ? ORDER BY pk", pk)]
