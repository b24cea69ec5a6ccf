"""Every answer that the tests get from an embedded service is held against the contract, whoever started the service.

`hold_every_service` turns the check on for all services of this process, also those that `SecGemini.local()` starts;
`checked_serve.py` does so in processes of their own, and `checked` in whatever Python a command starts. They add what
was wrong to a file at once: a process that is killed has said it too. The autouse fixture in `conftest.py` asks
`broken_promises` after each test. What a fault rule spoils is spoiled after the check. A test that makes a service
break the contract on purpose clears its `violations`.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from secgemini.local.server import LocalService

_SAID = "TESTS_BROKEN_PROMISES"  # environment: the file in which other processes say what was wrong, a line each

_held: list[LocalService] = []
_others: list[IO[str]] = []


class _Told(list[str]):
    """A list that tells each string which is added."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, violation: str) -> None:
        super().append(violation)
        self._tell(violation)


def hold_every_service(tell: Callable[[str], object] | None = None) -> None:
    """From now on check the answers of every service that starts: bodies, frames and events.

    `tell` is called at once with what is wrong. Without it this is the process of the tests, which hears of others.
    """
    start = LocalService.start

    @functools.wraps(start)
    def start_checked(self: LocalService) -> LocalService:
        self._validate = True
        if tell is not None:
            self.violations = _Told(tell)
        _held.append(self)
        return start(self)

    LocalService.start = start_checked  # type: ignore[method-assign, assignment]
    if tell is None:
        _hear_others()


def checked(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which every process of Python checks the answers of its services."""
    here = Path(__file__).parent
    paths = [str(here / "checked"), str(here), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _hear_others() -> None:
    said = tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="broken-promises-")  # noqa: SIM115
    atexit.register(said.close)
    os.environ[_SAID] = said.name
    _others.append(said)


def tell_tests(violation: str) -> None:
    """Let the process of the tests know what was wrong with an answer of this one, if there is such a process."""
    if path := os.environ.get(_SAID):
        with open(os.open(path, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8") as said:  # a file that is there
            said.write(json.dumps(violation) + "\n")


def broken_promises() -> list[str]:
    """Return what was wrong with answers since the last call, and forget it."""
    wrong = [json.loads(line) for said in _others for line in said.readlines()]
    for service in list(_held):
        wrong += service.violations
        service.violations.clear()
        if service._listening is None:
            _held.remove(service)
    return wrong
