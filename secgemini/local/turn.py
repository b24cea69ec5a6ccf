"""A turn of a session, from the prompt to its end, and the turns that wait behind it."""

from __future__ import annotations

import asyncio
from collections import deque

from secgemini.local.engines import ToolResult
from secgemini.local.fields import JsonObject, text
from secgemini.local.listener import Frame, Listener
from secgemini.local.store import NO_USAGE, Session


class RefusedError(Exception):
    """A prompt that starts no turn. `status` is 503 when it may be sent again later."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class PendingCall:
    """A tool call that waits for its result."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0  # of the stored message
        self.result: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()


class Turn:
    """A prompt and what became of it. `delivered` is the number of the newest message that a socket has taken."""

    def __init__(self, session: Session, prompt: JsonObject, *, by_socket: bool) -> None:
        self.session = session
        self.prompt = prompt
        self.prompt_id: str = text(prompt, "id")
        self.by_socket = by_socket
        self.listeners: set[Listener] = set()
        self.delivered: int = 0
        self.newest = 0
        self.call: PendingCall | None = None
        self.usage: JsonObject = dict(NO_USAGE)
        self.status: tuple[int, str] = (200, "OK")
        self.gone = False
        self.over: asyncio.Event = asyncio.Event()

    def offer(self, frame: Frame) -> None:
        """Hand a frame to every socket that listens."""
        for listener in self.listeners:
            listener.offer(frame)

    def took(self, number: int) -> None:
        """Note that a socket has taken a message."""
        self.delivered = max(self.delivered, number)

    async def drain(self) -> None:
        """Let others run, and wait until no listening socket is far behind: a slow reader slows its own turn only."""
        await asyncio.sleep(0)
        for listener in list(self.listeners):
            await listener.drain()


class Channel:
    """The turns of one session: the one that runs, those that wait, and the last one."""

    def __init__(self) -> None:
        self.waiting: deque[Turn] = deque()
        self.running: Turn | None = None
        self.last: Turn | None = None
        self.watchers: set[Listener] = set()
        self.task: asyncio.Task[None] | None = None

    def find(self, prompt_id: str) -> Turn | None:
        """Return the unfinished turn of a prompt."""
        unfinished = [self.running, *self.waiting] if self.running else list(self.waiting)
        return next((turn for turn in unfinished if turn.prompt_id == prompt_id), None)
