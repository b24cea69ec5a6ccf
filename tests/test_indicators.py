"""What the analyst finds in text, and that hostile text costs no more time than its length."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from linear_time import MOST, growth

from secgemini.local.engines.analyst.findings import Findings
from secgemini.local.engines.analyst.indicators import BLOCK, blocks, extract
from secgemini.local.engines.analyst.kinds import Kind
from secgemini.local.engines.analyst.refang import refang
from secgemini.local.escapes import without_escapes

DATA = Path(__file__).parent / "data"


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.kind.value, hit.value) for hit in extract(text)]


def values(text: str, kind: Kind) -> list[str]:
    return [hit.value for hit in extract(text) if hit.kind is kind]


def test_the_committed_list_is_found_and_nothing_else() -> None:
    findings = Findings()
    text = (DATA / "indicators.txt").read_text(encoding="utf-8")
    findings.add(((hit, hit.line) for hit in extract(text)), ("indicators.txt",))
    actual = {
        kind.value: [
            {
                "value": indicator.value,
                "marks": list(indicator.marks),
                "count": indicator.count,
                "lines": [place.line for place in indicator.places],
            }
            for indicator in indicators
        ]
        for kind, indicators in findings.by_kind().items()
    }
    assert actual == json.loads((DATA / "indicators.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("defanged", "plain"),
    [
        ("hxxp://a[.]example", "http://a.example"),
        ("hXXps://a.example", "https://a.example"),
        ("h**p://a.example", "http://a.example"),
        ("hxxps[://]a(.)b[dot]example[/]x", "https://a.b.example/x"),
        ("hxxp[:]//a{.}example", "http://a.example"),
        ("joe [at] a [dot] example", "joe@a.example"),
        ("joe(@)a[.]example", "joe@a.example"),
        ("192.0.2[.1 and 192.0.2.]1", "192.0.2.1 and 192.0.2.1"),
        ("2001[:]db8[:][:]1", "2001:db8::1"),
        ("call(x) and list[0] stay, so does hxxp alone", "call(x) and list[0] stay, so does hxxp alone"),
    ],
)
def test_defanging_is_undone(defanged: str, plain: str) -> None:
    assert refang(defanged).text == plain


def test_defanging_never_joins_lines() -> None:
    text = "a\n[.]\nb [\n.\n] c[.]d\n"
    assert refang(text).text == "a\n.\nb [\n.\n] c.d\n"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("192.0.2.1", ("documentation",)),
        ("10.0.0.1", ("private",)),
        ("172.16.9.9", ("private",)),
        ("100.64.0.1", ("shared",)),
        ("127.0.0.1", ("loopback",)),
        ("169.254.1.1", ("link-local",)),
        ("224.0.0.1", ("multicast",)),
        ("250.1.1.1", ("reserved",)),
        ("0.0.0.0", ("unspecified",)),
        ("8.8.8.8", ()),
        ("2001:db8::1", ("documentation",)),
        ("fd00::1", ("private",)),
        ("::ffff:a00:1", ("IPv4 10.0.0.1", "private")),
        ("2606:4700::1111", ()),
    ],
)
def test_addresses_that_are_no_public_hosts_are_marked(text: str, marks: tuple[str, ...]) -> None:
    hit = next(iter(extract(text)))
    assert (hit.value, hit.marks) == (text, marks)


@pytest.mark.parametrize(
    "text",
    [
        "www.google.com",
        "github.io",
        "evil.example",
        "a.onion",
        "host.local",
        "db.internal",
        "EVIL.COM",
        "s3.amazonaws.com",
    ],
)
def test_domains_with_a_public_or_reserved_suffix_are_found(text: str) -> None:
    assert values(text, Kind.DOMAIN) == [text.lower()]


@pytest.mark.parametrize(
    "text",
    [
        "file.txt",
        "foo.py",
        "run.sh",
        "System.Net",
        "com",
        "co.uk",
        "example",
        "a..com",
        "-a-.com",
        "/srv/report.com",
        r"C:\x\tool.com",
        "obj.info()",
        "self.name",
        "collections.abc",
        "row.data",
        "builtins.int",
        "x" * 64 + ".com",
        "1.2.3",
        ".env.example",
        "$event.target",
    ],
)
def test_words_with_dots_are_not_domains(text: str) -> None:
    assert values(text, Kind.DOMAIN) == []


@pytest.mark.parametrize("name", ["foo.py", "run.sh", "notes.md", "update.zip"])
def test_a_file_suffix_is_a_domain_only_where_a_domain_is_meant(name: str) -> None:
    assert values(name, Kind.DOMAIN) == []
    for meant in (f"https://{name}/", f"joe@{name}", name.replace(".", "[.]"), f"www.{name}"):
        assert [value.removeprefix("www.") for value in values(meant, Kind.DOMAIN)] == [name]


def test_a_url_keeps_its_balanced_brackets_and_loses_the_full_stop() -> None:
    text = "(see https://a.example/x_(y).) <https://b.example/?q=1> [https://c.example/]."
    assert values(text, Kind.URL) == ["https://a.example/x_(y)", "https://b.example/?q=1", "https://c.example/"]


def test_a_url_inside_something_with_another_scheme() -> None:
    assert values("app://open?url=https://a.example/x xhttps://b.example", Kind.URL) == ["https://a.example/x"]


@pytest.mark.parametrize("before", ["", "(", "\u201c", "\u2018", "\u00ab", "\u300c"])
@pytest.mark.parametrize(
    "after",
    [
        *(", and", "; and", ",", "\u201d", "\u2019", "\u00bb", "\u300d", "\u3002", "\uff0c\u4e0e", "\u2026"),
        *("$x", "&amp;", "=1", "\u2014a dash", ":", ":x", ")", "*", "|"),
    ],
)
@pytest.mark.parametrize("url", ["http://evil.example", "http://evil.example:8080", "http://192.0.2.1"])
def test_a_url_ends_behind_its_host_when_no_path_begins(before: str, url: str, after: str) -> None:
    assert values(before + url + after, Kind.URL) == [url]


@pytest.mark.parametrize(
    "after", ["\u201d", "\u2019", "\u00bb and", "\u300d", "\u3002", "\uff09\uff0c", "\u2026", ")", ","]
)
def test_quotes_behind_a_path_are_no_part_of_it(after: str) -> None:
    assert values(f"http://evil.example/a?b=c;d,e{after}", Kind.URL) == ["http://evil.example/a?b=c;d,e"]


def test_what_follows_a_host_and_a_comma_is_read_too() -> None:
    text = "http://a.example,b.example;http://c.example:80,d.example"
    assert values(text, Kind.DOMAIN) == ["a.example", "b.example", "c.example", "d.example"]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (r'{"u":"http:\/\/evil.example\/a\/b.php?x=1"}', "http://evil.example/a/b.php?x=1"),
        (r'{"u":"http://evil.example/a?x=1\u0026y=\u003cz\u003e"}', "http://evil.example/a?x=1&y="),
        (r'{"m":"{\"u\":\"http:\\/\\/evil.example\\/a?x=1\\u0026y=2\"}"}', "http://evil.example/a?x=1&y=2"),
        (r"url matches /https?:x|http:\/\/evil\.example\/a/i", "http://evil.example/a/i"),
        (r'"hxxp:\/\/evil[.]example\/a"', "http://evil.example/a"),
        (r'"http://evil.example/a\nnext"', "http://evil.example/a"),
    ],
)
def test_the_escapes_of_json_and_of_patterns_are_undone_within_urls(text: str, url: str) -> None:
    assert values(f"first\n{text}", Kind.URL) == [url]
    assert {hit.line for hit in extract(f"first\n{text}")} == {2}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (r"copy \\files.evil.example\share\x", ["files.evil.example"]),
        (r'{"path": "\\\\files.evil.example\\share"}', ["files.evil.example"]),
        (r'{"path": "C:\\node_modules\\socket.io\\x"} C:\socket.io D:\\socket.io', []),
        ("from mail.evil.example(203.0.113.9) by", ["mail.evil.example"]),
        ("call.evil.example(1)", []),
    ],
)
def test_hosts_of_shares_and_of_mail_servers(text: str, names: list[str]) -> None:
    assert values(text, Kind.DOMAIN) == names


def test_the_beginning_of_an_encoded_host_is_no_url() -> None:
    assert values("http://ev%69l.example/ http://evil.example%20and", Kind.URL) == ["http://evil.example"]


def test_a_url_ends_before_what_html_is_escaped_with() -> None:
    text = "&lt;a href=&quot;http://a.example/x?b=1&amp;c=2&quot;&gt;b.example &lt;http://c.example/&gt;"
    assert values(text, Kind.URL) == ["http://a.example/x?b=1&amp;c=2", "http://c.example/"]
    assert values(text, Kind.DOMAIN) == ["a.example", "b.example", "c.example"]


def test_a_label_before_an_ipv6_address_is_no_part_of_it() -> None:
    text = "inet6 addr:2001:db8::1/64 see:2001:DB8::2 at:12:30:00 fd00:2001:db8::3"
    assert values(text, Kind.IPV6) == ["2001:db8::1", "2001:db8::2", "fd00:2001:db8::3"]


def test_a_url_of_an_address_with_a_zone() -> None:
    assert values("http://[fe80::1%25eth0]:80/x", Kind.URL) == ["http://[fe80::1%25eth0]:80/x"]


def test_a_url_of_an_address_and_of_a_bare_host() -> None:
    assert values("http://[2001:db8::1]:8080/x http://intranet/ http://192.0.2.1", Kind.URL) == [
        "http://[2001:db8::1]:8080/x",
        "http://intranet/",
        "http://192.0.2.1",
    ]


@pytest.mark.parametrize("text", ["x[1::2]", "0.12.0.0", "1.2.3.4.5", "8592:757c::1", "300.1.1.1", "v1.2.3.4", "a::b"])
def test_numbers_that_are_no_addresses(text: str) -> None:
    assert found(text) == []


def test_one_url_with_and_without_the_root_path_is_one_indicator() -> None:
    findings = Findings()
    findings.add(((hit, hit.line) for hit in extract("http://a.example\nhttp://a.example/")), ("x",))
    [url] = findings.by_kind()[Kind.URL]
    assert (url.value, url.count, [place.line for place in url.places]) == ("http://a.example", 2, [1, 2])


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[36m203.0.113.9\x1b[0m", "203.0.113.9"),
        ("203.0.\x1b[1;31m\x1b[K113\x1b[m\x1b[K.9", "203.0.113.9"),
        ("\x9b36mbad@evil.example\x9b0m", "bad@evil.example"),
        ("\x1b[38;5;9md41d8cd98f00b204e9800998ecf8427e\x1b(B\x1b[m", "d41d8cd98f00b204e9800998ecf8427e"),
        ("host\x1b[20Gevil.example", "host evil.example"),
        ("10.0\x1b]0;a title\a.0.1\nnext", "10.0.0.1 0;a title\nnext"),
        ("\x1b]8;;https://a.example/x\x1b\\click\x1b]8;;\x1b\\", "click https://a.example/x "),
        (r"\u001b[36mx\x1b[0m #033[1my#033[m ^[[31mz^[[0m", "x y z"),
        ("\x1b]no end\nlist[0] #033 \\e[x C:\\x", "\x1b]no end\nlist[0] #033 \\e[x C:\\x"),
    ],
)
def test_text_is_read_as_a_terminal_shows_it(text: str, seen: str) -> None:
    assert without_escapes(text) == seen


@pytest.mark.parametrize(
    "unit", ["\x1b[", "\x1b]", "\x9b", "\x9d", "\x1b[1;", "\x1b]8;;x", "\x1b[m", "\x1b]x\a\n", "\\", "\\x1b[", "^[["]
)
def test_hostile_escape_sequences_cost_linear_time(unit: str) -> None:
    assert growth(lambda size: without_escapes(unit * (size // len(unit))), 100_000) < MOST


def test_the_same_place_counts_twice_and_is_listed_once() -> None:
    findings = Findings()
    findings.add(((hit, hit.line) for hit in extract("CVE-2020-0001 cve-2020-0001")), ("x",))
    [cve] = findings.by_kind()[Kind.CVE]
    assert (cve.count, len(cve.places)) == (2, 1)


def test_short_attack_ids_need_attack_nearby() -> None:
    assert found("S0154 and G0016 left the station") == []
    assert found("MITRE: S0154") == [("attack", "S0154")]


def test_lines_hold_across_blocks() -> None:
    filler = "nothing here\n"
    before = BLOCK // len(filler) * 2
    text = filler * before + "evil.example\n" + filler * 10 + "10.0.0.1"
    assert [(hit.value, hit.line) for hit in extract(text)] == [
        ("evil.example", before + 1),
        ("10.0.0.1", before + 12),
    ]


def test_blocks_joined_are_the_text_and_cut_no_word() -> None:
    text = "evil.example 10.0.0.1," * 40_000
    pieces = list(blocks(text))
    assert "".join(pieces) == text
    assert len(pieces) > 2
    assert len(list(extract(text))) == 80_000


def test_more_indicators_than_can_be_kept_are_counted() -> None:
    from secgemini.local.engines.analyst.findings import MOST_INDICATORS

    findings = Findings()
    text = "\n".join(f"h{number}.example" for number in range(MOST_INDICATORS + 5))
    findings.add(((hit, hit.line) for hit in extract(text)), ("x",))
    assert (len(findings), findings.left_out) == (MOST_INDICATORS, 5)


HOSTILE = [
    *(
        "[",
        "(",
        "]",
        ".",
        ":",
        "@",
        "%",
        "-",
        "_",
        "/",
        "\\",
        "h",
        "0",
        "1.",
        "a.",
        "a-",
        "a@",
        "a@a.",
        "1:",
        "::",
        "[.]",
    ),
    *("[at]", "(dot)", " [ ", "hxxp", "hxxp[", "http://", "http://a.", "http://user@", "http://[", '"http://', "a:b@"),
    *(
        "http://a.example/,",
        "http://x.example?u=",
        "%3a%2f%2f",
        ":\\/\\/",
        "http:\\/\\/a.",
        "\\\\a.b",
        "http://a/&quot;",
        "ws://a?&",
        "CVE-",
        "CVE-2020-",
        "T1",
        "TA0",
        "S0001 ",
        "xn--",
    ),
    *("é.", "аб.", "1.1.1.1.", "1.1.1.1 ", "evil.example ", "a@b.example ", "www.", "f" * 65 + " ", "a" * 63 + "."),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_costs_linear_time(unit: str) -> None:
    def search(size: int) -> int:
        return sum(1 for _ in extract(unit * (size // len(unit))))

    assert growth(search, BLOCK // 16) < MOST  # within one block: the patterns


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
def test_megabytes_of_hostile_text_costs_linear_time(unit: str) -> None:
    def search(size: int) -> int:
        return sum(1 for _ in extract(unit * (size // len(unit))))

    assert growth(search, 2 * BLOCK) < MOST  # over many blocks, of which the first may be cheaper than the others


@pytest.mark.parametrize(("power", "grown"), [(1, 4), (2, 16)])
def test_the_measure_tells_the_square_from_the_line_however_short_the_work(
    power: int, grown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = [0.0]

    def work(size: int) -> None:
        worked[0] += 1e-9 * size**power

    monkeypatch.setattr(time, "thread_time", lambda: worked[0])
    assert growth(work, 100) == pytest.approx(grown)
