"""The default engine: offline and deterministic, it extracts, decodes and counts, and has no language model."""

from __future__ import annotations

from .engine import Analyst

__all__ = ["Analyst"]
