"""Examine a file: let the reader of its type take it apart, search every passage, go into every file inside."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from secgemini.local.escapes import without_escapes
from secgemini.local.sniff import decode_text, sniff

from .embedded import decode_embedded
from .findings import FileReport, Findings
from .indicators import extract
from .logsummary import LogSummary
from .parts import Budget, Document, Fact, Inner, Note, Passage, short_name
from .readers import reader_for

_T = TypeVar("_T")
_MOST_FACTS = 20
_MOST_NOTES = 20
_MOST_INNER_REPORTS = 100
_PREVIEW = 200
_LONGEST_NOTE = 500
_LONGEST_FACT = 10_000


def examine(
    name: str, content: bytes, findings: Findings, *, sha256: str | None = None, budget: Budget | None = None
) -> FileReport:
    """Examine a file with everything inside it and add what is found; never raises because of what it holds."""
    kind = sniff(content, name)
    document = Document(name, content, kind.mime_type, kind.label)
    return _Examination(findings, budget or Budget()).document(document, (short_name(name),), sha256=sha256)


def search_text(text: str, name: str, findings: Findings, *, lines: Sequence[int] | None = None) -> None:
    """Search a text that is no file (the prompt, a tool's output, logs), and what is encoded in it.

    `lines` are the numbers of its lines when they are not 1, 2, 3, … What was decoded is reported as a file of `name`.
    """
    report = FileReport(name, len(text.encode("utf-8", "replace")), "", "text/plain", "txt", is_file=False)
    _Examination(findings, Budget()).passage(Passage(text, lines=lines), (name,), report)
    if report.inner:
        findings.files.append(report)


class _Examination:
    """The examination of one attached file: the budget is for all that is inside it together."""

    def __init__(self, findings: Findings, budget: Budget) -> None:
        self._findings = findings
        self._budget = budget
        self._depth = 0

    def document(self, document: Document, trail: tuple[str, ...], *, sha256: str | None = None) -> FileReport:
        """Read one file or file in a file and return its report."""
        digest = sha256 or hashlib.sha256(document.content).hexdigest()
        report = FileReport(document.name, len(document.content), digest, document.mime_type, document.label)
        try:
            for part in reader_for(document.label).read(document, self._budget):
                match part:
                    case Passage():
                        self.passage(part, trail, report)
                    case Inner():
                        self._inner(part, trail, report)
                    case Fact():
                        _append(report.facts, Fact(part.name, part.value[:_LONGEST_FACT]), _MOST_FACTS)
                    case Note():
                        _note(report, part.text)
                    case LogSummary():
                        report.logs.append(part)
        except Exception as error:  # whatever a parser raises over a hostile file is said, not fatal
            _note(report, f"could not be read to its end: {type(error).__name__}: {error}")
        return report

    def passage(self, passage: Passage, trail: tuple[str, ...], report: FileReport) -> None:
        """Search a passage as it is seen, without escape sequences, and go into what is encoded in it."""
        kept, cut = self._budget.clip_search(passage.text)
        if cut and self._budget.first("searched"):
            _note(report, "what follows was not searched: too much text is inside")
        way, text = trail + tuple(map(short_name, passage.where)), without_escapes(kept)
        hits = extract(text, kinds=passage.kinds)
        self._findings.add(((hit, passage.line(hit.line)) for hit in hits), way)
        for decoded in decode_embedded(text):
            line = passage.line(decoded.line)
            where = (*passage.where, f"line {line}") if line is not None else passage.where
            inner = self._inner(Inner(decoded.how, decoded.content, where, is_file=False), trail, report)
            if inner is not None:
                inner.preview = " ".join(decode_text(decoded.content[: 4 * _PREVIEW])[0].split())[:_PREVIEW]

    def _inner(self, inner: Inner, trail: tuple[str, ...], report: FileReport) -> FileReport | None:
        if not self._allows(inner, report):
            return None
        kind = sniff(inner.content, inner.name)
        name, where = short_name(inner.name), tuple(map(short_name, inner.where))
        document = Document(name, inner.content, kind.mime_type, kind.label)
        self._depth += 1
        try:
            found = self.document(document, (*trail, *where, name))
        finally:
            self._depth -= 1
        found.where, found.is_file = where, inner.is_file
        _append(report.inner, found, _MOST_INNER_REPORTS)
        return found

    def _allows(self, inner: Inner, report: FileReport) -> bool:
        if self._depth >= self._budget.depth:
            _note(report, f"{short_name(inner.name)} was not opened: nested too deeply")
            return False
        if not self._budget.take(len(inner.content)):
            if self._budget.first("entries"):
                _note(report, f"{short_name(inner.name)} and what follows was left out: too much is inside")
            return False
        return True


def _note(report: FileReport, text: str) -> None:
    _append(report.notes, text[:_LONGEST_NOTE], _MOST_NOTES)


def _append(entries: list[_T], entry: _T, most: int) -> None:
    if len(entries) < most:
        entries.append(entry)
