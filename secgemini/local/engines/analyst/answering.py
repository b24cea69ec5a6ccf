"""Answer a turn: call the tools that it names, search the prompt, the files and the logs, and report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

from secgemini.display import one_line
from secgemini.local.engines import JsonDict, Reply, TokenUsage, ToolResult, TurnRequest

from .asks import Ask, read_ask
from .examine import examine, search_text
from .findings import FileReport, Findings
from .jsonreport import write_json
from .logquestions import LogAnswer, ask_logs, asks_logs
from .report import Material, write_text
from .toolcalls import PlannedCall, ToolReport, plan_calls, report_result, unknown_tools

_PIECE = 400  # characters of a partial result, at least


async def answer_turn(turn: TurnRequest, actor: str) -> AsyncGenerator[Reply, None]:
    """Yield `thinking` and `info` while working, the result in pieces, and then the whole result."""
    ask = read_ask(turn.prompt)
    yield Reply("thinking", _plan(ask, turn), state="thinking", actor=actor)
    material = Material(turn.prompt, ask)
    if ask.word is None:
        async with aclosing(_work(turn, material, actor)) as replies:
            async for reply in replies:
                yield reply
    text = await asyncio.to_thread(write_json if ask.json else write_text, material)
    for piece in _pieces(text):
        yield Reply("result", piece, state="answering", actor=actor, partial=True)
    usage = TokenUsage(prompt_tokens=len(turn.prompt.split()), generated_tokens=len(text.split()))
    yield Reply("result", text, state="agent_done", actor=actor, usage=usage)


async def _work(turn: TurnRequest, material: Material, actor: str) -> AsyncGenerator[Reply, None]:
    """Fill the material: first the tools, then the prompt, the files and the logs."""
    findings = material.findings
    findings.notes += (f"the session has no tool {name}" for name in unknown_tools(turn.prompt, turn.tools))
    for call in plan_calls(turn.prompt, turn.tools):
        async with aclosing(_call(call, turn, material.tools, actor)) as replies:
            async for reply in replies:
                yield reply
    await asyncio.to_thread(search_text, turn.prompt, "prompt", findings)
    material.pasted = len(findings) > 0
    for tool in material.tools:
        await asyncio.to_thread(search_text, tool.output, f"output of {tool.name}", findings)
    for file in turn.files:
        found = Findings()
        report = await asyncio.to_thread(examine, file.name, file.content, found, sha256=file.sha256)
        found.files.append(report)
        about, name = _about(report, len(found)), one_line(file.name)
        yield Reply("info", about, state="running_agent", title=name, actor=actor)
        findings.merge(found)
    if turn.logs is not None:
        answer = material.logs = await asyncio.to_thread(ask_logs, turn.prompt, turn.logs)
        await asyncio.to_thread(_search_logs, answer, findings)
        yield Reply("info", f"Read {answer.total} log records", state="running_agent", actor=actor)
    else:
        material.no_logs = asks_logs(turn.prompt, of_log_files=any(report.logs for report in findings.files))


async def _call(
    call: PlannedCall, turn: TurnRequest, tools: list[ToolReport], actor: str
) -> AsyncGenerator[Reply, None]:
    title = one_line(call.name.replace("_", " ").title())
    if call.missing:
        problem = f"not called: the prompt gives no value for {', '.join(call.missing)} (put values in quotes)"
        tools.append(ToolReport(call.name, call.arguments, problem=problem))
        return
    yield Reply("info", f"Calling {title}", state="calling_tool", actor=actor)
    result: ToolResult = await turn.call_tool(call.name, call.arguments)
    tools.append(report_result(call, result, _tool_named(turn, call.name)))
    yield Reply("info", f"Processing {title} result", state="tool_result", actor=actor)


def _plan(ask: Ask, turn: TurnRequest) -> str:
    if ask.word is not None:
        return "The prompt asks for one word."
    parts = ["the prompt"]
    if turn.files:
        parts.append(f"{len(turn.files)} attached file{'s' * (len(turn.files) > 1)}")
    if turn.logs is not None:
        parts.append("the attached logs")
    where = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    return f"No language model is attached; looking for indicators in {where}."


def _about(report: FileReport, indicators: int) -> str:
    inside = f", {len(report.inner)} inside" if report.inner else ""
    return f"Read {one_line(report.name)}: {report.label}, {report.size} bytes{inside}, {indicators} indicators"


def _search_logs(answer: LogAnswer, findings: Findings) -> None:
    text = "\n".join(record.text.replace("\n", " ") for record in answer.read)
    search_text(text, "attached logs", findings, lines=[record.line for record in answer.read])


def _tool_named(turn: TurnRequest, name: str) -> JsonDict:
    return next((tool for tool in turn.tools if isinstance(tool, Mapping) and tool.get("name") == name), {})


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces at line ends; joined they are the text."""
    piece = ""
    for line in text.splitlines(keepends=True):
        piece += line
        if len(piece) >= _PIECE:
            yield piece
            piece = ""
    if piece:
        yield piece
