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
from collections.abc import Callable, Iterable

from secgemini.local.answering import INTERRUPTED, NOT_STORED, Answering
from secgemini.local.failure import log_failure
from secgemini.local.fields import JsonObject, text
from secgemini.local.listener import Frame, Listener
from secgemini.local.messages import Writer, as_draft, read, read_tool_result
from secgemini.local.store import Session, Store, Stored
from secgemini.local.turn import Channel, RefusedError, Turn

MOST_WAITING = 64  # prompts that may wait in one session


class Turns:
    """All turns of a service. Belongs to the event loop that runs them."""

    def __init__(self, store: Store, writer: Writer, answering: Answering) -> None:
        self._store = store
        self._writer = writer
        self._answering = answering
        self._channels: dict[int, Channel] = {}

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
        if self._answering.is_stopping:
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
        self._answering.keep(turn, as_draft(message))
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
            self._answering.fail(turn, 503, INTERRUPTED)
            self._answering.end(turn)
            self._channels.setdefault(session.pk, Channel()).last = turn

    async def stop(self, grace: float) -> None:
        """Take no more prompts, give running turns `grace` seconds, then end them with an error that is stored.

        An engine that does not let itself be cancelled is left behind after the same time again.
        """
        self._answering.is_stopping = True
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
            await self._answering.answer(turn)
        except sqlite3.Error:
            log_failure("a turn and its end could not be stored")
            turn.status = (500, NOT_STORED)
            self._tell(turn, turn.listeners)
        finally:
            channel.running = None
            if turn.newest and not turn.gone:
                channel.last = turn
            if not turn.by_socket:
                turn.took(turn.newest)  # by the request that waits for it
            turn.over.set()

    def _tidy(self, pk: int, channel: Channel) -> None:
        """Forget a channel that holds nothing that the store does not have."""
        last = channel.last
        idle = channel.task is None and not channel.watchers and not channel.waiting
        if idle and (last is None or last.delivered >= last.newest) and self._channels.get(pk) is channel:
            del self._channels[pk]


def _frame(message: Stored, took: Callable[[int], None] | None) -> Frame:
    ends = message.kind == "info" and text(read(message.text), "state") == "end"
    return Frame(message.text, message.pk, took, ends=ends)
