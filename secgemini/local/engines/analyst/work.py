"""Bound the work of a library that sets no bound itself, in calls and bytes, which are the same in every run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .parts import Budget

_BYTES = 32  # that count as much as a call: they were unpacked, or will be looked through


class TooMuchWork(BaseException):
    """The budget is used up. No `Exception`: libraries swallow those over damaged files."""


@contextmanager
def counted_work(budget: Budget, unpacker: str = "", longest: int = 0) -> Iterator[None]:
    """Count the calls of this thread and the bytes that its functions return; end it with `TooMuchWork`.

    `unpacker` is the name of the function that gives up after `longest` bytes: it returns none then, but did the work.
    Not to be held over a `yield`: the work of others would be counted. Counting makes calls three times as slow.
    """

    left = budget.work

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left
        left -= 1
        if event == "return":
            if isinstance(argument, bytes):
                left -= len(argument) // _BYTES
            elif argument is None and frame.f_code.co_name == unpacker:
                left -= longest // _BYTES
        if left < 0:
            raise TooMuchWork

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
        budget.work = left
