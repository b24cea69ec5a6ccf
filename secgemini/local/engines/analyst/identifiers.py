"""Find hashes, CVE ids and MITRE ATT&CK ids."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from .kinds import Found, Kind
from .refang import Refanged

_HASH = re.compile(r"[0-9A-Fa-f](?<![0-9A-Za-z].)[0-9A-Fa-f]{31,63}+(?![0-9A-Za-z])")
_LENGTHS = {32: Kind.MD5, 40: Kind.SHA1, 64: Kind.SHA256}
_OF_NOTHING = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)
_CVE = re.compile(r"[cC](?<![A-Za-z0-9].)[vV][eE][-\u2010-\u2013](\d{4})[-\u2010-\u2013](\d{4,19})(?!\d)")
# Tactics and techniques stand for themselves; software, group, mitigation, data source and campaign ids are too short
# for that: they count when ATT&CK or a technique is named within a few words.
_ATTACK = re.compile(
    r"[TSGMDC](?<![\w.-].)(?:(?<=T)(?:A0\d{3}|[01]\d{3}(?:[./]\d{3})?+)"
    r"|(?P<weak>(?<=[SGM])[01]\d{3}|(?<=D)S0\d{3}|(?<=C)00\d{2}))(?![\w-])"
)
_ATTACK_NAMED = re.compile(r"(?i)att&(?:amp;)?ck|mitre|(?-i:(?<![\w.-])T[01]\d{3}(?!\w))")
_NEAR = 200  # characters


def find_identifiers(plain: Refanged) -> Iterator[Found]:
    """Yield MD5, SHA-1 and SHA-256 hashes, CVE ids and ATT&CK ids."""
    text = plain.text
    for match in _HASH.finditer(text):
        value = match[0].lower()
        kind = _LENGTHS.get(len(value))
        # a number or a word of 32 characters is no hash: each is rarer than 1 in 10^6 among real ones
        if kind is not None and not value.isdigit() and not value.isalpha():
            marks = ("hash of nothing: the empty file",) if value in _OF_NOTHING else ()
            yield Found(kind, value, match.start(), marks)
    for match in _CVE.finditer(text):
        yield Found(Kind.CVE, f"CVE-{match[1]}-{match[2]}", match.start())
    matches = list(_ATTACK.finditer(text))
    weak = any(match["weak"] is not None for match in matches)
    named_at = [match.start() for match in _ATTACK_NAMED.finditer(text)] if weak else []
    for match in matches:
        start = match.start()
        nearest = bisect_left(named_at, start - _NEAR)
        named = nearest < len(named_at) and named_at[nearest] <= start + _NEAR
        if match["weak"] is None or named:
            yield Found(Kind.ATTACK, match[0].replace("/", "."), start)
