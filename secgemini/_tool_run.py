"""Run other people's functions without letting them stall, kill or outlive the turn."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import re
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from secgemini._tool_schema import to_builtins
from secgemini.errors import ToolError

T = TypeVar("T")

MAX_THREADS = 256
"""Threads of functions still running, overdue ones included, at which further calls are refused."""

_THREAD_NAME = "secgemini-tool"
_ERROR_TEXT = 2000  # characters of an exception's text that are sent back

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_overdue: set[asyncio.Task[Any]] = set()  # asyncio holds its tasks weakly; these were cancelled and not awaited


async def call(function: Callable[..., object], /, *args: object, **kwargs: object) -> object:
    """Call a function, sync or async, off the event loop or on it, and return what it returns.

    A sync function runs in a daemon thread of its own, with a copy of the context variables. Cancelling abandons the
    thread; what it returns afterwards is dropped.
    """
    try:
        if inspect.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        result = await off_loop(function, *args, **kwargs)
        return await result if inspect.isawaitable(result) else result
    except SystemExit as error:  # would end the event loop
        raise ToolError(explain(error)) from error


async def off_loop(function: Callable[..., T], /, *args: object, **kwargs: object) -> T:
    """Run a sync function in a daemon thread of its own: one that blocks delays no other, nor the end of the process.

    Raises:
        ToolError: it raised something that must not travel through a coroutine, or too many threads are still busy.
    """
    if sum(thread.name == _THREAD_NAME for thread in threading.enumerate()) >= MAX_THREADS:
        raise ToolError(f"{MAX_THREADS} earlier calls are still running")
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # a late result may be set and is dropped

    def work() -> None:
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            outcome.set_exception(error if _may_travel(error) else ToolError(explain(error)))
        else:
            outcome.set_result(result)

    threading.Thread(target=contextvars.copy_context().run, args=(work,), name=_THREAD_NAME, daemon=True).start()
    return await asyncio.wrap_future(outcome)


async def finish(work: Coroutine[object, object, T], seconds: float | None) -> T:
    """Await `work` for at most `seconds`, and not longer even if it ignores its cancellation.

    Cancelling is passed on to `work` and returns at once.

    Raises:
        ToolError: it is overdue, it failed (the error's type and text, no traceback), or it cancelled itself.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            _abandon(task)
    if not task.done():
        raise ToolError(f"TimeoutError: no result within {seconds:g} s")
    if task.cancelled():
        raise ToolError("CancelledError: the function cancelled itself")
    error = task.exception()
    if error is not None:
        raise error if isinstance(error, ToolError) else ToolError(explain(error)) from error
    return task.result()


def render(result: object, limit: int) -> str:
    """Return a result as text: a string as it is, anything else as JSON.

    Raises:
        ToolError: it has no JSON form, or is larger than `limit` bytes.
    """
    pieces: list[str] = []
    size = 0
    try:
        for piece in (result,) if isinstance(result, str) else _ENCODER.iterencode(to_builtins(result)):
            size += len(piece)
            if size > limit:  # found early: the text of a huge result is never made
                raise _too_large(limit)
            pieces.append(piece)
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"the result cannot be written as JSON ({explain(error)})") from error
    text = _encodable("".join(pieces), "\\u" if isinstance(result, str) else "\\\\u")
    if len(text.encode()) > limit:
        raise _too_large(limit)
    return text


def _too_large(limit: int) -> ToolError:
    return ToolError(f"the result is larger than {limit:,} bytes")


def _encodable(text: str, escape: str = "\\u") -> str:
    """Write out lone surrogates, which come from file names that are not UTF-8 and cannot be sent."""
    return _LONE_SURROGATE.sub(lambda found: f"{escape}{ord(found[0]):04x}", text)


def explain(error: BaseException) -> str:
    """Return the error's type and text, shortened; never raises."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be read)"
    return shorten(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def shorten(text: str) -> str:
    """Return at most the first 2,000 characters, fit to be sent."""
    return _encodable(text if len(text) <= _ERROR_TEXT else f"{text[:_ERROR_TEXT]}…")


def _may_travel(error: BaseException) -> bool:
    """Return whether a coroutine can raise it as it is: the others mean something to coroutines and event loops."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration)


def _abandon(task: asyncio.Task[T]) -> None:
    task.cancel()
    _overdue.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[T]) -> None:
    _overdue.discard(task)
    if not task.cancelled():
        task.exception()  # read, so that asyncio does not report it as lost
