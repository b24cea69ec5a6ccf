"""Take text and links out of HTML and XML, in linear time.

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
    r"(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'<>=]++))"
)
_ENTITY = re.compile(r"&#?[A-Za-z0-9]{1,32};?")
_INLINE = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u", "wbr"}
)
_LINKS = frozenset(
    {"action", "background", "cite", "data", "formaction", "href", "poster", "src", "target", "url", "xlink:href"}
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its address, the line of its tag, and the text that it shows when it is an `<a>` that closes."""

    address: str
    line: int
    shown: str | None = None


def visible_text(source: str) -> str:
    """Return the text between the tags, entities resolved; every line keeps its number."""
    return unescape(_TAG.sub(_blank, source))


def unescape(text: str) -> str:
    """Resolve entities; none of them makes a new line."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\n", " ").replace("\r", " "), text)


def links(source: str) -> Iterator[Link]:
    """Yield the addresses in attributes (`href`, `src`, `action`, …), in order."""
    line, counted = 1, 0
    tags = list(_TAG.finditer(source))
    for number, tag in enumerate(tags):
        line += source.count("\n", counted, tag.start())
        counted = tag.start()
        for name, value in attributes(tag["attributes"]):
            if name in _LINKS and value.strip():
                shown = _shown(source, tags, number) if tag["name"].lower() == "a" else None
                yield Link(value.strip(), line, shown)


def attributes(text: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a tag: the name in lower case, the value with its entities resolved."""
    for match in _ATTRIBUTE.finditer(text):
        value = next((match[group] for group in ("double", "single", "bare") if match[group] is not None), "")
        yield match["name"].lower(), unescape(value)


def _blank(match: re.Match[str]) -> str:
    gap = "" if match["name"].lower() in _INLINE else " "
    return gap + "\n" * match["attributes"].count("\n")


def _shown(source: str, tags: list[re.Match[str]], number: int) -> str | None:
    """Return the text between an `<a>` and its end, which is at most a few tags and characters away."""
    start = tags[number].end()
    for tag in tags[number + 1 : number + 20]:
        if tag.start() - start > 2000:
            break
        if tag["close"] and tag["name"].lower() == "a":
            return " ".join(visible_text(source[start : tag.start()]).split())
    return None
