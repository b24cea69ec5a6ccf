"""The clock of an event loop in a test's hand: time-outs go off when the test says so, however busy the machine is."""

from __future__ import annotations

import asyncio

SLOWNESS = 200.0  # a tenth of a second of a slowed loop is 20 s here


def skip(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Let a loop's clock jump ahead. Called in the loop's thread, or with `call_soon_threadsafe`."""
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]


def slow_down(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop's clock run `SLOWNESS` times slower from now on: what waits for a time-out there takes for ever."""
    if hasattr(loop, "is_slow"):
        return
    time, began = loop.time, loop.time()
    loop.time = lambda: began + (time() - began) / SLOWNESS  # type: ignore[method-assign]
    loop.is_slow = True  # type: ignore[attr-defined]
