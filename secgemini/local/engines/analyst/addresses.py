"""Find IPv4 and IPv6 addresses and networks, and say which are not public."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from .kinds import Found, Kind
from .refang import Refanged

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PREFIX = r"(?:/(?P<prefix>\d{1,3})(?![\w./]))?"
# The look-behind stands after the first character: a pattern that begins with a set is looked for much faster.
_IPV4 = re.compile(rf"\d(?<![\w.]\d)\d{{0,2}}+(?:\.\d{{1,3}}+){{3}}(?!\.?\w){_PREFIX}")
_IPV6 = re.compile(
    rf"(?P<digits>[0-9A-Fa-f:](?<![\w:.].)(?=(?:(?<=:)|[0-9A-Fa-f]{{0,3}}+):)[0-9A-Fa-f:.]{{1,44}}+)(?![\w:]){_PREFIX}"
)
# `addr:2001:db8::1`: a word before it that is no part of the address.
_LABEL_END = re.compile(r":(?<=[A-Za-z]:)(?=[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:])")
_LABEL = re.compile(r"[g-zG-Z_][A-Za-z]{0,20}\Z")
_MAC_LIKE = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+")
# Four numbers that are a version: `Chrome/120.0.0.0`, `version 1.2.3.4`.
_PRODUCT = re.compile(r"(?:^|[\s(\"';,])[A-Z][A-Za-z0-9_.+-]{0,40}/\Z")
_VERSION_WORDS = frozenset({"v", "ver", "ver.", "version", "build", "release"})
# RFC 5737, RFC 3849, RFC 9637
_DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598, between a provider and its customers


def find_addresses(plain: Refanged) -> Iterator[Found]:
    """Yield IPv4 and IPv6 addresses, with their prefix length where one names a whole network."""
    text = plain.text
    for match in _IPV4.finditer(text):
        start = match.start()
        if not _is_version(text, start):
            yield from _judge(Kind.IPV4, match[0].partition("/")[0], match["prefix"], start)
    text = _LABEL_END.sub(
        lambda found: " " if _LABEL.search(text, max(0, found.start() - 24), found.start()) else ":", text
    )
    for match in _IPV6.finditer(text):
        word = match["digits"].rstrip(".")
        if word.endswith(":") and not word.endswith("::"):
            word = word[:-1]  # `2001:db8::1: no route`
        if any(map(str.isdigit, word)) and not _MAC_LIKE.fullmatch(word):
            yield from _judge(Kind.IPV6, word, match["prefix"], match.start())


def _is_version(text: str, start: int) -> bool:
    if text[start - 1 : start] == "/":
        return _PRODUCT.search(text[max(0, start - 48) : start]) is not None
    words = text[max(0, start - 16) : start].rstrip(" :=").split()
    return bool(words) and words[-1].lower() in _VERSION_WORDS


def _judge(kind: Kind, word: str, prefix: str | None, start: int) -> Iterator[Found]:
    if (judged := _parse(kind, word, prefix)) is not None:
        yield Found(kind, judged[0], start, judged[1])


@lru_cache(maxsize=4096)
def _parse(kind: Kind, word: str, prefix: str | None) -> tuple[str, tuple[str, ...]] | None:
    try:
        address = ipaddress.IPv4Address(word) if kind is Kind.IPV4 else ipaddress.IPv6Address(word)
    except ValueError:
        return None
    if _is_unallocated(address):
        return None
    value = str(address)
    if prefix is not None:
        try:
            value = str(ipaddress.ip_network(f"{value}/{prefix}"))
        except ValueError:
            value = str(address)  # a host within the network: the address itself
    return value, address_marks(address)


def _is_unallocated(address: Address) -> bool:
    """Tell the addresses that no host can have, which are versions (`0.12.0.0`) and slices (`1::2`) in fact."""
    if isinstance(address, ipaddress.IPv4Address):
        return 0 < int(address) < 1 << 24
    special = address.is_loopback or address.is_unspecified or address.ipv4_mapped is not None or address in _NAT64
    return address.is_reserved and not special


def address_marks(address: Address) -> tuple[str, ...]:
    """Return why an address is not a public host (`private`, `loopback`, `documentation`, …), or nothing."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return (f"IPv4 {address.ipv4_mapped}", *address_marks(address.ipv4_mapped))
    if any(address in network for network in _DOCUMENTATION):
        return ("documentation",)
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(address, f"is_{name}"):
            return (name.replace("_", "-"),)
    if address in _SHARED:
        return ("shared",)
    if address.is_reserved:
        return ("reserved",)
    return ("private",) if address.is_private else ()
