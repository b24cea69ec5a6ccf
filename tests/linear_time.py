"""Measure whether work grows with its input or faster, free of what else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

FACTOR = 4
MOST = 8.0  # work that grows with the square takes FACTOR**2 = 16 times as long


def growth(work: Callable[[int], object], size: int) -> float:
    """Return how many times as long `work(FACTOR * size)` takes as `work(size)`: processor time, the best of three.

    Times below a few milliseconds measure the set-up, so a small one counts as five milliseconds.
    """
    small, large = (min(_seconds(work, length) for _ in range(3)) for length in (size, FACTOR * size))
    return large / max(small, 0.005)


def _seconds(work: Callable[[int], object], size: int) -> float:
    started = time.thread_time()
    work(size)
    return time.thread_time() - started
