"""Drives the official Python client 1.1.6, unmodified, through all it can do; prints what it got as JSON.

Runs in an environment of its own (`scripts/official`), without this project.
"""

import asyncio
import contextlib
import io
import json
import pathlib
import sys
import tempfile
from collections import Counter

from sec_gemini import SecGemini

KEY, URL, WS = sys.argv[1:4]
PDF = b"%PDF-1.4\n%%EOF\n"
got: dict[str, object] = {}
sg = SecGemini(api_key=KEY, base_url=URL, base_websockets_url=WS, logs_processor_api_url=URL)


async def stream(session, prompt: str = "", stop_after: int | None = None, **options: bool) -> list:
    messages = []
    async for message in session.stream(prompt, **options):
        messages.append(message)
        if len(messages) == stop_after:
            break
    return messages


def told(session, prompt: str = "", stop_after: int | None = None, **options: bool) -> list:
    return asyncio.run(asyncio.wait_for(stream(session, prompt, stop_after, **options), 60))


def answers(session) -> list:
    """Return what is stored of all turns, without the prompts."""
    return [message for message in session.history() if message.message_type.value != "query"]


def raised(function, *arguments: object, **options: object) -> str:
    try:
        function(*arguments, **options)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def create_and_ask() -> None:
    config = {"network_agent": {"depth": 2, "hosts": ["192.0.2.1", None]}}
    session = sg.create_session(
        name="official", description="by the official client", ttl=600, language="en-US", agents_config=config
    )
    stored = sg.resume_session(session.id)
    got["created"] = [stored.name, stored.description, stored.ttl, stored.can_log, stored.language, stored.state.value]
    got["model"] = [session.model.model_string, stored.model.model_string]
    got["agents_config"] = stored.agents_config == config
    answer = session.query("Which indicators are in evil[.]example and 198.51.100.7?")
    got["query"] = [answer.status_code, answer.text(), answer.messages == answers(session)]
    other = sg.create_session(name="another", ttl=600)
    got["other"] = [other.query("Answer only with the word 'pong'").text().strip(), len(answers(session))]
    got["no model"] = raised(sg.create_session, name="n", model="sec-gemini-9.9")
    models = ["sec-gemini-1.1", "sec-gemini-1.1-stable", "sec-gemini-1.1-experimental", "logs_analysis_agent-1.1"]
    sessions = [sg.create_session(name=model, ttl=600, model=model) for model in models]
    got["models"] = [sg.resume_session(one.id).model.model_string for one in sessions]
    got["deleted"] = [one.delete() for one in (session, other, *sessions)]


def stream_turns() -> None:
    session = sg.create_session(name="streams", ttl=600)
    turns = [told(session, prompt) for prompt in ("Answer only with the word 'pong'", "What is evil[.]example?")]
    got["streamed"] = [[m.message_type.value, m.state.value, m.role.value, m.content] for m in turns[0]]
    got["streams are history"] = turns[0] + turns[1] == answers(session)
    got["ends"] = [Counter(m.state.value for m in turn)["end"] for turn in turns]
    first = told(session, "Tell me about 192.0.2.1", stop_after=3)
    rest = told(session, recv_only=True)
    got["rejoined"] = [len(first), rest[-1].state.value, first + rest == answers(session)[-len(first + rest) :]]
    got["turns"] = [session.turns, session.state.value, session.usage.total_tokens > 0]
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        session.visualize()
    got["shown"] = ["pong" in shown.getvalue(), "192.0.2.1" in shown.getvalue()]


def attach_files() -> None:
    session = sg.create_session(name="files", ttl=600)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sample.txt")
        path.write_text("contact hxxp://evil[.]example\n")
        from_disk = session.attach_file_from_disk(str(path))
    got["attached"] = [from_disk.name, from_disk.size, from_disk.mime_type]
    pdf = session.attach_file("a.pdf", PDF)
    got["sniffed"] = [pdf.mime_type, pdf.content_type_label]
    for name in ("c.txt", "d.txt", "e.txt"):
        session.attach_file(name, name.encode())
    got["files"] = [file.name for file in session.files]
    got["detached"] = [session.detach_file(index) for index in (4, -1, 2, 9, 0)]
    got["left files"] = [file.name for file in sg.resume_session(session.id).files]


def attach_logs() -> None:
    session = sg.create_session(name="logs", ttl=600)
    lines = [{"timestamp": f"2026-11-2{n}T10:00:00Z", "message": f"Failed password for root {n}"} for n in (1, 2)]
    with tempfile.TemporaryDirectory() as folder:
        logs = pathlib.Path(folder, "logs.jsonl")
        logs.write_text("".join(json.dumps(line) + "\n" for line in lines))
        session.upload_and_attach_logs(logs)
    got["logs"] = len(session.logs_table.blake2s)
    text = session.query("How many log records are there per day?").text()
    got["counted"] = ["2026-11-21" in text, "2026-11-22" in text]


def change_and_judge() -> None:
    session = sg.create_session(name="old", ttl=600)
    changed = session.update(name="renamed", description="new", ttl=300)
    stored = sg.resume_session(session.id)
    got["updated"] = [changed, stored.name, stored.description, stored.ttl]
    got["too short"] = raised(session.update, ttl=299)
    got["feedback"] = [session.send_feedback(1, "good", "group X"), session.send_bug_report("it broke", "group Y")]


def list_and_delete() -> None:
    for session in sg.list_sessions():
        assert session.delete() is True
    sessions = [sg.create_session(name=f"number {n}", ttl=600) for n in range(3)]
    sessions[0].query("hello")
    got["listed"] = [session.name for session in sg.list_sessions()]
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        sg.console.file = shown
        sg.print_sessions()
    got["printed"] = "number 2" in shown.getvalue().replace("\n", " ")
    again = sg.resume_session(sessions[1].id)
    got["resumed"] = again.name
    got["twice"] = [sessions[1].delete(), again.delete()]
    got["gone"] = "not found" in raised(sg.resume_session, again.id)
    got["left"] = [session.name for session in sg.list_sessions()]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def boom(text: str) -> str:
    """Fail always."""
    raise ValueError("kaput")


def use_tools() -> None:
    session = sg.create_session(name="tools", ttl=600, tools=[add, boom])
    streamed = told(session, "use add and boom on 2, 3 and 'x'")
    got["with tools"] = [[m.message_type.value, m.state.value] for m in streamed if m.message_type.value != "info"]
    got["answered"] = next(m.content for m in streamed if m.message_type.value == "result")
    exchange = ("local_tool_call", "local_tool_result")
    stored = [m for m in session.history() if m.message_type.value in exchange]
    got["exchange"] = [[m.message_type.value, m.status_code, m.content] for m in stored]
    # A session that was resumed has its tools at the service, and no function of theirs here.
    told(sg.resume_session(session.id), "use add on 2 and 3")
    got["unknown tool"] = [[m.status_code, m.content] for m in session.history() if m.message_type.value in exchange][
        -1
    ]


def double_slash() -> None:
    slashed = SecGemini(api_key=KEY, base_url=f"{URL}/", base_websockets_url=f"{WS}/")
    session = slashed.create_session(name="slashed", ttl=600)
    got["slashed"] = [session.query("hello").status_code, told(session, "hello")[-1].state.value, session.delete()]


for step in (create_and_ask, stream_turns, attach_files, attach_logs, change_and_judge, use_tools, list_and_delete):
    step()
double_slash()
print("\nGOT " + json.dumps(got))
