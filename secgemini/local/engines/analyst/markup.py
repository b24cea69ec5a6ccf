"""Take text, links and attributes out of HTML and XML, in linear time.

The standard library's `html.parser` takes quadratic time on open tags before 3.11.14 (80 kB of `<a `: 77 s), and a
search for indicators needs no tree: one pattern for tags, whose repeats cannot back off, is enough.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:.-]{0,60}+)(?P<attributes>[^<>]{0,16384}+)>")
_ATTRIBUTE = re.compile(
    r"(?<![\w:.-])(?P<name>[A-Za-z][\w:.-]{0,60}+)\s{0,50}+=\s{0,50}+"
    r"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'<>][^\s<>]*+))"
)
_ENTITY = re.compile(r"&#?[A-Za-z0-9]{1,32};?")
_INLINE = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u", "wbr"}
)
_LINKS = frozenset(
    {"action", "background", "cite", "data", "formaction", "href", "poster", "src", "target", "url", "xlink:href"}
)
_LONGEST_SHOWN = 2000  # characters between `<a>` and its end


@dataclass(frozen=True, slots=True)
class Link:
    """An `<a>`: where it leads, the line of its tag, and what it shows: "" when that is too long for a label."""

    address: str
    line: int
    shown: str


def visible_text(source: str) -> str:
    """Return the text between the tags, entities resolved; every line keeps its number."""
    return unescape(_TAG.sub(_blank, source))


def unescape(text: str) -> str:
    """Resolve entities; none of them makes a new line."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\n", " ").replace("\r", " "), text)


def addresses(source: str) -> str:
    """Return the addresses in attributes (`href`, `src`, `action`, …), each on the line where its attribute stands."""
    pieces: list[str] = []
    counted = 0
    for tag in _TAG.finditer(source):
        for found in _ATTRIBUTE.finditer(source, *tag.span("attributes")):
            if found["name"].lower() in _LINKS:
                pieces += ("\n" * source.count("\n", counted, found.start()), "".join(_value(found).split()), " ")
                counted = found.start()
    return "".join(pieces)


def other_attributes(source: str) -> str:
    """Return what else stands in tags, on its lines: scripts, styles, data; the names of name spaces are left out."""
    pieces: list[str] = []
    counted = 0
    for tag in _TAG.finditer(source):
        if held := tag["attributes"]:
            lines = "\n" * source.count("\n", counted, tag.start("attributes"))
            pieces += (lines, _ATTRIBUTE.sub(_blank_address, held), " ")
            counted = tag.end("attributes")
    return unescape("".join(pieces))


def links(source: str) -> Iterator[Link]:
    """Yield each `<a>` with the text that it shows, which ends where it closes or the next one opens."""
    opened: re.Match[str] | None = None
    line, counted = 1, 0
    for tag in _TAG.finditer(source):
        if tag["name"].lower() != "a":
            continue
        if opened is not None:
            line += source.count("\n", counted, opened.start())
            counted = opened.start()
            yield Link(_target(opened["attributes"]), line, _shown(source, opened.end(), tag.start()))
        opened = tag if tag["attributes"] and not tag["close"] else None


def attributes(text: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a tag: the name in lower case, the value with its entities resolved."""
    for found in _ATTRIBUTE.finditer(text):
        yield found["name"].lower(), _value(found)


def _value(attribute: re.Match[str]) -> str:
    values = (attribute[group] for group in ("double", "single", "bare"))
    return unescape(next((value for value in values if value is not None), ""))


def _blank(match: re.Match[str]) -> str:
    gap = "" if match["name"].lower() in _INLINE else " "
    return gap + "\n" * match["attributes"].count("\n")


def _blank_address(attribute: re.Match[str]) -> str:
    name = attribute["name"].lower()
    if name in _LINKS or name == "xmlns" or name.startswith("xmlns:"):
        return "\n" * attribute[0].count("\n")
    return attribute[0]


def _target(text: str) -> str:
    targets = (value for name, value in attributes(text) if name in ("href", "xlink:href"))
    return "".join(next(targets, "").split())


def _shown(source: str, start: int, end: int) -> str:
    return " ".join(visible_text(source[start:end]).split()) if end - start <= _LONGEST_SHOWN else ""
