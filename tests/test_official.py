"""The official clients, unmodified, against the embedded service. `scripts/official` installs and runs them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from secgemini.local.server import LocalService

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".official/bin/python"

pytestmark = pytest.mark.official


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService(validate_responses=True) as running:
        yield running
    assert running.violations == []


def run(program: str, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [str(PYTHON), str(ROOT / "tests/official" / program), *arguments],
        capture_output=True, text=True, cwd="/", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("GOT "), done.stdout + done.stderr
    got = json.loads(last[4:])
    assert isinstance(got, dict)
    return got


def test_the_official_python_client(service: LocalService) -> None:
    got = run("sec_gemini_client.py", service.api_key, service.base_url, service.websocket_url)
    assert got["created"] == ["official", "by the official client", 600, True, "sec-gemini-1.1"]
    status, text = got["query"]  # type: ignore[misc]
    assert status == 200
    assert "evil.example" in text
    assert "198.51.100.7" in text
    streamed = got["streamed"]
    assert ["result", "agent_done", "agent", "pong"] in streamed  # type: ignore[operator]
    assert streamed[-1][:3] == ["info", "end", "system"]  # type: ignore[index]
    assert got["stream is history"] is True
    assert got["rejoined"] == [1, "end"]
    assert got["attached"] == ["sample.txt", 30, "text/plain"]
    assert got["sniffed"] == ["application/pdf", "pdf"]
    assert got["files"] == ["sample.txt", "a.pdf"]
    assert got["detached"] == [True, False, ["a.pdf"]]
    assert len(str(got["logs"])) == 64
    assert got["updated"] == [True, "renamed", "new", 900]
    assert got["feedback"] == [True, True]
    assert got["listed"] == ["renamed"]
    assert got["resumed"] == "renamed"
    tools = json.dumps(got["tools"])
    assert "5" in tools
    assert "kaput" in tools
    assert got["tools"][-1][:2] == ["info", "end"]  # type: ignore[index]
    assert got["deleted"] == [True, True]
    assert got["left"] == []


def test_the_official_openai_client(service: LocalService) -> None:
    got = run("openai_client.py", service.api_key, service.base_url)
    assert got == {
        "plain": ["chat.completion", "pong", "stop", True],
        "streamed": "pong",
        "finish": "stop",
        "objects": ["chat.completion.chunk"],
        "file": True,
        "wrong key": 401,
        "unknown model": 404,
        "unknown path": 404,
    }
