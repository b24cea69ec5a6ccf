"""The engine: one turn in, replies out."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from secgemini.local.engines import Reply, TurnRequest


class Analyst:
    """Extracts, decodes and counts; offline and deterministic, without a language model, and it says so.

    The same turn always gives the same answer. Work that takes longer than a moment is done in a thread, a file at a
    time; a cancelled turn ends at once, its thread with the file that is being read. Token counts are words.
    """

    name = "analyst"

    async def answer(self, turn: TurnRequest) -> AsyncGenerator[Reply, None]:
        """Yield `thinking` and `info` while working, the result in pieces, and then the whole result."""
        yield Reply("info", "Transfer", state="running_agent", title="The analyst takes over", actor="orchestrator")
        # The patterns take 0.1 s to compile, which no service that merely starts should wait for.
        await asyncio.to_thread(importlib.import_module, f"{__package__}.answering")
        from .answering import answer_turn

        async with aclosing(answer_turn(turn, self.name)) as replies:
            async for reply in replies:
                yield reply
