"""E-mail: headers, text parts and attachments, each read by the reader of its own type.

Parsed by the standard library's `email`. Its modern policy parses structured headers with a recursive parser that
hostile headers can stall, so headers stay source text here, cut at a length, and are decoded one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from encodings import normalize_encoding
from encodings.aliases import aliases

from ..parts import Budget, Document, Fact, Inner, Note, Part, Passage
from ..work import TooMuchWork, counted_work

LABELS = frozenset({"eml"})
_LONGEST_HEADER = 8192
_MOST_HEADERS = 300
_SHOWN = ("From", "Sender", "Reply-To", "Return-Path", "To", "Cc", "Subject", "Date")
# Their values look like addresses and are none.
_IDS = frozenset({"message-id", "in-reply-to", "references", "content-id", "x-mailer", "user-agent"})
# Of encoded words that end: the standard library looks for the end of each that does not through the whole header.
_WORD = r"=\?[^?\s]{1,60}+\?[qQbB]\?(?:[^?]*+\?(?!=)){0,8}+[^?]*+\?="
_WORDS = re.compile(rf"{_WORD}(?:\s{{1,80}}+{_WORD}|{_WORD})*+")
# What the standard library knows beside these is no character set, and takes the time of a square for a long text. A
# name that it does not know is looked for on disk.
_CHARSETS = frozenset(aliases.values()) | {"cp720", "cp737", "cp874", "koi8_t", "koi8_u"}


class _SourcePolicy(Compat32):
    """The policy that keeps headers as they came, with a limit on their length."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(list(sourcelines))
        return name[:200], value[:_LONGEST_HEADER]


def read(document: Document, budget: Budget) -> Iterator[Part]:
    """Yield the headers as passages and facts, and every part as a file inside."""
    try:
        with counted_work(budget, "email"):
            message = BytesParser(policy=_SourcePolicy()).parsebytes(document.content)
    except (RecursionError, TooMuchWork) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "that takes too much work"
        yield Note(f"not taken apart: {why}")
        yield Passage(budget.clip(document.content.decode("latin-1"))[0])
        return
    yield from _read_headers(message)
    try:
        yield from _read_parts(message, budget)
    except TooMuchWork:
        yield Note("not read to its end: taking it apart takes too much work")
    for defect in {type(defect).__name__ for defect in message.defects}:
        yield Note(f"malformed: {defect}")


def _read_headers(message: Message) -> Iterator[Part]:
    headers = [(name, _decoded(value)) for name, value in message.raw_items()][:_MOST_HEADERS]
    for shown in _SHOWN:
        values = [value for name, value in headers if name.lower() == shown.lower()]
        if values:
            yield Fact(shown, " | ".join(values[:3]))
    for name, value in headers:
        searched = value.replace("@", " ") if name.lower() in _IDS else value
        yield Passage(searched, (f"header {name}",), numbered=False)
    yield from _suspicions({name.lower(): value for name, value in headers})


def _suspicions(headers: dict[str, str]) -> Iterator[Note]:
    senders = {name: _domain_of(headers[name]) for name in ("from", "reply-to", "return-path") if name in headers}
    for name in ("reply-to", "return-path"):
        if senders.get(name) and senders.get("from") and senders[name] != senders["from"]:
            yield Note(f"{name.title()} is at {senders[name]}, From at {senders['from']}")
    results = headers.get("authentication-results", "").lower()
    failed = [check for check in ("spf", "dkim", "dmarc") if re.search(rf"\b{check}=(?:hard|soft)?fail", results)]
    if failed:
        yield Note(f"the receiving server reports failed checks: {', '.join(failed)}")


def _domain_of(value: str) -> str:
    found = re.search(r"@([\w.-]{1,253})", value)
    return found[1].lower().rstrip(".") if found else ""


def _read_parts(message: Message, budget: Budget) -> Iterator[Part]:
    """Yield every part that is no container; an attached message is a file of its own, with headers of its own."""
    number = 0
    waiting = [message]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if isinstance(payload, list) and (part is message or part.get_content_type() != "message/rfc822"):
            waiting += (child for child in reversed(payload) if isinstance(child, Message))
            continue
        number += 1
        try:
            with counted_work(budget, "email"):
                inner = _read_part(part, number)
        except Exception as error:  # a hostile part may raise anything; the next one may be fine
            yield Note(f"part {number} could not be read: {type(error).__name__}: {error}")
            continue
        if inner.content:
            yield inner


def _read_part(part: Message, number: int) -> Inner:
    payload = part.get_payload()
    content = _attached_message(payload) if isinstance(payload, list) else part.get_payload(decode=True)
    found = _in_utf8(part, content) if isinstance(content, bytes) else b""
    name = _file_name(part)
    return Inner(name or f"part {number} ({part.get_content_subtype()})", found, is_file=bool(name))


def _file_name(part: Message) -> str:
    try:
        return _decoded(str(part.get_filename() or "")).strip()
    except (TypeError, ValueError, LookupError):  # name continuations that contradict each other
        return ""


def _attached_message(payload: Sequence[object]) -> bytes:
    first = payload[0] if payload else None
    return first.as_bytes() if isinstance(first, Message) else b""


def _in_utf8(part: Message, content: bytes) -> bytes:
    """Return a text part in UTF-8: its own header says what it was written in, the bytes alone do not."""
    charset = _known(part.get_content_charset()) if part.get_content_maintype() == "text" else None
    if charset in (None, "utf_8", "ascii"):
        return content
    try:
        return content.decode(charset, "replace").encode("utf-8", "replace")
    except (LookupError, ValueError):
        return content


def _decoded(value: object) -> str:
    """Return a header's text: unfolded, encoded words decoded, undecodable bytes replaced."""
    source = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    source = re.sub(r"\r?\n[ \t]?", " ", source)
    return _WORDS.sub(_decode_words, source).strip()


def _decode_words(words: re.Match[str]) -> str:
    """Decode encoded words that stand beside each other: a character may begin in one and end in the next."""
    try:
        return "".join(_decode_word(text, charset) for text, charset in decode_header(words[0]))
    except (HeaderParseError, MessageError, ValueError):
        return words[0]


def _decode_word(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(_known(charset) or "latin-1", "replace")
    except (LookupError, ValueError):
        return text.decode("latin-1")


def _known(charset: str | None) -> str | None:
    """Return the name under which Python knows a character set, or None."""
    name = normalize_encoding(charset or "").lower()
    name = aliases.get(name, name)
    return name if name in _CHARSETS else None
