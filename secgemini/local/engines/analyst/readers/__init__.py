"""Readers of files, one small module a file type.

A module says which sniffed labels it reads (`LABELS`, see `secgemini.local.sniff`) and has a function `read(document,
budget)` that yields the parts of the document. A module dropped in here is found by itself. Readers never write to
disk, stay within the budget, and may let any exception out: the file then gets a note and is searched as far as it was
read.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Protocol, cast

from ..parts import Budget, Document, Part

ANYTHING = "*"
"""The label of the reader for what no other reader knows."""


class Reader(Protocol):
    """What a module of this package offers."""

    LABELS: Collection[str]

    def read(self, document: Document, budget: Budget) -> Iterator[Part]:
        """Yield the passages, inner files, facts and notes of a document, in order."""
        ...


def reader_for(label: str) -> Reader:
    """Return the reader of files with this sniffed label."""
    readers = _readers()
    return readers.get(label, readers[ANYTHING])


@cache
def _readers() -> Mapping[str, Reader]:
    modules = [
        cast(Reader, importlib.import_module(f"{__name__}.{found.name}")) for found in pkgutil.iter_modules(__path__)
    ]
    return {label: module for module in modules for label in module.LABELS}
