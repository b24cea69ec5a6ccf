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
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

DEFAULT_BASE_URL = "https://api.secgemini.google"
MIB = 1 << 20
_FOLLOWS = {"http": "ws", "https": "wss"}
_PROXIES = ("http", "https", "socks5", "socks5h")


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


def _secret_from_environment() -> Secret:
    return Secret(os.environ.get("SEC_GEMINI_API_KEY", ""))


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds that a call may take, None for no bound.

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
            if seconds is not None and not seconds > 0:
                raise ValueError(f"timeout.{name} must be more than 0 seconds, not {seconds!r}")

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
            ConfigurationError: no key, or an address or key that cannot be used.
            ValueError, TypeError: a time-out or number of retries out of range.
        """
        base = _address("base_url", base_url or os.environ.get("SEC_GEMINI_API_HTTP_URL") or DEFAULT_BASE_URL, _FOLLOWS)
        environment = "" if base_url else os.environ.get("SEC_GEMINI_API_WEBSOCKET_URL", "")
        scheme, _, rest = base.partition("://")
        socket = websocket_url or environment or f"{_FOLLOWS[scheme]}://{rest}"
        logs = logs_url or os.environ.get("SEC_GEMINI_LOGS_PROCESSOR_API_URL", "")
        return cls(
            api_key=_key(os.environ.get("SEC_GEMINI_API_KEY", "") if api_key is None else api_key),
            base_url=base,
            websocket_url=_address("websocket_url", socket, ("ws", "wss")),
            logs_url=_address("logs_url", logs, _FOLLOWS) if logs else "",
            timeout=None if timeout is None else Timeout.of(timeout),
            max_retries=max_retries,
            proxy=check_proxy(proxy) if proxy else proxy,
            verify=verify,
            headers=dict(headers or {}),
            limits=limits or Limits(),
        )

    def replace(self, **changes: object) -> Config:
        """Return a copy with some settings changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # dataclasses checks the names


def _key(value: str) -> Secret:
    if not isinstance(value, str):
        raise TypeError(f"api_key must be a string, not {type(value).__name__}")
    key = value.strip()
    if not key:
        raise ConfigurationError(
            "no API key", hint="pass api_key=… or set SEC_GEMINI_API_KEY; SecGemini.local() needs none"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigurationError(
            "the API key has characters that no key has", hint="copy it again: a key is printable ASCII without spaces"
        )
    return Secret(key)


def _address(name: str, url: str, schemes: Mapping[str, str] | tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # reading it checks it
    except ValueError as error:
        raise ConfigurationError(f"{name} is not a URL: {error}") from None
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        form = " or ".join(f"{scheme}://HOST[:PORT]" for scheme in schemes)
        raise ConfigurationError(f"{name} must look like {form}, not {_without_userinfo(url)!r}")
    if parts.username or parts.password:
        raise ConfigurationError(f"{name} must not carry a user name or password", hint="use headers= or proxy=")
    return url.rstrip("/")


def check_proxy(url: str) -> str:
    """Return the address of a proxy.

    Raises:
        ConfigurationError: it is none. The error does not quote it, because it may hold a password.
    """
    if not _is_proxy(url):
        raise ConfigurationError(
            "the proxy's address is not one", hint="proxy= and the environment take http, https and socks5 URLs"
        )
    return url


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_place and parts.scheme in _PROXIES and not (parts.path.strip("/") or parts.query or parts.fragment)


def _without_userinfo(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
