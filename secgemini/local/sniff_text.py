"""Tell kinds of text apart: by what the text says of itself, then by how it looks, then by the name's suffix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

Kind = tuple[str, str]  # MIME type, label

_PLAIN: Kind = ("text/plain", "txt")
_MIME_TYPES = {
    "batch": "text/x-msdos-batch",
    "c": "text/x-c",
    "cpp": "text/x-c++",
    "css": "text/css",
    "csv": "text/csv",
    "eml": "message/rfc822",
    "go": "text/x-golang",
    "html": "text/html",
    "ini": "text/plain",
    "java": "text/x-java",
    "javascript": "application/javascript",
    "json": "application/json",
    "jsonl": "application/json",
    "markdown": "text/markdown",
    "pem": "application/x-pem-file",
    "perl": "text/x-perl",
    "php": "text/x-php",
    "powershell": "application/x-powershell",
    "python": "text/x-python",
    "ruby": "application/x-ruby",
    "rust": "text/x-rust",
    "shell": "text/x-shellscript",
    "sql": "application/sql",
    "svg": "image/svg+xml",
    "toml": "application/toml",
    "typescript": "application/typescript",
    "vba": "text/vbscript",
    "winregistry": "text/x-ms-regedit",
    "xml": "text/xml",
    "yaml": "application/x-yaml",
}
_SUFFIXES = {
    "bat": "batch",
    "cmd": "batch",
    "c": "c",
    "h": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "hpp": "cpp",
    "css": "css",
    "csv": "csv",
    "eml": "eml",
    "go": "go",
    "htm": "html",
    "html": "html",
    "hta": "html",
    "ini": "ini",
    "cfg": "ini",
    "java": "java",
    "js": "javascript",
    "mjs": "javascript",
    "jse": "javascript",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "log": "txt",
    "md": "markdown",
    "pem": "pem",
    "pl": "perl",
    "pm": "perl",
    "php": "php",
    "ps1": "powershell",
    "psm1": "powershell",
    "psd1": "powershell",
    "py": "python",
    "pyw": "python",
    "rb": "ruby",
    "reg": "winregistry",
    "rs": "rust",
    "sh": "shell",
    "bash": "shell",
    "sql": "sql",
    "svg": "svg",
    "toml": "toml",
    "ts": "typescript",
    "vbs": "vba",
    "vba": "vba",
    "bas": "vba",
    "wsf": "xml",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
}
_SHEBANG = re.compile(r"#![^\n]{0,200}?\b(python|bash|zsh|dash|ksh|sh|perl|ruby|node|php|pwsh)")
_INTERPRETERS = {
    "python": "python",
    "perl": "perl",
    "ruby": "ruby",
    "node": "javascript",
    "php": "php",
    "pwsh": "powershell",
}
_DECIMAL = re.compile(r"(?<=:\d\d),(?=\d{3}\b)")  # of the seconds of a log's time stamps
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}):[ \t\r\n]")
_MAIL_HEADERS = frozenset(
    {
        "authentication-results",
        "cc",
        "content-type",
        "date",
        "delivered-to",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "subject",
        "to",
        "x-mailer",
    }
)
# As text: `re` compiles them when the first file is looked at that says nothing of itself, which costs milliseconds.
_POWERSHELL = (
    r"(?i)\b(?:invoke-(?:expression|webrequest|restmethod|command)|new-object\s+(?:system\.)?net\.|"
    r"(?:write|set|get|start|add|out)-(?:host|item|content|process|mppreference|executionpolicy|object|childitem)\b|"
    r"param\s{0,8}\(\s{0,8}\[)|\$(?:env:|psversiontable\b|executioncontext\b)"
)
_PYTHON = (
    r"(?m)^(?:from [\w.]{1,80} import [\w*(]|import [\w.]{1,80}(?: as \w{1,40})?[ \t]*$|"
    r"(?:async )?def \w{1,80}\(|class \w{1,80}[(:])"
)
_JAVASCRIPT = (
    r"(?m)^\s{0,20}(?:(?:const|let|var) [\w${\[ ]{1,80}=|(?:async )?function\b[ \w]{0,60}\(|import .{1,120} from ['\"]|"
    r"module\.exports\b)|=>\s{0,4}\{|\bdocument\.(?:write|getElementById|location)\b|\bnew ActiveXObject\("
)


def sniff_text(text: str, name: str, *, whole: bool) -> Kind:
    """Return the (MIME type, label) of a text; `whole` says whether `text` is all of it or its beginning."""
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    by_name = _SUFFIXES.get(suffix)
    body = text.lstrip("\ufeff \t\r\n")
    for sniffer in (_sniff_shebang, _sniff_markup, _sniff_mail):
        if (label := sniffer(body)) is not None:
            return _kind(label)
    if (label := _sniff_json(body, whole)) is not None:
        return _kind("jsonl" if by_name == "jsonl" else label)
    if by_name is not None:
        return _kind(by_name) if by_name not in ("json", "jsonl", "eml") or not whole else _PLAIN
    return _kind(_sniff_code(body) or ("csv" if _is_csv(text) else "txt"))


def _kind(label: str) -> Kind:
    return (_MIME_TYPES.get(label, "text/plain"), label)


def _sniff_shebang(body: str) -> str | None:
    if not body.startswith("#!"):
        return None
    found = _SHEBANG.match(body)
    return _INTERPRETERS.get(found[1], "shell") if found else "shell"


def _sniff_markup(body: str) -> str | None:
    head = body[:4096].lower()
    if head.startswith("<?php"):
        return "php"
    if head.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return "html"
    if head.startswith(("<svg", "<!doctype svg")):
        return "svg"
    if head.startswith("<?xml"):
        return "svg" if "<svg" in head else "html" if "<html" in head else "xml"
    if head.startswith("-----begin "):
        return "pem"
    return "html" if re.match("<[a-z!]", head) and ("<body" in head or "<html" in head) else None


def _sniff_mail(body: str) -> str | None:
    """Tell a mail by its first lines: headers only, three of them well known, one of those a mail's own."""
    seen: set[str] = set()
    for number, line in enumerate(body[:8192].splitlines()[:60]):
        if line[:1] in (" ", "\t") and number:
            continue
        if line.startswith("From ") and not number:
            continue
        found = _HEADER.match(line + "\n")
        if found is None:
            break
        seen.add(found[1].lower())
    known = seen & _MAIL_HEADERS
    own = known & {"received", "message-id", "from", "return-path", "delivered-to"}
    return "eml" if len(known) >= 3 and own else None


def _sniff_json(body: str, whole: bool) -> str | None:
    if body[:1] not in ("{", "["):
        return None
    first, _, rest = body.partition("\n")
    if _is_json(first) and body[0] == "{" and rest.strip():
        second = rest.lstrip().partition("\n")[0]
        return "jsonl" if _is_json(second) or not whole else None
    if whole:
        return "json" if _is_json(body) else None
    return "json" if re.match(r'\{\s{0,40}"|\[\s{0,40}[\[{"\d]', body) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _sniff_code(body: str) -> str | None:
    looks: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("powershell", lambda text: re.search(_POWERSHELL, text)),
        ("python", lambda text: len(re.findall(_PYTHON, text)) >= 2),
        ("javascript", lambda text: len(re.findall(_JAVASCRIPT, text)) >= 2),
        ("batch", lambda text: text[:200].lower().startswith("@echo off")),
        ("winregistry", lambda text: text.startswith(("Windows Registry Editor", "REGEDIT4"))),
        ("xml", lambda text: re.match(r"<([A-Za-z][\w:.-]{0,60})[^<>]{0,2000}>", text) and text.rstrip().endswith(">")),
    )
    return next((label for label, look in looks if look(body)), None)


def _is_csv(text: str) -> bool:
    """Tell a table: at least three lines, all with the same number of the same separator, two columns or more."""
    lines = [_DECIMAL.sub("", line) for line in text.splitlines()[:50] if line.strip()]
    if len(lines) > 3:
        lines = lines[:-1]  # the last one may be cut
    if len(lines) < 3:
        return False
    return any(
        lines[0].count(mark) and len({line.count(mark) for line in lines}) == 1 and " " + mark not in lines[0]
        for mark in (",", ";", "\t")
    )
