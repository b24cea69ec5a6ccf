"""Which proxy a request takes: from the setting or the environment, the same for HTTP and the WebSocket."""

from __future__ import annotations

import importlib.util
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from .config import check_proxy
from .errors import ConfigurationError

_AS_HTTP = {"ws": "http", "wss": "https"}


def proxy_for(url: str, setting: str | None) -> str | None:
    """Return the proxy for an address: the setting, else the environment's (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).

    A SOCKS5 proxy resolves names itself: httpx lets it in any case, websockets only when it is called `socks5h`.

    Raises:
        ConfigurationError: what is set there is no address of a proxy.
    """
    proxy = setting if setting is not None else _from_environment(url)
    if not proxy:
        return None
    return check_proxy(f"socks5h{proxy[6:]}" if proxy.startswith("socks5:") else proxy)


def _from_environment(url: str) -> str:
    proxies, parts = getproxies(), urlsplit(url)
    proxy = proxies.get(_AS_HTTP.get(parts.scheme, parts.scheme)) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def httpx_proxy(url: str, context: ssl.SSLContext) -> httpx.Proxy:
    """Return a proxy as httpx takes it. Raises: ConfigurationError when packages for it are missing."""
    if url.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigurationError("SOCKS proxies need more packages", hint="pip install 'secgemini[socks]'")
    return httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None)
