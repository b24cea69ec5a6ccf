"""The stream of a turn as a plain iterator, for scripts and notebooks: a private event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from secgemini_api.models import Message

from ._socket import TurnDriver
from ._websocket import Link
from .stream import Turn

_T = TypeVar("_T")

_BATCH = 256  # messages fetched from the other thread at once, when that many are at hand
_JOIN = 1.0  # seconds that `close` waits for the thread, which has nothing left to do


class SyncStream:
    """The messages of one turn: an iterator, and a context manager that surely closes the socket.

        with session.stream_sync("…") as stream:
            for message in stream:
                ...

    Nothing is sent before the first `for` step or `with`; entering the block connects and sends the prompt. Works where
    an event loop is running already, as in a notebook. Ctrl-C, leaving the block, `close()` and dropping the iterator
    close the socket at once; the turn goes on at the service. One thread at a time may iterate.

    Raises, from the iterator, after every message that came before: the errors that `Stream` raises.
    """

    def __init__(self, link: Link, turn: Turn) -> None:
        self._driver = TurnDriver(link, turn)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready: deque[Message] = deque()
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        if not self._ready:
            if self._closed:
                raise StopIteration
            self._ready.extend(self._run(lambda: self._driver.batch(_BATCH)))
            if not self._ready:
                self.close()
                raise StopIteration
        return self._ready.popleft()

    def __enter__(self) -> Self:
        """Connect and send the prompt. Raises what connecting raises."""
        if not self._closed:
            self._run(self._driver.open)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket, stop running tools, end the thread; the iterator ends. Quick; can be called again."""
        self._closed = True
        self._ready.clear()
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(_begin, _closing(self._driver), Future())
        if thread is not threading.current_thread():
            thread.join(_JOIN)

    def __del__(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_begin, _closing(self._driver), Future())

    def _run(self, work: Callable[[], Coroutine[object, object, _T]]) -> _T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_serve, args=(self._loop,), name="secgemini-stream", daemon=True)
            self._thread.start()
        outcome: Future[_T] = Future()
        try:
            self._loop.call_soon_threadsafe(_begin, work, outcome)
            return outcome.result()
        except BaseException:  # also KeyboardInterrupt, which ends the wait and not the work
            self.close()
            raise


def _begin(work: Callable[[], Coroutine[object, object, _T]], outcome: Future[_T]) -> None:
    """Start the work here, in the loop's thread: Ctrl-C in the other one cannot leave it half started."""

    async def settle() -> None:
        try:
            outcome.set_result(await work())
        except BaseException as error:
            outcome.set_exception(error)

    task = asyncio.get_running_loop().create_task(settle())
    outcome.add_done_callback(lambda _: task.done())  # the loop alone holds a task too loosely


def _closing(driver: TurnDriver) -> Callable[[], Coroutine[object, object, None]]:
    """Return the work that closes; it holds no reference to the iterator, which may be on its way out."""

    async def close() -> None:
        try:
            await driver.aclose()
        finally:
            asyncio.get_running_loop().stop()

    return close


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=_JOIN))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
