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
def counted_work(budget: Budget, library: str, unpacker: str = "", longest: int = 0) -> Iterator[None]:
    """Count the calls of this thread and the bytes that its functions return; end `library` with `TooMuchWork`.

    It is raised within the modules of that package only: elsewhere somebody may have taken a lock, as logging and
    imports do, and would never let go of it. `unpacker` is the name of the function that gives up after `longest`
    bytes: it returns none then, but did the work. Not to be held over a `yield`: the work of others would be counted.
    Counting makes calls three times as slow.
    """

    def count(frame: FrameType, event: str, argument: object) -> None:
        budget.work -= 1
        if event == "return":
            if isinstance(argument, bytes):
                budget.work -= len(argument) // _BYTES
            elif argument is None and frame.f_code.co_name == unpacker:
                budget.work -= longest // _BYTES
        if budget.work < 0 and str(frame.f_globals.get("__name__")).partition(".")[0] == library:
            raise TooMuchWork

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before if callable(before) else None)  # Python 3.11 cannot set one that is written in C again
