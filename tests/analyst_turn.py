"""One turn of the analyst without a service: what it is given, and what it replied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secgemini.local.engines import AttachedFile, JsonDict, LogRecord, LogTable, Reply, ToolResult, TurnRequest
from secgemini.local.engines.analyst import Analyst
from secgemini.local.escapes import without_escapes
from secgemini.local.sniff import sniff


def attached(name: str, content: bytes) -> AttachedFile:
    kind = sniff(content, name)
    return AttachedFile(name, content, hashlib.sha256(content).hexdigest(), kind.mime_type, kind.label)


@dataclass
class Tools:
    """The caller's machine: it answers each call from a table, and remembers what was called."""

    definitions: Sequence[JsonDict] = ()
    answers: Mapping[str, ToolResult] = field(default_factory=dict)
    calls: list[tuple[str, JsonDict]] = field(default_factory=list)

    async def call(self, name: str, arguments: JsonDict) -> ToolResult:
        self.calls.append((name, arguments))
        return self.answers.get(name, ToolResult(name, "done", is_error=False))


class ListedLogs:
    """A log table over a list of records."""

    def __init__(self, records: Sequence[LogRecord]) -> None:
        self._records = records

    def count(
        self, words: Sequence[str] = (), *, at_or_after: float | None = None, at_or_before: float | None = None
    ) -> int:
        return len(self.search(words, at_or_after=at_or_after, at_or_before=at_or_before, limit=len(self._records)))

    def per_day(self) -> Sequence[tuple[str, str, int]]:
        from datetime import UTC, datetime

        counted: dict[tuple[str, str], int] = {}
        for record in self._records:
            if record.time is not None and abs(record.time) < 1e11:
                key = (f"{datetime.fromtimestamp(record.time, UTC):%Y-%m-%d}", record.source)
                counted[key] = counted.get(key, 0) + 1
        return [(day, source, count) for (day, source), count in sorted(counted.items())]

    def search(
        self,
        words: Sequence[str] = (),
        *,
        at_or_after: float | None = None,
        at_or_before: float | None = None,
        limit: int = 100,
        last: bool = False,
    ) -> Sequence[LogRecord]:
        found = [
            record
            for record in self._records
            if all(word.casefold() in without_escapes(record.text).casefold() for word in words)
            and (at_or_after is None or (record.time is not None and record.time >= at_or_after))
            and (at_or_before is None or (record.time is not None and record.time <= at_or_before))
        ]
        found.sort(key=lambda record: (record.time or 0, record.line))
        return found[-limit:] if last else found[:limit]

    def around(self, line: int, *, seconds: float = 300.0, limit: int = 100) -> Sequence[LogRecord]:
        hit = next((record for record in self._records if record.line == line), None)
        if hit is None or hit.time is None:
            return [hit] if hit is not None else []
        near = list(self.search((), at_or_after=hit.time - seconds, at_or_before=hit.time + seconds, limit=10_000))
        place, half = near.index(hit), limit // 2
        return near[max(0, place - half) : place + limit - half]


async def replies_to(
    prompt: str, files: Sequence[AttachedFile] = (), logs: LogTable | None = None, tools: Tools | None = None
) -> list[Reply]:
    tools = tools or Tools()
    turn = TurnRequest("session", prompt, (), files, logs, tools.definitions, tools.call)
    return [reply async for reply in Analyst().answer(turn)]


async def answer_to(
    prompt: str, files: Sequence[AttachedFile] = (), logs: LogTable | None = None, tools: Tools | None = None
) -> str:
    """The content of the one whole result."""
    replies = await replies_to(prompt, files, logs, tools)
    [result] = [reply for reply in replies if reply.kind == "result" and not reply.partial]
    return result.content
