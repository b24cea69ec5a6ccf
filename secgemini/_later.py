"""Modules that are imported at their first use: making a client should not cost what its first call needs."""

from __future__ import annotations

import importlib
import sys


class Later:
    """Stands for a module; the first attribute that is asked for imports it. The import system's lock makes it safe."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        _import_httpx()
        return getattr(importlib.import_module(self._name), attribute)


def _import_httpx() -> None:
    """Import httpx as it is where the packages of its command are not installed.

    They are here (rich and click are dependencies), so it would import them for a command that nobody runs from a
    program: a third of its import, and a fifth of the time from `SecGemini.local()` to the first answer.
    """
    if "httpx" in sys.modules:
        return
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # the import system's way to say "not there"
    try:
        importlib.import_module("httpx")
    finally:
        sys.modules.pop("httpx._main", None)
