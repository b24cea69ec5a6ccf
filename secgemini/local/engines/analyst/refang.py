r"""Undo defanging: `hxxps[://]evil[.]example` becomes `https://evil.example`.

Understood are `hxxp`, `h**p`, `htxp`, `hxtp` before a colon; `.`, `dot`, `:`, `://`, `/`, `@` and `at` in square or
round brackets or braces, with at most one space on either side; and a dot with only one of its brackets (`192.0.2[.1`).
A single line stays a single line, so line numbers hold.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

_BRACKETED = {".": ".", "dot": ".", ":": ":", "://": "://", "/": "/", "@": "@", "at": "@"}
_DEFANGED = re.compile(
    r"(?i)"
    r" ?[\[({] ?(?P<token>\.|dot|://|:|/|@|at) ?[\])}] ?"
    r"|(?<![a-z0-9])h(?:xx|\*\*|__|tx|xt)p(?P<secure>s?)(?= ?(?:[:\[({]))"
    r"|(?<=\w)(?:\[\.|\.\])(?=\w)"
)


@dataclass(frozen=True, slots=True)
class Refanged:
    """A text without defanging; `defanged_at` are the offsets, in `text`, where something was undone."""

    text: str
    defanged_at: Sequence[int]

    def touched(self, start: int, end: int) -> bool:
        """Tell whether anything between the two offsets was defanged."""
        place = bisect_left(self.defanged_at, start)
        return place < len(self.defanged_at) and self.defanged_at[place] < end


def refang(text: str) -> Refanged:
    """Return `text` with its defanging undone, in linear time."""
    pieces: list[str] = []
    places: list[int] = []
    copied = length = 0
    for found in _DEFANGED.finditer(text):
        plain = _plain(found)
        pieces += (text[copied : found.start()], plain)
        length += found.start() - copied
        places.append(length)
        length += len(plain)
        copied = found.end()
    if not pieces:
        return Refanged(text, ())
    pieces.append(text[copied:])
    return Refanged("".join(pieces), places)


def _plain(found: re.Match[str]) -> str:
    if found["token"] is not None:
        return _BRACKETED[found["token"].lower()]
    if found["secure"] is not None:
        return "http" + found["secure"].lower()
    return "."
