"""Sessions: `InteractiveSession` and `AsyncInteractiveSession`, the same methods over the same plans.

Attributes are a snapshot and cost no request; `refresh()` and `history()` read it anew, methods that change the session
update it. Each method raises the errors of `secgemini.errors`, never returns False for a failure, and is safe to call
from many threads or tasks, though two turns at once in one session make no conversation.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, Self

from secgemini_api.models import FeedbackType

from . import _checks, _plans
from ._later import Later
from ._plans import Snapshot
from ._upload import Progress
from .display import print_history, session_html

if TYPE_CHECKING:
    from secgemini_api.models import (
        Message,
        ModelInfo,
        PublicLogsTable,
        PublicSession,
        PublicSessionFile,
        State,
        Usage,
    )

    from . import _logs, _turns
    from ._drive import Driver
    from ._socket import Stream
    from ._stream_sync import SyncStream
    from .response import SessionResponse
    from .stream import Turn
    from .tools import Toolbox
else:
    _turns, _logs = Later("secgemini._turns"), Later("secgemini._logs")


class _Session(Snapshot):
    """The snapshot of a session. Nothing here does I/O."""

    def __init__(self, driver: Driver, data: PublicSession, toolbox: Toolbox | None = None) -> None:
        self._driver = driver
        self.data = data
        self.last_turn: Turn | None = None
        self._toolbox = toolbox

    @property
    def id(self) -> str:
        """Return the id with which `resume_session` finds this session."""
        return self.data.id

    @property
    def user_id(self) -> str:
        """Return the id of the user whose session it is."""
        return self.data.user_id

    @property
    def org_id(self) -> str:
        """Return the id of the user's organisation."""
        return self.data.org_id

    @property
    def name(self) -> str:
        """Return the name, made for people."""
        return self.data.name

    @property
    def description(self) -> str:
        """Return the description, "" when there is none."""
        return self.data.description

    @property
    def model(self) -> ModelInfo:
        """Return the model as the service resolved it."""
        return self.data.model

    @property
    def language(self) -> str:
        """Return the language code of the answers."""
        return self.data.language

    @property
    def ttl(self) -> int:
        """Return the time to live in seconds, from the creation or the last update of it."""
        return self.data.ttl

    @property
    def can_log(self) -> bool:
        """Return whether prompts and responses are retained and may be analysed: what the service granted."""
        return self.data.can_log

    @property
    def files(self) -> list[PublicSessionFile]:
        """Return the attached files; `detach_file` takes an index in this list."""
        return list(self.data.files)

    @property
    def messages(self) -> list[Message]:
        """Return the messages as last seen; `history()` reads them anew."""
        return list(self.data.messages)

    @property
    def num_messages(self) -> int:
        """Return the number of stored messages; lists of sessions have it without the messages."""
        return self.data.num_messages

    @property
    def turns(self) -> int:
        """Return the number of turns as last seen."""
        return self.data.turns

    @property
    def usage(self) -> Usage:
        """Return the tokens used as last seen."""
        return self.data.usage

    @property
    def state(self) -> State:
        """Return what the session was doing when last seen."""
        return self.data.state

    @property
    def create_time(self) -> float:
        """Return when it was created, in Unix seconds."""
        return self.data.create_time

    @property
    def update_time(self) -> float:
        """Return when it last changed, in Unix seconds."""
        return self.data.update_time

    @property
    def logs_table(self) -> PublicLogsTable | None:
        """Return the attached logs, None without."""
        return self.data.logs_table

    @property
    def agents_config(self) -> Mapping[str, object]:
        """Return the settings of agents, by agent."""
        return self.data.agents_config.to_dict()

    def stream(self, prompt: str, *, partial: bool = False, timeout: float | None = None) -> Stream:
        """Send a prompt and stream the turn's messages: `async with session.stream(…) as s: async for message in s`.

        Each message comes exactly once and in order, and the prompt is processed once, whatever the link does.
        Nothing is sent before the first `async for` or `async with`. Leaving the `async with` block, cancelling, or
        `aclose()` closes the socket at once; the turn goes on at the service and `history()` has it. (Leaving a bare
        `async for` early cannot be noticed while the iterator is held: use the block.)

        Args:
            prompt: the message to send.
            partial: yield pieces (status 206) of results and thoughts as they come, and then each whole message.
            timeout: seconds for the turn as a whole; None for the `total` of the client's time-outs, which is no bound
                unless you set one.

        Raises:
            ValueError, TypeError: a prompt that is empty or no text, here and now.
            StreamError: from the iterator: the service said that the turn failed, or it cannot be resumed.
            APIConnectionError, APITimeoutError: from the iterator: no link in spite of the retries.
        """
        return _turns.stream(self._driver, self, self._toolbox, _plans.new_prompt(prompt), partial, timeout)

    def stream_sync(self, prompt: str, *, partial: bool = False, timeout: float | None = None) -> SyncStream:
        """Return the same turn as `stream` for a plain `for`, in scripts and notebooks; a context manager too.

        The turn runs on a private event loop in a thread of its own. Leaving the `with` block, `close()` or dropping
        the iterator closes the socket.
        """
        return _turns.stream_sync(self._driver, self, self._toolbox, _plans.new_prompt(prompt), partial, timeout)

    def resume(self, *, partial: bool = False, timeout: float | None = None) -> Stream:
        """Rejoin the last turn of the session without sending a prompt, for example from another process.

        Yields the messages of the last turn from its beginning, then what is still to come; a turn that is over ends
        at once after its stored messages. Raises as `stream` does.
        """
        return _turns.stream(self._driver, self, self._toolbox, None, partial, timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.data.id!r} {self.data.name!r}, {self.data.num_messages} messages>"

    def _repr_html_(self) -> str:
        return session_html(self)


class InteractiveSession(_Session):
    """A session, for synchronous code. Made by `SecGemini.create_session`, `resume_session` and `list_sessions`."""

    def refresh(self) -> Self:
        """Read the session anew (one GET) and return it. Raises `NotFoundError` when it is gone."""
        self._driver.run(_plans.refresh(self))
        return self

    def attach_file_from_disk(
        self, file_path: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> PublicSessionFile:
        """Attach a file from disk under its local name; it is streamed, in constant memory.

        Args:
            file_path: path of a regular file.
            progress: called with the bytes read so far and in all; by the async client in a worker thread.

        Raises:
            FileNotFoundError, IsADirectoryError, PermissionError: before anything is sent.
            SecGeminiError: the file changed while it was read.
        """
        path = _checks.check_path(file_path)
        return self._driver.run(_plans.attach(self, path.name, path, None, progress))

    def attach_file(
        self,
        filename: str,
        content: bytes | BinaryIO,
        mime_type_hint: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> PublicSessionFile:
        """Attach bytes, or a binary file object that can seek, under a name; the service finds out the type itself."""
        return self._driver.run(_plans.attach(self, filename, _checks.check_content(content), mime_type_hint, progress))

    def detach_file(self, session_id: str | int | None = None, file_idx: int | None = None) -> None:
        """Detach a file by its index in `files`: `detach_file(session_id, file_idx)` or `detach_file(file_idx)`.

        Later files move down. Raises `ValueError` for a negative index, the service's error for one too large.
        """
        self._driver.run(_plans.detach(self, session_id, file_idx))

    def attach_logs(
        self,
        path: str | os.PathLike[str],
        *,
        mapping: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> PublicLogsTable:
        """Upload a log file to the logs processor and attach it; see `secgemini._logs` for the steps.

        Args:
            path: a text file, one record a line.
            mapping: names of your fields by the names the service uses, for records in JSON: those of the embedded
                service are `timestamp` and `source`; `event.when` is the field `when` of the object `event`.
            progress: called with the bytes sent so far and in all.

        Raises:
            ConfigurationError: no `logs_url`.
            ValueError: the file is empty, compressed or UTF-16.
            SecGeminiError: an upload of the same file did not come to its end: the service would take a part for all.
        """
        return self._driver.run(_logs.attach_logs(self, path, self._driver.config.logs_url, mapping, progress))

    def update(self, name: str | None = None, description: str | None = None, ttl: int | None = None) -> None:
        """Change the name, the description or the time to live (seconds from now, at least 300)."""
        self._driver.run(_plans.update(self, name, description, ttl))

    def delete(self) -> None:
        """Delete the session, its messages and files at the service. Raises `NotFoundError` when it is gone already."""
        self._driver.run(_plans.delete(self))

    def query(self, prompt: str) -> SessionResponse:
        """Send a prompt and wait for the whole answer, up to 600 s of silence unless the client has a time-out.

        With tools, the turn runs over the stream, so that they can be called. A connection that breaks while the
        answer is made does not lose it: the history is looked at before the prompt is sent again.
        """
        if self._toolbox is not None:
            return _turns.query(self._driver, self, self._toolbox, prompt)
        return self._driver.run(_plans.query(self, prompt))

    def history(self) -> list[Message]:
        """Return the stored messages in order (one GET)."""
        return self._driver.run(_plans.history(self))

    def visualize(self) -> None:
        """Read the session anew (one GET) and print its history as a tree, on the terminal or in the notebook."""
        print_history(self.refresh())

    def send_bug_report(self, bug: str, group_id: str = "") -> None:
        """Report a bug. Sent once: a failure that leaves open whether it arrived is raised, not repeated."""
        _checks.check_text("bug", bug)
        self._driver.run(_plans.feedback(self, FeedbackType.BUG_REPORT, 0, bug, group_id))

    def send_feedback(self, score: int, group_id: str = "", *, comment: str = "") -> None:
        """Say how good an answer was: above 0 good, 0 or below bad. `group_id` is the `group` of its messages."""
        self._driver.run(_plans.feedback(self, FeedbackType.USER_FEEDBACK, score, comment, group_id))


class AsyncInteractiveSession(_Session):
    """A session, for asyncio: the methods of `InteractiveSession`, awaitable. Cancelling one is safe.

    What a cancelled call had sent may have been carried out; `refresh()` tells.
    """

    async def refresh(self) -> Self:
        """Read the session anew: see `InteractiveSession.refresh`."""
        await self._driver.arun(_plans.refresh(self))
        return self

    async def attach_file_from_disk(
        self, file_path: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> PublicSessionFile:
        """Attach a file from disk: see `InteractiveSession.attach_file_from_disk`."""
        path = _checks.check_path(file_path)
        return await self._driver.arun(_plans.attach(self, path.name, path, None, progress))

    async def attach_file(
        self,
        filename: str,
        content: bytes | BinaryIO,
        mime_type_hint: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> PublicSessionFile:
        """Attach bytes or a binary file object: see `InteractiveSession.attach_file`."""
        return await self._driver.arun(
            _plans.attach(self, filename, _checks.check_content(content), mime_type_hint, progress)
        )

    async def detach_file(self, session_id: str | int | None = None, file_idx: int | None = None) -> None:
        """Detach a file: see `InteractiveSession.detach_file`."""
        await self._driver.arun(_plans.detach(self, session_id, file_idx))

    async def attach_logs(
        self,
        path: str | os.PathLike[str],
        *,
        mapping: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> PublicLogsTable:
        """Upload a log file and attach it: see `InteractiveSession.attach_logs`."""
        return await self._driver.arun(_logs.attach_logs(self, path, self._driver.config.logs_url, mapping, progress))

    async def update(self, name: str | None = None, description: str | None = None, ttl: int | None = None) -> None:
        """Change name, description or time to live: see `InteractiveSession.update`."""
        await self._driver.arun(_plans.update(self, name, description, ttl))

    async def delete(self) -> None:
        """Delete the session: see `InteractiveSession.delete`."""
        await self._driver.arun(_plans.delete(self))

    async def query(self, prompt: str) -> SessionResponse:
        """Send a prompt and wait for the whole answer: see `InteractiveSession.query`."""
        if self._toolbox is not None:
            return await _turns.aquery(self._driver, self, self._toolbox, prompt)
        return await self._driver.arun(_plans.query(self, prompt))

    async def history(self) -> list[Message]:
        """Return the stored messages in order: see `InteractiveSession.history`."""
        return await self._driver.arun(_plans.history(self))

    async def visualize(self) -> None:
        """Print the history as a tree: see `InteractiveSession.visualize`."""
        print_history(await self.refresh())

    async def send_bug_report(self, bug: str, group_id: str = "") -> None:
        """Report a bug: see `InteractiveSession.send_bug_report`."""
        _checks.check_text("bug", bug)
        await self._driver.arun(_plans.feedback(self, FeedbackType.BUG_REPORT, 0, bug, group_id))

    async def send_feedback(self, score: int, group_id: str = "", *, comment: str = "") -> None:
        """Say how good an answer was: see `InteractiveSession.send_feedback`."""
        await self._driver.arun(_plans.feedback(self, FeedbackType.USER_FEEDBACK, score, comment, group_id))
