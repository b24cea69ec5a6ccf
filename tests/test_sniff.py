"""The type of a file comes from its bytes; its name is only a hint between kinds of text."""

from __future__ import annotations

import random

import pytest
from linear_time import MOST, growth
from sample_files import EXAMPLES, docx_of, gzip_of, mail_of, pdf_of, tar_of, text_page, zip_of

from secgemini.local.sniff import Sniffed, decode_text, sniff

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "label", "mime_type"),
    [
        (b"", "empty", "inode/x-empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "pdf", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpeg", "image/jpeg"),
        (b"\xff\xd8\xff\xe1\0\x10Exif\0", "jpeg", "image/jpeg"),
        (b"GIF89a\1\0", "gif", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp", "image/webp"),
        (b"II*\0\1\2", "tiff", "image/tiff"),
        (b"\0\0\0\x1cftypavif\0", "avif", "image/avif"),
        (b"MZ\x90\0\3\0\0\0", "pebin", "application/x-dosexec"),
        (b"\x7fELF\2\1\1\0", "elf", "application/x-executable-elf"),
        (b"Rar!\x1a\x07\x01\0", "rar", "application/vnd.rar"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "sevenzip", "application/x-7z-compressed"),
        (b"{\\rtf1 hello}", "rtf", "application/rtf"),
        (b"SQLite format 3\0\1\2", "sqlite", "application/vnd.sqlite3"),
        (OLE + "WordDocument".encode("utf-16-le"), "doc", "application/msword"),
        (OLE + "Workbook".encode("utf-16-le"), "xls", "application/vnd.ms-excel"),
        (OLE, "ole", "application/x-ole-storage"),
        (bytes(range(256)), "unknown", "application/octet-stream"),
    ],
)
def test_binaries(content: bytes, label: str, mime_type: str) -> None:
    assert sniff(content, "misleading.txt") == Sniffed(mime_type, label)


PDF = pdf_of([text_page("hello")])


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (b"\n\xef\xbb\xbf" + PDF, "pdf"),
        (b"\xef\xbb\xbf" + PDF, "pdf"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + PDF, "pdf"),
        (b"\0\1\2\3\xff\xfe" * 50 + b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "pdf"),
        (b"A PDF begins with %PDF-1.7\nand ends with %%EOF.\nhttp://evil.example/x\n", "txt"),
        (b"%PDF- is how it begins\nand so on\n", "txt"),
        (b'rule pdf { strings: $a = "%PDF-1.4" condition: $a at 0 }\n', "txt"),
        (tar_of({"a.pdf": PDF}), "tar"),
        (zip_of({"a.pdf": PDF}, 0), "zip"),
    ],
)
def test_a_pdf_may_have_junk_before_it_and_what_only_mentions_or_holds_one_is_none(content: bytes, label: str) -> None:
    assert sniff(content).label == label


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (zip_of({"a.txt": b"x"}), "zip"),
        (docx_of(["hello"]), "docx"),
        (zip_of({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "xlsx"),
        (zip_of({"[Content_Types].xml": b"", "ppt/presentation.xml": b""}), "pptx"),
        (zip_of({"mimetype": b"application/vnd.oasis.opendocument.text"}, 0), "odt"),
        (zip_of({"META-INF/MANIFEST.MF": b"", "A.class": b""}), "jar"),
        (b"PK\x03\x04 cut off", "zip"),
        (gzip_of(b"x"), "gzip"),
        (tar_of({"a": b"x"}), "tar"),
    ],
)
def test_archives(content: bytes, label: str) -> None:
    assert sniff(content).label == label


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("hello world", "", "txt"),
        ("hello world", "notes.md", "markdown"),
        ("key = 1", "a.toml", "toml"),
        ("#!/usr/bin/env python3\nprint()", "script", "python"),
        ("#!/bin/sh\ntrue", "", "shell"),
        ("import os\nimport sys\n\ndef main():\n    pass\n", "", "python"),
        ("IEX (New-Object Net.WebClient).DownloadString('x')", "", "powershell"),
        ("const a = 1;\nlet b = 2;\n", "", "javascript"),
        ("<?php echo 1;", "", "php"),
        ("<!DOCTYPE html>\n<p>x", "", "html"),
        ("<?xml version='1.0'?><a/>", "", "xml"),
        ("<svg xmlns='x'/>", "", "svg"),
        ('{"a": 1}', "", "json"),
        ('{"a": 1}\n{"a": 2}\n', "", "jsonl"),
        ("[1, 2", "broken.json", "txt"),
        ("a,b,c\n1,2,3\n4,5,6\n", "", "csv"),
        ("From: a@b.example\nTo: c@d.example\nSubject: x\n\nbody", "", "eml"),
        ("From: me\nI write to you", "letter.eml", "txt"),
        ("192.0.2.1 GET /?x=Invoke-Expression\n" * 3, "access.log", "txt"),
        ('{"a": 1}\n{"a": 2}\n', "app.log", "jsonl"),
        ("<34>1 2026-11-22T10:00:00Z h p 1 - - a <html> of somebody\n" * 3, "messages", "txt"),
        ("2026-11-22 10:00:00,123 INFO x\n" * 3, "app.log", "txt"),
        ("Nov 22 10:00:00 host sshd[1]: Failed", "auth.log", "txt"),
        ("-----BEGIN CERTIFICATE-----\nMII", "", "pem"),
    ],
)
def test_texts(text: str, name: str, label: str) -> None:
    assert sniff(text.encode(), name).label == label


def test_the_examples() -> None:
    kinds = {path.name: sniff(path.read_bytes(), path.name).label for path in EXAMPLES.iterdir()}
    assert kinds["phishing.eml"] == "eml"
    assert kinds["invoice.pdf"] == "pdf"
    assert kinds["sshd.log"] == kinds["access.log"] == "txt"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Grüße".encode(), "utf-8"),
        ("Grüße".encode("utf-8-sig"), "utf-8-sig"),
        ("Grüße".encode("utf-16"), "utf-16"),
        ("Grüße allerseits".encode("utf-16-le"), "utf-16-le"),
        ("Grüße allerseits".encode("utf-16-be"), "utf-16-be"),
        ("Grüße".encode("cp1252"), "windows-1252"),
    ],
)
def test_text_is_read_in_its_encoding(content: bytes, encoding: str) -> None:
    text, found = decode_text(content)
    assert (text[:5], found) == ("Grüße", encoding)


def test_text_in_any_encoding_is_text() -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252"):
        assert sniff("Grüße aus Köln, wo es regnet.".encode(encoding)).label == "txt"


def test_a_character_cut_in_two_by_the_limit_does_not_make_text_binary() -> None:
    for shift in range(4):
        assert sniff(b"x" * shift + "€".encode() * 40_000).label == "txt"


@pytest.mark.parametrize(
    "content",
    [
        (EXAMPLES / "sshd.log").read_bytes() + b"x\0\n",
        b"x\0\n" + (EXAMPLES / "sshd.log").read_bytes(),
        b"evil.example\a\n",
        b"evil.example\0\n",
        b"\x1b]0;title\a$ ls\na  b\n" * 20,
        "Grüße aus Köln\0\r\n".encode("utf-16"),
    ],
)
def test_a_few_control_characters_do_not_make_text_binary(content: bytes) -> None:
    assert sniff(content).label == "txt"


@pytest.mark.parametrize(
    "content",
    [
        b"\x7fELF\2\1\1\0" + b"readable text " * 5000,
        b"GIF89a\1\0" + b"readable text " * 5000,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"readable text " * 5000,
        zip_of({"a.txt": b"readable text " * 5000}, 0),
        b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(50) + b"readable text " * 5000,
        b"name\0\1\2\3" * 200,
        bytes(200) + b"readable text " * 5000,
        *(random.Random(seed).randbytes(64) for seed in range(20)),
    ],
)
def test_a_binary_with_much_text_in_it_stays_a_binary(content: bytes) -> None:
    assert not sniff(content).mime_type.startswith("text/")


def test_anything_at_all_gets_a_type() -> None:
    chance = random.Random(7)
    for source in (pdf_of([text_page("x")]), docx_of(["x"]), tar_of({"a": b"x"}), mail_of("x"), b"\x89PNG\r\n\x1a\n"):
        for _ in range(50):
            spoiled = bytearray(source)
            for _ in range(5):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            assert sniff(bytes(spoiled)[: chance.randrange(1, len(spoiled))]).label


@pytest.mark.parametrize("size", [1 << 14, 1 << 19])  # within what is read of a text, and beyond it
@pytest.mark.parametrize("unit", [b"[", b'{"a":', b"PK\x03\x04", b"\xff\xd8", b"\x80", b"=?", b'"', b"\n", b"a\0"])
def test_hostile_bytes_cost_linear_time(unit: bytes, size: int) -> None:
    assert growth(lambda length: sniff(unit * (length // len(unit))), size) < MOST
