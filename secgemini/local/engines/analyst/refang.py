r"""Undo defanging: `hxxps[://]evil[.]example` becomes `https://evil.example`.

Understood are `hxxp`, `h**p`, `htxp`, `hxtp` before a colon; `.`, `dot`, `:`, `://`, `/`, `@` and `at` in square or
round brackets or braces, with at most one space on either side; and a dot with only one of its brackets (`192.0.2[.1`).
The escapes of JSON and of regular expressions within URLs are undone as well: `http:\/\/evil.example\/?a=1\u0026b=2`.
A single line stays a single line, so line numbers hold.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

_BRACKETED = {".": ".", "dot": ".", ":": ":", "://": "://", "/": "/", "@": "@", "at": "@"}
# A pattern that begins with a set of characters is looked for ten times as fast as one that begins with a look-behind.
_SCHEME = re.compile(r"[hH](?<![A-Za-z0-9].)(?:[xX]{2}|\*\*|__|[tT][xX]|[xX][tT])[pP]([sS]?)(?= ?[:\[({])")
_DEFANGED = re.compile(
    r"[\[({\]](?:(?<=[\[({]) ?(?P<token>\.|[dD][oO][tT]|://|:|/|@|[aA][tT]) ?[\])}] ?"
    r"|(?<=\w\[)\.(?=\w)|(?<=\w\.\])(?=\w))"
)
_ESCAPED_URL = re.compile(r":(?:\\{0,4}/){2}[^\s\"'<>`]*+")
_ESCAPE = re.compile(r"\\{1,4}(?:([/.?&=-])|u00([2-7][0-9A-Fa-f]))")


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
    if "\\" in text:
        text = _ESCAPED_URL.sub(lambda found: _ESCAPE.sub(_unescaped, found[0]), text)
    text = _SCHEME.sub(lambda found: "http" + found[1].lower(), text)
    pieces: list[str] = []
    places: list[int] = []
    copied = length = 0
    for found in _DEFANGED.finditer(text):
        kept = text[copied : found.start()]
        if found["token"] is not None:
            kept = kept.removesuffix(" ")
        plain = _BRACKETED[found["token"].lower()] if found["token"] is not None else "." if "." in found[0] else ""
        pieces += (kept, plain)
        length += len(kept)
        places.append(length)
        length += len(plain)
        copied = found.end()
    if not pieces:
        return Refanged(text, ())
    pieces.append(text[copied:])
    return Refanged("".join(pieces), places)


def _unescaped(found: re.Match[str]) -> str:
    return found[1] or chr(int(found[2], 16))
