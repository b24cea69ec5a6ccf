"""`SecGemini` and `AsyncSecGemini`: the same methods over the same plans, sync and awaitable."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ._forks import renew_lock_after_fork
from ._later import Later
from .config import Config, Limits, Timeout

if TYPE_CHECKING:
    import ssl

    from secgemini_api.client import AuthenticatedClient
    from secgemini_api.models import ModelInfo, PublicSession, UserInfo

    from . import _calls, _drive, _http, _plans
    from ._http import ResponseInfo
    from .local.engines import Engine
    from .local.faults import Fault
    from .local.server import LocalService
    from .session import AsyncInteractiveSession, InteractiveSession
    from .tools import Approve, Tool, Toolbox

    Tools = Sequence[Tool | Callable[..., object]]
else:
    _calls, _drive, _http, _plans = (Later(f"secgemini.{name}") for name in ("_calls", "_drive", "_http", "_plans"))

DAY = 86400  # seconds
MODEL = "sec-gemini-stable"


class _Client:
    """Settings, connections and the cached user of a client. Constructing one does no I/O."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        websocket_url: str | None = None,
        logs_url: str | None = None,
        timeout: float | Timeout | None = None,
        max_retries: int = 2,
        proxy: str | None = None,
        verify: bool | str | ssl.SSLContext = True,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        config = Config.resolve(
            api_key,
            base_url=base_url,
            websocket_url=websocket_url,
            logs_url=logs_url,
            timeout=timeout,
            max_retries=max_retries,
            proxy=proxy,
            verify=verify,
            headers=headers,
            limits=limits,
        )
        self._set_up(config)

    def _set_up(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        renew_lock_after_fork(self)
        self._made_driver: _drive.Driver | None = None
        self._user: UserInfo | None = None
        self._service: LocalService | None = None
        self._owns_connections = True

    @classmethod
    def _of(cls, config: Config) -> Self:
        client = cls.__new__(cls)
        client._set_up(config)
        return client

    @classmethod
    def _start_local(
        cls,
        path: str | os.PathLike[str] | None,
        engine: str | Engine | None,
        faults: Fault | str | Sequence[Fault | str] | None,
    ) -> Self:
        from ._embedded import start  # not through Later, which would import httpx first

        service = start(path, engine, faults)
        try:
            client = cls(
                service.api_key,
                base_url=service.base_url,
                websocket_url=service.websocket_url,
                logs_url=service.base_url,
                proxy="",
            )
        except BaseException:
            service.stop()
            raise
        client._service = service
        return client

    @property
    def _driver(self) -> _drive.Driver:
        if self._made_driver is None:
            with self._lock:
                if self._made_driver is None:
                    self._made_driver = _drive.Driver.of(self._config)
        return self._made_driver

    @property
    def base_url(self) -> str:
        """Return the address of the HTTP service, without a slash at the end."""
        return self._config.base_url

    @property
    def websocket_url(self) -> str:
        """Return the address of the WebSocket service, without a slash at the end."""
        return self._config.websocket_url

    @property
    def logs_url(self) -> str:
        """Return the address of the logs processor, "" when none is set."""
        return self._config.logs_url

    @property
    def config(self) -> Config:
        """Return the settings; their repr hides the key, and pickling them leaves it out."""
        return self._config

    @property
    def service(self) -> LocalService | None:
        """Return the embedded service that `local` started, None for a hosted one."""
        return self._service

    @property
    def api(self) -> AuthenticatedClient:
        """Return the generated client: every endpoint, raw, over this client's connections, errors and time-outs.

        `from secgemini_api.api.sessions import list_sessions; list_sessions.sync(client=sg.api)`. No retries.
        """
        return self._driver.api("api")

    @property
    def logs_api(self) -> AuthenticatedClient:
        """Return the same for the logs processor's address. Raises `ConfigurationError` without one."""
        return self._driver.api("logs")

    def with_options(self, *, timeout: float | Timeout | None = None, max_retries: int | None = None) -> Self:
        """Return a client with other time-outs or retries over the same connections, budget and embedded service.

        Closing it closes nothing: the client that it was made from owns the connections.
        """
        changes: dict[str, object] = {}
        if timeout is not None:
            changes["timeout"] = Timeout.of(timeout)
        if max_retries is not None:
            changes["max_retries"] = max_retries
        other = type(self)._of(self._config.replace(**changes))
        other._made_driver = self._driver.with_config(other._config)
        other._user = self._user
        other._service = self._service
        other._owns_connections = False
        return other

    @contextmanager
    def responses(self) -> Generator[list[ResponseInfo]]:
        """Collect status, headers and request id of every answer that this thread or task gets inside the block."""
        seen: list[ResponseInfo] = []
        token = _http.seen_responses.set(seen)
        try:
            yield seen
        finally:
            _http.seen_responses.reset(token)

    def _keep_user(self, user: UserInfo) -> UserInfo:
        import attrs

        self._user = attrs.evolve(user, sessions=[])  # there may be thousands, and they go out of date
        return user

    def _toolbox(self, tools: Tools, approve: Approve | None) -> Toolbox | None:
        if not tools:
            if approve is not None:
                raise ValueError("approve was given without tools: there is nothing to approve")
            return None
        from .tools import Toolbox

        return Toolbox(tools, approve)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the settings without the key: unpickling reads SEC_GEMINI_API_KEY."""
        return (type(self)._of, (self._config,))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class SecGemini(_Client):
    """A client of Sec-Gemini for synchronous code, safe to share between threads.

    Args:
        api_key: the key; else `SEC_GEMINI_API_KEY`. It is sent as a header, never logged, never in an HTTP URL.
        base_url: address of the service; else `SEC_GEMINI_API_HTTP_URL`, else the hosted one.
        websocket_url: address for streams; else `SEC_GEMINI_API_WEBSOCKET_URL`, else it follows from `base_url`.
        logs_url: address of the logs processor; else `SEC_GEMINI_LOGS_PROCESSOR_API_URL`.
        timeout: seconds for one attempt as a whole, or a `Timeout`; default: connect 10 s, read 90 s (`query` 600 s).
        max_retries: how often a failed call is tried again.
        proxy: address of an HTTP or SOCKS proxy, "" for none; default: what the environment says.
        verify: True, False, "system", the path of a CA file, or an `ssl.SSLContext` (client certificates).
        headers: more headers for every request.
        limits: bounds on what is accepted from the service.

    Raises:
        ConfigurationError: no key or an unusable address. Nothing is sent by constructing a client.

    `with SecGemini() as sg:` or `close()` closes its connections.
    """

    @classmethod
    def local(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        engine: str | Engine | None = None,
        faults: Fault | str | Sequence[Fault | str] | None = None,
    ) -> Self:
        """Start the embedded service on a free loopback port and return a client of it; closing it stops the service.

        Args:
            path: SQLite file to keep the state in; None keeps it in memory.
            engine: "analyst" (default), "openai", "script", or an object that answers prompts.
            faults: rules for failures to inject, such as "generate:status=503,times=2"; see `secgemini.local.faults`.
        """
        return cls._start_local(path, engine, faults)

    def _session(self, data: PublicSession, toolbox: Toolbox | None = None) -> InteractiveSession:
        from .session import InteractiveSession

        return InteractiveSession(self._driver, data, toolbox)

    def user_info(self) -> UserInfo:
        """Return who the key belongs to, its limits, its sessions and the models it may use (one GET)."""
        return self._keep_user(self._driver.run(_calls.user_info()))

    def models(self) -> list[ModelInfo]:
        """Return the models that the key may use (one GET)."""
        return list(self.user_info().available_models)

    def create_session(
        self,
        name: str | None = None,
        description: str = "",
        ttl: int = DAY,
        enable_logging: bool = True,
        *,
        model: str | ModelInfo = MODEL,
        language: str = "en",
        tools: Tools = (),
        approve: Approve | None = None,
        agents_config: Mapping[str, Mapping[str, object]] | None = None,
    ) -> InteractiveSession:
        """Create a session and return it.

        Args:
            name: made for people; one is made up when absent.
            description: what the session is about.
            ttl: seconds until the service deletes the session, at least 300.
            enable_logging: False asks that prompts and responses are not retained; `session.can_log` tells what the
                service granted.
            model: a model string such as `sec-gemini-stable`, or one of `models()`.
            language: code of the language of the answers.
            tools: functions that the assistant may call on this machine; see `secgemini.tools`.
            approve: called with every tool call; only True lets it run. Without it all tools must be read-only.
            agents_config: settings of agents, by agent.

        Raises:
            ValueError, TypeError: a bad argument. ToolError: a tool that cannot be expressed or is not read-only.
        """
        toolbox = self._toolbox(tools, approve)
        definitions = toolbox.definitions() if toolbox else ()
        new = _plans.NewSession(name, description, ttl, enable_logging, model, language, agents_config, definitions)
        plan = _plans.create_session(new, self._user, self._keep_user)
        return self._session(self._driver.run(plan), toolbox)

    def list_sessions(self) -> list[InteractiveSession]:
        """Return all sessions of the key, oldest first, in one request; `session.history()` reads their messages."""
        return [self._session(data) for data in self._driver.run(_calls.sessions())]

    def resume_session(
        self, session_id: str, *, tools: Tools = (), approve: Approve | None = None
    ) -> InteractiveSession:
        """Return an existing session with its messages.

        `tools` are the functions of the tools that it was made with: the service knows no others.

        Raises:
            NotFoundError: there is no session with this id.
            ToolError: the session does not know one of the tools.
        """
        toolbox = self._toolbox(tools, approve)
        return self._session(self._driver.run(_plans.resume(session_id, toolbox)), toolbox)

    def close(self) -> None:
        """Close the connections, and the embedded service that `local` started. Safe to call twice."""
        if not self._owns_connections:
            return
        self._driver.connections.close()
        if self._service is not None:
            self._service.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncSecGemini(_Client):
    """A client of Sec-Gemini for asyncio: the arguments and methods of `SecGemini`, awaitable.

    One client may be used from several event loops, one after the other too. Cancelling a call is safe; what it had
    sent may have been carried out. `async with AsyncSecGemini() as sg:` or `await sg.aclose()` closes its connections.
    """

    @classmethod
    def local(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        engine: str | Engine | None = None,
        faults: Fault | str | Sequence[Fault | str] | None = None,
    ) -> Self:
        """Start the embedded service and return a client of it: see `SecGemini.local`. May be awaited or not."""
        return cls._start_local(path, engine, faults)

    def __await__(self) -> Generator[None, None, Self]:
        """Return the client itself, so that `await AsyncSecGemini.local()` reads as it is expected to."""
        return self
        yield

    def _session(self, data: PublicSession, toolbox: Toolbox | None = None) -> AsyncInteractiveSession:
        from .session import AsyncInteractiveSession

        return AsyncInteractiveSession(self._driver, data, toolbox)

    async def user_info(self) -> UserInfo:
        """Return who the key belongs to: see `SecGemini.user_info`."""
        return self._keep_user(await self._driver.arun(_calls.user_info()))

    async def models(self) -> list[ModelInfo]:
        """Return the models that the key may use: see `SecGemini.models`."""
        return list((await self.user_info()).available_models)

    async def create_session(
        self,
        name: str | None = None,
        description: str = "",
        ttl: int = DAY,
        enable_logging: bool = True,
        *,
        model: str | ModelInfo = MODEL,
        language: str = "en",
        tools: Tools = (),
        approve: Approve | None = None,
        agents_config: Mapping[str, Mapping[str, object]] | None = None,
    ) -> AsyncInteractiveSession:
        """Create a session and return it: see `SecGemini.create_session`."""
        toolbox = self._toolbox(tools, approve)
        definitions = toolbox.definitions() if toolbox else ()
        new = _plans.NewSession(name, description, ttl, enable_logging, model, language, agents_config, definitions)
        plan = _plans.create_session(new, self._user, self._keep_user)
        return self._session(await self._driver.arun(plan), toolbox)

    async def list_sessions(self) -> list[AsyncInteractiveSession]:
        """Return all sessions of the key: see `SecGemini.list_sessions`."""
        return [self._session(data) for data in await self._driver.arun(_calls.sessions())]

    async def resume_session(
        self, session_id: str, *, tools: Tools = (), approve: Approve | None = None
    ) -> AsyncInteractiveSession:
        """Return an existing session with its messages: see `SecGemini.resume_session`."""
        toolbox = self._toolbox(tools, approve)
        return self._session(await self._driver.arun(_plans.resume(session_id, toolbox)), toolbox)

    async def aclose(self) -> None:
        """Close the connections, and the embedded service that `local` started. Safe to call twice."""
        if not self._owns_connections:
            return
        await self._driver.connections.aclose()
        if self._service is not None:
            from ._embedded import stop

            await stop(self._service)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
