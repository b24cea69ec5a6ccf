"""Small files of many kinds, made on the spot."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONSHIP = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zip_of(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def tar_of(entries: Mapping[str, bytes], pax_headers: Mapping[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.pax_headers = dict(pax_headers or {})
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def gzip_of(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def docx_of(paragraphs: Sequence[str], links: Sequence[str] = (), **entries: bytes) -> bytes:
    """A Word file; each word of a paragraph is a run of its own, as editors make them. `entries`: more, `_` for `/`."""
    runs = ("".join(f"<w:r><w:t>{part}</w:t></w:r>" for part in text.split("|")) for text in paragraphs)
    document = f"<w:document {W}><w:body>{''.join(f'<w:p>{run}</w:p>' for run in runs)}</w:body></w:document>"
    relationships = "".join(
        f'<Relationship Id="r{number}" Type="{RELATIONSHIP}/hyperlink" Target="{link}" TargetMode="External"/>'
        for number, link in enumerate(links)
    )
    return zip_of(
        {
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": document.encode(),
            "word/_rels/document.xml.rels": f"<Relationships>{relationships}</Relationships>".encode(),
            **{name.replace("__", "/"): content for name, content in entries.items()},
        }
    )


def pdf_of(pages: Sequence[bytes], catalog: bytes = b"", objects: Sequence[bytes] = ()) -> bytes:
    """A PDF whose pages have these content streams; `catalog` and `objects` are added as they are."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, page in enumerate(pages):
        packed = zlib.compress(page)
        bodies.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>"
            % (5 + 2 * number)
        )
        bodies.append(b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed))
    bodies += objects
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(bodies) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        table,
        size,
        len(out),
    )


def text_page(*lines: str) -> bytes:
    """The content stream of a page that shows these lines."""
    shown = b"".join(b"(%s) Tj 0 -20 Td\n" % line.encode("latin-1") for line in lines)
    return b"BT /F1 12 Tf 50 700 Td\n" + shown + b"ET"


def mail_of(text: str, attachments: Mapping[str, bytes] | None = None, **headers: str) -> bytes:
    message = EmailMessage()
    for name, value in {"From": "a@sender.example", "To": "b@receiver.example", "Subject": "x", **headers}.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    for name, content in (attachments or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
