"""Starts and stops the embedded service of a client; imported only for one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .local.engines import Engine
    from .local.faults import Fault
    from .local.server import LocalService


def import_service() -> type[LocalService]:
    """Return the class of the embedded service. Raises `ConfigurationError` when a package that it needs is missing."""
    try:
        from .local.server import LocalService
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded service needs a package that is not installed: {error.name}",
            hint="pip install 'secgemini[local]'",
        ) from error
    return LocalService


def start(
    path: str | os.PathLike[str] | None,
    engine: str | Engine | None,
    faults: Fault | str | Sequence[Fault | str] | None,
) -> LocalService:
    """Return an embedded service that listens. Raises `ConfigurationError` as `import_service` does."""
    return import_service()(path, engine=engine, faults=faults).start()


async def stop(service: LocalService) -> None:
    """Stop it without holding up the event loop: running turns get a second to end."""
    await asyncio.to_thread(service.stop)
