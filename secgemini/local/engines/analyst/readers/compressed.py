"""Single compressed files: gzip, bzip2, xz. What is inside is read by the reader of its own type."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Protocol

from ..parts import MEBIBYTE, Budget, Document, Inner, Note, Part

LABELS = frozenset({"gzip", "bzip", "xz"})
_MOST_STREAMS = 100
_SUFFIXES = {".gz": "", ".tgz": ".tar", ".bz2": "", ".tbz2": ".tar", ".xz": "", ".txz": ".tar"}


class _Decompressor(Protocol):
    """What the three decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the file inside, cut where it grows too large."""
    room = min(budget.room(), max(MEBIBYTE, len(document.content) * budget.ratio))
    content, whole, problem = _expand(document, room)
    if problem is not None:
        yield Note(f"damaged after {len(content)} bytes: {problem}")
    elif not whole:
        yield Note(f"only its first {len(content)} bytes were unpacked")
    if content:
        yield Inner(_inner_name(document.name), content)


def _expand(document: Document, room: int) -> tuple[bytes, bool, Exception | None]:
    """Return at most `room` bytes, whether that is all, and what went wrong. Streams one after the other are one."""
    pieces: list[bytes] = []
    rest = document.content
    try:
        while rest and room > 0 and len(pieces) < _MOST_STREAMS:
            decompressor = _decompressor(document.label)
            produced, rest = _one_stream(decompressor, rest, room)
            pieces.append(produced)
            room -= len(produced)
            if not decompressor.eof:
                return b"".join(pieces), False, None
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        return b"".join(pieces), bool(pieces), None if pieces else error  # after a whole stream: padding
    return b"".join(pieces), not rest, None


def _one_stream(decompressor: _Decompressor, data: bytes, room: int) -> tuple[bytes, bytes]:
    produced = decompressor.decompress(data, room)
    return produced, decompressor.unused_data if decompressor.eof else b""


def _decompressor(label: str) -> _Decompressor:
    if label == "gzip":
        return zlib.decompressobj(wbits=31)
    return bz2.BZ2Decompressor() if label == "bzip" else lzma.LZMADecompressor(memlimit=128 * MEBIBYTE)


def _inner_name(name: str) -> str:
    for suffix, inner in _SUFFIXES.items():
        if name.lower().endswith(suffix):
            return name[: -len(suffix)].rpartition("/")[2] + inner
    return "content"
