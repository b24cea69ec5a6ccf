"""Proxies, certificate authorities and client certificates: each on HTTP and on the WebSocket, sync and async."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Certificates
from closed_port import closed_port
from proxies import SocksProxy
from transport_world import GOOD, HTTP, WAYS, Settings, Way, World, plain, running_world, with_tls
from wire import session

from secgemini import APIConnectionError, APITimeoutError, ConfigurationError, SecGeminiError, Timeout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("certificates")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name)


# -- what works --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """`settings` are the client's, `environment` the process's; `takes` is what the proxies see of it."""

    name: str
    settings: Callable[[World], Settings]
    environment: Callable[[World], dict[str, str]] = lambda world: {}
    takes: str = ""


def _hidden(settings: Callable[[World], Settings]) -> Callable[[World], Settings]:
    """Name the service by a name that only the proxies know."""
    return lambda w: {**settings(w), "base_url": str(settings(w)["base_url"]).replace("localhost", "secgemini.test")}


REACHED = [
    Case("directly", plain()),
    Case("proxy= for http", plain(proxy=lambda w: w.proxy("http")), takes="http: "),
    Case("proxy= for https", with_tls(proxy=lambda w: w.proxy("http")), takes="http: CONNECT localhost"),
    Case(
        "proxy with password, http",
        plain(proxy=lambda w: w.proxy("http with password")),
        takes="http with password: ",
    ),
    Case(
        "proxy with password, https",
        with_tls(proxy=lambda w: w.proxy("http with password")),
        takes="http with password: CONNECT",
    ),
    Case(
        "a name that only the proxy knows",
        _hidden(with_tls(proxy=lambda w: w.proxy("http"))),
        takes="http: CONNECT secgemini.test",
    ),
    Case(
        "proxy over TLS, http",
        plain(proxy=lambda w: w.proxy("https"), verify=lambda w: w.certificates.ca),
        takes="https: ",
    ),
    Case("proxy over TLS, https", with_tls(proxy=lambda w: w.proxy("https")), takes="https: CONNECT localhost"),
    Case("socks, http", _hidden(plain(proxy=lambda w: w.proxy("socks"))), takes="socks: name secgemini.test"),
    Case("socks, https", _hidden(with_tls(proxy=lambda w: w.proxy("socks"))), takes="socks: name secgemini.test"),
    Case(
        "socks with password",
        _hidden(with_tls(proxy=lambda w: w.proxy("socks with password"))),
        takes="socks with password: name secgemini.test",
    ),
    Case("HTTP_PROXY", plain(), lambda w: {"HTTP_PROXY": w.proxy("http")}, takes="http: "),
    Case("https_proxy", with_tls(), lambda w: {"https_proxy": w.proxy("http")}, takes="http: CONNECT"),
    Case("ALL_PROXY", with_tls(), lambda w: {"ALL_PROXY": w.proxy("socks")}, takes="socks: name localhost"),
    Case("NO_PROXY", with_tls(), lambda w: {"HTTPS_PROXY": w.proxy("http"), "NO_PROXY": "localhost"}),
    Case("proxy='' against the environment", with_tls(proxy=lambda w: ""), lambda w: {"ALL_PROXY": w.proxy("http")}),
    Case("verify=FILE", with_tls()),
    Case("verify=FOLDER", with_tls(verify=lambda w: hashed_folder(w.certificates))),
    Case("verify=SSLContext", with_tls(verify=lambda w: w.certificates.client())),
    Case("verify='system'", with_tls(verify=lambda w: "system"), lambda w: {"SSL_CERT_FILE": w.certificates.ca}),
    Case("verify=True, SSL_CERT_FILE", with_tls(verify=lambda w: True), lambda w: {"SSL_CERT_FILE": w.certificates.ca}),
    Case("verify=False", with_tls(verify=lambda w: False)),
    Case(
        "a client certificate",
        lambda w: {
            "base_url": f"https://localhost:{w.proxies['mutual'].port}",
            "verify": w.certificates.client(identified=True),
        },
        takes="mutual: TLS",
    ),
]


def hashed_folder(certificates: Certificates) -> str:
    """Return a folder of authorities as OpenSSL wants it: named by the hash of their subjects."""
    folder = Path(certificates.ca).parent / "hashed"
    folder.mkdir(exist_ok=True)
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to hash the name with")
    name = subprocess.run(
        ["openssl", "x509", "-noout", "-subject_hash", "-in", certificates.ca],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (folder / f"{name}.0").write_bytes(Path(certificates.ca).read_bytes())
    return str(folder)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", REACHED, ids=lambda case: case.name)
def test_the_service_is_reached(
    world: World, case: Case, way: Way, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name, value in case.environment(world).items():
        monkeypatch.setenv(name, value)
    settings = case.settings(world)
    world.seen()
    assert way(settings) in GOOD
    seen = world.seen()
    if case.takes:
        assert seen, "it went past the proxy"
        assert all(entry.startswith(case.takes) for entry in seen)
    else:
        assert not seen
    assert "secret" not in caplog.text, "no library logs the password of a proxy"


# -- what does not, and says why ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    """`kind` and `says` are what the caller gets; None for `retryable` where the ways may differ."""

    name: str
    settings: Callable[[World], Settings]
    says: str
    kind: type[SecGeminiError] = APIConnectionError
    retryable: bool | None = None


DISTRUST = "CERTIFICATE_VERIFY_FAILED.*verify= takes"
FAILURES = [
    Failure("wrong authority", with_tls(verify=lambda w: w.certificates.other_ca), DISTRUST, retryable=False),
    Failure("authorities of the world", with_tls(verify=lambda w: True), DISTRUST, retryable=False),
    Failure("authorities of the system", with_tls(verify=lambda w: "system"), DISTRUST, retryable=False),
    Failure(
        "another name than the certificate's",
        lambda w: {**with_tls(proxy=lambda w: w.proxy("http"))(w), "base_url": w.url(w.tls, "elsewhere.test")},
        "Hostname mismatch.*verify= takes",
        retryable=False,
    ),
    Failure(
        "proxy whose authority is not trusted",
        plain(proxy=lambda w: w.proxy("https"), verify=lambda w: w.certificates.other_ca),
        DISTRUST,
        retryable=False,
    ),
    Failure(
        "no client certificate",
        lambda w: {"base_url": f"https://localhost:{w.proxies['mutual'].port}", "verify": w.certificates.client()},
        "",
    ),
    Failure("TLS where there is none", lambda w: {"base_url": w.url(w.plain).replace("http:", "https:")}, "SSL|TLS"),
    Failure("dead proxy", plain(proxy=lambda w: f"http://127.0.0.1:{closed_port()}"), "", retryable=True),
    Failure("dead proxy, https", with_tls(proxy=lambda w: f"http://127.0.0.1:{closed_port()}"), "", retryable=True),
    Failure("dead socks proxy", plain(proxy=lambda w: f"socks5://127.0.0.1:{closed_port()}"), "", retryable=True),
    Failure(
        "proxy refuses the password, http",
        plain(proxy=lambda w: w.proxy("http with password", "ann:secret-no")),
        "407.*is the proxy right",
        SecGeminiError,
        retryable=False,
    ),
    Failure(
        "proxy refuses the password, https",
        with_tls(proxy=lambda w: w.proxy("http with password", "ann:secret-no")),
        "407.*is the proxy right",
        retryable=False,
    ),
    Failure(
        "socks proxy refuses the password",
        with_tls(proxy=lambda w: w.proxy("socks with password", "ann:secret-no")),
        "proxy",
    ),
    Failure(
        "nothing behind the proxy",
        lambda w: {**with_tls(proxy=lambda w: w.proxy("http"))(w), "base_url": f"https://localhost:{closed_port()}"},
        "502.*is the proxy right",
    ),
    Failure("no address of a proxy", plain(proxy=lambda w: "ftp://ann:secret@127.0.0.1"), "proxy", ConfigurationError),
    Failure("half an address of a proxy", plain(proxy=lambda w: "http://ann:secret@["), "proxy", ConfigurationError),
    Failure("no CA file", with_tls(verify=lambda w: "/no/such/file"), "no file of CA cert", ConfigurationError),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_the_error_says_what_is_wrong(world: World, failure: Failure, way: Way) -> None:
    with pytest.raises(failure.kind, match=f"(?s){failure.says}") as caught:
        way({"max_retries": 0, **failure.settings(world)})
    error = caught.value
    assert "secret" not in str(error) + repr(vars(error)) + repr(error.__cause__ or error.__context__)
    assert failure.retryable in (None, error.retryable)


@pytest.mark.parametrize("way", HTTP)
@pytest.mark.parametrize("settings", [plain(), with_tls()], ids=["http", "https"])
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_dead_proxy_is_named_and_not_the_service_blamed(
    world: World, way: Way, settings: Callable[[World], Settings], scheme: str
) -> None:
    place = f"127.0.0.1:{closed_port()}"
    with pytest.raises(
        APIConnectionError, match=f"through the proxy {scheme}://{place}: .*is the proxy right"
    ) as caught:
        way({**settings(world), "proxy": f"{scheme}://ann:secret@{place}", "max_retries": 0})
    assert "secret" not in str(caught.value)
    assert "is the service running" not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_silent_socks_proxy_ends_at_the_connect_time_out(way: Way) -> None:
    proxy = SocksProxy(silent=True)
    try:
        with pytest.raises(APITimeoutError):
            way({
                "base_url": "http://127.0.0.1:9", "proxy": proxy.url, "max_retries": 0, "timeout": Timeout(connect=0.3),
            })  # fmt: skip
    finally:
        proxy.close()


WITHOUT_SOCKS = """
import asyncio, sys
sys.modules["socksio"] = sys.modules["python_socks"] = None
from secgemini import AsyncSecGemini, ConfigurationError, SecGemini
from secgemini.session import InteractiveSession
from secgemini_api.models import PublicSession
settings = {"base_url": "http://127.0.0.1:9", "proxy": "socks5://127.0.0.1:9"}

async def ask():
    async with AsyncSecGemini("k", **settings) as sg:
        await sg.user_info()

with SecGemini("k", **settings) as sg:
    mine = InteractiveSession(sg._driver, PublicSession.from_dict(__import__("json").loads(sys.argv[1])))
    for way in (sg.user_info, lambda: asyncio.run(ask()), lambda: list(mine.stream_sync("hello"))):
        try:
            way()
        except ConfigurationError as error:
            print(error)
"""


def test_without_the_extra_a_socks_proxy_is_a_configuration_error() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_SOCKS, json.dumps(session())],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines() == ["SOCKS proxies need more packages (pip install 'secgemini[socks]')"] * 3
