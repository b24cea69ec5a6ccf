"""When to try again, and after how long. Pure: what happened and how often → seconds to wait, or None to give up.

One policy serves REST calls, uploads and the connects of streams. Waits are drawn with full jitter from 0.5 s, doubling
up to 8 s. The service's own `Retry-After` is honoured up to 120 s, plus up to 20 % so that many waiters do not wake at
once; above that the error is raised and carries `retry_after`. A `Budget` shared by all calls of a client keeps a dead
service from being hammered.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC

from ._forks import renew_lock_after_fork
from .errors import APIConnectionError, APIStatusError, SecGeminiError

FIRST_WAIT = 0.5  # seconds
LONGEST_WAIT = 8.0  # seconds
LONGEST_RETRY_AFTER = 120.0  # seconds
SURELY_NOT_DONE = frozenset({429, 503})  # statuses with which a service says that it did nothing


def backoff(failures: int, chance: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait after `failures` failures in a row (1 or more), with full jitter."""
    ceiling: float = min(FIRST_WAIT * 2.0 ** (min(failures, 16) - 1), LONGEST_WAIT)
    return ceiling * chance()


def wait_before_retry(
    error: SecGeminiError, failures: int, max_retries: int, chance: Callable[[], float] = random.random
) -> float | None:
    """Return the seconds to wait before the next attempt, or None when this failure is final.

    `failures` counts the failed attempts so far, this one included.
    """
    if failures > max_retries or not error.retryable:
        return None
    asked = getattr(error, "retry_after", None)
    if asked is None:
        return backoff(failures, chance)
    if asked > LONGEST_RETRY_AFTER:
        return None
    return float(asked) * (1 + 0.2 * chance())


def is_unclear(error: SecGeminiError) -> bool:
    """Tell whether the request may have been carried out although it failed."""
    if isinstance(error, APIConnectionError):
        return error.sent
    return not (isinstance(error, APIStatusError) and (error.status_code in SURELY_NOT_DONE or error.status_code < 500))


def parse_retry_after(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that a `Retry-After` header asks for: a number, or an HTTP date. None when it says neither."""
    if not value:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until_date(text, now())
    return seconds if 0 <= seconds < float("inf") else None


def _until_date(text: str, now: float) -> float | None:
    from dateutil import parser  # a date is rare; importing it costs more than all the rest of this module

    try:
        moment = parser.parse(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return max(0.0, moment.timestamp() - now)  # a zone of more than a day is found out only here
    except (ValueError, OverflowError):
        return None


class Budget:
    """Tokens that retries cost: 500 at most, 14 a retry, 5 one after throttling; success gives the last price back.

    An early success returns what the retry took; every success without a retry returns 1. Thread-safe.
    """

    CAPACITY = 500
    RETRY_COST = 14
    THROTTLED_COST = 5

    def __init__(self) -> None:
        self._tokens = self.CAPACITY
        self._lock = threading.Lock()
        renew_lock_after_fork(self)

    @property
    def tokens(self) -> int:
        """Return what is left."""
        return self._tokens

    def spend(self, error: SecGeminiError) -> int | None:
        """Take the price of one retry and return it, or None when the budget does not have it."""
        throttled = isinstance(error, APIStatusError) and error.status_code == 429
        cost = self.THROTTLED_COST if throttled else self.RETRY_COST
        with self._lock:
            if self._tokens < cost:
                return None
            self._tokens -= cost
        return cost

    def give_back(self, spent: int) -> None:
        """Return the price of the retry that led to success (0: the first attempt succeeded)."""
        if not spent and self._tokens == self.CAPACITY:
            return
        with self._lock:
            self._tokens = min(self.CAPACITY, self._tokens + (spent or 1))
