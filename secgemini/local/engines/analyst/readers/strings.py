"""Anything else: the readable strings of a binary, in ASCII and in UTF-16, searched for what is unmistakable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..kinds import Kind
from ..parts import Budget, Document, Fact, Note, Part, Passage
from . import ANYTHING

LABELS = frozenset({ANYTHING})
_ASCII = re.compile(rb"[\x20-\x7e\t]{8,}+")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\x00){8,}+")
# Names and numbers with dots are everywhere in a binary; these do not happen by chance.
_KINDS = frozenset({Kind.URL, Kind.EMAIL, Kind.CVE})
_NOT_SEARCHED = (
    "not read as text: only its readable strings were searched, for URLs, e-mail addresses and CVE ids; IP addresses,"
    " domains and hashes were not searched for, because most of them would be false"
)
_STRINGS = 200_000
_IMAGES = frozenset({"png", "jpeg", "gif", "webp", "bmp", "tiff", "ico", "avif"})


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the strings of a binary, one a line; the line numbers mean nothing."""
    if document.label == "empty":
        return
    content = document.content[: budget.text]
    strings = [match[0].decode("ascii") for match in _ASCII.finditer(content)][:_STRINGS]
    strings += [match[0].decode("utf-16-le") for match in _WIDE.finditer(content)][:_STRINGS]
    text, _ = budget.clip("\n".join(strings))
    yield Fact("strings", str(len(strings)))
    yield Note(_NOT_SEARCHED)
    if len(content) < len(document.content):
        yield Note(f"only the first {len(content)} bytes were searched for strings")
    if document.label in _IMAGES:
        yield Note("the picture itself was not read: there is no text recognition here")
    yield Passage(text, ("strings",), numbered=False, kinds=_KINDS)
