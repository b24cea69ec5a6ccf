"""The generated client over our connections: `sg.api` and `sg.logs_api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from secgemini_api.client import AuthenticatedClient

from .errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from ._http import Connections
    from .config import Timeout


class Api(AuthenticatedClient):
    """The generated client, authenticated, with the errors, limits and time-outs of the client that it belongs to.

    As a context manager it does nothing: the connections belong to that client, which closes them.
    """

    def __init__(self, connections: Connections, base_url: str, timeout: Timeout | None = None) -> None:
        super().__init__(
            base_url=base_url, token="", prefix="", auth_header_name="x-api-key"
        )  # the connections have the key
        self._connections = connections
        self._seconds = timeout

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Refuse: the connections are shared. Make a client with `SecGemini(headers=…)` and use its `api`."""
        raise ConfigurationError("sg.api shares its connections", hint="use SecGemini(headers=…).api")

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Refuse, as `with_headers` does."""
        raise ConfigurationError("sg.api shares its connections", hint="use SecGemini(headers=…).api")

    def with_timeout(self, timeout: object) -> Self:
        """Refuse, as `with_headers` does."""
        raise ConfigurationError("sg.api shares its connections", hint="use SecGemini(timeout=…).api")

    def get_httpx_client(self) -> httpx.Client:
        """Return a client over the shared connections of this process."""
        return self._connections.sync_client().lent(self._base_url, self._seconds)

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return a client over the shared connections of the running event loop."""
        return self._connections.async_client_now().lent(self._base_url, self._seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object, **options: object) -> None:
        """Leave the shared connections open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object, **options: object) -> None:
        """Leave the shared connections open."""
