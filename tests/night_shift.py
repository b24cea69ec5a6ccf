"""Many workers that use a service in which things go wrong, and what they know of it: to be compared with what it did.

A worker makes one operation after the other, chosen by dice. It notes what surely happened (the call returned) and
what may have happened (it raised), as a careful program would. `Worker.reconcile` compares that with the service.
"""

from __future__ import annotations

import inspect
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from raw_service import Raw
from secgemini_api.models import MessageType, State

from secgemini import SecGeminiError, no_waiting
from secgemini.local.engines import Reply, TurnRequest

WEIGHTS = {
    "user_info": 1, "list_sessions": 1, "unknown": 1, "refresh": 1, "history": 2, "update": 2, "attach": 3, "detach": 2,
    "query": 4, "stream": 4, "feedback": 2, "renew": 1,
}  # fmt: skip
STREAM_TIME_OUT = 60.0  # seconds for a streamed turn as a whole


class CountingEngine:
    """Answers with the prompt in a few messages, and counts how often it was asked each."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        self.asked[turn.prompt] += 1
        yield Reply("thinking", "hm", state="thinking")
        yield Reply("info", "soon")
        yield Reply("result", turn.prompt, state="agent_done")


@dataclass
class Report:
    """What a shift found. `took` is the seconds of the slowest operation."""

    operations: int = 0
    good: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    by_operation: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took: float = 0.0

    def add(self, other: Report) -> None:
        self.operations += other.operations
        self.good += other.good
        self.errors += other.errors
        self.by_operation += other.by_operation
        self.wrong += other.wrong
        self.took = max(self.took, other.took)


@dataclass
class Known:
    """What a worker knows of one session: texts that are surely or perhaps there, and those that are surely not."""

    id: str
    names: set[str]
    files: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    asked: dict[str, list[str] | None] = field(default_factory=dict)  # prompt: ids of its messages, None after an error
    said: dict[str, bool] = field(default_factory=dict)  # feedback: whether it surely arrived
    is_sure_of_files: bool = True
    may_be_deleted: bool = False
    is_there: bool = True  # at the end


class Worker:
    """One user of a client, sync or async: `call` awaits what is awaitable."""

    def __init__(self, client: Any, seed: int) -> None:
        self._client = client
        self._dice = random.Random(seed)
        self._name = f"w{seed}"
        self._count = 0
        self._mine: Any = None
        self.known: list[Known] = []
        self.report = Report()

    async def begin(self) -> None:
        """Make the first session."""
        await self._renew()

    async def work(self, operations: int) -> None:
        """Do that many operations, one after the other."""
        with no_waiting():
            for _ in range(operations):
                kind = self._dice.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
                self.report.operations += 1
                began = time.monotonic()
                try:
                    await getattr(self, f"_{kind}")()
                    self.report.good += 1
                except SecGeminiError as error:
                    self.report.errors[cause_of(error)] += 1
                    self.report.by_operation[f"{kind} {cause_of(error)}"] += 1
                except Exception as error:
                    self.report.wrong.append(f"{kind}: {error!r} is not one of ours")
                self.report.took = max(self.report.took, time.monotonic() - began)

    async def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        result = method(*arguments, **named)
        return await result if inspect.isawaitable(result) else result

    def _unique(self, kind: str) -> str:
        self._count += 1
        return f"{kind} {self._name}-{self._count}"

    def _expect(self, is_right: bool, what: str) -> None:
        if not is_right:
            self.report.wrong.append(f"{self._name}: {what}")

    # -- operations ----------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        """Make a new session, then delete the one before."""
        name, old = self._unique("name"), self._mine
        self._mine = await self.call(self._client.create_session, name)
        self._expect(self._mine.name == name, "another session was made")
        self.known.append(Known(self._mine.id, {name}))
        if old is not None:
            self.known[-2].may_be_deleted = True
            await self.call(old.delete)

    async def _user_info(self) -> None:
        self._expect(bool((await self.call(self._client.user_info)).user.id), "no user")

    async def _list_sessions(self) -> None:
        listed = {session.id for session in await self.call(self._client.list_sessions)}
        self._expect(self._mine.id in listed, "the session is not listed")

    async def _unknown(self) -> None:
        try:
            await self.call(self._client.resume_session, "no-such-session")
        except SecGeminiError as error:
            if cause_of(error) != "NotFoundError":
                raise
        else:
            self._expect(False, "a session that does not exist was found")

    async def _refresh(self) -> None:
        await self.call(self._mine.refresh)
        self._learn_files()

    async def _history(self) -> None:
        stored = await self.call(self._mine.history)
        self._learn_files()
        ids = [message.id for message in stored]
        self._expect(len(ids) == len(set(ids)), "a message is stored twice")

    async def _update(self) -> None:
        name, known = self._unique("name"), self.known[-1]
        known.names.add(name)
        await self.call(self._mine.update, name=name)
        self._expect(self._mine.name == name, "the snapshot has another name")
        known.names = {name}

    async def _attach(self) -> None:
        name, known = self._unique("file"), self.known[-1]
        known.perhaps.add(name)
        known.is_sure_of_files = False
        attached = await self.call(self._mine.attach_file, name, name.encode())
        self._expect(attached.name == name, "another file was attached")
        known.files.add(name)
        known.perhaps.discard(name)
        known.is_sure_of_files = not known.perhaps

    async def _detach(self) -> None:
        known = self.known[-1]
        if not known.is_sure_of_files:
            return await self._refresh()
        if not self._mine.files:
            return await self._attach()
        index = self._dice.randrange(len(self._mine.files))
        name = self._mine.files[index].name
        known.files.discard(name)
        known.perhaps.add(name)
        known.is_sure_of_files = False
        await self.call(self._mine.detach_file, index)
        known.perhaps.discard(name)
        known.gone.add(name)
        known.is_sure_of_files = not known.perhaps
        return None

    def _learn_files(self) -> None:
        """Compare with what the service just said, and be sure again."""
        known, now = self.known[-1], [file.name for file in self._mine.files]
        self._check_files(known, now)
        known.gone |= known.perhaps - set(now)
        known.files, known.perhaps, known.is_sure_of_files = set(now), set(), True

    def _check_files(self, known: Known, now: list[str]) -> None:
        self._expect(len(now) == len(set(now)), f"a file is there twice: {now}")
        self._expect(known.files <= set(now), f"files are lost: {known.files - set(now)}")
        self._expect(set(now) <= known.files | known.perhaps, f"files came back: {set(now) & known.gone}")

    async def _query(self) -> None:
        prompt, known = self._unique("query"), self.known[-1]
        known.asked[prompt] = None
        response = await self.call(self._mine.query, prompt)
        self._expect(response.output_text == prompt, f"{prompt!r} was answered with {response.output_text!r}")
        known.asked[prompt] = [message.id for message in response.messages]

    async def _stream(self) -> None:
        prompt, known = self._unique("stream"), self.known[-1]
        known.asked[prompt] = None
        got = []
        if inspect.iscoroutinefunction(self._mine.refresh):
            async with self._mine.stream(prompt, timeout=STREAM_TIME_OUT) as stream:
                got = [message async for message in stream]
        else:
            with self._mine.stream_sync(prompt, timeout=STREAM_TIME_OUT) as stream:
                got = list(stream)
        results = [message.content for message in got if message.message_type == MessageType.RESULT]
        self._expect(results == [prompt], f"{prompt!r} was answered with {results}")
        self._expect(got[-1].state == State.END, "the turn has no end")
        known.asked[prompt] = [message.id for message in got]

    async def _feedback(self) -> None:
        comment, known = self._unique("feedback"), self.known[-1]
        known.said[comment] = False
        await self.call(self._mine.send_feedback, 1, comment=comment)
        known.said[comment] = True

    # -- what the service did ------------------------------------------------------------------------------------

    def reconcile(self, http: Raw) -> None:
        """Compare what is known with the sessions as they are; the service must behave again."""
        for known in self.known:
            answer = http.get("/v1/session/get", params={"session_id": known.id}).json()
            known.is_there = answer is not None and "messages" in answer
            if not known.is_there:
                self._expect(known.may_be_deleted, "a session is lost")
                continue
            self._expect(answer["name"] in known.names, f"the name is {answer['name']!r}")
            self._check_files(known, [file["name"] for file in answer["files"]])
            for prompt, ids in known.asked.items():
                self._check_prompt(prompt, ids, answer["messages"])

    def _check_prompt(self, prompt: str, ids: list[str] | None, stored: list[dict[str, Any]]) -> None:
        places = [i for i, m in enumerate(stored) if m["message_type"] == "query" and m["content"] == prompt]
        self._expect(len(places) <= 1, f"{prompt!r} is stored {len(places)} times")
        if ids is None:
            return
        self._expect(len(places) == 1, f"{prompt!r} was answered and is not stored")
        turn = [message["id"] for message in stored[places[0] + 1 :]][: len(ids)] if places else []
        self._expect(turn == ids, f"{prompt!r}: the messages are not those that are stored, in their order")


def cause_of(error: SecGeminiError) -> str:
    """Return the type of the failure, that of the last attempt when a stream gave up on its link."""
    cause = error.__cause__
    return type(cause if isinstance(cause, SecGeminiError) else error).__name__
