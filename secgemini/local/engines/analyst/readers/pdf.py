"""PDF: the text of every page, the addresses behind links, embedded files, and whether it acts when it is opened."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from ..parts import MEBIBYTE, Budget, Document, Fact, Inner, Note, Part, Passage
from ..work import TooMuchWork, counted_work

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader
    from pypdf.generic import DictionaryObject

LABELS = frozenset({"pdf"})
_LARGEST = 32 * MEBIBYTE
_MOST_DRAWING = 2 * MEBIBYTE  # drawing instructions interpreted, over all pages: about a second for a mebibyte
_MOST_LINKS = 500  # on one page
_LONGEST_LINK = 16384
_LONGEST_STREAM = 16 * MEBIBYTE
_UNPACKER = "decode_stream_data"  # pypdf's, for every stream
_METADATA = ("title", "author", "creator", "producer")
_HARMLESS = frozenset({"/GoTo", "/Named"})  # actions that only turn to a page


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the pages in order, each with its links, then the embedded files."""
    try:
        yield from _read(document, budget)
    except TooMuchWork:
        yield Note("not read to its end: taking it apart takes too much work")


def _read(document: Document, budget: Budget) -> Iterator[Part]:
    from pypdf import PdfReader

    # Without a handler of its own, its remarks on damaged files would end on the terminal.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    if len(document.content) > _LARGEST:
        yield Note(f"not read: larger than {_LARGEST // MEBIBYTE} MiB")
        return
    with _limits(budget):
        reader = PdfReader(io.BytesIO(document.content))
        if reader.is_encrypted and not reader.decrypt(""):
            yield Note("encrypted: it can only be read with its password")
            return
        about = _about(reader)
    yield from about
    yield from _pages(reader, budget)
    yield from _attached(reader, budget)


@contextmanager
def _limits(budget: Budget, longest: int = _LONGEST_STREAM) -> Iterator[None]:
    """Set limits for hostile files; never held over a `yield`, which might change the context."""
    from pypdf import apply_configuration

    configuration = apply_configuration(
        zlib_maximum_output_length=longest,
        lzw_maximum_output_length=longest,
        run_length_maximum_output_length=longest,
        array_based_stream_maximum_output_length=longest,
        stream_decoding_work_maximum_length=4 * longest,
        stream_parsing_work_maximum_count=500_000,
        xform_maximum_invocations_per_extraction=200,
        jbig2dec_binary=None,  # no other program is started
        disable_legacy_handling=True,
    )
    with configuration, counted_work(budget, "pypdf", _UNPACKER, longest):
        yield


def _about(reader: PdfReader) -> list[Part]:
    parts: list[Part] = [Fact("pages", str(len(reader.pages)))]
    metadata = reader.metadata
    for name in _METADATA:
        value = getattr(metadata, name, None) if metadata is not None else None
        if value:
            parts += (Fact(name, str(value)), Passage(str(value)[:10_000], (name,), numbered=False))
    return parts + _warnings(reader.root_object)


def _warnings(root: DictionaryObject) -> list[Part]:
    """Return what the document does by itself: a list or a destination as its open action only turns to a page."""
    warnings: list[Part] = []
    action = root.get("/OpenAction")
    action = action.get_object() if action is not None else None
    kind = action.get("/S") if isinstance(action, Mapping) else None
    if kind is not None and kind not in _HARMLESS:
        warnings.append(Note(f"acts when it is opened: {kind}"))
    names = root.get("/Names")
    if names is not None and "/JavaScript" in names.get_object():
        warnings.append(Note("contains JavaScript"))
    return warnings


def _pages(reader: PdfReader, budget: Budget) -> Iterator[Part]:
    drawing = _MOST_DRAWING
    for number, page in enumerate(reader.pages, 1):
        if number > budget.pages or drawing <= 0:
            yield Note(f"only the first {number - 1} of {len(reader.pages)} pages were read")
            return
        where = f"page {number}"
        try:
            with _limits(budget):
                drawing -= _size(page)
                text = page.extract_text() if drawing > 0 else ""
                links = _links(page)
        except Exception as error:  # a hostile page may raise anything; the next one may be fine
            yield Note(f"{where} could not be read: {type(error).__name__}: {error}")
            continue
        text, cut = budget.clip(text)
        yield Passage(text, (where,))
        behind, cut_links = budget.clip("\n".join(links))
        if behind:
            yield Passage(behind, (where, "link"), numbered=False)
        if cut or cut_links:
            yield Note(f"the text of {where} was cut, and what follows was left out")
            return


def _size(page: PageObject) -> int:
    contents = page.get_contents()
    return len(contents.get_data()) if contents is not None else 0


def _links(page: PageObject) -> list[str]:
    links: list[str] = []
    for annotation in (page.annotations or [])[:_MOST_LINKS]:
        action = _dictionary(_dictionary(annotation).get("/A"))
        for key in ("/URI", "/F", "/JS"):
            value = action.get(key)
            if isinstance(value, str):
                links.append(" ".join(value[:_LONGEST_LINK].split()))
    return links


def _dictionary(found: object) -> Mapping[str, object]:
    """Return what should be a dictionary, or an empty one: a damaged link hides neither the text nor other links."""
    from pypdf.generic import PdfObject

    found = found.get_object() if isinstance(found, PdfObject) else None
    return found if isinstance(found, Mapping) else {}


def _attached(reader: PdfReader, budget: Budget) -> Iterator[Part]:
    """Yield the embedded files, unpacked one after the other, as long as the budget has room for another one."""
    with _limits(budget):
        files = list(islice(reader.attachment_list, budget.entries + 1))
    for file in files:
        room = budget.room()
        if not room or not budget.entries:
            yield Note("the other embedded files were left out: too much is inside")
            return
        try:
            with _limits(budget, room):
                name, content = str(file.name), file.content
        except Exception as error:  # a hostile stream may raise anything; the next one may be fine
            yield Note(f"an embedded file could not be unpacked: {type(error).__name__}: {error}")
            continue
        yield Inner(name, content)
