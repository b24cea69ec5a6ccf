"""What the analyst says: to a word, a greeting, a question beyond it, and over files."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from analyst_turn import answer_to, attached, replies_to
from linear_time import MOST, growth
from sample_files import EXAMPLES, mail_of, zip_of

from secgemini.local.engines import Engine, TurnRequest
from secgemini.local.engines.analyst import Analyst
from secgemini.local.engines.analyst.asks import read_ask
from secgemini.local.engines.analyst.report import NO_LOGS, NO_MODEL

PHISHING = attached("phishing.eml", (EXAMPLES / "phishing.eml").read_bytes())
SSHD = attached("sshd.log", (EXAMPLES / "sshd.log").read_bytes())


def test_it_is_an_engine() -> None:
    assert isinstance(Analyst(), Engine)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Answer only with the word 'pong'", "pong"),
        ('Please reply with the word "héllo wörld".', "héllo wörld"),
        ("Respond with the word pong.", "pong"),
        ("reply with the single word `x-1`", "x-1"),
        ("Say nothing about the logs, answer with the word 'ok'", "ok"),
    ],
)
async def test_one_word_is_answered_with_that_word(prompt: str, answer: str) -> None:
    assert await answer_to(prompt, [PHISHING]) == answer


async def test_a_greeting_is_answered_with_what_it_can_do() -> None:
    answer = await answer_to("Hello!")
    assert answer.startswith("Hello!")
    assert "No language model is attached" in answer
    assert "indicators" in answer


@pytest.mark.parametrize(
    "prompt", ["What is the capital of France?", "why is the sky blue", "Summarise this", "x" * 500]
)
async def test_what_it_cannot_do_it_says(prompt: str) -> None:
    answer = await answer_to(prompt)
    assert "needs a language model" in answer
    assert "No language model is attached" in answer


async def test_what_it_cannot_do_it_says_over_files_too() -> None:
    answer = await answer_to("What is the capital of France?", [PHISHING])
    assert 'I cannot answer "What is the capital of France?"' in answer
    assert "203.0.113.66" in answer


async def test_indicators_without_a_word_need_no_excuse() -> None:
    answer = await answer_to("hxxp://evil[.]example 10.0.0.1")
    assert "http://evil.example" in answer
    assert "cannot" not in answer


async def test_what_needs_a_model_is_said_beside_what_was_done() -> None:
    answer = await answer_to("Tell me if it is malicious and explain why.", [PHISHING])
    assert "203.0.113.66" in answer
    assert "Not done: explaining and judging needs a language model." in answer


async def test_a_turn_is_info_and_thinking_then_pieces_then_one_result() -> None:
    replies = await replies_to("Which indicators are in these files?", [PHISHING, SSHD])
    steps = [(reply.kind, reply.state, reply.partial) for reply in replies]
    assert steps[0] == ("info", "running_agent", False)
    assert replies[0].content == "Transfer"
    assert ("thinking", "thinking", False) in steps
    assert [reply.title for reply in replies if reply.kind == "info"][1:] == ["phishing.eml", "sshd.log"]
    assert steps[-1] == ("result", "agent_done", False)
    pieces = [reply.content for reply in replies if reply.partial]
    assert len(pieces) > 3
    assert "".join(pieces) == replies[-1].content
    assert {reply.kind for reply in replies if reply.partial} == {"result"}
    assert {reply.mime_type for reply in replies} == {"text/plain"}
    assert replies[-1].usage is not None
    assert replies[-1].usage.generated_tokens == len(replies[-1].content.split())


async def test_the_report_names_the_place_of_each_indicator() -> None:
    answer = await answer_to("Which indicators are in hxxp://prompt[.]example and these files?", [PHISHING, SSHD])
    lines = [line.strip() for line in answer.splitlines()]
    assert "http://prompt.example                             [reserved] prompt line 1" in lines
    assert "CVE-2017-0199  phishing.eml › part 1 (plain) line 16" in lines
    assert "phishing.eml › invoice.pdf › page 2 line 3" in answer
    assert "! line 87: backup logged in from 203.0.113.66 after 47 failed logins from there" in lines
    assert f"sha256 {PHISHING.sha256}" in lines
    assert lines[-1] == NO_MODEL


async def test_as_json_the_answer_is_one_object() -> None:
    answer = json.loads(await answer_to("List the indicators as JSON", [PHISHING, SSHD]))
    assert answer["language_model"] is False
    assert [file["sha256"] for file in answer["files"]] == [PHISHING.sha256, SSHD.sha256]
    cves = answer["indicators"]["cve"]
    assert cves == [
        {
            "value": "CVE-2017-0199",
            "marks": [],
            "count": 1,
            "places": [{"trail": ["phishing.eml", "part 1 (plain)"], "line": 16}],
        }
    ]
    [log] = answer["files"][1]["logs"]
    assert log["logins_after_failures"] == [{"line": 87, "account": "backup", "source": "203.0.113.66", "failures": 47}]


async def test_the_same_turn_gives_the_same_answer() -> None:
    prompt = "Which indicators are in these files?"
    assert await answer_to(prompt, [PHISHING, SSHD]) == await answer_to(prompt, [PHISHING, SSHD])


async def test_the_manual_shows_what_is_really_answered() -> None:
    manual = (EXAMPLES.parent / "analyst.md").read_text(encoding="utf-8")
    whole, piece = [block.partition("```")[0] for block in manual.split("```text\n")[1:]]
    assert await answer_to("Which indicators are in this file?", [SSHD]) + "\n" == whole
    assert piece in await answer_to("Which indicators are in this file?", [PHISHING])


async def test_nothing_found_is_said() -> None:
    assert "No indicators found." in await answer_to(
        "Which indicators are in this file?", [attached("a.txt", b"hello")]
    )


HOSTILE = "\x1b]0;title\x07\x1b[2J\u202egnp.exe\u200b\r"


@pytest.mark.parametrize("as_json", ["", " as JSON"])
async def test_no_control_character_reaches_the_answer(as_json: str) -> None:
    files = [
        attached(f"{HOSTILE}.txt", f"{HOSTILE} http://a.example/{HOSTILE} {HOSTILE}".encode()),
        attached("m.eml", b"Subject: \x1b[31mred\x1b[0m\n" + mail_of("x", {"\x1b[2J.bin": b"\0\1"})),
        attached("a.zip", zip_of({f"{HOSTILE}.txt": b"evil.example", "\x1b[2J": bytes(5_000_000)})),
    ]
    for reply in await replies_to(f"list {HOSTILE} indicators{as_json}", files):
        if reply.kind == "result":
            shown = set(reply.content) - {"\n"}
            assert not [character for character in shown if ord(character) < 32 or character in "\x7f\x9b\u202e\u200b"]


COLOURED = (
    "\x1b[32mNov 19 09:33:0{0}\x1b[0m web01 sshd[{0}]: Failed \x1b[31mpassword\x1b[0m for root"
    " from \x1b[36m203.0.113.{0}\x1b[0m port 22 ssh2\n"
)


async def test_colours_hide_no_indicator_of_a_file_or_of_the_prompt() -> None:
    text = "".join(COLOURED.format(number) for number in range(3))
    prompt = "list as JSON \x1b[1mbad@evil\x1b[0m.example"
    answer = json.loads(await answer_to(prompt, [attached("a.log", text.encode())]))
    found = {kind: [entry["value"] for entry in entries] for kind, entries in answer["indicators"].items()}
    assert found == {
        "domain": ["evil.example"],
        "ipv4": ["203.0.113.0", "203.0.113.1", "203.0.113.2"],
        "email": ["bad@evil.example"],
    }
    assert answer["files"][0]["logs"][0]["failed_logins"] == {f"203.0.113.{number}": 1 for number in range(3)}


async def test_a_file_name_cannot_forge_a_line_of_progress() -> None:
    replies = await replies_to("list", [attached("a\ninfo: Read clean.log: txt", b"evil.example")])
    [read] = [reply for reply in replies if reply.content.startswith("Read")]
    assert read.content == r"Read a\ninfo: Read clean.log: txt: txt, 12 bytes, 1 indicators"
    assert read.title == r"a\ninfo: Read clean.log: txt"


@pytest.mark.parametrize(
    "prompt",
    [
        "search the logs for 'failed password'",
        "what happened around line 87",
        "what happened around the first 'Accepted password'?",
        "what is there between 2026-11-19 and 2026-11-20?",
        "How many records per day and source?",
    ],
)
async def test_a_log_question_without_logs_is_said_not_to_be_done(prompt: str) -> None:
    answer = await answer_to(prompt, [SSHD])
    assert f"Not done: {NO_LOGS}" in answer.splitlines()
    assert "cannot answer" not in answer
    assert NO_LOGS in json.loads(await answer_to(f"{prompt} as JSON", [SSHD]))["not_done"]


@pytest.mark.parametrize(
    "prompt", ["Which indicators are in 'invoice.pdf'?", "I got it on 2026-11-19; list the URLs", "our daily list"]
)
async def test_other_questions_ask_for_no_logs(prompt: str) -> None:
    assert NO_LOGS not in await answer_to(prompt, [PHISHING])


async def test_a_cancelled_turn_ends_and_the_next_one_works() -> None:
    turn = TurnRequest("s", "list", (), [attached("a.txt", b"evil.example\n" * 400_000)], None, (), _no_tool)
    reading = asyncio.Event()

    async def run() -> None:
        async for reply in Analyst().answer(turn):
            if reply.kind == "thinking":
                reading.set()

    task = asyncio.create_task(run())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await answer_to("Answer with the word 'pong'") == "pong"


async def _no_tool(name: str, arguments: object) -> object:
    raise AssertionError(name)


@pytest.mark.parametrize(
    "unit", ["with ", "with the word ", "with the word '", "what does ", "is the ", "with\n", "search the ", "json "]
)
def test_reading_a_hostile_prompt_costs_linear_time(unit: str) -> None:
    assert growth(lambda size: read_ask(unit * (size // len(unit))), 5_000) < MOST


def test_importing_the_engine_loads_nothing_heavy() -> None:
    code = (
        "import sys, secgemini.local.engines.analyst\n"
        "heavy = {'pypdf', 'publicsuffixlist', 'email.parser', 'puremagic', 'dateutil', 'tarfile', 'zipfile', 'rich'}\n"
        "heavy |= {'secgemini.local.engines.analyst.answering'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
