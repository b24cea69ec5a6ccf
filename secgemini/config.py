"""Settings of a client: argument, else environment variable, else default. Frozen, and silent about the key.

| setting         | environment variable                | default                         |
|-----------------|-------------------------------------|---------------------------------|
| `api_key`       | `SEC_GEMINI_API_KEY`                | none: `ConfigurationError`      |
| `base_url`      | `SEC_GEMINI_API_HTTP_URL`           | `https://api.secgemini.google`  |
| `websocket_url` | `SEC_GEMINI_API_WEBSOCKET_URL`      | follows `base_url`              |
| `logs_url`      | `SEC_GEMINI_LOGS_PROCESSOR_API_URL` | none: needed for logs only      |
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from .errors import ApiKeyError, ConfigurationError

if TYPE_CHECKING:
    import ssl

DEFAULT_BASE_URL = "https://api.secgemini.google"
MIB = 1 << 20
_FOLLOWS = {"http": "ws", "https": "wss"}
_PROXIES = ("http", "https", "socks5", "socks5h")
_LONGEST = 2_147_483.0  # seconds: poll(2) counts milliseconds in 31 bits
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+", re.IGNORECASE | re.ASCII)  # a name or an address, without the brackets
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.IGNORECASE | re.ASCII)  # RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"([!-~]([ -~\t]*[!-~])?)?")  # RFC 9110, 5.5, in ASCII
_CREDENTIAL = re.compile(r"auth|cookie|credential|jwt|key|passw|secret|session|signature|token", re.IGNORECASE)
_CREDENTIAL_VALUE = re.compile(r"(basic|bearer|digest|token)\s", re.IGNORECASE)


class Secret:
    """Holds the key so that no repr, traceback, log line or pickle shows it."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself; call it only where it goes on the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as "read the environment again": the key does not travel."""
        return (_secret_from_environment, ())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _secret_from_environment() -> Secret:
    value = os.environ.get("SEC_GEMINI_API_KEY", "").strip()
    return check_key(value) if value else Secret("")


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds that a call may take, at most 24 days; None for no bound.

    `connect`: reaching the service; `read`: silence while waiting for the answer, also while sending; `total`: one
    attempt as a whole, from the first byte to the last. `query` waits `read=600` unless you set a time-out: an agent
    may think for minutes.
    """

    connect: float | None = 10.0
    read: float | None = 90.0
    total: float | None = None

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            seconds = getattr(self, name)
            if seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise TypeError(f"timeout.{name} must be seconds or None, not {type(seconds).__name__}")
            if not seconds > 0:
                raise ValueError(f"timeout.{name} must be more than 0 seconds, not {seconds!r}")
            if not (math.isfinite(seconds) and seconds <= _LONGEST):
                raise ValueError(f"timeout.{name} must be at most {_LONGEST:.0f} seconds, or None for no bound")

    @classmethod
    def of(cls, value: float | Timeout) -> Timeout:
        """Return `value` itself, or for a number of seconds a time-out of that much for the attempt as a whole."""
        if isinstance(value, Timeout):
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"timeout must be seconds or a Timeout, not {type(value).__name__}")
        return cls(connect=min(10.0, value), read=float(value), total=float(value))


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep a hostile or broken service from exhausting this process.

    `max_response_bytes`: a decoded answer; `max_decompression_ratio`: decoded over received bytes, for answers above
    1 MiB; `max_frame_bytes`: one message of a stream; `max_messages`: messages of one streamed turn;
    `max_connections`: open HTTP connections of the client.
    """

    max_response_bytes: int = 512 * MIB
    max_decompression_ratio: float = 200.0
    max_frame_bytes: int = 64 * MIB
    max_messages: int = 1_000_000
    max_connections: int = 100


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a client, resolved. Make one with `Config.resolve`.

    `verify`: True for the bundled certificate authorities (or `SSL_CERT_FILE`), "system" for the operating system's
    trust store, a path to a CA file, an `ssl.SSLContext` (for client certificates), or False for no check.
    `proxy`: a URL, "" for none, None for what the environment says (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, …).

    A pickle holds neither the key, which unpickling takes from the environment, nor the proxy's password, nor headers
    that carry credentials (a name with "auth", "cookie", "key", "token" or the like in it, or a value such as
    "Bearer …"). `withheld` names what was left out so; a client with such settings raises `ConfigurationError` at its
    first use. Copies are the settings themselves.
    """

    api_key: Secret
    base_url: str
    websocket_url: str
    logs_url: str
    timeout: Timeout | None = None
    max_retries: int = 2
    proxy: str | None = field(default=None, repr=False)  # may carry a password
    verify: bool | str | ssl.SSLContext = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may carry a secret
    limits: Limits = field(default_factory=Limits)
    withheld: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        retries = self.max_retries
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError(f"max_retries must be a whole number, 0 or more, not {retries!r}")

    @classmethod
    def resolve(
        cls,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        websocket_url: str | None = None,
        logs_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 2,
        proxy: str | None = None,
        verify: bool | str | ssl.SSLContext = True,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Config:
        """Return the settings that arguments, environment and defaults give. Does no I/O.

        Raises:
            ConfigurationError: no key, or an address, key or header that cannot be used.
            ValueError: a time-out or number of retries out of range.
            TypeError: a setting of another type than it has.
        """
        if limits is not None and not isinstance(limits, Limits):
            raise TypeError(f"limits must be Limits(…), not {type(limits).__name__}")
        base = _address("base_url", base_url or os.environ.get("SEC_GEMINI_API_HTTP_URL") or DEFAULT_BASE_URL, _FOLLOWS)
        environment = "" if base_url else os.environ.get("SEC_GEMINI_API_WEBSOCKET_URL", "")
        scheme, _, rest = base.partition("://")
        socket = websocket_url or environment or f"{_FOLLOWS[scheme]}://{rest}"
        logs = logs_url or os.environ.get("SEC_GEMINI_LOGS_PROCESSOR_API_URL", "")
        return cls(
            api_key=check_key(os.environ.get("SEC_GEMINI_API_KEY", "") if api_key is None else api_key),
            base_url=base,
            websocket_url=_address("websocket_url", socket, ("ws", "wss")),
            logs_url=_address("logs_url", logs, _FOLLOWS) if logs else "",
            timeout=None if timeout is None else Timeout.of(timeout),
            max_retries=max_retries,
            proxy=check_proxy(proxy) if proxy else proxy,
            verify=verify,
            headers=_headers(headers or {}),
            limits=limits or Limits(),
        )

    def replace(self, **changes: object) -> Config:
        """Return a copy with some settings changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # dataclasses checks the names

    def check_complete(self) -> None:
        """Raise `ConfigurationError` when pickling left something out, a key that the environment lacks included."""
        if self.withheld:
            raise ConfigurationError(
                f"this client was unpickled, and {' and '.join(self.withheld)} did not travel with it",
                hint="make it where it is used: SecGemini(headers=…, proxy=…)",
            )
        check_key(self.api_key.reveal())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        settings = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        secret = [name for name, value in self.headers.items() if _is_credential(name, value)]
        settings["headers"] = {name: value for name, value in self.headers.items() if name not in secret}
        withheld = [f"the header {name!r}" for name in secret]
        if self.proxy and urlsplit(self.proxy).password:
            settings["proxy"] = without_userinfo(self.proxy)
            withheld.append("the proxy's password")
        settings["withheld"] = (*self.withheld, *withheld)
        return (_unpickled, (settings,))


def _unpickled(settings: dict[str, object]) -> Config:
    return Config(**settings)  # type: ignore[arg-type]  # they were a Config's


def _is_credential(name: str, value: str) -> bool:
    return bool(_CREDENTIAL.search(name) or _CREDENTIAL_VALUE.match(value))


def check_key(value: str) -> Secret:
    """Return the key without the space around it. Raises: ApiKeyError, which does not quote it."""
    if not isinstance(value, str):
        raise TypeError(f"api_key must be a string, not {type(value).__name__}")
    key = value.strip()
    if not key:
        raise ApiKeyError("no API key", hint="pass api_key=… or set SEC_GEMINI_API_KEY; SecGemini.local() needs none")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ApiKeyError(
            "the API key has characters that no key has", hint="copy it again: a key is printable ASCII without spaces"
        )
    return Secret(key)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, or raise an error that names the bad one. It never quotes a value, which may be a secret."""
    checked = dict(headers)
    for name, value in checked.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers must be strings by strings, not {type(value).__name__} by {type(name).__name__}")
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError("headers= has a name that no header may have", hint=_NAME_HINT)
        if name.lower() in ("content-length", "transfer-encoding"):
            raise ConfigurationError(f"the header {name!r} belongs to each request", hint="leave it out of headers=")
        if not _HEADER_VALUE.fullmatch(value):
            raise ConfigurationError(f"the value of the header {name!r} cannot be sent", hint=_VALUE_HINT)
    return checked


_NAME_HINT = "letters, digits and hyphens, such as x-tenant"
_VALUE_HINT = "printable ASCII, without a newline or spaces around it: strip it"


def _address(name: str, url: str, schemes: Mapping[str, str] | tuple[str, ...]) -> str:
    url = _checked_url(name, url)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # reading it checks it
    except ValueError as error:
        raise ConfigurationError(f"{name} is not a URL: {error}") from None
    if parts.username or parts.password:
        raise ConfigurationError(f"{name} must not carry a user name or password", hint="use headers= or proxy=")
    host = parts.hostname or ""
    is_host = bool(_HOST.fullmatch(host)) or not host.isascii()
    if parts.scheme not in schemes or not is_host or parts.query or parts.fragment:
        form = " or ".join(f"{scheme}://HOST[:PORT]" for scheme in schemes)
        raise ConfigurationError(f"{name} must look like {form}, not {without_userinfo(url)!r}")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _checked_url(name: str, url: str) -> str:
    if not isinstance(url, str):
        raise TypeError(f"{name} must be a string, not {type(url).__name__}")
    url = url.strip()
    if not url.isprintable() or " " in url:
        raise ConfigurationError(
            f"{name} has a space or a character that cannot be seen", hint="remove it, or write it percent-encoded"
        )
    return url


def check_proxy(url: str) -> str:
    """Return the address of a proxy, its scheme in small letters.

    Raises:
        ConfigurationError: it is none. The error does not quote it, because it may hold a password.
    """
    url = _checked_url("the proxy's address", url)
    if not _is_proxy(url):
        raise ConfigurationError(
            "the proxy's address is not one", hint="proxy= and the environment take http, https and socks5 URLs"
        )
    scheme, separator, rest = url.partition("://")
    return f"{scheme.lower()}{separator}{rest}"


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_place and parts.scheme in _PROXIES and not (parts.path.strip("/") or parts.query or parts.fragment)


def without_userinfo(url: str) -> str:
    """Return the address without a user name and password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
