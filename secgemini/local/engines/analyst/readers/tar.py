"""TAR archives: every file is read by the reader of its own type; nothing is unpacked to disk."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Self

from ..parts import Budget, Document, Fact, Inner, Note, Part, Passage, short_name

LABELS = frozenset({"tar"})
_LONGEST_HEADER = 2048
_MOST_NAMES = 1000
_EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME})


class _CheckedTarInfo(tarfile.TarInfo):
    """Refuses headers that older Pythons read for ever (CVE-2024-6232, CVE-2025-8194)."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in _EXTENDED and found.size > _LONGEST_HEADER):
            raise tarfile.HeaderError("a header of impossible size")
        return found


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the entries, then the names of them all."""
    names: list[str] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(document.content), mode="r:", tarinfo=_CheckedTarInfo) as archive:
            for entry in _entries(archive):
                names += (entry.name, entry.linkname) if entry.issym() or entry.islnk() else (entry.name,)
                if entry.isfile():
                    yield from _unpack(archive, entry, budget)
                if len(names) > budget.entries + _MOST_NAMES:
                    yield Note("the rest of the archive was left out: too many entries")
                    break
    except tarfile.TarError as error:
        yield Note(f"damaged after {len(names)} entries: {error}")
    yield Fact("entries", str(len(names)))
    yield Passage("\n".join(names), ("entry names",))


def _entries(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the entries as long as they go forward: a damaged size may lead back."""
    reached = -1
    while (entry := archive.next()) is not None and entry.offset_data > reached:
        reached = entry.offset_data
        yield entry


def _unpack(archive: tarfile.TarFile, entry: tarfile.TarInfo, budget: Budget) -> Iterator[Inner | Note]:
    if entry.size > budget.room():
        yield Note(f"{short_name(entry.name)} was left out: it is larger than may still be unpacked")
        return
    stream = archive.extractfile(entry)
    if stream is not None:
        yield Inner(entry.name, stream.read(budget.room()))
