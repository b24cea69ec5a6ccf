"""The generated client over our connections: `sg.api` and `sg.logs_api`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from secgemini_api.client import AuthenticatedClient

from .errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from ._http import Connections


class Api(AuthenticatedClient):
    """The generated client, authenticated, with the errors, limits and time-outs of the client that it belongs to."""

    def __init__(self, connections: Connections, base_url: str) -> None:
        super().__init__(
            base_url=base_url, token="", prefix="", auth_header_name="x-api-key"
        )  # the connections have the key
        self._connections = connections

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
        """Return the shared client of this process."""
        return self._connections.sync_client()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the shared client of the running event loop."""
        return self._connections.async_client_now()
