"""A pytest plugin: the fixture `secgemini_local`, an embedded service that is as new in every test.

    def test_report(secgemini_local):
        secgemini_local.faults.set("generate:status=503,times=1")
        report = my_program.run()                   # uses SecGemini(), which finds the service in the environment
        assert [request.operation for request in secgemini_local.requests].count("generate") == 2

The service keeps everything in memory; its ids and times are the same in every run. It starts once in a test run. Its
engine is the ini option `secgemini_engine` (`analyst` when not set). Within the test the environment variables
`SEC_GEMINI_API_KEY` and `SEC_GEMINI_*_URL` point clients at it, and `NO_PROXY` keeps proxies out of the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from secgemini.local.server import LocalService


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini("secgemini_engine", "what answers prompts in the fixture secgemini_local", default="analyst")


@pytest.fixture(scope="session")
def _secgemini_service(pytestconfig: pytest.Config) -> Iterator[LocalService]:
    from secgemini._embedded import import_service

    with import_service()(engine=str(pytestconfig.getini("secgemini_engine")), seed=0) as service:
        yield service


@pytest.fixture
def secgemini_local(_secgemini_service: LocalService, monkeypatch: pytest.MonkeyPatch) -> LocalService:
    """Return the embedded service, empty and without faults, with the environment pointing at it.

    Useful here: `faults.set(…)`, `requests`, `clock.advance(…)`, `snapshot()` and `restore(…)`.
    """
    service = _secgemini_service
    service.reset()
    monkeypatch.setenv("SEC_GEMINI_API_KEY", service.api_key)
    monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", service.base_url)
    monkeypatch.setenv("SEC_GEMINI_API_WEBSOCKET_URL", service.websocket_url)
    monkeypatch.setenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", service.logs_url)
    kept = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if kept != "*":
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, f"{kept},127.0.0.1".lstrip(","))
    return service
