"""Attaches a log file: hash, table, upload in chunks of whole lines, attach.

The hash (BLAKE2s, keyed as the wire says) names the logs; whoever knows it and has a key can attach them. Logs that the
processor has already are not uploaded again. A chunk whose answer got lost is never sent twice: the error says so. Nor
are the chunks after it: the processor takes a hash that it knows for whole logs, so a client remembers those whose
upload it did not finish, and refuses to attach a part of them for the whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import attrs
from secgemini_api.models import LogFieldMapping, LogsUpload, PublicLogsTable
from secgemini_api.types import UNSET

from . import _calls
from ._calls import Plan, ask, work
from ._checks import check_path, check_progress
from ._plans import Snapshot
from ._upload import Progress
from .errors import ConfigurationError, SecGeminiError
from .retry import is_unclear

if TYPE_CHECKING:
    from ._drive import Driver

HASH_KEY = b"secgemini"  # part of the wire
CHUNK = 10_000_000  # bytes of lines in one request, unless one line is longer
MOST_REMEMBERED = 10_000  # hashes of logs whose upload did not come to its end
_UNPACK, _CONVERT = "unpack it and attach what is inside", "attach a copy in UTF-8"
_NO_TEXT = (
    (b"\x1f\x8b", "gzip", _UNPACK),
    (b"BZh", "bzip2", _UNPACK),
    (b"\xfd7zXZ\0", "xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd", _UNPACK),
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"\xff\xfe", "UTF-16", _CONVERT),
    (b"\xfe\xff", "UTF-16", _CONVERT),
)
_COPY = "attach a copy with one more line, which has another hash"


class _Session(Snapshot, Protocol):
    _driver: Driver


def attach_logs(
    session: _Session,
    path: str | os.PathLike[str],
    logs_url: str,
    mapping: Mapping[str, str] | None,
    progress: Progress | None,
) -> Plan[PublicLogsTable]:
    """Upload the logs unless they are there, attach them, and return what the session has then."""
    if not logs_url:
        raise ConfigurationError(
            "no address of the logs processor", hint="pass logs_url=… or set SEC_GEMINI_LOGS_PROCESSOR_API_URL"
        )
    file_path = check_path(path)
    _check_mapping(mapping)
    check_progress(progress)
    with file_path.open("rb") as file:
        stamp = _stamp(file)
        if not stamp[0]:
            raise ValueError(f"{str(file_path)!r} is empty: there are no logs to attach")
        _check_text(file, file_path)
        logs_hash = yield from work(lambda: _hash(file))
        if (yield from _make_table(session, logs_hash, file_path)):
            file.seek(0)
            yield from _upload(file, file_path, stamp, logs_hash, session.data.can_log, mapping or {}, progress)
            session._driver.connections.unfinished_logs.pop(logs_hash, None)
    yield from ask(_calls.logs_attach(session.data.id, logs_hash))
    table = PublicLogsTable(blake2s=logs_hash)
    session.data = attrs.evolve(session.data, logs_table=table)
    return table


def _check_mapping(mapping: object) -> None:
    if mapping is not None and not (
        isinstance(mapping, Mapping) and all(isinstance(name, str) for pair in mapping.items() for name in pair)
    ):
        raise TypeError('mapping must be names by names, such as {"timestamp": "event.when"}')


def _make_table(session: _Session, logs_hash: str, path: Path) -> Plan[bool]:
    """Return whether the logs are to be uploaded. From then until they are, their hash is remembered as unfinished."""
    unfinished = session._driver.connections.unfinished_logs
    was_left = logs_hash in unfinished
    unfinished[logs_hash] = None
    while len(unfinished) > MOST_REMEMBERED:
        unfinished.pop(next(iter(unfinished)), None)
    try:
        is_new = yield from ask(_calls.logs_table(logs_hash, session.data.can_log))
    except SecGeminiError as error:
        if not was_left and not is_unclear(error):
            unfinished.pop(logs_hash, None)
        raise
    if is_new:
        return True
    if was_left:
        raise SecGeminiError(
            f"the logs processor may have only a part of {path.name!r}: an upload of it has not come to its end",
            hint=_COPY,
        )
    unfinished.pop(logs_hash, None)
    return False


def _upload(
    file: BinaryIO,
    path: Path,
    stamp: tuple[int, int],
    logs_hash: str,
    can_log: bool,
    mapping: Mapping[str, str],
    progress: Progress | None,
) -> Plan[None]:
    done = under_way = 0
    fields = LogFieldMapping.from_dict(dict(mapping)) if mapping else UNSET
    chunks = _chunks(file)
    try:
        while (chunk := (yield from work(lambda: next(chunks, None)))) is not None:
            lines, size = chunk
            if _stamp(file) != stamp:
                raise SecGeminiError(
                    f"{path.name!r} changed while it was uploaded", hint="attach a copy that nobody writes to"
                )
            under_way = size
            body = LogsUpload(logs_hash=logs_hash, can_log=can_log, log_lines=lines, custom_fields_mapping=fields)
            inserted = yield from ask(_calls.logs_chunk(body))
            if inserted != len(lines):
                raise SecGeminiError(f"the logs processor took {inserted} of {len(lines)} lines of {path.name!r}")
            done, under_way = done + size, 0
            if progress is not None:
                progress(done, stamp[0])
    except SecGeminiError as error:
        perhaps = f", the next {under_way} perhaps" if under_way else ""
        error.add_note(
            f"{done} of {stamp[0]} bytes of {path.name!r} were uploaded for certain{perhaps}. Attaching the same file"
            f" again may not send the rest: {_COPY}"
        )
        raise


def _chunks(file: BinaryIO) -> Generator[tuple[list[str], int]]:
    """Yield lines with their newline, and their bytes. Only LF ends a line; bytes that are no UTF-8 become `\\xNN`."""
    lines: list[str] = []
    size = 0
    for line in file:
        if lines and size + len(line) > CHUNK:
            yield lines, size
            lines, size = [], 0
        lines.append(line.decode("utf-8", "backslashreplace"))
        size += len(line)
    if lines:
        yield lines, size


def _check_text(file: BinaryIO, path: Path) -> None:
    """Refuse what begins as no log does, whose lines nobody would ever find again; leave the file at its beginning."""
    head = file.read(8)
    file.seek(0)
    for mark, what, instead in _NO_TEXT:
        if head.startswith(mark):
            raise ValueError(f"{str(path)!r} is {what}, not lines of text: {instead}")


def _hash(file: BinaryIO) -> str:
    digest = hashlib.blake2s(key=HASH_KEY)
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _stamp(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
