"""Messages as the wire has them: prompts completed, replies of an engine dressed, tool calls and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from secgemini.local.clock import Clock, Ids
from secgemini.local.engines import JsonDict, Reply, TokenUsage, ToolResult
from secgemini.local.fields import JsonObject, table, text, whole
from secgemini.local.store import NO_USAGE

ROOT = "3713"  # the parent of every message
PARTIAL = 206
_LATEST = 32_503_680_000.0  # the year 3000: a client's time beyond it is none
_SYSTEM_KINDS = ("info", "error", "debug")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message with its identity, ready to be stored and sent. `text` is the JSON that travels."""

    id: str
    kind: str
    created_at: float
    text: str


def token_usage(usage: TokenUsage | None) -> JsonObject:
    """Return an engine's token counts as a contract `Usage`."""
    if usage is None:
        return dict(NO_USAGE)
    return NO_USAGE | {
        "prompt_tokens": usage.prompt_tokens,
        "generated_tokens": usage.generated_tokens,
        "thoughts_token_count": usage.thoughts_tokens,
        "total_tokens": usage.prompt_tokens + usage.generated_tokens + usage.thoughts_tokens,
    }


def add_usage(one: Mapping[str, object], other: Mapping[str, object]) -> JsonObject:
    """Return the sum of two contract `Usage` objects."""
    counts: JsonObject = {name: whole(one, name) + whole(other, name) for name in NO_USAGE}
    return counts | {"prompt_tokens_details": None}


def read(body: str) -> JsonObject:
    """Return a stored message as an object."""
    return msgspec.json.decode(body, type=dict[str, object])


def as_draft(message: JsonObject) -> Draft:
    """Return a complete message as what is stored and sent."""
    return Draft(
        text(message, "id"),
        text(message, "message_type"),
        float(str(message["created_at"])),
        msgspec.json.encode(message).decode(),
    )


class Writer:
    """Writes the messages of one session's turns: gives each its id, its time and its place."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    def prompt(self, given: Mapping[str, object]) -> JsonObject:
        """Complete a prompt. What the client said of it stays; what it left out is filled in."""
        return self._complete(given, "query")

    def tool_result(self, given: Mapping[str, object]) -> JsonObject:
        """Complete the result of a tool call."""
        return self._complete(given, "local_tool_result")

    def _complete(self, given: Mapping[str, object], kind: str) -> JsonObject:
        created = given.get("created_at")
        plausible = isinstance(created, (int, float)) and 0 < created < _LATEST
        at = float(str(created)) if plausible else self._clock.stamp()
        return {
            "id": text(given, "id") or self._ids.hex(12),
            "parent_id": text(given, "parent_id") or ROOT,
            "turn": text(given, "turn") or self._ids.hex(12),
            "group": text(given, "group") or self._ids.hex(32),
            "actor": text(given, "actor") or "user",
            "role": "user",
            "timestamp": int(at),
            "created_at": at,
            "message_type": kind,
            "icon": given.get("icon"),
            "text_color": given.get("text_color"),
            "title": given.get("title"),
            "state": text(given, "state") or "start",
            "content": text(given, "content"),
            "mime_type": text(given, "mime_type") or "text/plain",
            "status_code": whole(given, "status_code", 200),
            "status_message": text(given, "status_message", "OK"),
            "usage": None if given.get("usage") is None else NO_USAGE | table(given, "usage"),
        }

    def reply(self, reply: Reply, prompt: Mapping[str, object], engine: str) -> Draft:
        """Dress an engine's reply as a message of the prompt's turn."""
        return self._draft(
            prompt,
            kind=reply.kind,
            actor=engine if reply.actor in ("", "agent") else reply.actor,
            state=reply.state,
            content=reply.content,
            mime_type=reply.mime_type,
            title=reply.title,
            status_code=PARTIAL if reply.partial else reply.status_code,
            status_message="PARTIAL_CONTENT" if reply.partial else reply.status_message,
            usage=None if reply.usage is None else token_usage(reply.usage),
        )

    def failure(self, status: int, reason: str, prompt: Mapping[str, object]) -> Draft:
        """Say that a turn failed. `status` is 400 or more; the end of the turn is a message of its own.

        Clients take a status message with the words "not found" for a session that is gone: of other failures that
        say so, such as a model server's, only the content has the reason.
        """
        misleading = "not found" in reason and status != HTTPStatus.NOT_FOUND
        said = HTTPStatus(status).phrase if misleading else reason
        return self._draft(
            prompt, kind="error", state="agent_done", content=reason, status_code=status, status_message=said
        )

    def end(self, prompt: Mapping[str, object]) -> Draft:
        """End a turn."""
        return self._draft(prompt, kind="info", state="end", content="Done")

    def tool_call(self, name: str, arguments: JsonDict, prompt: Mapping[str, object], engine: str) -> Draft:
        """Ask the client to run one of its tools."""
        call = msgspec.json.encode({"tool_name": name, "tool_args": arguments}).decode()
        return self._draft(
            prompt,
            kind="local_tool_call",
            actor=engine,
            state="calling_tool",
            content=call,
            mime_type="text/serialized-json",
        )

    def _draft(
        self,
        prompt: Mapping[str, object],
        *,
        kind: str,
        state: str,
        content: str,
        actor: str = "orchestrator",
        mime_type: str = "text/plain",
        title: str | None = None,
        status_code: int = 200,
        status_message: str = "OK",
        usage: JsonObject | None = None,
    ) -> Draft:
        at = self._clock.stamp()
        message: JsonObject = {
            "id": self._ids.hex(12),
            "parent_id": ROOT,
            "turn": text(prompt, "turn"),
            "group": text(prompt, "group"),
            "actor": actor,
            "role": "system" if kind in _SYSTEM_KINDS else "agent",
            "timestamp": int(at),
            "created_at": at,
            "message_type": kind,
            "icon": None,
            "text_color": None,
            "title": title,
            "state": state,
            "content": content,
            "mime_type": mime_type,
            "status_code": status_code,
            "status_message": status_message,
            "usage": usage,
        }
        return as_draft(message)


def read_tool_result(message: Mapping[str, object], called: str) -> ToolResult | None:
    """Read what a client answered to the call of tool `called`; None when it answers another call.

    Clients answer with `{"name", "output", "is_error"}` as JSON, or with plain text when the tool failed. There is no
    correlation id: a result that names another tool is a late one, of a call that was given up.
    """
    content = text(message, "content")
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        answer = None
    failed = whole(message, "status_code", 200) != 200
    if not isinstance(answer, dict) or "output" not in answer:
        return ToolResult(called, content, failed)
    name = text(answer, "name") or called
    if name != called:
        return None
    output = answer["output"]
    return ToolResult(
        called,
        output if isinstance(output, str) else msgspec.json.encode(output).decode(),
        failed or answer.get("is_error") is True,
    )
