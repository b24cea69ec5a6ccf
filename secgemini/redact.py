"""Takes the key out of text that others wrote: an error page that echoes the request, a log line of a library."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from urllib.parse import quote, quote_plus
from weakref import WeakKeyDictionary, WeakValueDictionary

from .config import Config, Secret

MASK = "***"
SHORTEST = 4  # characters; masking "a" would mask the alphabet, and such a key is no secret
# The loggers of httpx and httpcore that write what was sent and received, the answer's headers among it.
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")


def redact(text: str, config: Config) -> str:
    """Return the text with the key masked in every form it may have taken: plain, percent, base64, hex, repr, JSON,
    HTML, with some of its characters escaped or all."""
    return mask(text, config.api_key)


def mask(text: str, secret: Secret) -> str:
    """Return the text with a secret masked in every form it may have taken."""
    pattern = _patterns.get(secret)
    if pattern is None:
        pattern = _patterns[secret] = _pattern(secret.reveal())
    return pattern.sub(MASK, text)


_patterns: WeakKeyDictionary[Secret, re.Pattern[str]] = WeakKeyDictionary()


def _pattern(key: str) -> re.Pattern[str]:
    if len(key) < SHORTEST:
        return re.compile(r"(?!)")
    whole = [re.escape(form) for form in _forms(key)]
    return re.compile("|".join([*whole, "".join(map(_escaped, key))]))


def _escaped(character: str) -> str:
    """Return a pattern for a character as it is, or as JSON, HTML or a URL may write it."""
    code = ord(character)
    forms = [
        rf"(?i:\\{{1,4}}u{code:04x})",
        rf"(?i:&\#x0{{0,6}}{code:x};?)",
        rf"&\#0{{0,6}}{code};?",
        f"(?i:{''.join(f'%{byte:02x}' for byte in character.encode())})",
        re.escape(html.escape(character)),
        rf"\\{{0,4}}{re.escape(character)}",
    ]
    return f"(?>{'|'.join(forms)})"  # atomic: no hostile text makes it go back


def _forms(key: str) -> list[str]:
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
    return sorted({*forms, *(repr(form)[1:-1] for form in forms)}, key=len, reverse=True)


class _MaskKeys(logging.Filter):
    """Masks the keys of living clients in the log lines of libraries."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: WeakValueDictionary[int, Secret] = WeakValueDictionary()  # by identity: equal keys come and go

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        masked = said
        for secret in list(self.secrets.values()):
            masked = mask(masked, secret)
        if masked != said:
            record.msg, record.args = masked, ()
        return True


_mask_keys = _MaskKeys()


def guard_logs(secret: Secret) -> None:
    """Let no log line of httpx or httpcore show this key, for as long as its client lives."""
    _mask_keys.secrets[id(secret)] = secret
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_mask_keys)  # adding the same filter again changes nothing
