"""The check of every answer sees what breaks the contract; without it the other tests would prove less."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
from typing import Any

import msgspec
import pytest
from held_services import broken_promises, checked
from raw_service import Raw

from secgemini import SecGemini
from secgemini.local import app, gate, messages
from secgemini.local.server import LocalService


def test_a_body_that_breaks_the_contract_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def without_fields(call: object) -> dict[str, Any]:
        return {"user": {}}

    monkeypatch.setattr(app, "OPERATIONS", {**app.OPERATIONS, "get_user_info": without_fields})
    with SecGemini.local() as sg:
        assert sg.service is not None
        with Raw(sg.service) as http:
            assert http.get("/v1/user/info").json() == {"user": {}}
    wrong = broken_promises()
    assert len(wrong) == 1
    assert wrong[0].startswith("GET /v1/user/info answered 200: ")
    assert broken_promises() == [], "said once"


def test_a_frame_that_breaks_the_contract_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    end = messages.Writer.end

    def end_without_turn(self: messages.Writer, prompt: dict[str, object]) -> messages.Draft:
        draft = end(self, prompt)
        frame = msgspec.json.decode(draft.text, type=dict[str, object])
        del frame["turn"]
        return dataclasses.replace(draft, text=msgspec.json.encode(frame).decode())

    monkeypatch.setattr(messages.Writer, "end", end_without_turn)
    with SecGemini.local() as sg:
        assert [m.state for m in sg.create_session().stream_sync("hello")][-1] == "end"
    assert [one for one in broken_promises() if one.startswith("a frame of the stream: ") and "turn" in one]


def test_what_another_process_answers_is_seen() -> None:
    program = """
        from secgemini import SecGemini
        from secgemini.local import gate
        import urllib.error, urllib.request

        gate._error = lambda detail: b"[]"
        with SecGemini.local() as sg:
            try:
                request = urllib.request.Request(f"{sg.base_url}/health", headers={"Host": "evil.example"})
                urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                assert error.code == 403
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=checked(os.environ), check=True)
    assert broken_promises()[0].startswith("GET /health answered 403: ")


def test_a_refusal_that_breaks_the_contract_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_error", lambda detail: b"[]")
    with SecGemini.local() as sg:
        assert sg.service is not None
        with Raw(sg.service) as http:
            assert http.get("/health", headers={"host": "evil.example"}).status_code == 403
    assert broken_promises()[0].startswith("GET /health answered 403: ")


def test_an_answer_that_a_fault_rule_spoils_is_no_complaint(service: LocalService) -> None:
    service.faults.set("get_user_info:malform")
    with Raw(service) as http, pytest.raises(json.JSONDecodeError):
        http.get("/v1/user/info").json()
    assert service.violations == []
