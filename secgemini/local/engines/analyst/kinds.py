"""The kinds of indicators, and a place in a text where one was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of indicators, in the order of reports; the value is the key in the JSON answer."""

    URL = "url"
    DOMAIN = "domain"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    EMAIL = "email"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    CVE = "cve"
    ATTACK = "attack"


@dataclass(frozen=True, slots=True)
class Found:
    """A judged candidate: its normalised value, its offset in the text without defanging, what is special about it."""

    kind: Kind
    value: str
    start: int
    marks: tuple[str, ...] = ()
