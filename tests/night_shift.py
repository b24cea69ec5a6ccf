"""Many workers that use a service in which things go wrong, and what they know of it: to be compared with what it did.

A worker makes one operation after the other, chosen by dice. It notes what surely happened (the call returned) and
what may have happened (it raised), as a careful program would. `Worker.reconcile` compares that with the service.
"""

from __future__ import annotations

import hashlib
import inspect
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from raw_service import Raw
from secgemini_api.models import MessageType, State

from secgemini import SecGeminiError, Timeout, no_waiting
from secgemini.local.engines import Reply, TurnRequest

WEIGHTS = {
    "user_info": 1, "list_sessions": 1, "unknown": 1, "refresh": 1, "history": 2, "update": 2, "attach": 3, "detach": 2,
    "query": 4, "stream": 4, "feedback": 2, "renew": 1, "attach_from_disk": 2, "attach_logs": 2,
}  # fmt: skip
REQUESTS = {"renew": 4, "attach_logs": 3, "list_sessions": 2}  # that an operation makes when all goes well; else 1
TOTAL = 60.0  # seconds that one request may take in all, and a streamed turn
TIME_OUT = Timeout(connect=30, read=30, total=TOTAL)


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
    """What a shift found.

    `took` is the seconds of the slowest operation, `late` the most that one took of the time it was promised to take.
    """

    operations: int = 0
    good: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    by_operation: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took: float = 0.0
    late: float = 0.0

    def add(self, other: Report) -> None:
        self.operations += other.operations
        self.good += other.good
        self.errors += other.errors
        self.by_operation += other.by_operation
        self.wrong += other.wrong
        self.took = max(self.took, other.took)
        self.late = max(self.late, other.late)

    def time(self, kind: str, seconds: float, retries: int) -> None:
        """Note how long an operation took: each request has its total, and each retry may look before it asks."""
        requests = 1 if kind == "stream" else REQUESTS.get(kind, 1) + 2 * retries
        self.took = max(self.took, seconds)
        self.late = max(self.late, seconds / (requests * TOTAL))


@dataclass
class Known:
    """What a worker knows of one session: texts that are surely or perhaps there, and those that are surely not."""

    id: str
    names: set[str]
    files: set[str] = field(default_factory=set)
    logs: set[str | None] = field(default_factory=lambda: {None})
    """Hashes of logs, of which one is attached."""
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
        with no_waiting() as waits:
            for _ in range(operations):
                kind = self._dice.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
                self.report.operations += 1
                began = time.monotonic()
                waits.clear()
                try:
                    await getattr(self, f"_{kind}")()
                    self.report.good += 1
                except SecGeminiError as error:
                    self.report.errors[cause_of(error)] += 1
                    self.report.by_operation[f"{kind} {cause_of(error)}"] += 1
                except Exception as error:
                    self.report.wrong.append(f"{kind}: {error!r} is not one of ours")
                self.report.time(kind, time.monotonic() - began, len(waits))

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
        name = self._unique("file")
        await self._attach_as(name, self._mine.attach_file, name, name.encode())

    async def _attach_from_disk(self) -> None:
        name = self._unique("disk")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_text(name)
            await self._attach_as(name, self._mine.attach_file_from_disk, path)

    async def _attach_as(self, name: str, method: Callable[..., Any], *arguments: object) -> None:
        known = self.known[-1]
        known.perhaps.add(name)
        known.is_sure_of_files = False
        attached = await self.call(method, *arguments)
        self._expect(attached.name == name, "another file was attached")
        known.files.add(name)
        known.perhaps.discard(name)
        known.is_sure_of_files = not known.perhaps

    async def _attach_logs(self) -> None:
        line, known = self._unique("line"), self.known[-1]
        content = f"{line}\nand another\n".encode()
        logs_hash = hashlib.blake2s(content, key=b"secgemini").hexdigest()
        known.logs.add(logs_hash)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.log")
            path.write_bytes(content)
            table = await self.call(self._mine.attach_logs, path)
        self._expect(table.blake2s == logs_hash, "other logs were attached")
        known.logs = {logs_hash}

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
            async with self._mine.stream(prompt, timeout=TOTAL) as stream:
                got = [message async for message in stream]
        else:
            with self._mine.stream_sync(prompt, timeout=TOTAL) as stream:
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
            logs = (answer["logs_table"] or {}).get("blake2s")
            self._expect(logs in known.logs, f"the logs are {logs}")
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
