"""HTML and XML: the visible text, what attributes hold, and links that show another name than they lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from secgemini.local.sniff import decode_text

from ..indicators import extract
from ..kinds import Kind
from ..markup import addresses, links, other_attributes, visible_text
from ..parts import Budget, Document, Note, Part, Passage

LABELS = frozenset({"html", "svg", "xml"})
_MOST_WARNINGS = 20
_MOST_NAMES = 10  # in the text of a link; one that shows more is a list
_AT_ONCE = 500  # links judged together: a search costs more than the text of one link does


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the text of the page and, line by line, the addresses and all else that its tags hold."""
    source, cut = budget.clip(decode_text(document.content)[0].replace("\r\n", "\n").replace("\r", "\n"))
    if cut:
        yield Note(f"only the first {len(source)} characters were read")
    yield Passage(visible_text(source))
    for where, text in (("link", addresses(source)), ("attribute", other_attributes(source))):
        if text.strip():
            yield Passage(text, (where,))
    for warning in islice(_deceptions(source), _MOST_WARNINGS):
        yield Note(warning)


def _deceptions(source: str) -> Iterator[str]:
    """Yield what to say of each link that shows one host and leads to another."""
    labelled = (link for link in links(source) if "." in link.shown)
    while some := list(islice(labelled, _AT_ONCE)):
        shown, leads = _names(link.shown for link in some), _names(link.address for link in some)
        for link, left, right in zip(some, shown, leads, strict=True):
            if left and right and not any(_same_site(one, other) for one in left for other in right):
                yield f"line {link.line}: a link shows {min(left)} and leads to {min(right)}"


def _names(texts: Iterable[str]) -> Sequence[set[str]]:
    """Return the first hosts that each of the texts names; none of the texts has a line end."""
    lines = [text[:2000] for text in texts]
    found: list[set[str]] = [set() for _ in lines]
    for hit in extract("\n".join(lines), kinds={Kind.DOMAIN, Kind.IPV4}):
        if len(found[hit.line - 1]) < _MOST_NAMES:
            found[hit.line - 1].add(hit.value)
    return found


def _same_site(left: str, right: str) -> bool:
    return left == right or left.endswith("." + right) or right.endswith("." + left)
