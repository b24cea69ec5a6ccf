"""The stream of one turn over a WebSocket: connect, reconnect, close. `stream.Turn` decides, this moves frames."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

import msgspec
from secgemini_api.errors import UnexpectedShape
from secgemini_api.models import Message

from ._turn_events import (
    Connect,
    Dropped,
    Effect,
    Event,
    Expired,
    Fail,
    Finish,
    HistoryFailed,
    HistoryRead,
    Opened,
    Phase,
    Ping,
    Ponged,
    ReadHistory,
    RunTool,
    Send,
    Silent,
    ToolAnswered,
)
from ._turn_failures import REJOIN
from ._websocket import Connection, Frame, Link, dial, explained, outside_contract, why_over
from .errors import SecGeminiError, StreamError
from .stream import Turn

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_from_dict = Message.from_dict
_CONNECTED = (Phase.LIVE, Phase.LOOKING)
_FAIR = 256  # steps of the iterator before the event loop gets a turn although there is more at hand
_CLOSING = 0.05  # seconds that `aclose` waits for tools and requests that were cancelled
_NOT_PLAIN = (
    "this stream is for asyncio: `async with session.stream(prompt) as messages`, then `async for message in messages`;"
    " for a plain `for`, use session.stream_sync(prompt)"
)

_NO_FRAMES: deque[Frame] = deque(maxlen=0)


class Stream:
    """The messages of one turn: an async iterator, and an async context manager that surely closes the socket.

        async with session.stream("…") as stream:
            async for message in stream:
                ...

    Nothing is sent before the first `async for` step or `async with`; entering the block connects and sends the prompt.
    The socket is closed at once when the turn is over, on leaving the block, on `aclose()`, on a failure, when a wait
    in the iterator is cancelled (also by `asyncio.timeout`), and when the last reference to the iterator is dropped.
    The turn goes on at the service. An iterator that is held cannot know that its loop was left: use the block.

    One task at a time may iterate. Tool calls and reconnects go on while the iterator is being waited for.

    Raises, from the iterator, after every message that came before:
        StreamError: the service's own error, or the turn cannot be resumed, or this stream was cancelled before.
        APIConnectionError, APITimeoutError, AuthenticationError, PermissionDeniedError, NotFoundError, …: as named.
    """

    def __init__(self, link: Link, turn: Turn) -> None:
        self._driver = TurnDriver(link, turn)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        driver = self._driver
        while True:
            message = driver.take()
            if message is not None:
                return message
            await driver.wait()

    async def __aenter__(self) -> Self:
        """Connect and send the prompt. Raises what connecting raises."""
        await self._driver.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the socket and stop running tools; the iterator ends. Can be called again, and is quick."""
        await self._driver.aclose()

    if not TYPE_CHECKING:  # for whom a plain `for` and `with` are mistakes that they find themselves

        def __iter__(self) -> NoReturn:
            raise TypeError(_NOT_PLAIN)

        def __enter__(self) -> NoReturn:
            raise TypeError(_NOT_PLAIN)

        def __exit__(self, *exception: object) -> None:
            """Be there: without it, Python does not get as far as `__enter__`."""

    def __del__(self) -> None:
        self._driver.drop()


class TurnDriver:
    """Carries out what the turn asks for. Callbacks and tasks hold this, not the `Stream`, so a dropped one is noticed.

    Everything happens in the task that iterates, except what the event loop calls back: `_report` and `_wake`.
    """

    def __init__(self, link: Link, turn: Turn) -> None:
        self._link = link
        self._turn = turn
        self._connection: Connection | None = None
        self._frames: deque[Frame] = _NO_FRAMES
        self._events: deque[Event | Connection | Exception] = deque()
        self._out: deque[Message] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._linking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._tools: set[asyncio.Task[None]] = set()
        self._deadline = self._heard_at = math.inf
        self._given = 0
        self._closed = False
        self._failure: Exception | None = None

    # -- for the iterator ----------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and send the prompt."""
        self._start()
        while not self._closed and self._turn.phase not in _CONNECTED:
            if not self._step():
                await self.wait()
        if self._failure is not None:
            raise self._failure

    def take(self) -> Message | None:
        """Return the next message, or None when there is nothing to do but wait.

        Raises:
            StopAsyncIteration: the turn is over, or the stream was closed.
        """
        if self._out:
            return self._out.popleft()
        self._given += 1
        if not self._given % _FAIR and self._frames:
            return None
        while not self._closed:
            if self._frames:
                effects = self._frame(self._frames.popleft())
                if len(effects) == 1 and type(effects[0]) is Message:
                    return effects[0]
                self._carry_out(effects)
            elif not self._step():
                return None
            if self._out:
                return self._out.popleft()
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    async def batch(self, size: int) -> list[Message]:
        """Return what is at hand, at least one message and at most `size`; nothing when the turn is over."""
        found: list[Message] = []
        while len(found) < size:
            try:
                message = self.take()
            except StopAsyncIteration:
                break
            except Exception:
                if found:  # the failure will still be there next time
                    break
                raise
            if message is not None:
                found.append(message)
            elif found:
                break
            else:
                await self.wait()
        return found

    async def wait(self) -> None:
        """Wait until there is something to do. Cancelling closes the stream."""
        self._start()
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._waiter is not None:
            raise RuntimeError("a stream belongs to one event loop, and one task at a time may iterate it")
        self._waiter = loop.create_future()
        if self._frames or self._events:  # only to be fair to other tasks
            self._waiter.set_result(None)
        alarm = min(self._deadline, self._silent_at())
        timer = loop.call_at(alarm, self._wake) if alarm < math.inf else None
        try:
            await self._waiter
        except BaseException:  # cancelled, or the coroutine was thrown away: either way nobody waits any more
            self._failure = StreamError("this stream was cancelled, which closed it", hint=REJOIN)
            self._shut()
            raise
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        self._tell_time(loop.time())

    async def aclose(self) -> None:
        """Close, and let the event loop finish what that started."""
        self._out.clear()
        self._failure = None
        self._shut()
        if asyncio.get_running_loop() is not self._loop:
            return
        pending = {
            task for task in (self._linking, self._looking, *self._tools) if task is not None and not task.done()
        }
        if pending:
            await asyncio.wait(pending, timeout=_CLOSING)
        await asyncio.sleep(0)

    def drop(self) -> None:
        """Close from wherever the last reference went: any thread, with or without a running loop."""
        loop = self._loop
        if self._closed or loop is None or loop.is_closed():
            return
        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here:
            self._shut()
        else:
            loop.call_soon_threadsafe(self._shut)

    # -- events in, effects out ----------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._loop is None and not self._closed:
            self._loop = asyncio.get_running_loop()
            self._heard_at = self._loop.time()
            self._deadline = self._heard_at + (self._link.total_timeout or math.inf)
            self._carry_out(self._turn.start())

    def _frame(self, frame: Frame) -> list[Effect]:
        try:
            message = _from_dict(_decode(frame))
            if type(message.id) is not str or type(message.status_code) is not int:
                raise TypeError(f"the id is {message.id!r:.100}, the status_code {message.status_code!r:.100}")
        except (msgspec.DecodeError, UnexpectedShape, ValueError, TypeError, RecursionError) as error:
            fault = outside_contract(f"a frame is not a message: {error}", self._link, frame)
            fault.retryable = True  # it may have been damaged on its way: the history has the message
            return self._handle(Dropped(fault))
        try:
            return self._turn.receive(message)
        except Exception as error:
            return [Fail(outside_contract(f"{type(error).__name__}: {error}", self._link, frame))]

    def _handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Dropped):
            event = Dropped(self._link.scrub(event.error))  # before it is logged
        try:
            return self._turn.handle(event)
        except Exception as error:
            return [Fail(outside_contract(f"{type(error).__name__}: {error}", self._link))]

    def _step(self) -> bool:
        """Handle one thing that is not a frame; False when there is none."""
        if self._events:
            event = self._events.popleft()
            if isinstance(event, Connection):
                self._connection, self._frames = event, event.frames
                event.wake = self._wake
                self._carry_out(self._handle(Opened()))
            else:
                self._carry_out([Fail(event)] if isinstance(event, Exception) else self._handle(event))
            if self._out or isinstance(event, (Connection, ToolAnswered)):  # a look without news is not a sign of life
                self._heard_at = asyncio.get_running_loop().time()
            return True
        connection = self._connection
        if connection is None:
            return False
        connection.drained()
        if connection.confirmed:
            self._carry_out(self._handle(Ponged(connection.confirmed.popleft())))
            return True
        if not connection.is_over:
            return False
        self._carry_out(self._handle(Dropped(why_over(connection, self._link))))
        return True

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Message():
                    self._out.append(effect)
                case Send(message) if self._connection is not None:
                    self._connection.send_now(_encode(message.to_dict()))
                case Ping(call_id) if self._connection is not None:
                    self._connection.ping_now(call_id)
                case Connect(delay):
                    self._disconnect()
                    self._heard_at = asyncio.get_running_loop().time() + delay  # an attempt has the idle time-out too
                    self._linking = self._task(self._connect(delay))
                case ReadHistory(delay):
                    self._forget_look()
                    self._looking = self._task(self._read_history(delay))
                case RunTool(call):
                    task = self._task(self._run_tool(call))
                    self._tools.add(task)
                    task.add_done_callback(self._tools.discard)
                case Fail(error):
                    self._failure = explained(error, self._link)
                    self._shut()
                case Finish():
                    self._link.finished()
                    self._shut()

    def _silent_at(self) -> float:
        """Return when the idle time-out is over, if nothing arrives; what nobody has taken yet did arrive."""
        heard_at = self._heard_at if self._connection is None else max(self._heard_at, self._connection.heard_at)
        return heard_at + (self._link.idle_timeout or math.inf)

    def _tell_time(self, now: float) -> None:
        if now >= self._deadline:
            self._deadline = math.inf
            self._events.append(Expired())
        elif not self._frames and not self._events and now >= self._silent_at():
            self._heard_at = now
            self._events.append(Silent())

    # -- in the background ---------------------------------------------------------------------------------------

    async def _connect(self, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            connection = await dial(self._link)
        except SecGeminiError as error:
            self._report(Dropped(error))
        except Exception as error:
            self._report(error)
        else:
            self._report(connection)

    async def _read_history(self, delay: float) -> None:
        await asyncio.sleep(delay)
        try:
            messages = await self._link.history()
        except Exception as error:
            self._report(HistoryFailed(error))
        else:
            self._report(HistoryRead(messages))

    async def _run_tool(self, call: Message) -> None:
        if self._link.run_tool is None:
            self._report(TypeError("the turn runs tools, its link has no run_tool"))
            return
        try:
            answer = await self._link.run_tool(call)
        except Exception as error:
            self._report(error)
        else:
            self._report(ToolAnswered(call.id, answer))

    def _report(self, event: Event | Connection | Exception) -> None:
        self._events.append(event)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _task(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work)

    @staticmethod
    def _cancel(task: asyncio.Task[None] | None) -> None:
        if task is not None:
            task.cancel()

    def _forget_look(self) -> None:
        """Drop a pending look with its answer: one from before the link was open may not decide about a resend."""
        self._cancel(self._looking)
        for event in [event for event in self._events if isinstance(event, (HistoryRead, HistoryFailed))]:
            self._events.remove(event)

    def _disconnect(self) -> None:
        self._cancel(self._linking)
        if self._connection is not None:
            self._connection.shut()
        self._connection, self._frames = None, _NO_FRAMES

    def _shut(self) -> None:
        """Close the socket and stop what runs, at once."""
        self._closed = True
        for event in self._events:
            if isinstance(event, Connection):
                event.shut()
        self._events.clear()
        self._disconnect()
        self._cancel(self._looking)
        for task in self._tools:
            task.cancel()
        self._wake()
