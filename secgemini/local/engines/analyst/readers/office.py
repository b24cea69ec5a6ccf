"""Word, Excel and PowerPoint files of the ZIP kind: their text, their external links, whether they carry macros."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

from secgemini.local.sniff import decode_text

from ..markup import attributes, unescape
from ..parts import Budget, Document, Fact, Inner, Note, Part, Passage
from .archive import unpack

LABELS = frozenset({"docx", "pptx", "xlsx"})
_TEXTS = re.compile(r"(?:word|ppt|xl)/(?:[\w-]{1,40}/)?[\w-]{1,60}\.xml\Z|docProps/(?:core|app)\.xml\Z")
_WITHOUT_TEXT = re.compile(r"(?i)(?:style|theme|font|settings|layout|master|calcchain)")
_PARAGRAPH = re.compile(r"</(?:w:p|a:p|si|row)>|<(?:w:br|w:tab)\b[^<>]{0,200}/>")
_RELATIONSHIP = re.compile(r"<Relationship\b([^<>]{1,8192}+)>")


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the text of each part of the document, the links out of it, and the files embedded in it."""
    with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
        for entry in archive.infolist():
            name = entry.filename
            if name.endswith((".rels", "vbaProject.bin")) or _is_text(name) or "/embeddings/" in name:
                for part in unpack(archive, entry, budget):
                    yield from _read_entry(part, budget) if isinstance(part, Inner) else (part,)
        yield Fact("parts", str(len(archive.infolist())))


def _is_text(name: str) -> bool:
    return _TEXTS.match(name) is not None and _WITHOUT_TEXT.search(name) is None


def _read_entry(entry: Inner, budget: Budget) -> Iterator[Part]:
    if entry.name.endswith("vbaProject.bin"):
        yield Note("contains macros")
        yield entry
    elif "/embeddings/" in entry.name:
        yield entry
    else:
        budget.spend(len(entry.content))
        source, cut = budget.clip(decode_text(entry.content)[0].replace("\n", " "))
        yield from _external_links(entry.name, source) if entry.name.endswith(".rels") else _text(entry.name, source)
        if cut and budget.first("text"):
            yield Note(f"only the first {len(source)} characters of {entry.name} were read, and nothing that follows")


def _text(name: str, source: str) -> Iterator[Part]:
    """Yield the text with one line for each paragraph; a word cut into several runs is whole again."""
    lines = (re.sub(r"<[^<>]{0,16384}+>", "", line) for line in _PARAGRAPH.sub("\n", source).split("\n"))
    yield Passage(unescape("\n".join(lines)), (name,))


def _external_links(name: str, source: str) -> Iterator[Part]:
    targets: list[str] = []
    for match in _RELATIONSHIP.finditer(source):
        named = dict(attributes(match[1]))
        if named.get("targetmode", "").lower() == "external":
            targets.append(named.get("target", ""))
            if named.get("type", "").endswith(("/attachedTemplate", "/oleObject", "/frame")):
                yield Note(f"loads {targets[-1]} when it is opened")
    if targets:
        yield Passage("\n".join(targets), (name,), numbered=False)
