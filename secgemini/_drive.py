"""Runs a plan, sync or async: the only REST code that exists twice, and it only moves requests.

What to do after a failure is decided once, in `Driver._attempts`, from the call's own `repeat`, the pure policy in
`retry`, and the client's budget.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from secgemini_api.errors import InvalidBody, UnexpectedShape

from ._api import Api
from ._calls import UNSURE, Call, Pause, Plan, Repeat, Work
from ._failures import complete, scrub
from ._http import TOTAL, Connections
from .config import Config, Timeout
from .display import neutralise
from .errors import APIResponseError, ConfigurationError, SecGeminiError
from .redact import redact
from .retry import Budget, is_unclear, wait_before_retry

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("secgemini")

T = TypeVar("T")
Steps = Generator["Call[Any] | Pause | Work[Any]", Any, T]
PATIENT = Timeout(read=600.0)  # an agent may think for minutes

_no_waiting: contextvars.ContextVar[list[float] | None] = contextvars.ContextVar("no_waiting", default=None)


@contextmanager
def no_waiting() -> Generator[list[float]]:
    """Let retries inside not wait; gives the list of the seconds that they would have waited. For tests."""
    waits: list[float] = []
    token = _no_waiting.set(waits)
    try:
        yield waits
    finally:
        _no_waiting.reset(token)


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    """What a call came to, and the answer that said so; None when something else told it."""

    result: T
    response: httpx.Response | None = None


class Driver:
    """Runs plans over one set of connections. `with_options` makes another driver over the same ones."""

    def __init__(
        self,
        config: Config,
        connections: Connections,
        budget: Budget,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.config = config
        self.connections = connections
        self.budget = budget
        self._api = Api(connections, config.base_url)
        self._chance = chance

    @classmethod
    def of(cls, config: Config) -> Driver:
        """Return a driver with connections and a budget of its own."""
        return cls(config, Connections(config), Budget())

    def with_config(self, config: Config) -> Driver:
        """Return a driver with other settings over the same connections and budget."""
        return Driver(config, self.connections, self.budget, self._chance)

    def api(self, service: str) -> Api:
        """Return the generated client for "api" or "logs"."""
        if service == "api":
            return Api(self.connections, self.config.base_url, self.config.timeout)
        if not self.config.logs_url:
            raise ConfigurationError(
                "no address of the logs processor", hint="pass logs_url=… or set SEC_GEMINI_LOGS_PROCESSOR_API_URL"
            )
        return Api(self.connections, self.config.logs_url, self.config.timeout)

    def run(self, plan: Plan[T] | Call[T]) -> T:
        """Run a plan to its end in this thread."""
        flow = self._flow(plan)
        go_on: Callable[[Any], Any] = flow.send
        answer: Any = None
        while True:
            try:
                step = go_on(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            go_on, answer = flow.send, None
            if isinstance(step, Pause):
                time.sleep(pretend_to_wait(step.seconds))
            elif isinstance(step, Work):
                try:
                    answer = step.function()
                except Exception as error:
                    go_on, answer = flow.throw, error
            else:
                answer = self._send(step)

    async def arun(self, plan: Plan[T] | Call[T]) -> T:
        """Run a plan to its end on the running loop. Cancelling stops it where it waits."""
        flow = self._flow(plan)
        go_on: Callable[[Any], Any] = flow.send
        answer: Any = None
        while True:
            try:
                step = go_on(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            go_on, answer = flow.send, None
            if isinstance(step, Pause):
                await asyncio.sleep(pretend_to_wait(step.seconds))
            elif isinstance(step, Work):
                try:
                    answer = await asyncio.to_thread(step.function)
                except Exception as error:
                    go_on, answer = flow.throw, error
            else:
                answer = await self._asend(step)

    def _send(self, call: Call[Any]) -> Any:
        try:
            client = self.connections.sync_client()
            return self._read(call, client.request(**self._request(call, call.upload.read if call.upload else None)))
        except SecGeminiError as error:
            return scrub(error, self.config)

    async def _asend(self, call: Call[Any]) -> Any:
        try:
            client = await self.connections.async_client()
            request = self._request(call, call.upload.aread if call.upload else None)
            return self._read(call, await client.request(**request))
        except SecGeminiError as error:
            return scrub(error, self.config)

    def _request(self, call: Call[Any], body: Callable[[], Any] | None) -> dict[str, Any]:
        request = {**call.request, **call.extra}
        base = self.config.logs_url if call.service == "logs" else self.config.base_url
        request["url"] = self.connections.url(base + call.request["url"])
        timeout = self.config.timeout or (PATIENT if call.is_slow else None)
        if timeout is not None:
            request["timeout"] = (timeout.connect, timeout.read, timeout.read, timeout.connect)
            request["extensions"] = {TOTAL: timeout.total}
        if "json" in request:
            request["content"] = msgspec.json.encode(request.pop("json"))
        if call.upload is not None and body is not None:
            request["content"] = body()
            request["headers"] = {"content-type": "application/json", "content-length": str(call.upload.length)}
        return request

    def _read(self, call: Call[T], response: httpx.Response) -> _Answer[T]:
        try:
            return _Answer(call.read(call.parse(client=self._api, response=response)), response)
        except InvalidBody as error:
            why = f"{error.reason}; it begins with {redact(response.text, self.config)[:200]!r}"
        except SecGeminiError as error:
            raise complete(error, response, self.config) from None
        except (UnexpectedShape, TypeError, ValueError) as error:  # a status that is no number, for example
            why = str(error)
        failure = APIResponseError(
            f"{call.operation} answered outside the contract: {why}",
            operation=call.operation,
            status_code=response.status_code,
            hint="is base_url the address of Sec-Gemini, or is a proxy in between?",
        )
        raise complete(failure, response, self.config)

    def _flow(self, plan: Plan[T] | Call[T]) -> Steps[T]:
        """Turn a plan into its requests and pauses, each call with its retries; results and errors go back into it."""
        if isinstance(plan, Call):
            return (yield from self._attempts(plan)).result
        heard: httpx.Response | None = None
        try:
            step = next(plan)
            while True:
                try:
                    if isinstance(step, Call):
                        answer = yield from self._attempts(step)
                        result, heard = answer.result, answer.response
                    else:
                        result = yield step
                except Exception as error:
                    heard = None
                    step = plan.throw(error)
                else:
                    step = plan.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except SecGeminiError as error:  # when it is the plan's own, it is about the answer heard last
            complete(error, heard, self.config)
            raise

    def _attempts(self, call: Call[T]) -> Steps[_Answer[T]]:
        failures = spent = 0
        was_unclear = False
        while True:
            outcome: _Answer[T] | SecGeminiError = yield call
            if not isinstance(outcome, SecGeminiError):
                self.budget.give_back(spent)
                return outcome
            if was_unclear and call.already and getattr(outcome, "status_code", 0) == call.already:
                return _Answer(None)  # type: ignore[arg-type]  # an earlier attempt was carried out
            failures += 1
            unclear = is_unclear(outcome)
            was_unclear = was_unclear or unclear
            if unclear and call.repeat is Repeat.NEVER:
                raise outcome
            wait = wait_before_retry(outcome, failures, self.config.max_retries, self._chance)
            price = None if wait is None else self.budget.spend(outcome)
            if wait is None or price is None:
                raise outcome
            spent = price
            tell_retry(outcome, failures, wait)
            yield Pause(wait)
            if unclear and call.look is not None:
                found = yield from self._flow(call.look())
                if found is UNSURE:
                    raise outcome
                if found is not None:
                    return _Answer(found)


def tell_retry(error: SecGeminiError, failures: int, wait: float) -> None:
    """Log that something failed for the n-th time (`failures`) and is tried again after `wait` seconds."""
    _log.info("%s; attempt %d follows in %.1f s", neutralise(error.message, newlines=False), failures + 1, wait)


def pretend_to_wait(seconds: float) -> float:
    """Return the seconds to wait: as they are, or 0, noted, inside `no_waiting`."""
    waits = _no_waiting.get()
    if waits is None:
        return seconds
    waits.append(seconds)
    return 0.0
