"""Locks that a forked child gets anew: the thread that held one while the process forked does not exist there."""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class _Locked(Protocol):
    _lock: threading.Lock


_owners: WeakSet[_Locked] = WeakSet()


def renew_lock_after_fork(owner: _Locked) -> None:
    """Give a forked child a new `_lock` of this object, for as long as the object lives."""
    _owners.add(owner)


def _renew() -> None:
    for owner in list(_owners):
        owner._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
