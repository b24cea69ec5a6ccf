"""Takes the key out of text that others wrote: an error page that echoes the request, an exception of a library."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

from .config import Config

MASK = "***"


def redact(text: str, config: Config) -> str:
    """Return the text with the key masked in every form it may have taken: plain, percent, base64, hex, repr, JSON."""
    key = config.api_key.reveal()
    if len(key) < 4:  # masking "a" would mask the alphabet; such a key is no secret
        return text
    raw = key.encode()
    forms = {
        key,
        quote(key, safe=""),
        quote(key, safe="").lower(),
        quote_plus(key),
        repr(key)[1:-1],
        json.dumps(key)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        raw.hex().upper(),
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
