"""The examples of docs/tools.md, run as they stand against the embedded service."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from secgemini import SecGemini, tool
from secgemini.local.engines import Reply, TurnRequest
from secgemini.local.server import LocalService

MANUAL = Path(__file__).parent.parent / "docs" / "tools.md"


class Caller:
    """An engine that asks for `list_dir` once and answers with what it got."""

    name = "caller"

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        result = await turn.call_tool("list_dir", {"path": "/", "limit": 1})
        yield Reply("result", f"{result.output} {[tool['name'] for tool in turn.tools]}")


def test_manual(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "yes"

    monkeypatch.setattr("builtins.input", answer)
    blocks = re.findall(r"^```python\n(.*?)^```", MANUAL.read_text(), re.DOTALL | re.MULTILINE)

    with LocalService(engine=Caller()) as service, SecGemini(service.api_key, base_url=service.base_url) as sg:
        names: dict[str, object] = {"sg": sg, "__name__": "manual"}
        for block in blocks:
            exec(compile(block, str(MANUAL), "exec"), names)

    output = capsys.readouterr().out
    assert "parameter 'done' has a type without JSON form" in output
    assert f"[\"{min(entry.name for entry in Path('/').iterdir())}\"] ['list_dir', 'scan']" in output
    assert asked == ['list_dir(path="/", limit=1)\nrun it? [yes/no] ']


def test_what_the_history_has_and_the_stream_does_not() -> None:
    @tool(read_only=True)
    def list_dir(path: str, limit: int) -> str:
        """List the names in a directory."""
        return f"{path} {limit}"

    with LocalService(engine=Caller()) as service, SecGemini(service.api_key, base_url=service.base_url) as sg:
        session = sg.create_session(tools=[list_dir])
        streamed = {message.message_type for message in session.stream_sync("go")}
        assert {message.message_type for message in session.history()} - streamed == {
            "query",
            "local_tool_call",
            "local_tool_result",
        }
