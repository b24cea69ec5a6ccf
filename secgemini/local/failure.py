"""Logs what failed: an exception may quote what a model or a file said, and a log is read on a terminal."""

from __future__ import annotations

import logging
import traceback

from secgemini.display import neutralise

_logger = logging.getLogger("secgemini.local")


def log_failure(what: str) -> None:
    """Log the exception that is being handled, with its traceback, its control characters visible."""
    _logger.error("%s\n%s", what, neutralise(traceback.format_exc()))
