"""Streams made by hand, without a client around them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from secgemini_api.models import Message, MessageType, State

from secgemini._socket import Stream
from secgemini._websocket import Link
from secgemini.errors import SecGeminiError
from secgemini.stream import Turn


def prompt(text: str = "go") -> Message:
    """Return a prompt with an id of its own."""
    return Message(id=uuid.uuid4().hex, message_type=MessageType.QUERY, state=State.QUERY, content=text)


def soon(error: SecGeminiError, failures: int) -> float | None:
    """Try again almost at once, five times."""
    return 0.001 if error.retryable and failures <= 5 else None


def stream(link: Link, **settings: Any) -> Stream:
    """Return the stream of a new turn."""
    arguments: dict[str, Any] = {"query": prompt(), "wait": soon, "tools": link.run_tool is not None, **settings}
    return Stream(link, Turn(**arguments))


async def read(link: Link, **settings: Any) -> list[Message]:
    """Return all messages of a turn."""
    async with asyncio.timeout(60), stream(link, **settings) as messages:
        return [message async for message in messages]


def ids(messages: Sequence[Message]) -> list[str]:
    """Return the messages' ids."""
    return [message.id for message in messages]
