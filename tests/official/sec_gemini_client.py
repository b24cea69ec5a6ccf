"""Drives the official Python client 1.1.6, unmodified, through all it can do; prints what it got as JSON.

Runs in an environment of its own (`scripts/official`), without this project.
"""

import asyncio
import json
import pathlib
import sys
import tempfile

from sec_gemini import SecGemini

KEY, URL, WS = sys.argv[1:4]
got: dict[str, object] = {}
sg = SecGemini(api_key=KEY, base_url=URL, base_websockets_url=WS, logs_processor_api_url=URL)

session = sg.create_session(name="official", description="by the official client", ttl=600)
got["created"] = [session.name, session.description, session.ttl, session.can_log, session.model.model_string]

answer = session.query("Which indicators are in evil[.]example and 198.51.100.7?")
got["query"] = [answer.status_code, answer.text()]


async def stream(prompt: str, stop_after: int | None = None, **options: object) -> list[object]:
    messages = []
    async for message in session.stream(prompt, **options):
        messages.append(message)
        if len(messages) == stop_after:
            break
    return messages


streamed = asyncio.run(stream("Answer only with the word 'pong'"))
got["streamed"] = [[m.message_type.value, m.state.value, m.role.value, m.content] for m in streamed]
history = session.history()
got["stream is history"] = streamed == [m for m in history if m.message_type.value != "query"][-len(streamed) :]

first = asyncio.run(stream("Tell me about 192.0.2.1", stop_after=1))
rest = asyncio.run(stream("", recv_only=True))
got["rejoined"] = [len(first), [m.state.value for m in rest][-1]]

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "sample.txt")
    path.write_text("contact hxxp://evil[.]example\n")
    from_disk = session.attach_file_from_disk(str(path))
    got["attached"] = [from_disk.name, from_disk.size, from_disk.mime_type]
    pdf = session.attach_file("a.pdf", b"%PDF-1.4\n%%EOF\n")
    got["sniffed"] = [pdf.mime_type, pdf.content_type_label]
    got["files"] = [f.name for f in session.files]
    got["detached"] = [session.detach_file(0), session.detach_file(9), [f.name for f in session.files]]

    logs = pathlib.Path(folder, "logs.jsonl")
    lines = [{"timestamp": f"2026-11-2{n}T10:00:00Z", "message": f"Failed password for root {n}"} for n in (1, 2)]
    logs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    session.upload_and_attach_logs(logs)
    got["logs"] = session.logs_table.blake2s

got["updated"] = [
    session.update(name="renamed", description="new", ttl=900),
    session.name,
    session.description,
    session.ttl,
]
got["feedback"] = [session.send_feedback(1, "good", "group"), session.send_bug_report("it broke", "group")]
session.visualize()
got["listed"] = [s.name for s in sg.list_sessions()]
got["resumed"] = sg.resume_session(session.id).name


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def boom(text: str) -> str:
    """Fail always."""
    raise ValueError("kaput")


with_tools = sg.create_session(name="tools", ttl=600, tools=[add, boom])


async def use_tools() -> list[object]:
    return [message async for message in with_tools.stream("use add and boom on 2, 3 and 'x'")]


got["tools"] = [[m.message_type.value, m.state.value, m.content] for m in asyncio.run(use_tools())]
got["deleted"] = [with_tools.delete(), session.delete()]
got["left"] = [s.name for s in sg.list_sessions()]
print("\nGOT " + json.dumps(got))
