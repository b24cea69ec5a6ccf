"""Bound the work of a library that sets no bound itself: counted in calls, which are the same in every run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .parts import Budget


class TooMuchWork(BaseException):
    """The calls that the budget allows are used up. No `Exception`: libraries swallow those over damaged files."""


@contextmanager
def counted_calls(budget: Budget) -> Iterator[None]:
    """Count the calls of this thread, and end them with `TooMuchWork` when they are more than the budget allows.

    Not to be held over a `yield`: the calls of others would be counted. Counting makes calls three times as slow.
    """

    def count(frame: FrameType, event: str, argument: object) -> None:
        budget.calls -= 1
        if budget.calls < 0:
            raise TooMuchWork

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
