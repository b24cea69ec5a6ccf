"""Log formats, one small module each: `NAME` and `parse(line)`, which gives an event or None.

A module dropped in here is found by itself. Formats are tried in the order of their `ORDER`; the first that understands
most lines wins.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

from .event import LogEvent


class LogFormat(Protocol):
    """What a module of this package offers."""

    NAME: str
    ORDER: int

    def parse(self, line: str) -> LogEvent | None:
        """Return what a line (without its line end, at most a few thousand characters) says, or None."""
        ...


@cache
def log_formats() -> Sequence[LogFormat]:
    """Return the formats of this package, the special ones first."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
        if found.name not in {"event", "times"}
    ]
    return sorted((cast(LogFormat, module) for module in modules), key=lambda module: module.ORDER)
