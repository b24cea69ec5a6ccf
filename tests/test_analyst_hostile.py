"""Hostile files: linear time, bounded memory, and never an exception."""

from __future__ import annotations

import bz2
import cProfile
import logging
import random
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, StringIO
from itertools import count
from typing import Any

import pytest
from linear_time import MOST, growth
from sample_files import EXAMPLES, docx_of, gzip_of, mail_of, pdf_of, tar_of, text_page, zip_of

from secgemini.local.engines.analyst.examine import examine
from secgemini.local.engines.analyst.findings import Findings
from secgemini.local.engines.analyst.indicators import Hit
from secgemini.local.engines.analyst.kinds import Kind
from secgemini.local.engines.analyst.parts import Budget
from secgemini.local.engines.analyst.work import TooMuchWork, counted_work

HEADERS = b"From: a@b.example\nTo: c@d.example\nSubject: x\n"
MULTIPART = b'Content-Type: multipart/mixed; boundary="b"\n\n'


def repeated(unit: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: before + unit * (size // len(unit)) + after


def attached_pdf(packed: bytes, *, times: int) -> bytes:
    """A PDF with embedded files that each hold the same."""
    names = b" ".join(b"(f%d) %d 0 R" % (number, 6 + 2 * number) for number in range(times))
    objects: list[bytes] = []
    for number in range(times):
        objects += (
            b"<</Type/Filespec/F(f%d)/EF<</F %d 0 R>>>>" % (number, 7 + 2 * number),
            b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
        )
    return pdf_of([text_page("x")], b"/Names<</EmbeddedFiles<</Names[%s]>>>>" % names, objects)


def form_of(drawing: bytes) -> bytes:
    packed = zlib.compress(drawing)
    names = b"/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<<>>>>"
    return b"<<%s/Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (names, len(packed), packed)


def nested_containers(size: int) -> bytes:
    levels = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(20))
    return HEADERS + levels + b"\n" * size


FILES = {
    "a header of brackets": repeated(b"(", HEADERS + b"X: ", b"\n\nhi"),
    "a type of brackets": repeated(b"(", HEADERS + b"Content-Type: ", b"\n\nhi"),
    "a type of quotes": repeated(b'";', HEADERS + b"Content-Type: text/plain; ", b"\n\nhi"),
    "cut encoded words": repeated(b"=?a?q?", HEADERS + b"Subject: ", b"\n\nhi"),
    "encoded words": repeated(b"=?utf-8?b?YQ==?= ", HEADERS + b"Subject: ", b"\n\nhi"),
    "many headers": repeated(b"X-A: b@c.example\n", HEADERS, b"\nhi"),
    "a folded header": repeated(b" b\n", HEADERS + b"X: a\n", b"\nhi"),
    "many parts": repeated(b"--b\n\nx\n", HEADERS + MULTIPART),
    "nested containers": nested_containers,
    "messages in messages": repeated(b"Content-Type: message/rfc822\n\n", HEADERS),
    "a character set of squares": repeated(b"1", HEADERS + b"Content-Type: text/plain; charset=punycode\n\n"),
    "quoted-printable": repeated(b"=", HEADERS + b"Content-Transfer-Encoding: quoted-printable\n\n"),
    "open tags": repeated(b"<a ", b"<html>"),
    "open comments": repeated(b"<!--", b"<html>"),
    "open attributes": repeated(b'<a b="', b"<html>"),
    "attributes": repeated(b"a=", b"<html><a ", b">"),
    "links": repeated(b'<a href="http://a.example">b.example', b"<html>"),
    "entities": repeated(b"&#", b"<html>"),
    "one long base64": repeated(b"QUFB"),
    "lines of base64": repeated(b"A" * 24 + b"\n", after=b"==a"),
    "indented lines of base64": repeated(b"A" * 24 + b"\n \t ", after=b"==a"),
    "paths of base64": repeated(b"A" * 25 + b"/"),
    "values of base64": repeated(b"=" + b"A" * 24),
    "base64 of text": repeated(b"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ= "),
    "encoded commands": repeated(b"-enc aaaaaaaaaaaaaaaaaaaaaaaaa "),
    "spaces after an option": repeated(b"-e" + b" " * 20),
    "a log of sshd": repeated(b"Nov 22 10:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2\n"),
    "a log of cut lines": repeated(b"Nov 22 10:00:00 h sshd[1]: from "),
    "a log of the web": repeated(b'192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n'),
    "a log of escapes": repeated(b'192.0.2.1 - - [22/Nov/2026:10:00:00 +0000] "' + b'\\"' * 3000 + b"\n"),
    "a log of JSON": repeated(b'{"time":"2025-01-01T00:00:00Z","ip":"192.0.2.1"}\n'),
    "a log of any stamp": repeated(b"x Nov 22 2026 10:00 " + b"0:" * 500 + b"failed for user \n"),
    "a log that repeats": repeated(b"Nov 22 10:00:00 h sshd[1]: " + b"message repeated 3 times: [ " * 200 + b"\n"),
    "quotes of a table": repeated(b'",', b"a,b\n"),
    "open JSON": repeated(b'{"a":'),
    "PDF objects": repeated(b"1 0 obj\n", b"%PDF-1.7\n"),
    "PDF brackets": repeated(b"[", b"%PDF-1.7\n", b"startxref\n0\n%%EOF"),
    "PDF dictionaries": repeated(b"<<", b"%PDF-1.7\n"),
    "empty gzip members": repeated(gzip_of(b"")),
}


@pytest.mark.parametrize("what", FILES)
def test_hostile_files_cost_linear_time(what: str) -> None:
    make = FILES[what]
    assert growth(lambda size: examine("file", make(size), Findings()), 20_000) < MOST


def test_a_link_with_many_addresses_is_compared_once_with_what_it_shows() -> None:
    def page(times: int) -> bytes:
        return b"<html><a " + b"href=b.example " * times + b">" + b"a.example " * times + b"</a>"

    assert growth(lambda times: examine("a.html", page(times), Findings()), 48) < MOST


def test_encoded_words_that_do_not_end_cost_linear_time() -> None:
    def mail(times: int) -> bytes:
        return HEADERS + (b"X: " + b" =?u?q?" * times + b"\n") * 20 + b"\nhi"

    assert growth(lambda times: examine("a.eml", mail(times), Findings()), 280) < MOST


@pytest.mark.slow
@pytest.mark.parametrize("what", FILES)
def test_large_hostile_files_cost_linear_time(what: str) -> None:
    make = FILES[what]
    assert growth(lambda size: examine("file", make(size), Findings()), 500_000) < MOST


@pytest.mark.parametrize(
    "content",
    [
        gzip_of(bytes(50_000_000)),
        bz2.compress(bytes(50_000_000)),
        gzip_of(gzip_of(bytes(50_000_000))),
        zip_of({"zeros": bytes(50_000_000)}),
    ],
    ids=["gzip", "bzip2", "gzip in gzip", "zip"],
)
def test_a_bomb_is_not_unpacked_whole(content: bytes) -> None:
    report = examine("bomb", content, Findings())
    while report.inner:
        report = report.inner[0]
        assert report.size <= 16 << 20


def test_an_archive_of_archives_of_archives_stops_somewhere() -> None:
    content = b"x" * 1000
    for _ in range(4):
        content = zip_of({f"{number}.zip": content for number in range(16)})
    opened = [0]

    def count(report: object) -> None:
        opened[0] += 1
        for inner in getattr(report, "inner", ()):
            count(inner)

    count(examine("fan.zip", content, Findings()))
    assert opened[0] <= 1001


def test_a_tar_header_that_stalls_older_pythons_is_refused() -> None:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("x")
        entry.size, entry.type = 50_000, tarfile.XHDTYPE
        archive.addfile(entry, BytesIO(b"9" * 50_000))
    assert examine("a.tar", buffer.getvalue(), Findings()).notes == [
        "damaged after 0 entries: a header of impossible size"
    ]


def test_a_pdf_whose_pages_share_one_endless_stream_stops_somewhere() -> None:
    drawing = b"BT /F1 12 Tf (a) Tj ET\n" * 50_000
    pages = [drawing] * 10
    report = examine("a.pdf", pdf_of(pages), Findings())
    assert report.notes[-1] == "only the first 2 of 10 pages were read"


def test_a_pdf_stream_that_grows_too_large_is_reported() -> None:
    packed = pdf_of([b" " * (20 << 20)])
    assert len(packed) < 100_000
    assert "page 1 could not be read" in examine("a.pdf", packed, Findings()).notes[0]


def test_embedded_files_of_a_pdf_are_unpacked_one_by_one_within_the_budget() -> None:
    packed = attached_pdf(zlib.compress(bytes(8 << 20)), times=40)
    examine("warm.pdf", pdf_of([text_page("x")]), Findings())
    tracemalloc.start()
    try:
        report = examine("a.pdf", packed, Findings())
        assert tracemalloc.get_traced_memory()[1] < 128 << 20
    finally:
        tracemalloc.stop()
    assert len(report.inner) == 8
    assert report.notes == ["the other embedded files were left out: too much is inside"]


def test_an_embedded_file_that_is_damaged_does_not_hide_the_next() -> None:
    packed = attached_pdf(zlib.compress(b"http://a.example"), times=2).replace(b"/EF<<", b"/XX<<", 1)
    found = Findings()
    report = examine("a.pdf", packed, found)
    assert [inner.name for inner in report.inner] == ["f1"]
    assert "an embedded file could not be unpacked" in report.notes[0]


@pytest.mark.parametrize(
    "content",
    [
        pdf_of(
            [text_page("x")],
            b"/Names<</EmbeddedFiles<</Kids[%s]>>>>" % (b"6 0 R " * 5000),
            [b"<</Names[%s]>>" % (b"1 " * 5000)],
        ),
        pdf_of([text_page("x")] * 200).replace(
            b"/BaseFont/Helvetica", b"/BaseFont/Helvetica/FirstChar 0/LastChar 255/Widths[%s]" % (b"1 " * 256)
        ),
        pdf_of([b"/X Do " * 10], objects=[form_of(b"BT ET" + b" " * (17 << 20))]).replace(
            b"/Resources<<", b"/Resources<</XObject<</X 6 0 R>>"
        ),
    ],
    ids=["names in names", "fonts on every page", "a form that is unpacked again and again"],
)
def test_a_pdf_that_takes_too_much_work_is_left_and_its_neighbours_are_not(content: bytes) -> None:
    found = Findings()
    budget = Budget(work=1_000_000)
    report = examine("a.zip", zip_of({"a.pdf": content, "b.txt": b"http://b.example"}), found, budget=budget)
    assert report.inner[0].notes == ["not read to its end: taking it apart takes too much work"]
    assert report.inner[1].notes == []
    assert any(one.value == "http://b.example" for one in found.by_kind()[Kind.URL])


def test_a_mail_that_takes_too_much_work_is_searched_as_text() -> None:
    found = Findings()
    content = HEADERS + MULTIPART + b"--b\n\nx\n" * 5000 + b"http://b.example\n"
    report = examine("a.eml", content, found, budget=Budget(work=100_000))
    assert report.notes == ["not taken apart: that takes too much work"]
    assert [one.value for one in found.by_kind()[Kind.URL]] == ["http://b.example"]


def test_a_library_that_is_ended_leaves_no_lock_of_a_log_taken() -> None:
    handler = logging.StreamHandler(StringIO())
    logger = logging.Logger("damaged", logging.WARNING)
    logger.addHandler(handler)
    library: dict[str, Any] = {"__name__": "damaged.reader", "warn": logger.warning}
    exec("def read(): warn('a damaged file'); warn('a very damaged file')", library)

    def can_log() -> bool:
        assert handler.lock is not None
        free = handler.lock.acquire(blocking=False)
        if free:
            handler.lock.release()
        return free

    with ThreadPoolExecutor(1) as other_thread:
        for ends in count():
            try:
                with counted_work(Budget(work=ends), "damaged"):
                    library["read"]()
            except TooMuchWork:
                assert other_thread.submit(can_log).result(), f"not when the work ends at call {ends}"
            else:
                break
    assert ends > 50
    assert sys.getprofile() is None


def test_a_profiler_does_not_hide_what_is_in_a_file() -> None:
    watched = cProfile.Profile()
    watched.enable()
    try:
        report = examine("b.pdf", pdf_of([text_page("hello")]), Findings())
    finally:
        watched.disable()
    assert report.notes == []


def test_text_of_office_files_counts_as_unpacked() -> None:
    parts = {f"word__part{number}.xml": b"<w:p>" + b" " * 400_000 for number in range(4)}
    report = examine("a.docx", docx_of([], **parts), Findings(), budget=Budget(expanded=1_000_000))
    assert report.notes == [
        "word/part2.xml was left out: it is larger than may still be unpacked",
        "word/part3.xml was left out: it is larger than may still be unpacked",
    ]


def test_links_of_office_files_are_read_within_the_budget() -> None:
    content = docx_of([], [f"http://host{number}.example/" for number in range(100)])
    found = Findings()
    report = examine("a.docx", content, found, budget=Budget(text=2000))
    assert 1 < len(found) < 50
    assert "characters of word/_rels/document.xml.rels were read, and nothing that follows" in report.notes[0]


def test_damaged_entries_count_as_unpacked() -> None:
    entries = {"a": b"a" * 900_000, "b": b"b" * 900_000, "c": b"http://c.example"}
    content = zip_of(entries, zipfile.ZIP_STORED).replace(b"aaa", b"xxx", 1).replace(b"bbb", b"xxx", 1)
    report = examine("a.zip", content, Findings(), budget=Budget(expanded=1_000_000))
    assert [note.partition(":")[0] for note in report.notes] == ["a could not be unpacked", "b was left out"]
    assert [inner.name for inner in report.inner] == ["c"]


def test_names_and_notes_are_cut() -> None:
    content = zip_of({"n" * 60_000 + ".txt": b"a.example\nb.example", "m" * 60_000: bytes(20_000_000)})
    found = Findings()
    report = examine("o" * 60_000 + ".zip", content, found)
    places = [place for indicator in found.by_kind()[Kind.DOMAIN] for place in indicator.places]
    assert [len(str(place)) < 500 for place in places] == [True, True]
    assert report.inner[0].name == "n" * 100 + "…" + "n" * 96 + ".txt"
    assert "was left out: it claims to grow" in report.notes[0]


def test_what_is_searched_is_limited_as_well_as_what_is_read() -> None:
    names = {f"http://host{number}.example/x": b"" for number in range(100)}
    found = Findings()
    report = examine("a.zip", zip_of(names), found, budget=Budget(searched=500))
    assert report.notes == ["what follows was not searched: too much text is inside"]
    assert 1 < len(found) < 50


def test_the_places_of_all_indicators_together_are_limited() -> None:
    found = Findings()
    for line in range(60):
        found.add(((Hit(Kind.DOMAIN, f"a{n}.example", line), line) for n in range(5000)), ("a",))
    merged = Findings()
    merged.merge(found)
    for findings in (found, merged):
        indicators = findings.by_kind()[Kind.DOMAIN]
        assert {indicator.count for indicator in indicators} == {60}
        assert all(indicator.places for indicator in indicators)
        assert sum(len(indicator.places) for indicator in indicators) == 105_000


def test_a_record_that_repeats_without_end_hides_nothing() -> None:
    found = Findings()
    message = b"message repeated 3 times: [ " * 4000
    record = b'{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"%s"}\n' % message
    report = examine("a.jsonl", record * 3 + b'{"url":"http://b.example"}\n', found)
    assert report.notes == []
    assert [one.value for one in found.by_kind()[Kind.URL]] == ["http://b.example"]


def test_spoiled_files_are_never_an_exception() -> None:
    chance = random.Random(11)
    sources = {
        "a.eml": (EXAMPLES / "phishing.eml").read_bytes(),
        "a.pdf": (EXAMPLES / "invoice.pdf").read_bytes(),
        "a.zip": zip_of({"a.txt": b"hello " * 100, "b/c.bin": bytes(50)}),
        "a.tar": tar_of({"a.txt": b"hello", "b": b"x" * 600}),
        "a.gz": gzip_of(b"hello " * 100),
        "a.docx": docx_of(["hello", "world"], ["http://a.example/"]),
        "b.pdf": pdf_of([text_page("hello")]),
        "b.eml": mail_of("hello", {"a.bin": zlib.compress(b"x")}),
    }
    for name, source in sources.items():
        for _ in range(25):
            spoiled = bytearray(source)
            for _ in range(chance.randrange(1, 12)):
                spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
            report = examine(name, bytes(spoiled), Findings())
            assert report.size == len(source)
