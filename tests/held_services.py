"""Every answer that the tests get from an embedded service is held against the contract, whoever started the service.

`hold_every_service` turns the check on for all services of this process, also those that `SecGemini.local()` starts;
the autouse fixture in `conftest.py` asks `broken_promises` after each test. What a fault rule spoils is spoiled after
the check. A test that makes a service break the contract on purpose clears its `violations`.
"""

from __future__ import annotations

import functools

from secgemini.local.server import LocalService

_held: list[LocalService] = []


def hold_every_service() -> None:
    """From now on check the answers of every service that starts: bodies, frames and events."""
    start = LocalService.start

    @functools.wraps(start)
    def start_checked(self: LocalService) -> LocalService:
        self._validate = True
        _held.append(self)
        return start(self)

    LocalService.start = start_checked  # type: ignore[method-assign, assignment]


def broken_promises() -> list[str]:
    """Return what was wrong with answers since the last call, and forget it."""
    wrong = []
    for service in list(_held):
        wrong += service.violations
        service.violations.clear()
        if service._listening is None:
            _held.remove(service)
    return wrong
