"""ZIP archives: every entry is read by the reader of its own type; nothing is unpacked to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from ..parts import MEBIBYTE, Budget, Document, Fact, Inner, Note, Part, Passage, short_name

LABELS = frozenset({"zip", "jar", "apk", "epub", "odt", "ods", "odp"})


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the names of the entries, then the entries."""
    with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
        entries = archive.infolist()
        yield Fact("entries", str(len(entries)))
        yield Passage("\n".join(entry.filename for entry in entries)[: budget.entry], ("entry names",))
        for entry in entries:
            if not entry.is_dir():
                yield from unpack(archive, entry, budget)


def unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Iterator[Inner | Note]:
    """Yield one entry of a ZIP, or a note that says why it was left out."""
    room, name = budget.room(), short_name(entry.filename)
    if entry.flag_bits & 1:
        yield Note(f"{name} is encrypted")
        return
    if entry.file_size > max(MEBIBYTE, entry.compress_size * budget.ratio):
        yield Note(f"{name} was left out: it claims to grow {entry.file_size // max(1, entry.compress_size)}-fold")
        return
    if entry.file_size > room:
        yield Note(f"{name} was left out: it is larger than may still be unpacked")
        return
    try:
        with archive.open(entry) as stream:
            content = stream.read(room + 1)
    except Exception as error:  # of zipfile or of any of its decompressors; the next entry may be fine
        budget.spend(entry.file_size)
        yield Note(f"{name} could not be unpacked: {error}")
        return
    if len(content) > room:
        yield Note(f"{name} was left out: it is larger than it claims")
        return
    yield Inner(entry.filename, content)
