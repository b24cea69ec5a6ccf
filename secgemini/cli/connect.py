"""The client that the commands use, made from the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from secgemini.errors import ApiKeyError

if TYPE_CHECKING:
    from secgemini import SecGemini


def connect(timeout: float | None = None, *, instead: str = "") -> SecGemini:
    """Return a client of the service that the environment names. `instead` says what else the user could do.

    Raises:
        ApiKeyError: no key, or one that cannot be one.
        ConfigurationError: an address that cannot be used.
    """
    from secgemini import SecGemini

    if not os.environ.get("SEC_GEMINI_API_KEY", "").strip():
        raise ApiKeyError("no API key", hint=f"set SEC_GEMINI_API_KEY{instead}")
    return SecGemini(timeout=timeout)
