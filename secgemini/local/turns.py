"""Running turns: one at a time in a session, whether or not somebody listens.

    prompt ──submit──▶ waiting ──▶ running ──▶ ended
                                    │  each message: stored, then offered to the sockets that listen
                                    └─ a tool call waits for its result, whichever socket brings it

A turn outlives its sockets. What no socket has taken is found again in the store by its number: a socket that joins a
turn without a word gets what was not delivered, or, when the turn is over, its end once more; one that says which turn
it means, by sending its prompt again, gets that turn from its start. A prompt whose id the session knows is
never processed again; it joins the turn that it started.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

from secgemini.local.engines import AttachedFile, CallTool, Engine, JsonDict, LogTable, Reply, ToolResult, TurnRequest
from secgemini.local.failure import log_failure
from secgemini.local.fields import JsonObject, rows, table, text
from secgemini.local.listener import Frame, Listener
from secgemini.local.messages import Draft, Writer, add_usage, as_draft, read, read_tool_result, token_usage
from secgemini.local.store import NO_USAGE, Session, Store, Stored
from secgemini.local.turn import Channel, PendingCall, RefusedError, Turn

MOST_WAITING = 64  # prompts that may wait in one session
_NOT_STORED = "The service could not store this turn."
_INTERRUPTED = "The service stopped while this turn was running; send the prompt again as a new one."


class _NotStoredError(sqlite3.Error):
    """A message could not be stored: the service's failure. Any other error of SQLite in an engine is the engine's."""


class Turns:
    """All turns of a service. Belongs to the event loop that runs them."""

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
        self._channels: dict[int, Channel] = {}
        self._stopping = False

    @property
    def running(self) -> int:
        """Return the number of turns that run now."""
        return sum(channel.running is not None for channel in self._channels.values())

    def submit(self, session: Session, given: JsonObject, *, by_socket: bool = True) -> Turn | None:
        """Start the turn of a prompt, or find the one that the same prompt started before.

        Returns None when that turn is over: its messages are in the store.

        Raises:
            RefusedError: too many prompts wait in this session, its id is taken, or the service is stopping.
        """
        prompt = self._writer.prompt(given)
        channel = self._channels.get(session.pk, Channel())
        known = channel.find(text(prompt, "id"))
        if known is not None:
            return known
        if self._store.turn(session.pk, text(prompt, "id")):
            return None
        if self._store.knows_message(session.pk, text(prompt, "id")):
            raise RefusedError(409, "The prompt has the id of another message of the session.")
        if self._stopping:
            raise RefusedError(503, "The service is stopping.")
        if len(channel.waiting) >= MOST_WAITING:
            raise RefusedError(503, f"{MOST_WAITING} prompts wait in this session already.")
        turn = Turn(session, prompt, by_socket=by_socket)
        self._channels[session.pk] = channel
        channel.waiting.append(turn)
        if channel.task is None:
            channel.task = asyncio.create_task(self._work(session.pk, channel))
        return turn

    def knows(self, session: Session, prompt_id: str) -> bool:
        """Tell whether a prompt with that id came before: then it starts nothing."""
        channel = self._channels.get(session.pk, Channel())
        return channel.find(prompt_id) is not None or self._store.knows_message(session.pk, prompt_id)

    def join(self, turn: Turn, listener: Listener) -> None:
        """Let a socket listen to an unfinished turn, from the first message that it has not got."""
        channel = self._channels.get(turn.session.pk)
        if channel is None or turn.gone:
            self._tell(turn, [listener])
            return
        if listener in turn.listeners:
            return
        self._replay(turn, listener, listener.newest)
        turn.listeners.add(listener)

    def replay(self, session: Session, prompt_id: str, listener: Listener) -> None:
        """Send a socket all messages of a turn that is over."""
        channel = self._channels.get(session.pk)
        last = channel.last if channel else None
        took = last.took if last and last.prompt_id == prompt_id else None
        for message in self._store.turn(session.pk, prompt_id):
            if message.kind not in ("local_tool_call", "local_tool_result"):
                listener.offer(_frame(message, took))

    def watch(self, session: Session, listener: Listener) -> None:
        """Serve a socket that came without a prompt: what was not delivered, else the last end; then what comes.

        It holds every end back until it is released: its prompt may still be on its way.
        """
        channel = self._channels.setdefault(session.pk, Channel())
        channel.watchers.add(listener)
        listener.holding = True
        turn = channel.running or channel.last
        if turn is not None and (turn is channel.running or turn.delivered < turn.newest):
            self._replay(turn, listener, turn.delivered)
            turn.listeners.add(listener)
        elif not channel.waiting and (end := self._store.last_message(session.pk)):
            listener.offer(Frame(end.text, 0, ends=True))

    def unwatch(self, session: Session, listener: Listener, prompt_id: str) -> None:
        """Let a socket that watched say a prompt: it gets that turn from its start.

        One that is still held is a client that was slow to say it, and wants to know of no other turn.
        """
        channel = self._channels.get(session.pk)
        if channel is None or listener not in channel.watchers:
            return
        channel.watchers.discard(listener)
        for turn in (channel.running, channel.last):
            if turn is not None and (listener.holding or turn.prompt_id == prompt_id):
                turn.listeners.discard(listener)
        listener.newest = 0
        if listener.holding:
            listener.clear()

    def leave(self, session: Session, listener: Listener) -> None:
        """Forget a socket that is gone. Its turns go on."""
        listener.close()
        channel = self._channels.get(session.pk)
        if channel is None:
            return
        channel.watchers.discard(listener)
        for turn in (channel.running, channel.last, *channel.waiting):
            if turn is not None:
                turn.listeners.discard(listener)
        self._tidy(session.pk, channel)

    def _replay(self, turn: Turn, listener: Listener, after: int) -> None:
        outstanding = turn.call.number if turn.call else 0
        for message in self._store.turn(turn.session.pk, turn.prompt_id, after):
            answered = message.kind == "local_tool_call" and message.pk != outstanding
            if not answered and message.kind != "local_tool_result":
                listener.offer(_frame(message, turn.took))

    def tool_result(self, session: Session, given: JsonObject) -> bool:
        """Take the result of a tool call; return False when none waits for it or it was taken before."""
        channel = self._channels.get(session.pk)
        turn = channel.running if channel else None
        if turn is None or turn.call is None or turn.call.result.done():
            return False
        result = read_tool_result(given, turn.call.name)
        message = self._writer.tool_result(given)
        if result is None or self._store.knows_message(session.pk, text(message, "id")):
            return False
        self._keep(turn, as_draft(message))
        turn.took(turn.newest)
        turn.call.result.set_result(result)
        return True

    def drop_session(self, pk: int) -> None:
        """Stop the turns of a session that was deleted; their sockets are told that it is not found."""
        channel = self._channels.pop(pk, None)
        if channel is None:
            return
        for turn in [*([channel.running] if channel.running else []), *channel.waiting]:
            turn.gone = True
            turn.status = (404, "Session not found")
            self._tell(turn, turn.listeners)
            turn.over.set()
        if channel.task is not None:
            channel.task.cancel()

    def _tell(self, turn: Turn, listeners: Iterable[Listener]) -> None:
        """Tell sockets how a turn ended that cannot be stored."""
        for listener in listeners:
            listener.offer(Frame(self._writer.failure(*turn.status, turn.prompt).text))
            listener.offer(Frame(self._writer.end(turn.prompt).text))

    def forget(self) -> None:
        """Stop all turns and forget all sockets, as if their sessions had never been."""
        for pk in list(self._channels):
            self.drop_session(pk)

    def recover(self) -> None:
        """End the turns that were running when the service died."""
        for session, body in self._store.interrupted():
            prompt = read(body)
            turn = Turn(session, prompt, by_socket=True)
            newest = self._store.last_message(session.pk)
            turn.delivered = newest.pk if newest else 0
            self._fail(turn, 503, _INTERRUPTED)
            self._end(turn)
            self._channels.setdefault(session.pk, Channel()).last = turn

    async def stop(self, grace: float) -> None:
        """Take no more prompts, give running turns `grace` seconds, then end them with an error that is stored.

        An engine that does not let itself be cancelled is left behind after the same time again.
        """
        self._stopping = True
        for channel in self._channels.values():
            for turn in channel.waiting:
                turn.status = (503, "the service is stopping")
                turn.over.set()
            channel.waiting.clear()
        tasks = [channel.task for channel in self._channels.values() if channel.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=grace)

    # The work of one session

    async def _work(self, pk: int, channel: Channel) -> None:
        try:
            while channel.waiting:
                channel.running = channel.waiting.popleft()
                await self._run(channel, channel.running)
        finally:
            channel.task = None
            self._tidy(pk, channel)

    async def _run(self, channel: Channel, turn: Turn) -> None:
        turn.listeners |= channel.watchers
        try:
            await self._answer_and_end(channel, turn)
        except sqlite3.Error:
            log_failure("a turn and its end could not be stored")
            turn.status = (500, _NOT_STORED)
            self._tell(turn, turn.listeners)
        finally:
            channel.running = None
            if not turn.by_socket:
                turn.took(turn.newest)  # by the request that waits for it
            turn.over.set()

    async def _answer_and_end(self, channel: Channel, turn: Turn) -> None:
        history = [cast(JsonDict, read(message.text)) for message in self._store.history(turn.session.pk)]
        prompt = as_draft(turn.prompt)
        turn.newest = self._store.begin_turn(turn.session.pk, turn.prompt_id, prompt.text, prompt.created_at)
        turn.delivered = turn.newest
        failure: tuple[int, str] | None = (503, _INTERRUPTED)
        try:
            await self._answer(turn, history)
            failure = None
        except _NotStoredError:
            log_failure("a turn could not be stored")
            failure = (500, _NOT_STORED)
        except (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
            # An engine is somebody else's code: whatever it raises ends its turn, not the service. When the service or
            # the interpreter ends, what it needs is gone: then it did not fail, it was interrupted.
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            if not (self._stopping or sys.is_finalizing()):
                log_failure(f"the engine {self._engine.name} failed")
                failure = (500, _sendable(f"The engine failed: {type(error).__name__}: {error}"))
        finally:
            if not turn.gone:
                if failure is not None:
                    self._fail(turn, *failure)
                channel.last = turn
                self._end(turn)

    async def _answer(self, turn: Turn, history: list[JsonDict]) -> None:
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
            self._fail(turn, 500, f"The engine {self._engine.name} gave no answer.")

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

    def _fail(self, turn: Turn, status: int, reason: str) -> None:
        turn.status = (status, reason)
        self._send(turn, self._writer.failure(status, reason, turn.prompt))

    def _end(self, turn: Turn) -> None:
        session = self._store.by_number(turn.session.pk)
        usage = add_usage(session.usage if session else NO_USAGE, turn.usage)
        draft = self._writer.end(turn.prompt)
        turn.newest = self._store.end_turn(
            turn.session.pk, turn.prompt_id, draft.id, draft.text, usage, draft.created_at
        )
        turn.offer(Frame(draft.text, turn.newest, turn.took, ends=True))
        self._spend(turn.session.owner, int(str(turn.usage["total_tokens"])))

    def _keep(self, turn: Turn, draft: Draft) -> None:
        try:
            turn.newest = self._store.add_message(
                turn.session.pk, turn.prompt_id, draft.id, draft.kind, draft.text, draft.created_at
            )
        except sqlite3.Error as error:
            raise _NotStoredError(str(error)) from error

    def _send(self, turn: Turn, draft: Draft) -> None:
        self._keep(turn, draft)
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
            self._keep(turn, draft)
            turn.call.number = turn.newest
            turn.offer(Frame(draft.text, turn.newest, turn.took))
            async with asyncio.timeout(self._tool_timeout):
                return await turn.call.result
        except TimeoutError:
            return ToolResult(name, f"No answer within {self._tool_timeout:g} s.", is_error=True)
        finally:
            turn.call = None

    def _tidy(self, pk: int, channel: Channel) -> None:
        """Forget a channel that holds nothing that the store does not have."""
        last = channel.last
        idle = channel.task is None and not channel.watchers and not channel.waiting
        if idle and (last is None or last.delivered >= last.newest) and self._channels.get(pk) is channel:
            del self._channels[pk]


def _is_cancelled() -> bool:
    """Tell whether this task was cancelled, rather than something that an engine waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _frame(message: Stored, took: Callable[[int], None] | None) -> Frame:
    ends = message.kind == "info" and text(read(message.text), "state") == "end"
    return Frame(message.text, message.pk, took, ends=ends)


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
