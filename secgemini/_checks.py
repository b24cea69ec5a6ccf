"""What the documented methods take: each argument is checked here, before anything is sent."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MIN_TTL = 300  # seconds; the service's own minimum (reference of `update`)
LONGEST_ID = 1_000  # characters of a session's id; httpx makes no URL of one that is very long


def check_text(name: str, value: object, *, may_be_empty: bool = False) -> str:
    """Return the text, or raise `TypeError`/`ValueError` that says what is wrong."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip() and not may_be_empty:
        raise ValueError(f"{name} is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} has a lone surrogate at position {error.start}; it cannot be sent as UTF-8") from None
    return value


def check_session_id(value: object) -> str:
    """Return the id of a session, or raise; whether there is such a session only the service knows."""
    session_id = check_text("session_id", value)
    if len(session_id) > LONGEST_ID:
        raise ValueError(f"session_id has {len(session_id):,} characters; no session has such an id")
    return session_id


def check_ttl(ttl: object) -> int:
    """Return the time to live in seconds, or raise."""
    if isinstance(ttl, bool) or not isinstance(ttl, int):
        raise TypeError(f"ttl must be a whole number of seconds, not {type(ttl).__name__}")
    if ttl < MIN_TTL:
        raise ValueError(f"ttl must be at least {MIN_TTL} seconds, not {ttl}")
    return ttl


def check_index(file_idx: object) -> int:
    """Return the index of a file, or raise; whether the session has so many files only the service knows."""
    if isinstance(file_idx, bool) or not isinstance(file_idx, int):
        raise TypeError(f"file_idx must be a whole number, not {type(file_idx).__name__}")
    if file_idx < 0:
        raise ValueError(f"file_idx counts from 0 in session.files; {file_idx} is negative")
    return file_idx


def check_content(content: object) -> bytes | BinaryIO:
    """Return what `attach_file` can send: bytes, or a binary file object that can seek."""
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, io.TextIOBase) or not (hasattr(content, "read") and hasattr(content, "seek")):
        kind = type(content).__name__
        raise TypeError(f"content must be bytes or a binary file that can seek, not {kind}; for text use text.encode()")
    return content  # type: ignore[return-value]  # what has read and seek reads bytes, or the upload says that it does not


def check_path(file_path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is there and may be read, or raise what `open` would, saying more."""
    path = Path(file_path)
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a directory; attach its files one by one, or an archive of it")
    if not path.exists():
        raise FileNotFoundError(f"no file {str(path)!r}; the path is taken from {os.getcwd()!r}")
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is no regular file; attach its content with attach_file(name, content)")
    return path


def check_progress(progress: Callable[[int, int], None] | None) -> Callable[[int, int], None] | None:
    """Return it, or raise `TypeError`: what cannot be called would be found out in the middle of an upload."""
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be a function that takes bytes done and in all, not {progress!r}")
    return progress
