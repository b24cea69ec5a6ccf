"""Plain text, source code, configuration, tables and logs, in any encoding."""

from __future__ import annotations

from collections.abc import Iterator

from secgemini.local.sniff import decode_text

from ..logsummary import summarise
from ..parts import Budget, Document, Fact, Note, Part, Passage
from ..tables import cells_apart

LABELS = frozenset(
    {"batch", "c", "cpp", "css", "csv", "go", "ini", "java", "javascript", "json", "jsonl", "markdown", "pem", "perl"}
    | {"php", "powershell", "python", "ruby", "rust", "shell", "sql", "toml", "txt", "typescript", "vba"}
    | {"winregistry", "yaml"}
)
_LOGS = frozenset({"txt", "json", "jsonl", "csv", "javascript", "powershell", "python"})  # which quote code, too


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the text, what log it is if it is one, and its encoding where that is not UTF-8."""
    text, encoding = decode_text(document.content)
    if encoding not in ("utf-8", "utf-8-sig") and not text.isascii():
        yield Fact("encoding", encoding)
    text, cut = budget.clip(text.replace("\r\n", "\n").replace("\r", "\n"))
    if cut:
        yield Note(f"only the first {len(text)} characters were read")
    if document.label in _LOGS and (summary := summarise(enumerate(text.split("\n"), 1))) is not None:
        yield summary
    yield Passage(cells_apart(text) if document.label == "csv" else text)
