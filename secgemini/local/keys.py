"""Who may use the service, and how much of it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from secgemini.errors import ConfigurationError

_WINDOW = 60.0  # seconds: both limits are per minute


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, the user it stands for, and the user's limits.

    Sessions belong to the user, so two keys of one user share theirs. A limit of 0 is no limit; `tpm` counts the tokens
    that the engine reports. `repr` hides the key.
    """

    key: str = field(repr=False)
    user: str = "local"
    org: str = "local"
    rpm: int = 0
    tpm: int = 0
    can_disable_logging: bool = True
    allow_experimental: bool = True


def user_of(key: str) -> str:
    """Return the user that a key stands for by itself: the same whichever other keys there are, and not the key."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"secgemini user")
    return f"user-{digest.hexdigest()}"


class Window:
    """Amounts spent in the last minute, against a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def wait(self, now: float) -> float:
        """Return the seconds until something may be spent again: 0.0 when it may be now."""
        while self._spent and self._spent[0][0] <= now - _WINDOW:
            self._total -= self._spent.popleft()[1]
        if not self._limit or self._total < self._limit:
            return 0.0
        return self._spent[0][0] + _WINDOW - now

    def spend(self, amount: int, now: float) -> None:
        """Record an amount as spent now."""
        if self._limit and amount:
            self._spent.append((now, amount))
            self._total += amount


class Caller:
    """A user of the service while it runs: what the key allows, and what was used of it."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self._requests = Window(key.rpm)
        self._tokens = Window(key.tpm)

    def admit(self) -> float:
        """Count a request; return 0.0, or the seconds to wait when a limit is used up (then it is not counted)."""
        now = time.monotonic()
        wait = max(self._requests.wait(now), self._tokens.wait(now))
        if not wait:
            self._requests.spend(1, now)
        return wait

    def spend_tokens(self, tokens: int) -> None:
        """Count tokens of a turn."""
        self._tokens.spend(tokens, time.monotonic())


class Keyring:
    """All keys of a service."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self.nobody: Caller = Caller(ApiKey("", user="", can_disable_logging=False, allow_experimental=False))
        """Who calls an operation that needs no key, without one."""
        self._callers = [(key.key.encode(), Caller(key)) for key in keys]
        if not self._callers or not all(secret for secret, _ in self._callers):
            raise ConfigurationError("the service needs at least one key, and no key may be empty")
        if len({secret for secret, _ in self._callers}) < len(self._callers):
            raise ConfigurationError("two users of the service have the same key")

    def find(self, given: str) -> Caller | None:
        """Return whose key this is. Compares with every key, in constant time."""
        found = None
        for secret, caller in self._callers:
            if hmac.compare_digest(secret, given.encode("utf-8", "surrogateescape")):
                found = caller
        return found

    def forget(self) -> None:
        """Forget what was used of all limits."""
        self._callers = [(secret, Caller(caller.key)) for secret, caller in self._callers]

    def spend_tokens(self, user: str, tokens: int) -> None:
        """Count tokens of a turn against all keys of a user."""
        for _, caller in self._callers:
            if caller.key.user == user:
                caller.spend_tokens(tokens)
