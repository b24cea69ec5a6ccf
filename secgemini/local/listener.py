"""What one socket is still to be sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

_FAR_BEHIND = 64  # frames that may wait for a slow reader before its turn waits too


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it travels. `number` is its place in the store, 0 when it is not stored.

    `took` is told the number once the frame was sent. `delta_of` is the type of the message that this is a piece of,
    `ends` says that it is the end of a turn.
    """

    text: str
    number: int = 0
    took: Callable[[int], None] | None = None
    delta_of: str = ""
    ends: bool = False


class Listener:
    """A socket's outgoing frames, in order. `newest` is the largest number that it was offered."""

    def __init__(self, *, partials: bool) -> None:
        self.newest: int = 0
        self.holding: bool = False
        """Whether ends of turns, and what follows them, wait for `release` or `clear`."""
        self._partials = partials
        self._frames: deque[Frame] = deque()
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._closed = False

    def offer(self, frame: Frame) -> None:
        """Add a frame. Pieces go only to sockets that asked for them; pieces that wait are joined."""
        if self._closed or (frame.delta_of and not self._partials):
            return
        if frame.delta_of and self._frames and self._frames[-1].delta_of == frame.delta_of:
            frame = _joined(self._frames.pop(), frame)
        self._frames.append(frame)
        self.newest = max(self.newest, frame.number)
        self._filled.set()
        if len(self._frames) > _FAR_BEHIND:
            self._drained.clear()

    async def take(self) -> Frame:
        """Wait for the next frame. Cancelling loses none."""
        while not self._frames or (self.holding and self._frames[0].ends):
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        if len(self._frames) <= _FAR_BEHIND // 2:
            self._drained.set()
        return frame

    def release(self) -> None:
        """Hold nothing back any more."""
        self.holding = False
        self._filled.set()

    def clear(self) -> None:
        """Drop the frames that wait, and be as new."""
        self.newest = 0
        self._frames.clear()
        self._drained.set()
        self.release()

    async def drain(self) -> None:
        """Wait until the socket is not far behind, or gone."""
        await self._drained.wait()

    def close(self) -> None:
        """Take no more frames: the socket is gone."""
        self._closed = True
        self._frames.clear()
        self._drained.set()


def _joined(one: Frame, other: Frame) -> Frame:
    first, second = (msgspec.json.decode(frame.text, type=dict[str, object]) for frame in (one, other))
    first["content"] = f"{first['content']}{second['content']}"
    return Frame(msgspec.json.encode(first).decode(), delta_of=one.delta_of)
