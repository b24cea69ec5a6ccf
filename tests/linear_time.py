"""Measure whether work grows with its input or faster, free of what else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

FACTOR = 4
MOST = 8.0  # work that grows with the square takes FACTOR**2 = 16 times as long
_MEASURABLE = 0.001  # seconds; shorter work is repeated until it takes as long
_ATTEMPTS = 3  # of a measurement that says too much: a busy machine slows down one of the two sizes, but not each time


def growth(work: Callable[[int], object], size: int) -> float:
    """Return how many times as long `work(FACTOR * size)` takes as `work(size)`: processor time, the best of three.

    The work should be long beside what it costs to set up; work that is bounded has to be asked for within its bound.
    """
    times = 1
    while times < 10_000 and _seconds(work, size, times) < _MEASURABLE:
        times *= 2
    found = float("inf")
    for _ in range(_ATTEMPTS):
        small, large = (min(_seconds(work, length, times) for _ in range(3)) for length in (size, FACTOR * size))
        found = min(found, large / small)
        if found < MOST:
            break
    return found


def _seconds(work: Callable[[int], object], size: int, times: int) -> float:
    started = time.thread_time()
    for _ in range(times):
        work(size)
    return time.thread_time() - started
