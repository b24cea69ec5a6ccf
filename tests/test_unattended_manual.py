"""The examples of docs/unattended.md, run as they stand; and its tables, held against the code."""

import re
from pathlib import Path

import pytest

from secgemini import Limits, SecGemini
from secgemini.local.server import LocalService

MANUAL = (Path(__file__).parent.parent / "docs" / "unattended.md").read_text()
FIRST, IN_TESTS = re.findall(r"^```python\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)


def test_the_examples(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "manual"}
    with LocalService() as service:
        monkeypatch.setenv("SEC_GEMINI_API_KEY", service.api_key)
        monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", service.base_url)
        exec(compile(FIRST, "manual", "exec"), names)
        client, seen = names["sg"], names["seen"]
        assert isinstance(client, SecGemini)
        client.close()
    assert [response.status_code for response in seen] == [200] * len(seen) != []  # type: ignore[attr-defined,arg-type]
    assert "198.51.100.7" in names["answer"].output_text  # type: ignore[attr-defined]
    exec(compile(IN_TESTS, "manual", "exec"), names)
    assert "would have waited 1 times" in capsys.readouterr().out


def test_the_table_of_limits() -> None:
    defaults = Limits()
    for name, value in re.findall(r"^\| `(max_\w+)` \| ([\d,]+)(?: MiB)? \|", MANUAL, re.MULTILINE):
        if name == "max_retries":
            continue
        number = int(value.replace(",", ""))
        assert getattr(defaults, name) in (number, number << 20)
