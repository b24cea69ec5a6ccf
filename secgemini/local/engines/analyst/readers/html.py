"""HTML and XML: the visible text, the addresses in attributes, and links that show another name than they lead to."""

from __future__ import annotations

from collections.abc import Iterator

from secgemini.local.sniff import decode_text

from ..indicators import extract
from ..kinds import Kind
from ..markup import Link, links, visible_text
from ..parts import Budget, Document, Note, Part, Passage

LABELS = frozenset({"html", "svg", "xml"})
_MOST_WARNINGS = 20


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the text of the page and, line by line, the addresses that its tags hold."""
    source, cut = budget.clip(decode_text(document.content)[0].replace("\r\n", "\n").replace("\r", "\n"))
    if cut:
        yield Note(f"only the first {len(source)} characters were read")
    yield Passage(visible_text(source))
    found = list(links(source))
    if found:
        yield Passage(_on_their_lines(found), ("link",))
    warnings = [text for link in found if link.shown and (text := _deceives(link))]
    for warning in warnings[:_MOST_WARNINGS]:
        yield Note(warning)


def _on_their_lines(found: list[Link]) -> str:
    """Return a text in which every address stands on the line where its tag begins."""
    lines: list[list[str]] = []
    for link in found:
        lines += ([] for _ in range(link.line - len(lines)))
        lines[link.line - 1].append("".join(link.address.split()))
    return "\n".join(" ".join(addresses) for addresses in lines)


def _deceives(link: Link) -> str | None:
    shown = _domains(link.shown or "")
    leads = _domains(link.address)
    if not shown or not leads or any(_same_site(left, right) for left in shown for right in leads):
        return None
    return f"line {link.line}: a link shows {sorted(shown)[0]} and leads to {sorted(leads)[0]}"


def _domains(text: str) -> set[str]:
    return {hit.value for hit in extract(text[:2000], kinds={Kind.DOMAIN, Kind.IPV4})}


def _same_site(left: str, right: str) -> bool:
    return left == right or left.endswith("." + right) or right.endswith("." + left)
