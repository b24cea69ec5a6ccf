"""One turn answered: the engine is asked, and each message of it is stored, then offered to the sockets that listen."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from secgemini.local.engines import AttachedFile, CallTool, Engine, JsonDict, LogTable, Reply, ToolResult, TurnRequest
from secgemini.local.failure import log_failure
from secgemini.local.fields import rows, table, text
from secgemini.local.listener import Frame
from secgemini.local.messages import Draft, Writer, add_usage, as_draft, read, token_usage
from secgemini.local.store import NO_USAGE, Session, Store
from secgemini.local.turn import PendingCall, Turn

NOT_STORED = "The service could not store this turn."
INTERRUPTED = "The service stopped while this turn was running; send the prompt again as a new one."


class _NotStoredError(sqlite3.Error):
    """A message could not be stored: the service's failure. Any other error of SQLite in an engine is the engine's."""


class Answering:
    """Asks the engine, one turn at a call. `is_stopping` says that the service ends, and interrupts turns."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        engine: Engine,
        *,
        logs: Callable[[Session], LogTable | None],
        tool_timeout: float,
        spend: Callable[[str, int], None],
    ) -> None:
        self._store = store
        self._writer = writer
        self._engine = engine
        self._logs = logs
        self._tool_timeout = tool_timeout
        self._spend = spend
        self.is_stopping = False

    async def answer(self, turn: Turn) -> None:
        """Run a turn from its prompt to its end, whatever the engine does. Raises: sqlite3.Error."""
        history = [cast(JsonDict, read(message.text)) for message in self._store.history(turn.session.pk)]
        prompt = as_draft(turn.prompt)
        turn.newest = self._store.begin_turn(turn.session.pk, turn.prompt_id, prompt.text, prompt.created_at)
        turn.delivered = turn.newest
        failure: tuple[int, str] | None = (503, INTERRUPTED)
        try:
            await self._ask(turn, history)
            failure = None
        except _NotStoredError:
            log_failure("a turn could not be stored")
            failure = (500, NOT_STORED)
        except (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
            # An engine is somebody else's code: whatever it raises ends its turn, not the service. When the service or
            # the interpreter ends, what it needs is gone: then it did not fail, it was interrupted.
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            if not (self.is_stopping or _is_end_of_program(error)):
                log_failure(f"the engine {self._engine.name} failed")
                failure = (500, _sendable(f"The engine failed: {type(error).__name__}: {error}"))
        finally:
            if not turn.gone:
                if failure is not None:
                    self.fail(turn, *failure)
                self.end(turn)

    async def _ask(self, turn: Turn, history: list[JsonDict]) -> None:
        answered = False
        request = self._request(turn, history)
        async with _closing(self._engine.answer(request)) as replies:
            async for reply in replies:
                if not isinstance(reply, Reply):  # somebody else's code
                    raise TypeError(f"an engine yields Reply, not {type(reply).__name__}")
                if reply.kind == "debug":
                    continue
                answered = answered or (not reply.partial and reply.kind in ("result", "error"))
                self._publish(turn, reply)
                await turn.drain()
        if not answered:
            self.fail(turn, 500, f"The engine {self._engine.name} gave no answer.")

    def _request(self, turn: Turn, history: list[JsonDict]) -> TurnRequest:
        session = turn.session
        files = [
            AttachedFile(
                name=text(facts, "name"),
                content=content,
                sha256=text(facts, "sha256"),
                mime_type=text(facts, "mime_type"),
                label=text(facts, "content_type_label") or None,
            )
            for facts, content in self._store.file_contents(session.pk)
        ]
        return TurnRequest(
            session_id=session.id,
            prompt=text(turn.prompt, "content"),
            history=history,
            files=files,
            logs=self._logs(session),
            tools=cast("list[JsonDict]", rows(session.facts, "local_tools")),
            call_tool=self._caller(turn),
            model=text(table(session.facts, "model"), "model_string"),
            language=text(session.facts, "language", "en"),
        )

    def _publish(self, turn: Turn, reply: Reply) -> None:
        draft = self._writer.reply(reply, turn.prompt, self._engine.name)
        if reply.partial:
            turn.offer(Frame(draft.text, 0, delta_of=reply.kind))
            return
        if reply.usage is not None:
            turn.usage = add_usage(turn.usage, token_usage(reply.usage))
        if reply.status_code >= 400 and turn.status[0] == 200:
            turn.status = (reply.status_code, reply.status_message)
        self._send(turn, draft)

    def fail(self, turn: Turn, status: int, reason: str) -> None:
        """Say that a turn failed; its end follows."""
        turn.status = (status, reason)
        self._send(turn, self._writer.failure(status, reason, turn.prompt))

    def end(self, turn: Turn) -> None:
        """End a turn: the last message, and what the turn used."""
        session = self._store.by_number(turn.session.pk)
        usage = add_usage(session.usage if session else NO_USAGE, turn.usage)
        draft = self._writer.end(turn.prompt)
        turn.newest = self._store.end_turn(
            turn.session.pk, turn.prompt_id, draft.id, draft.text, usage, draft.created_at
        )
        turn.offer(Frame(draft.text, turn.newest, turn.took, ends=True))
        self._spend(turn.session.owner, int(str(turn.usage["total_tokens"])))

    def keep(self, turn: Turn, draft: Draft) -> None:
        """Store a message of a turn."""
        try:
            turn.newest = self._store.add_message(
                turn.session.pk, turn.prompt_id, draft.id, draft.kind, draft.text, draft.created_at
            )
        except sqlite3.Error as error:
            raise _NotStoredError(str(error)) from error

    def _send(self, turn: Turn, draft: Draft) -> None:
        self.keep(turn, draft)
        turn.offer(Frame(draft.text, turn.newest, turn.took))

    def _caller(self, turn: Turn) -> CallTool:
        tools = {text(tool, "name") for tool in rows(turn.session.facts, "local_tools")}
        one_at_a_time = asyncio.Lock()

        async def call_tool(name: str, arguments: JsonDict) -> ToolResult:
            if name not in tools:
                return ToolResult(name, f"The session registered no tool {name!r}.", is_error=True)
            if not turn.by_socket and not turn.listeners:
                return ToolResult(name, "Tools can be called in streamed turns only.", is_error=True)
            async with one_at_a_time:
                return await self._call(turn, name, arguments)

        return call_tool

    async def _call(self, turn: Turn, name: str, arguments: JsonDict) -> ToolResult:
        turn.call = PendingCall(name)
        try:
            draft = self._writer.tool_call(name, arguments, turn.prompt, self._engine.name)
            self.keep(turn, draft)
            turn.call.number = turn.newest
            turn.offer(Frame(draft.text, turn.newest, turn.took))
            async with asyncio.timeout(self._tool_timeout):
                return await turn.call.result
        except TimeoutError:
            return ToolResult(name, f"No answer within {self._tool_timeout:g} s.", is_error=True)
        finally:
            turn.call = None


def _is_cancelled() -> bool:
    """Tell whether this task was cancelled, rather than something that an engine waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _is_end_of_program(error: BaseException) -> bool:
    """Tell whether an engine failed because the interpreter ends: it starts no thread when its main thread has ended.

    Some versions, such as 3.12, say only later that they are finalizing.
    """
    is_without_threads = isinstance(error, RuntimeError) and not threading.main_thread().is_alive()
    return sys.is_finalizing() or is_without_threads


def _sendable(reason: str) -> str:
    """Return a text without halves of surrogate pairs, which no message can have."""
    return reason.encode("utf-8", "replace").decode()


@asynccontextmanager
async def _closing(replies: AsyncIterator[Reply]) -> AsyncIterator[AsyncIterator[Reply]]:
    """Close a generator of replies at once, not when it is collected; an engine may also return a plain iterator."""
    try:
        yield replies
    finally:
        if isinstance(replies, AsyncGenerator):
            await replies.aclose()
