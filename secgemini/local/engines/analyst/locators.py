"""Find URLs, e-mail addresses and domains."""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

from .addresses import address_marks
from .kinds import Found, Kind
from .names import judge_domain
from .refang import Refanged

_LONGEST_URL = 2048
_INNER_URLS = 3  # URLs inside a URL (redirects) that are looked at
_SCHEMES = r"(?:https?|ftps?|sftp|wss?|ldaps?|smb|ssh|telnet|tftp|rtsp|irc)"
_SCHEME_BEFORE = re.compile(rf"(?i)(?<![a-z0-9+.-]){_SCHEMES}\Z")
# No URL goes on behind these, nor behind quotes and the brackets, commas and full stops of Chinese and Japanese.
_ENDS = (
    r"\s<>\"'`{}|\\^\x00-\x1f\x7f\u00ab\u00bb\u200b-\u200f\u201c-\u201f\u2028\u2029\u2039\u203a\ufeff"
    r"\u3001\u3002\u3008-\u3011\u3014-\u301b\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f"
)
_ENTITY = r"&(?:quot|apos|lt|gt|nbsp|#3[49]|#x2[27]);"  # what ends a URL, in text that HTML was made of
_REST = re.compile(rf"(?=[\w\[])(?:[^&{_ENDS}]++|(?!{_ENTITY})&)++")
_INNER_URL = re.compile(rf"(?i){_SCHEMES}(?:://|%3a%2f%2f)")
_AUTHORITY = (
    rf"(?P<user>[^/?#@{_ENDS}]{{0,256}}@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}(?:%25[\w.~-]{1,64})?\]|[\w.-]{1,253}(?![\w.-]))(?P<port>:\d{1,5}(?!\d))?"
)
_WHERE = re.compile(_AUTHORITY)
_GOES_ON = frozenset("/?#%")  # behind a host: a path, a query, a fragment, or more of the host, percent-encoded
_PARTS = re.compile(rf"(?P<scheme>[A-Za-z]{{2,6}})://{_AUTHORITY}(?P<rest>[/?#].*|)", re.DOTALL)
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?P<domain>[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,126}+)(?!\.?[\w@-])")
_DOMAIN = re.compile(r"(?<![\w.$%-])[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,126}+(?!\.?[\w-])(?!\((?!\d{1,3}\.\d))")
_UNC_NOT_BEHIND = re.compile(r"[\w:.)%-]\Z")
_CLOSING = {")": "(", "]": "["}


def find_locators(plain: Refanged) -> Iterator[Found]:
    """Yield the URLs, e-mail addresses and domains; a domain of a URL or an address is yielded as well."""
    text = plain.text
    urls = list(_url_spans(text))
    for start, end in urls:
        yield from _find_in_url(text[start:end], start)
    taken = list(urls)
    for match in _EMAIL.finditer(text) if "@" in text else ():
        if not _is_user_of_url(text, urls, match.start()):
            taken.append(match.span())
            yield from _judge_email(match)
    yield from _find_domains(plain, _without(text, taken))


def _url_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the runs lie that begin with a scheme; a run ends where no URL goes on."""
    searched = 0
    while (colon := text.find("://", searched)) >= 0:
        scheme = _SCHEME_BEFORE.search(text, max(searched, colon - 8), colon)
        searched = colon + 3
        if scheme is not None and (end := _end_of_run(text, searched)) is not None:
            searched = end
            yield scheme.start(), searched


def _end_of_run(text: str, start: int) -> int | None:
    """Return where a URL ends at the latest, `start` being behind its scheme; None when nothing follows that.

    That is behind the host and its port, unless the URL goes on there.
    """
    host = _WHERE.match(text, start)
    if host is not None and text[host.end() : host.end() + 1] not in _GOES_ON:
        return host.end()
    rest = _REST.match(text, start)
    return rest.end() if rest is not None else None


def _find_in_url(run: str, start: int) -> Iterator[Found]:
    """Yield the URL that `run` begins with and those inside it; a list joined with commas is several URLs."""
    cut = len(run) > _LONGEST_URL
    run = run[:_LONGEST_URL]
    places = [0, *(match.start() for match in islice(_INNER_URL.finditer(run, 1), _INNER_URLS))]
    for number, place in enumerate(places):
        following = [later for later in places[number + 1 :] if run[later - 1] in ",;"]
        url = run[place : following[0] - 1] if following else run[place:]
        url = unquote(url) if "://" not in url[:12] else url
        yield from _judge_url(_trim(url), start + place, cut)


def _trim(url: str) -> str:
    """Drop the punctuation after a URL, and closing brackets that were opened before it."""
    while url:
        last = url[-1]
        if last in ".,;:!?*_~\u2013\u2014\u2018\u2019\u2026" or (
            last in _CLOSING and url.count(last) > url.count(_CLOSING[last])
        ):
            url = url[:-1]
        else:
            break
    return url


def _judge_url(url: str, start: int, cut: bool) -> Iterator[Found]:
    parts = _PARTS.match(url)
    if parts is None:
        return
    host = parts["host"].lower()
    if "." not in host and url[parts.end() :].startswith("%"):
        return  # the beginning of a host that is percent-encoded
    domain = judge_domain(host, meant=True)
    address = _host_address(host)
    if domain is None and address is None and "." in host.strip(".") and not host.strip(".")[-1:].isalpha():
        return
    marks = domain.marks if domain is not None else address_marks(address) if address is not None else ()
    if address is not None and str(address) != host.strip("[]"):
        marks = (f"host is {address}", *marks)
        if "." not in host:
            yield Found(Kind.IPV4, str(address), start, address_marks(address))
    if parts["user"]:
        marks = (*marks, "with credentials")
    if cut:
        marks = (*marks, f"cut at {_LONGEST_URL} characters")
    value = f"{parts['scheme'].lower()}://{parts['user'] or ''}{host}{parts['port'] or ''}{parts['rest']}"
    yield Found(Kind.URL, value, start, marks)
    if domain is not None:
        yield Found(Kind.DOMAIN, domain.name, start, domain.marks)


def _host_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is, also when it is written as one number, as browsers understand it."""
    try:
        if re.fullmatch(r"0x[0-9a-f]{7,8}|\d{8,10}", host):
            return ipaddress.IPv4Address(int(host, 0))
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_user_of_url(text: str, urls: list[tuple[int, int]], place: int) -> bool:
    """Tell whether an offset lies in the `user:password@host` of one of the URLs, which looks like an address."""
    number = bisect_right(urls, (place, len(text))) - 1
    if number < 0 or place >= urls[number][1]:
        return False
    authority = urls[number][0] + text[urls[number][0] : place].find("://") + 3
    return not any(mark in text[authority:place] for mark in "/?#")


def _judge_email(match: re.Match[str]) -> Iterator[Found]:
    local = match[0].partition("@")[0].strip(".")
    domain = judge_domain(match["domain"].lower(), meant=True)
    if local and domain is not None:
        yield Found(Kind.EMAIL, f"{local.lower()}@{domain.name}", match.start(), domain.marks)
        yield Found(Kind.DOMAIN, domain.name, match.start("domain"), domain.marks)


def _find_domains(plain: Refanged, text: str) -> Iterator[Found]:
    for match in _DOMAIN.finditer(text):
        start, end = match.span()
        if _is_part_of_path(text[max(0, start - 5) : start]):
            continue
        domain = judge_domain(match[0], meant=plain.touched(start, end))
        if domain is not None:
            yield Found(Kind.DOMAIN, domain.name, start, domain.marks)


def _is_part_of_path(before: str) -> bool:
    """Tell a part of a path by what is before it, other than the host of `//host/` or `\\\\host\\`, escaped or not."""
    if before.endswith("/"):
        return not before.endswith("//")
    slashes = len(before) - len(before.rstrip("\\"))
    return slashes > 0 and (slashes not in (2, 4) or _UNC_NOT_BEHIND.search(before[:-slashes]) is not None)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Return `text` with the spans blanked; offsets stay."""
    pieces: list[str] = []
    copied = 0
    for start, end in sorted(spans):
        if end <= copied:
            continue
        start = max(start, copied)
        pieces += (text[copied:start], " " * (end - start))
        copied = end
    pieces.append(text[copied:])
    return "".join(pieces)
