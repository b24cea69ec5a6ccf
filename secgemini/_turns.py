"""Streamed turns of a session: what a stream needs to know, from the client's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from secgemini_api.models import Message

from . import _calls, _plans
from ._drive import pretend_to_wait, tell_retry
from ._failures import scrub
from ._socket import Stream
from ._turn_events import Phase
from ._version import USER_AGENT
from ._websocket import Link
from .config import Timeout
from .errors import SecGeminiError
from .redact import redact
from .response import SessionResponse
from .retry import wait_before_retry
from .stream import Turn

if TYPE_CHECKING:
    from ._drive import Driver
    from ._stream_sync import SyncStream
    from .tools import Toolbox

PERSISTENCE = 3  # reconnects in a row for each retry that a request would get: a turn took minutes to make


def stream(
    driver: Driver,
    session: _plans.Snapshot,
    toolbox: Toolbox | None,
    prompt: Message | None,
    partial: bool = False,
    timeout: float | None = None,
) -> Stream:
    """Return the stream of a new turn, or with no prompt of the session's last one."""
    return Stream(*_parts(driver, session, toolbox, prompt, partial, timeout))


def stream_sync(
    driver: Driver,
    session: _plans.Snapshot,
    toolbox: Toolbox | None,
    prompt: Message,
    partial: bool,
    timeout: float | None,
) -> SyncStream:
    """Return the same as a plain iterator."""
    from ._stream_sync import SyncStream  # threads and queues, which asyncio code never needs

    return SyncStream(*_parts(driver, session, toolbox, prompt, partial, timeout))


def query(driver: Driver, session: _plans.Snapshot, toolbox: Toolbox, prompt: str) -> SessionResponse:
    """Run a turn with tools to its end."""
    asked = _plans.new_prompt(prompt)
    with stream_sync(driver, session, toolbox, asked, False, None) as messages:
        return _response(session, asked, list(messages))


async def aquery(driver: Driver, session: _plans.Snapshot, toolbox: Toolbox, prompt: str) -> SessionResponse:
    """Run a turn with tools to its end."""
    asked = _plans.new_prompt(prompt)
    async with stream(driver, session, toolbox, asked) as messages:
        return _response(session, asked, [message async for message in messages])


def _parts(
    driver: Driver,
    session: _plans.Snapshot,
    toolbox: Toolbox | None,
    prompt: Message | None,
    partial: bool,
    timeout: float | None,
) -> tuple[Link, Turn]:
    Timeout(total=timeout)  # raises when it is none
    before, policy = session.last_turn, _Policy(driver)
    turn = Turn(
        prompt,
        wait=policy.wait,
        partial=partial,
        tools=toolbox is not None,
        redact=lambda text: redact(text, driver.config),
        look_first=before is not None and before.phase not in (Phase.NEW, Phase.OVER),  # it was left and may go on
        max_messages=driver.config.limits.max_messages,
    )
    session.last_turn = turn
    return _link(driver, policy, session.data.id, toolbox, partial, timeout), turn


class _Policy:
    """When a stream tries again, on the account of its client: a reconnect that helped gives back what it cost."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._attempts = driver.config.max_retries * PERSISTENCE
        self._spent = 0

    def wait(self, error: SecGeminiError, failures: int) -> float | None:
        """Return the seconds until the next attempt, None to give up."""
        if failures == 1 and self._spent:  # what was spent before led to a link that brought something
            self.helped()
        seconds = wait_before_retry(error, failures, self._attempts)
        price = None if seconds is None else self._driver.budget.spend(error)
        if seconds is None or price is None:
            return None
        self._spent += price
        tell_retry(error, failures, seconds)
        return pretend_to_wait(seconds)

    def helped(self) -> None:
        """Note that the turn went on, or came to its end."""
        self._driver.budget.give_back(self._spent)
        self._spent = 0


def _link(
    driver: Driver, policy: _Policy, session_id: str, toolbox: Toolbox | None, partial: bool, total: float | None
) -> Link:
    config, connections = driver.config, driver.connections

    def url() -> str:
        connections._check_open()
        query = {
            "api_key": config.api_key.reveal(),
            "session_id": session_id,
            **({"stream": "true"} if partial else {}),
        }
        return f"{config.websocket_url}/v1/stream?{urlencode(query)}"

    async def history() -> Sequence[Message]:
        return (await driver.arun(_calls.session_get(session_id))).messages

    timeout, proxy = config.timeout, connections.proxy_for(config.websocket_url)
    is_secret = config.websocket_url.startswith("wss:") or str(proxy).startswith("https:")
    return Link(
        url=url,
        history=history,
        finished=policy.helped,
        run_tool=None if toolbox is None else toolbox.answer,
        redact=lambda text: redact(text, config),
        scrub=lambda error: scrub(error, config),
        ssl=connections.ssl_context() if is_secret else None,
        proxy=proxy,
        headers=dict(config.headers),
        user_agent=USER_AGENT,
        max_frame=config.limits.max_frame_bytes,
        open_timeout=timeout.connect if timeout else 10.0,
        total_timeout=total or (timeout.total if timeout else None),
    )


def _response(session: _plans.Snapshot, prompt: Message, messages: list[Message]) -> SessionResponse:
    usage = _plans.usage_of(messages)
    _plans.remember(session, [prompt, *messages], usage)
    return SessionResponse(messages, 200, "OK", usage, session.data.id)
