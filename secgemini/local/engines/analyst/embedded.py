"""Decode what is embedded in text: base64, and the commands of PowerShell's `-EncodedCommand` (base64 of UTF-16).

Base64 counts only when it decodes to text or to a file type that is not met by chance; most runs of letters are not
base64 and decode to noise.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from secgemini.local.sniff import decode_text

from .indicators import BLOCK, blocks

_MOST = 64  # pieces decoded in one text
# What cmd.exe (^) and PowerShell (`) skip may stand within the option.
_COMMAND = re.compile(
    r"[-/\u2013-\u2015](?<![\w-].)[\^`]?[eE](?:[\^`]?[cC]|[\^`]?[nN](?:[\^`]?[A-Za-z]){0,13})?"
    r"[ \t]{1,20}[\"']?(?P<code>[A-Za-z0-9+/]{16,}+={0,2})"
)
# 24 characters, because 18 bytes of clean text do not happen by chance; also wrapped into lines, also base64url.
_LEAST = 24
_START = re.compile(r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/_-].)[A-Za-z0-9+/_-]{23}")
_RUN = re.compile(
    r"[A-Za-z0-9+/_-]{24,}+(?:\r?\n[ \t]{0,64}+[A-Za-z0-9+/_-]{24,}+)*+"
    r"(?:\r?\n[ \t]{0,64}+[A-Za-z0-9+/_-]{1,23}+)?+={0,2}"
)
_BLANKS = str.maketrans("", "", "\r\n\t ")
_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x7fELF", b"\x89PNG\r\n", b"{\\rtf1")
_UNLIKELY = re.compile(r"[^\t\r\n -~\u00a0-\u024f\u0370-\u05ff\u2010-\u2027\u3040-\u30ff\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Something decoded: what it was (`base64`, `PowerShell command`), the line where it began, and its bytes."""

    how: str
    line: int
    content: bytes


def decode_embedded(text: str) -> Iterator[Decoded]:
    """Yield what is encoded in `text`, at most a few dozen pieces; takes linear time."""
    return islice(_decode_all(text), _MOST)


def _decode_all(text: str) -> Iterator[Decoded]:
    commands: set[int] = set()
    lines, offset = _LineCounter(text), 0
    for block in blocks(text):
        for match in _COMMAND.finditer(block):
            content = _command(match["code"])
            if content is not None:
                commands.add(offset + match.start("code"))
                yield Decoded("PowerShell command", lines.at(offset + match.start()), content)
        offset += len(block)
    lines = _LineCounter(text)
    for match in _runs(text):
        content = None if match.start() in commands else _base64(match[0])
        if content is not None:
            yield Decoded("base64", lines.at(match.start()), content)


def _runs(text: str) -> Iterator[re.Match[str]]:
    """Yield the runs of base64, looking for their beginnings in one block after the other."""
    searched = 0
    while searched < len(text):
        end = searched + BLOCK
        start = _START.search(text, searched, end + 24)
        run = _RUN.match(text, start.start()) if start is not None else None
        searched = run.end() if run is not None else end
        if run is not None:
            yield run


class _LineCounter:
    """Turns growing offsets into line numbers, reading the text once."""

    def __init__(self, text: str) -> None:
        self._text, self._line, self._counted = text, 1, 0

    def at(self, offset: int) -> int:
        self._line += self._text.count("\n", self._counted, offset)
        self._counted = offset
        return self._line


def _command(code: str) -> bytes | None:
    content = _decode(code)
    if content is None or len(content) % 2:
        return None
    text = content.decode("utf-16-le", "replace")
    return text.encode("utf-8", "replace") if _is_clean(text) else None


def _base64(code: str) -> bytes | None:
    """Decode a run, or only its first line or a segment of a path when the rest turns out not to belong to it."""
    first = code.partition("\n")[0].rstrip("\r")
    segment = max(first.split("/"), key=len)
    for attempt in dict.fromkeys((code, first, segment)):
        content = _decode(attempt) if len(attempt) >= _LEAST else None
        if content is not None and _is_meaningful(content):
            return content
    return None


def _decode(code: str) -> bytes | None:
    joined = code.translate(_BLANKS).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_meaningful(content: bytes) -> bool:
    if content.startswith(_SIGNATURES) or (content.startswith(b"MZ") and b"PE\0\0" in content[:1024]):
        return True
    text, encoding = decode_text(content)
    return encoding != "windows-1252" and bool(text.strip()) and _is_clean(text)


def _is_clean(text: str) -> bool:
    return len(text) >= 6 and len(_UNLIKELY.findall(text)) * 50 <= len(text)
