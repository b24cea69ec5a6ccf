"""Find indicators in text: addresses, names, URLs, hashes, CVE and ATT&CK ids, also defanged ones.

Patterns (in `locators`, `addresses`, `identifiers`) only find candidates. Every pattern costs linear time: repeats are
bounded or possessive, and a look-behind lets a run of characters be tried once, at its beginning. What a candidate is
worth is judged by `ipaddress`, by the public suffix list (see `names`) and by the rules that stand beside the patterns.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from .addresses import find_addresses
from .identifiers import find_identifiers
from .kinds import Kind
from .locators import find_locators
from .refang import refang

BLOCK = 1 << 18  # characters searched at once: a pattern holds the interpreter for milliseconds, not for seconds


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where an indicator stands. `value` is normalised, `line` counts from 1."""

    kind: Kind
    value: str
    line: int
    marks: tuple[str, ...] = ()


def extract(text: str, *, first_line: int = 1, kinds: Collection[Kind] = frozenset(Kind)) -> Iterator[Hit]:
    """Yield the indicators of `text` as they stand there, one hit for each place, in linear time.

    Lines end with a line feed; `first_line` is the number of the first one. A domain that stands in a URL or in an
    e-mail address is a hit of its own.
    """
    line = first_line
    for block in blocks(text):
        for hit in _extract_block(block, line):
            if hit.kind in kinds:
                yield hit
        line += block.count("\n")


def blocks(text: str, size: int = BLOCK) -> Iterator[str]:
    """Cut `text` into pieces of at most `size`, at line ends or else where no indicator would be cut in two."""
    start = 0
    while len(text) - start > size:
        end = start + size
        cut = text.rfind("\n", start, end) + 1
        cut = cut or max(text.rfind(mark, end - 4096, end) for mark in " \t,;\"'<>|") + 1
        cut = cut or end
        yield text[start:cut]
        start = cut
    yield text[start:]


def _extract_block(text: str, first_line: int) -> Iterator[Hit]:
    plain = refang(text)
    line_ends = [match.start() for match in re.finditer("\n", plain.text)]
    everything = chain(find_locators(plain), find_addresses(plain), find_identifiers(plain))
    for found in sorted(everything, key=lambda one: one.start):
        yield Hit(found.kind, found.value, first_line + bisect_left(line_ends, found.start), found.marks)
