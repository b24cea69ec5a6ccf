"""Time and identifiers of the service: real, or the same in every run when seeded."""

from __future__ import annotations

import math
import random
import secrets
import time

SEEDED_START = 1_760_000_000.0
"""Unix seconds at which a seeded clock starts."""

_TICK = 0.001  # a seeded clock moves only when it stamps something


class Clock:
    """Tell the time in Unix seconds, UTC.

    A seeded clock starts at `SEEDED_START` and moves one millisecond with every stamp, so that the same requests get
    the same times. `advance` moves either clock forward, so that a test of a time to live need not wait for it.
    """

    def __init__(self, *, seeded: bool = False) -> None:
        self._seeded = seeded
        self._offset = SEEDED_START if seeded else 0.0

    @property
    def state(self) -> float:
        """Return how far the clock was moved."""
        return self._offset

    @state.setter
    def state(self, offset: float) -> None:
        self._offset = offset

    def go_on(self, time: float) -> None:
        """Let a seeded clock be no earlier than what a database remembers."""
        if self._seeded:
            self._offset = max(self._offset, time)

    def peek(self) -> float:
        """Return the time without moving a seeded clock."""
        return self._offset if self._seeded else time.time() + self._offset

    def stamp(self) -> float:
        """Return the time for a record."""
        if self._seeded:
            self._offset = round(self._offset + _TICK, 3)
        return self.peek()

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: `seconds` is negative, or no number that a time can have.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"a clock goes forward by so many seconds, not by {seconds}")
        self._offset += seconds


class Ids:
    """Make identifiers: lower-case hexadecimal, unguessable unless seeded."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random = None if seed is None else random.Random(seed)

    @property
    def state(self) -> object:
        """Return what the next identifiers depend on; None when they are random."""
        return None if self._random is None else self._random.getstate()

    @state.setter
    def state(self, state: object) -> None:
        if self._random is not None and isinstance(state, tuple):
            self._random.setstate(state)

    def go_on(self, number: int) -> None:
        """Make others, when seeded, than those that a database with so many messages has: the same ones each time."""
        if self._random is not None and number:
            self._random.seed(f"{self._seed} after {number}")

    def hex(self, digits: int) -> str:
        """Return an identifier of that many hexadecimal digits (an even number)."""
        if self._random is None:
            return secrets.token_hex(digits // 2)
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"
