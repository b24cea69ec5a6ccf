"""Tell what a file is from its bytes: a MIME type and a short label (`pdf`, `docx`, `eml`, `powershell`, …).

Bytes decide, the name is only a hint between kinds of text. Binary signatures are `puremagic`'s; what a signature
cannot tell (which kind of ZIP, which kind of text) is decided here. Labels are those that the service uses in
`content_type_label`, which are magika's.
"""

from __future__ import annotations

import codecs
import io
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .sniff_text import sniff_text

if TYPE_CHECKING:
    from puremagic import PureMagicWithConfidence

_HEAD = 65536
_OOXML = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_DECLARED_ZIPS = {
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "epub": "application/epub+zip",
}
# Signatures that come first: either text may look like them, or puremagic has no or several names for them.
_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"{\\rtf", "rtf", "application/rtf"),
    (257, b"ustar", "tar", "application/x-tar"),
    (0, b"\0asm", "wasm", "application/wasm"),
    (0, b"SQLite format 3\0", "sqlite", "application/vnd.sqlite3"),
    (0, b"\xd4\xc3\xb2\xa1", "pcap", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "pcap", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "pcapng", "application/x-pcapng"),
    (0, b"L\0\0\0\x01\x14\x02\0", "lnk", "application/x-ms-shortcut"),
    (0, b"ElfFile\0", "evtx", "application/x-ms-evtx"),
    (0, b"\x7fELF", "elf", "application/x-executable-elf"),
    (0, b"\xcf\xfa\xed\xfe", "macho", "application/x-mach-o"),
    (0, b"\xce\xfa\xed\xfe", "macho", "application/x-mach-o"),
    (0, b"BZh", "bzip", "application/x-bzip2"),
    (0, b"Rar!\x1a\x07", "rar", "application/vnd.rar"),
    (4, b"ftypavif", "avif", "image/avif"),
)
# puremagic's extensions -> (label, MIME type)
_KNOWN: dict[str, tuple[str, str]] = {
    "pdf": ("pdf", "application/pdf"),
    "png": ("png", "image/png"),
    "jfif": ("jpeg", "image/jpeg"),
    "jpeg": ("jpeg", "image/jpeg"),
    "jpg": ("jpeg", "image/jpeg"),
    "jpe": ("jpeg", "image/jpeg"),
    "gif": ("gif", "image/gif"),
    "webp": ("webp", "image/webp"),
    "tif": ("tiff", "image/tiff"),
    "tiff": ("tiff", "image/tiff"),
    "bmp": ("bmp", "image/bmp"),
    "ico": ("ico", "image/vnd.microsoft.icon"),
    "gz": ("gzip", "application/gzip"),
    "xz": ("xz", "application/x-xz"),
    "zst": ("zst", "application/zstd"),
    "7z": ("sevenzip", "application/x-7z-compressed"),
    "cab": ("cab", "application/vnd.ms-cab-compressed"),
    "exe": ("pebin", "application/x-dosexec"),
    "class": ("javabytecode", "application/x-java"),
    "dex": ("dex", "application/x-android-dex"),
    "one": ("one", "application/onenote"),
    "wav": ("wav", "audio/wav"),
    "mp3": ("mp3", "audio/mpeg"),
    "mp4": ("mp4", "video/mp4"),
    "webm": ("webm", "video/webm"),
    "opus": ("ogg", "audio/ogg"),
    "ogg": ("ogg", "audio/ogg"),
    "flac": ("flac", "audio/flac"),
    "swf": ("swf", "application/x-shockwave-flash"),
    "iso": ("iso", "application/x-iso9660-image"),
}
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS: tuple[tuple[str, str, str], ...] = (
    ("WordDocument", "doc", "application/msword"),
    ("Workbook", "xls", "application/vnd.ms-excel"),
    ("PowerPoint Document", "ppt", "application/vnd.ms-powerpoint"),
    ("__substg1.0_", "outlook", "application/vnd.ms-outlook"),
)
_CONTROL = re.compile(r"[\x00-\x06\x0b\x0e-\x1a\x1c-\x1f]")  # not those that terminals ring, erase and colour with
_PDF = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}%PDF-\d")
# Readers of PDF look for its beginning within a kibibyte; a text that only speaks of it has nothing of the rest.
_PDF_BEHIND_JUNK = re.compile(rb"%PDF-\d\.\d\s")
_SHORT = 1024  # characters in which a file that begins with binary fields shows it


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is: its MIME type and its label."""

    mime_type: str
    label: str


UNKNOWN = Sniffed("application/octet-stream", "unknown")
EMPTY = Sniffed("inode/x-empty", "empty")
PDF = Sniffed("application/pdf", "pdf")
ZIP = Sniffed("application/zip", "zip")


def sniff(content: bytes, name: str = "") -> Sniffed:
    """Return the type of `content`; `name` only decides between kinds of text that look alike.

    Never raises and reads a bounded part of the content, except for the list of entries of a ZIP archive.
    """
    if not content:
        return EMPTY
    if _PDF.match(content):
        return PDF
    for offset, signature, label, mime_type in _SIGNATURES:
        if content.startswith(signature, offset):
            return Sniffed(mime_type, label)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(content)
    if content.startswith(_OLE_SIGNATURE):
        return _sniff_ole(content)
    text = _as_text(content[:_HEAD], cut=len(content) > _HEAD)
    if _PDF_BEHIND_JUNK.search(content, 0, 1024) and (text is None or b"startxref" in content[-2048:]):
        return PDF
    if text is None or (_CONTROL.search(text) is not None and _has_known_signature(content)):
        return _sniff_signature(content)
    mime_type, label = sniff_text(text, name, whole=len(content) <= _HEAD)
    return Sniffed(mime_type, label)


def decode_text(content: bytes) -> tuple[str, str]:
    """Return the text of `content` and the name of the encoding that it was read with.

    A byte order mark decides; without one UTF-8, then UTF-16 where every second byte is nearly always zero, and in
    the end Windows-1252, in which every byte means something. Never raises.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, "replace"), encoding
    if (wide := _wide_encoding(content)) is not None:
        return content.decode(wide, "replace"), wide
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), "windows-1252"


def _wide_encoding(content: bytes) -> str | None:
    head = content[:4096]
    if len(head) < 8 or len(content) % 2 or b"\0" not in head:
        return None
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.7 and head[::2].count(0) <= half // 100:
        return "utf-16-le"
    if head[::2].count(0) > half * 0.7 and head[1::2].count(0) <= half // 100:
        return "utf-16-be"
    return None


def _as_text(head: bytes, *, cut: bool) -> str | None:
    """Return the head as text, or None when it is not text: more than a few NULs and other control characters."""
    if cut:  # a character may be cut in two
        head = head[: len(head) // 4 * 4 - 4]
        while head and head[-1] & 0xC0 == 0x80:
            head = head[:-1]
        head = head[:-1] if head and head[-1] >= 0xC0 else head
    text, encoding = decode_text(head)
    if encoding == "windows-1252" and sum(byte >= 0x80 for byte in head) > len(head) * 0.3:
        return None
    if encoding == "windows-1252" and len(_CONTROL.findall(text)) > len(text) // 100:
        return None
    return text if _has_few_controls(text) and _has_few_controls(text[:_SHORT]) else None


def _has_few_controls(text: str) -> bool:
    """Tell whether at most a hundredth of the characters are controls, of a short text a tenth and four at most."""
    return len(_CONTROL.findall(text)) <= max(len(text) // 100, min(len(text) // 10, 4))


def _sniff_zip(content: bytes) -> Sniffed:
    """Tell the kinds of ZIP apart by the names of their entries; OpenDocument names itself in its first entry."""
    import zipfile

    kind = ""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()[:2000]
            first = entries[0] if entries else None
            if first is not None and first.filename == "mimetype" and not first.compress_type and first.file_size < 100:
                kind = archive.read(first).decode("ascii", "replace")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError, struct.error):
        return ZIP
    names = {entry.filename for entry in entries}
    for label, mime_type in _DECLARED_ZIPS.items():
        if kind == mime_type:
            return Sniffed(mime_type, label)
    for folder, label in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
        if "[Content_Types].xml" in names and any(name.startswith(folder) for name in names):
            return Sniffed(_OOXML[label], label)
    if "AndroidManifest.xml" in names:
        return Sniffed("application/vnd.android.package-archive", "apk")
    if "META-INF/MANIFEST.MF" in names:
        return Sniffed("application/java-archive", "jar")
    return ZIP


def _sniff_ole(content: bytes) -> Sniffed:
    """Tell old Office formats apart by the names in the compound file's directory, which are UTF-16."""
    for stream, label, mime_type in _OLE_STREAMS:
        if stream.encode("utf-16-le") in content:
            return Sniffed(mime_type, label)
    return Sniffed("application/x-ole-storage", "ole")


def _sniff_signature(content: bytes) -> Sniffed:
    matches = _signatures(content)
    if (known := _known(matches, least=2)) is not None:
        return known
    best = matches[0] if matches else None
    if best is not None and best.mime_type and len(best.byte_match) >= 4:
        return Sniffed(str(best.mime_type), str(best.extension).lstrip(".").lower() or "unknown")
    return UNKNOWN


def _has_known_signature(content: bytes) -> bool:
    """Tell whether a signature says that what looks like text with some control characters is none."""
    return _known(_signatures(content), least=4) is not None


def _known(matches: Sequence[PureMagicWithConfidence], least: int) -> Sniffed | None:
    for match in matches:
        known = _KNOWN.get(str(match.extension).lstrip(".").lower())
        if known is not None and len(match.byte_match) >= least:
            return Sniffed(known[1], known[0])
    return None


def _signatures(content: bytes) -> Sequence[PureMagicWithConfidence]:
    import puremagic

    try:
        return puremagic.magic_string(content[:_HEAD] + content[_HEAD:][-4096:])
    except (puremagic.PureError, ValueError):
        return ()
