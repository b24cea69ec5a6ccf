"""Open the service's SQLite database: this service's own, and in nobody else's hands."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress

from secgemini.errors import ConfigurationError

_APPLICATION = 0x5EC6E317  # marks our files; SQLite keeps it in the file's header
_VERSION = 1


def open_database(path: str | None) -> sqlite3.Connection:
    """Open the database in a file, or a new one in memory when `path` is None.

    A file is held alone as long as the connection is open, and released by the operating system when the process dies.
    It is in WAL mode: what was committed is there after the death of the process. A new file is for its owner only: it
    gets what people ask, and the files that they attach.

    Raises:
        ConfigurationError: the file is in use by another service, is no database of this version, or cannot be opened.
    """
    try:
        if path and path != ":memory:":
            _create(path)
        database = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error  # of an OSError, without the path once more
        raise ConfigurationError(f"cannot open the database {path}: {why}") from error
    try:
        _prepare(database, path)
    except sqlite3.OperationalError as error:
        database.close()
        if "locked" in str(error):
            reason = f"the database {path} is in use by another process, or by this one"
            raise ConfigurationError(reason, hint="stop that one, or choose another file") from error
        why = str(error) if path is None or os.access(path, os.W_OK) else "it may not be written"
        raise ConfigurationError(f"cannot open the database {path}: {why}") from error
    except sqlite3.DatabaseError as error:
        database.close()
        raise ConfigurationError(f"{path} is no SQLite database: {error}") from error
    except ConfigurationError:
        database.close()
        raise
    return database


def identity(path: str | None) -> tuple[int, int] | None:
    """Return what tells the file at a path from every other one; None when there is none, as in memory."""
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _create(path: str) -> None:
    """Create the file, unless it is there: opening one that is, and closing it, would let go of its lock."""
    with suppress(FileExistsError):
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare(database: sqlite3.Connection, path: str | None) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    application, version, tables = (
        database.execute(sql).fetchone()[0]
        for sql in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if tables and application != _APPLICATION:
        raise ConfigurationError(f"{path} is a database of something else")
    if tables and version != _VERSION:
        reason = f"the database {path} has version {version}; this version of secgemini reads {_VERSION}"
        raise ConfigurationError(reason, hint="choose another file")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA secure_delete = ON")
    database.execute(f"PRAGMA application_id = {_APPLICATION}")
    database.execute(f"PRAGMA user_version = {_VERSION}")
