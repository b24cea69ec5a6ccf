"""What comes from a model, a file or a log, made harmless and readable for terminals and notebooks.

Only what is shown changes; what is stored stays byte for byte as it came. Everything here passes through `neutralise`
first and is never read as Rich markup or HTML afterwards.
"""

from __future__ import annotations

import re

_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1: control sequences, carriage return
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # shown as nothing
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # format characters of Arabic and Syriac
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # zero width, line separators, direction
    "\ufe00-\ufe0d"  # variation selectors that no emoji needs: they carry hidden bytes
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format characters
    "\U000e0000-\U000e0fff"  # tags and the other variation selectors: whole hidden sentences
    "\ud800-\udfff"  # lone surrogates cannot be written to any stream
)
_REPEATED_SELECTOR = "(?<=[\ufe00-\ufe0f])[\ufe0e\ufe0f]"  # one belongs to an emoji, more are hidden bytes
_HARMFUL = re.compile(f"\r\n|[{_ALWAYS}]|{_REPEATED_SELECTOR}")
_HARMFUL_IN_LINE = re.compile(f"[\t\n{_ALWAYS}]|{_REPEATED_SELECTOR}")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\r\n": "\n"}


def neutralise(text: str, *, newlines: bool = True) -> str:
    r"""Make every character that controls a terminal or hides text visible, as `\x1b` or `\u202e`.

    These are control characters (so also every escape sequence), direction controls, zero-width and other format
    characters, Unicode line separators, tags and lone surrogates. Line feed and tab stay, and CR LF becomes a line
    feed; with `newlines=False` they are shown as `\n`, `\t`, `\r`, so that the result is one line. A second pass changes
    nothing. Takes linear time, and next to none when there is nothing to do.
    """
    return (_HARMFUL if newlines else _HARMFUL_IN_LINE).sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    found = match[0]
    short = _SHORT.get(found)
    if short is not None:
        return short
    code = ord(found)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
