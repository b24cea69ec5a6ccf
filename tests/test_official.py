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
        capture_output=True, text=True, cwd="/", timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("GOT "), done.stdout + done.stderr
    got = json.loads(last[4:])
    assert isinstance(got, dict)
    return got


def test_the_official_python_client(service: LocalService) -> None:
    got = run("sec_gemini_client.py", service.api_key, service.base_url, service.websocket_url)
    status, text, is_history = got.pop("query")  # type: ignore[misc]
    assert (status, is_history) == (200, True)
    assert "evil.example" in text
    assert "198.51.100.7" in text
    answered = str(got.pop("answered"))
    assert "add(a=2, b=3)\n    5\n" in answered
    assert "Tool 'boom' execution failed: kaput" in answered
    assert str(got.pop("no model")).startswith("Exception: Error when registering the session: No such model")
    assert got == {
        "created": ["official", "by the official client", 600, True, "en-US", "start"],
        "model": ["sec-gemini-1.1", "sec-gemini-1.1"],
        "agents_config": True,
        "other": ["pong", 4],
        "models": ["sec-gemini-1.1", "sec-gemini-1.1", "sec-gemini-1.1-experimental", "logs_analysis_agent-1.1"],
        "deleted": [True] * 6,
        "streamed": [
            ["info", "running_agent", "system", "Transfer"],
            ["thinking", "thinking", "agent", "The prompt asks for one word."],
            ["result", "agent_done", "agent", "pong"],
            ["info", "end", "system", "Done"],
        ],
        "streams are history": True,
        "ends": [1, 1],
        "rejoined": [3, "end", True],
        "turns": [3, "agent_done", True],
        "shown": [True, True],
        "attached": ["sample.txt", 30, "text/plain"],
        "sniffed": ["application/pdf", "pdf"],
        "files": ["sample.txt", "a.pdf", "c.txt", "d.txt", "e.txt"],
        "detached": [True, False, True, False, True],
        "left files": ["a.pdf", "d.txt"],
        "logs": 64,
        "counted": [True, True],
        "updated": [True, "renamed", "new", 300],
        "too short": "ValueError: TTL must be greater than 300 seconds",
        "feedback": [True, True],
        "with tools": [["thinking", "thinking"], ["result", "agent_done"]],
        "exchange": [
            ["local_tool_call", 200, '{"tool_name":"add","tool_args":{"a":2,"b":3}}'],
            ["local_tool_result", 200, '{"name": "add", "output": "5"}'],
            ["local_tool_call", 200, '{"tool_name":"boom","tool_args":{"text":"2"}}'],
            ["local_tool_result", 500, "Tool 'boom' execution failed: kaput"],
        ],
        "unknown tool": [500, '{"name": "add", "output": "Tool \'add\' not found.", "is_error": true}'],
        "listed": ["number 0", "number 1", "number 2"],
        "printed": True,
        "resumed": "number 1",
        "twice": [True, False],
        "gone": True,
        "left": ["number 0", "number 2"],
        "slashed": [200, "end", True],
    }
    bodies = [request.body or {} for request in service.requests if request.operation == "send_feedback"]
    assert [[body[name] for name in ("type", "score", "comment", "group_id")] for body in bodies] == [
        ["user_feedback", 1, "good", "group X"],
        ["bug_report", 0, "it broke", "group Y"],
    ]


def test_the_official_openai_client(service: LocalService) -> None:
    got = run("openai_client.py", service.api_key, service.base_url)
    assert got == {
        "plain": ["chat.completion", "pong", "stop", True],
        "several": [[0, "pong"], [1, "pong"]],
        "streamed": "pong",
        "finish": "stop",
        "objects": ["chat.completion.chunk"],
        "talk": "pong",
        "files": [True, True],
        "wrong key": 401,
        "unknown model": 404,
        "unknown path": 404,
    }
