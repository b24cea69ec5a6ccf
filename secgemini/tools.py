"""Tools: Python functions that the assistant may call on this machine.

    @tool(read_only=True)
    def list_dir(path: str) -> list[str]:
        "List the names in a directory."
        return sorted(os.listdir(path))

    session = sg.create_session(tools=[list_dir])

The annotations and the docstring make the definition that the service gets; what arrives is checked against the same
annotations. A call runs only if it is well-formed and allowed: by `approve`, which sees every call when it is given,
or, without one, because only tools marked read-only are accepted. Everything else is answered with an error result.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias, TypeVar, overload

import msgspec
from secgemini_api.models import Message

from secgemini import _tool_run
from secgemini._tool_messages import read_call, result_message
from secgemini._tool_schema import WireSchema
from secgemini._tool_signature import read_signature
from secgemini.display import neutralise
from secgemini.errors import ToolError

MAX_ANSWERS = 256
"""Answers that a toolbox keeps to repeat them, in place of running a tool again for the same call."""

F = TypeVar("F", bound=Callable[..., object])

_log = logging.getLogger(__name__)
_INTERRUPTED = "the call was interrupted; whether it had an effect is unknown"
_OPTIONS = "__secgemini_tool__"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class _Options:
    read_only: bool = False
    name: str | None = None
    description: str | None = None
    timeout: float = 60.0
    max_result_bytes: int = 1 << 18

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise ValueError(f"timeout must be a positive number of seconds, not {self.timeout!r}")
        if self.max_result_bytes < 1:
            raise ValueError(f"max_result_bytes must be positive, not {self.max_result_bytes!r}")


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *,
    read_only: bool = False,
    name: str | None = None,
    description: str | None = None,
    timeout: float = 60.0,
    max_result_bytes: int = 1 << 18,
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    read_only: bool = False,
    name: str | None = None,
    description: str | None = None,
    timeout: float = 60.0,
    max_result_bytes: int = 1 << 18,
) -> F | Callable[[F], F]:
    """Mark a function, sync or async, as a tool; it stays callable as before. Use it bare or with options.

    Functions that are passed as tools without it get the defaults: not read-only, named and described as in the source.

    Args:
        read_only: Promise that a call changes nothing and reveals nothing that the assistant must not see. Such a tool
            runs unasked where no `approve` is given.
        name: What the assistant calls it; the function's name by default.
        description: What it does, for the assistant; the docstring's text by default.
        timeout: Seconds after which a call is answered with an error. A sync function goes on in its thread, and what
            it returns is dropped; an async one is cancelled.
        max_result_bytes: Size of the result, as UTF-8, above which the answer is an error.

    Raises:
        ToolError: the function cannot be expressed as a tool; the text names the parameter and what to do. For a method
            this is found when the bound method is passed to a session.
        ValueError: an option is out of range.
    """
    options = _Options(read_only, name, description, timeout, max_result_bytes)

    def mark(marked: F) -> F:
        _attach(options, marked)
        return marked

    return mark if function is None else mark(function)


@dataclass(frozen=True)
class Tool:
    """A function with its definition. Make one with `Tool.of`; sessions do it by themselves.

    `timeout` is in seconds, `max_result_bytes` the size of the largest result, as UTF-8.
    """

    name: str
    description: str
    read_only: bool
    timeout: float
    max_result_bytes: int
    function: Callable[..., object] = field(repr=False)
    _parameters: WireSchema = field(repr=False, compare=False)
    _returns: WireSchema | None = field(repr=False, compare=False)
    _decode: Callable[[bytes], dict[str, object]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, function: Tool | Callable[..., object]) -> Tool:
        """Return the tool that a function is, with the options of its `@tool` if it has them.

        Raises:
            ToolError: it cannot be expressed as a tool; the text names the parameter and what to do.
        """
        if isinstance(function, Tool):
            return function
        if not (inspect.isfunction(function) or inspect.ismethod(function)):
            raise _not_a_function(function)
        options: _Options = getattr(function, _OPTIONS, _Options())
        name = _checked_name(options.name or function.__name__)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ToolError(f"tool {name!r} is a generator", tool=name, hint="return a list")
        signature = read_signature(function, name)
        description = (options.description or signature.description).strip()
        if not description:
            hint = "write a docstring, or @tool(description=…)"
            raise ToolError(f"tool {name!r} does not say what it does", tool=name, hint=hint)
        return cls(
            name=name,
            description=description,
            read_only=options.read_only,
            timeout=options.timeout,
            max_result_bytes=options.max_result_bytes,
            function=function,
            _parameters=signature.parameters_schema(),
            _returns=signature.returns_schema(),
            _decode=signature.decoder(),
        )

    def definition(self) -> dict[str, object]:
        """Return the definition that is sent to the service: a `LocalTool`, without keys that are null."""
        definition: dict[str, object] = {"name": self.name, "description": self.description}
        definition["parameters"] = self._parameters
        if self._returns is not None:
            definition["returns"] = self._returns
        return copy.deepcopy(definition)

    def arguments(self, source: bytes) -> dict[str, object]:
        """Convert a JSON object to the function's keyword arguments, checked against its annotations.

        Raises:
            ToolError: an argument is missing, unknown or not of its type; the text names it.
        """
        try:
            return self._decode(source)
        except Exception as error:  # a dataclass's own checks may raise anything
            raise ToolError(f"bad arguments: {_tool_run.explain(error)}", tool=self.name) from error

    async def run(self, arguments: Mapping[str, object]) -> str:
        """Call the function and return its result as text: a string as it is, anything else as JSON.

        Cancelling is safe: it abandons the call at once, and a late result is dropped.

        Raises:
            ToolError: it raised, took longer than `timeout`, or its result is too large or has no JSON form.
        """
        try:
            return await _tool_run.finish(self._work(arguments), self.timeout)
        except ToolError as error:
            raise ToolError(_tool_run.shorten(error.message), tool=self.name) from error

    async def _work(self, arguments: Mapping[str, object]) -> str:
        result = await _tool_run.call(self.function, **arguments)
        return await _tool_run.off_loop(_tool_run.render, result, self.max_result_bytes)


@dataclass(frozen=True)
class ToolCall:
    """A call that waits for approval.

    `arguments` are as the assistant sent them; `text` is the whole call on one line, with control and hidden characters
    made visible. Show `text`, and never decide by what the assistant says about a call.
    """

    name: str
    arguments: Mapping[str, object]
    read_only: bool

    @property
    def text(self) -> str:
        """The call in full, each argument as JSON, safe to print."""
        given = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.arguments.items())
        return neutralise(f"{self.name}({', '.join(given)})", newlines=False)

    def __str__(self) -> str:
        return self.text


Approve: TypeAlias = Callable[[ToolCall], "bool | Awaitable[bool]"]
"""Answers whether a call may run, sync (in a thread, so it may ask with `input()`) or async. Only `True` allows it."""


class Toolbox:
    """The tools of a session, and who may run them."""

    def __init__(self, tools: Sequence[Tool | Callable[..., object]], approve: Approve | None = None) -> None:
        """Take the tools.

        Raises:
            ToolError: a function cannot be a tool, two have one name, or one may change things and there is no
                `approve`.
            TypeError: `approve` cannot be called, or `tools` is no list.
        """
        if approve is not None and not callable(approve):
            raise TypeError(f"approve must be a function that takes a ToolCall, not {approve!r}")
        if not isinstance(tools, Iterable):
            raise TypeError(f"tools must be a list of functions, not {tools!r}")
        self._approve = approve
        self._tools: dict[str, Tool] = {}
        self._answers: dict[str, Future[Message]] = {}
        for tool in map(Tool.of, tools):
            self._add(tool)

    def __len__(self) -> int:
        return len(self._tools)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools, in the order they were given."""
        return tuple(self._tools.values())

    def definitions(self) -> list[dict[str, object]]:
        """Return the definitions for the service, in the order of the tools."""
        return [tool.definition() for tool in self.tools]

    async def answer(self, call: Message) -> Message:
        """Return the `local_tool_result` for a `local_tool_call`; whatever goes wrong is an error result.

        A call that was answered, or is being answered, gets the same answer again: the id of its message is the key,
        and the tool runs once. Cancelling is safe: a late result is dropped, and a call whose tool had begun stays
        answered as interrupted.
        """
        answer = self._answers.get(call.id)
        if answer is None:
            answer = Future()
            answer.set_running_or_notify_cancel()
            self._remember(call.id, answer)
            await self._settle(call, answer)
        return await asyncio.shield(asyncio.wrap_future(answer))

    def _add(self, tool: Tool) -> None:
        if tool.name in self._tools:
            raise ToolError(f"two tools are called {tool.name!r}", tool=tool.name, hint="rename one with @tool(name=…)")
        if self._approve is None and not tool.read_only:
            hint = "pass approve=…, or mark it @tool(read_only=True) if a call changes nothing"
            raise ToolError(f"tool {tool.name!r} may change things and nobody is asked", tool=tool.name, hint=hint)
        self._tools[tool.name] = tool

    def _remember(self, call_id: str, answer: Future[Message]) -> None:
        if call_id:
            self._answers[call_id] = answer
        for old in list(self._answers)[:-MAX_ANSWERS]:
            del self._answers[old]

    async def _settle(self, call: Message, answer: Future[Message]) -> None:
        """Set the answer, also when this is cancelled."""
        name, begun = "", False
        try:
            name, source = read_call(call.content)
            tool, arguments = self._prepare(name, source)
            await self._permit(tool, source)
            begun = True
            message = result_message(name, await tool.run(arguments))
        except ToolError as error:
            message = result_message(error.tool, error.message, failed=True)
        except Exception as error:
            _log.warning("a tool call failed with %s outside its tool", type(error).__name__)
            message = result_message(name, "the call failed inside the client", failed=True)
        except BaseException:
            if not begun:
                self._answers.pop(call.id, None)  # nothing ran: the call may be asked for again
            answer.set_result(result_message(name, _INTERRUPTED, failed=True))
            raise
        answer.set_result(message)

    def _prepare(self, name: str, source: bytes) -> tuple[Tool, dict[str, object]]:
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"no tool is called {name[:200]!r}", tool=name)
        return tool, tool.arguments(source)

    async def _permit(self, tool: Tool, source: bytes) -> None:
        """Return if the call may run. The assistant's words have no part in this."""
        if self._approve is None:
            return  # every tool is read-only, see _add
        given: dict[str, object] = msgspec.json.decode(source)
        request = ToolCall(tool.name, MappingProxyType(given), tool.read_only)
        try:
            verdict = await _tool_run.finish(_tool_run.call(self._approve, request), None)
        except ToolError as error:
            kind = type(error.__cause__ or error).__name__  # its text may quote the arguments
            _log.warning("approve raised %s: the call of %s is denied", kind, tool.name)
            verdict = None
        if inspect.iscoroutine(verdict):
            verdict.close()
        if verdict is not True:
            raise ToolError("the call was not approved", tool=tool.name)


def _attach(options: _Options, function: Callable[..., object]) -> None:
    if not inspect.isfunction(function):
        raise _not_a_function(function)
    before = vars(function).get(_OPTIONS, _Options())
    vars(function)[_OPTIONS] = options
    try:
        if not _is_method_to_be(function):
            Tool.of(function)
    except ToolError:
        vars(function)[_OPTIONS] = before  # a function that was refused is as it was
        raise


def _is_method_to_be(function: Callable[..., object]) -> bool:
    """Return whether it is defined in a class body: its `self` is not bound yet, so it cannot be checked."""
    owner = function.__qualname__.rpartition(".")[0]
    return bool(owner) and not owner.endswith("<locals>")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        hint = "letters, digits, _ . - and at most 64 of them: @tool(name=…), or a def in place of a lambda"
        raise ToolError(f"{name!r} cannot be the name of a tool", tool=name, hint=hint)
    return name


def _not_a_function(given: object) -> ToolError:
    return ToolError(
        f"{given!r} is not a function",
        hint="a tool is a function, or the bound method of an object; wrap anything else in a def",
    )
