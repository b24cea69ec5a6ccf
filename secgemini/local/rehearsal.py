"""A way back for tests: what a service remembers, taken and put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from secgemini.local.service import Service


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a service remembered at one moment, also its clock and the state of seeded ids."""

    tables: Mapping[str, list[tuple[object, ...]]] = field(repr=False)
    clock: float
    ids: object = field(repr=False)


def take_snapshot(service: Service) -> Snapshot:
    """Return what the service remembers now."""
    return Snapshot(service.store.dump(), service.clock.state, service.ids.state)


def restore_snapshot(service: Service, snapshot: Snapshot) -> None:
    """Make the service remember what it remembered then, and nothing else. Running turns end without a trace."""
    service.faults.drop()
    service.turns.forget()
    service.store.load(snapshot.tables)
    service.clock.state, service.ids.state = snapshot.clock, snapshot.ids
    service.keyring.forget()
    service.requests.clear()
