"""Certificates made for one test run: an authority that clients are told to trust, and one that they are not."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

HOSTS = ("localhost", "127.0.0.1", "secgemini.test")


class Certificates:
    """Files in `folder`: `ca` and `other_ca` (PEM), `cert` and `key` of a server; contexts for servers and clients."""

    def __init__(self, folder: Path) -> None:
        self._authority, stranger = trustme.CA(), trustme.CA()
        self._server = self._authority.issue_cert(*HOSTS)
        self._client = self._authority.issue_cert("client@secgemini.test")
        self.ca, self.other_ca = str(folder / "ca.pem"), str(folder / "other_ca.pem")
        self.cert, self.key = str(folder / "cert.pem"), str(folder / "key.pem")
        self._authority.cert_pem.write_to_path(self.ca)
        stranger.cert_pem.write_to_path(self.other_ca)
        self._server.private_key_pem.write_to_path(self.key)
        for blob in self._server.cert_chain_pems:
            blob.write_to_path(self.cert, append=True)

    def server(self, *, asks_client: bool = False) -> ssl.SSLContext:
        """Return a server's context; one that `asks_client` refuses clients without a certificate of the authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._server.configure_cert(context)
        if asks_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context

    def client(self, *, identified: bool = False) -> ssl.SSLContext:
        """Return a client's context that trusts the authority, `identified` by a certificate of its own."""
        context = ssl.create_default_context(cafile=self.ca)
        if identified:
            self._client.configure_cert(context)
        return context
