"""The generated client over our connections: `sg.api` and `sg.logs_api`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secgemini_api.client import AuthenticatedClient

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

    def get_httpx_client(self) -> httpx.Client:
        """Return the shared client of this process."""
        return self._connections.sync_client()

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the shared client of the running event loop."""
        return self._connections.async_client_now()
