"""Judge whether a dotted word is a domain name.

A domain has a suffix of the public suffix list (a snapshot, `publicsuffixlist`) or a reserved one, and a label before
it. Words in files and code look the same: `report.py`, `System.Net`, `logger.info`. The rules, in this order:

1. The suffix is written in lower case, or the whole word in upper case (`System.Net` and `Evil.Zip` are out).
2. A suffix that is also a common file suffix (`FILE_SUFFIXES`: py, sh, zip, rs, md, …) or a common name of an attribute
   (`CODE_SUFFIXES`: name, data, open, …) needs a sign that a domain is meant: it stands in a URL or an e-mail address,
   it is defanged, or it begins with `www.`.
3. Two labels of which the first is a usual name of an object in code (`CODE_NAMES`: self, logger, user, …) are code.

What stands before and after the word (a path, a call) is the caller's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# RFC 2606, 6761, 6762, 7686, 8375, 9476, and .internal, which ICANN set aside in 2024.
RESERVED_SUFFIXES = frozenset({"alt", "example", "internal", "invalid", "local", "localhost", "onion", "test"})
_RESERVED_NAMES = ("example.com", "example.net", "example.org", "home.arpa")
# Suffixes of the public suffix list that are mostly seen at the end of file names.
FILE_SUFFIXES = frozenset(
    {"am", "cab", "la", "md", "mk", "mm", "mov", "pm", "ps", "py", "rs", "sh", "so", "tf", "zip"},
)
# Suffixes of the public suffix list that are mostly seen at the end of names in code.
CODE_SUFFIXES = frozenset(
    {"abc", "bar", "call", "data", "foo", "name", "next", "now", "open", "read", "select", "style", "target", "watch"}
)
CODE_NAMES = frozenset(
    {"app", "args", "builtins", "cls", "config", "console", "context", "data", "document", "event", "file", "item"}
    | {"log", "logger", "logging", "math", "module", "node", "object", "os", "package", "process", "req", "request"}
    | {"res", "response", "result", "self", "session", "string", "super", "sys", "target", "this", "threading", "user"}
    | {"window"}
)
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)\Z")
_FRAMEWORKS = frozenset({"ADO.NET", "ASP.NET", "ML.NET", "VB.NET"})


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain name in its ASCII form, and what is special about it: `reserved`, `onion service`, `IDN …`."""

    name: str
    marks: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def judge_domain(word: str, *, meant: bool = False) -> Domain | None:
    """Return the domain that `word` is, or None. `meant` says that the place leaves no doubt (a URL, defanged, …)."""
    word = word.rstrip(".")
    labels = word.split(".")
    if len(labels) < 2 or len(word) > 253 or not all(_LABEL.match(label) for label in labels):
        return None
    suffix = labels[-1]
    if not meant and (_looks_like_code(word, labels) or word in _FRAMEWORKS):
        return None
    if "_" in suffix or "_" in labels[-2] or suffix.isdigit():
        return None
    name = word.lower()
    marks: tuple[str, ...] = ()
    if not word.isascii():
        ascii_name = _ascii(name)
        if ascii_name is None:
            return None
        name, marks = ascii_name, (f"IDN {name}",)
    if (special := _special(name)) is not None:
        return Domain(name, (*marks, special))
    public = _suffixes().publicsuffix(name, accept_unknown=False)
    return Domain(name, marks) if public is not None and public != name else None


def _looks_like_code(word: str, labels: list[str]) -> bool:
    suffix = labels[-1]
    if suffix != suffix.lower() and word != word.upper():
        return True
    if suffix.lower() in FILE_SUFFIXES | CODE_SUFFIXES and labels[0].lower() != "www":
        return True
    return len(labels) == 2 and labels[0].lower() in CODE_NAMES


def _special(name: str) -> str | None:
    suffix = name.rpartition(".")[2]
    if suffix == "onion":
        return "onion service"
    if suffix in RESERVED_SUFFIXES or any(name == known or name.endswith("." + known) for known in _RESERVED_NAMES):
        return "reserved"
    return None


def _ascii(name: str) -> str | None:
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


@cache
def _suffixes() -> PublicSuffixList:
    # 0.1 s and only needed once there is a candidate; the private section (github.io) would hide real host names.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True)
