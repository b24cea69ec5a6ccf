"""Modules that are imported at their first use: making a client should not cost what its first call needs."""

from __future__ import annotations

import importlib


class Later:
    """Stands for a module; the first attribute that is asked for imports it. The import system's lock makes it safe."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        return getattr(importlib.import_module(self._name), attribute)
