"""Threads for work that would hold up the event loop. Nobody waits for them: a slow file does not delay the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 32  # jobs at a time; others wait


class Workers(ThreadPoolExecutor):
    """What `asyncio.to_thread` of the service runs in: a daemon thread for each job.

    The threads of a `ThreadPoolExecutor` are waited for when their loop ends and again when the interpreter does, which
    takes no new job from then on, though the service still runs.
    """

    def __init__(self) -> None:
        super().__init__(_MOST)
        self._room = threading.Semaphore(_MOST)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a thread of its own."""
        future: Future[T] = Future()

        def work() -> None:
            with self._room:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:  # told to whoever waits for the result
                    future.set_exception(error)
                else:
                    future.set_result(result)

        threading.Thread(target=work, name="secgemini-worker", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: threads that run end by themselves or with the process."""
