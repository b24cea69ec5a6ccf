"""Faults on purpose, by rule: what a client must survive, when a test wants it.

A rule names an operation of the contract, or `stream`, or `*`, and one fault:

    status=N        answer N instead of doing anything (`retry_after=S` adds the header)
    latency=S       wait S seconds first
    reset           reset the connection before the request is looked at
    lost            do the work, then reset the connection instead of answering
    truncate        promise the whole body and send half of it
    malform         send half of the body as if it were whole
    slow=S          send the body in pieces, over S seconds
    kill=N          stream: reset the connection instead of sending the N-th frame
    duplicate=N     stream: send the N-th frame twice
    delay=N         stream: hold the N-th frame back (`seconds=S`, default 1); all after it wait too

Written as text: `generate:status=503,times=2`, `stream:kill=4,probability=0.3,seed=7`, `*:latency=0.2`. `probability`
is that of each request (of each socket for the stream), `times` how often the rule strikes at most, `after` how many
matching requests it lets pass first. With the same seed and the same requests the same faults come.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from secgemini.errors import ConfigurationError

_KINDS = ("status", "latency", "reset", "lost", "truncate", "malform", "slow", "kill", "duplicate", "delay")
_WITHOUT_VALUE = ("reset", "lost", "truncate", "malform")
_STREAM_ONLY = ("kill", "duplicate", "delay")
_NOT_FOR_STREAM = ("lost", "truncate", "malform", "slow")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. `value` is the number that the kind of fault takes; see the module's documentation.

    Raises:
        ConfigurationError: there is no such kind of fault, or a number is out of range.
    """

    operation: str
    kind: str
    value: float = 0.0
    probability: float = 1.0
    times: int | None = None
    after: int = 0
    seed: int = 0
    seconds: float = 1.0
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ConfigurationError(f"no fault {self.kind!r}; there are {', '.join(_KINDS)}")
        wrong_place = _NOT_FOR_STREAM if self.operation == "stream" else _STREAM_ONLY
        if self.operation != "*" and self.kind in wrong_place:
            raise ConfigurationError(f"the fault {self.kind!r} cannot happen to {self.operation!r}")
        if self.kind in _WITHOUT_VALUE and self.value:
            raise ConfigurationError(f"the fault {self.kind!r} takes no number")
        for name, kind, unset in (("retry_after", "status", None), ("seconds", "delay", 1.0)):
            if self.kind != kind and getattr(self, name) != unset:
                raise ConfigurationError(f"{name} is of the fault {kind!r}, not of {self.kind!r}")
        numbers = (self.value, self.seconds, self.after, self.times or 0, self.retry_after or 0)
        if not 0 <= self.probability <= 1 or not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ConfigurationError(f"a number in the rule for {self.operation!r} is out of range")
        if self.kind in _STREAM_ONLY and not (self.value >= 1 and int(self.value) == self.value):
            raise ConfigurationError(f"frames are counted from 1, and {self.value:g} is no such number")
        if self.kind == "status" and not (int(self.value) == self.value and 400 <= self.value <= 599):
            raise ConfigurationError(f"a faulty status is between 400 and 599, not {self.value:g}")

    @classmethod
    def parse(cls, rule: str) -> Fault:
        """Read a rule that is written as text. Raises: ConfigurationError."""
        operation, colon, rest = rule.strip().partition(":")
        kind, *options = [part.strip() for part in rest.split(",")]
        kind, equals, value = kind.partition("=")
        if not colon or not operation or (not equals and kind not in _WITHOUT_VALUE):
            raise ConfigurationError(f"cannot read the fault rule {rule!r}", hint="like generate:status=503,times=2")
        try:
            return cls(operation.strip(), kind, float(value or 0), **dict(map(_option, options)))  # type: ignore[arg-type]
        except ConfigurationError as error:
            raise ConfigurationError(f"the fault rule {rule!r} means nothing: {error.message}") from error
        except (ValueError, TypeError, OverflowError) as error:
            raise ConfigurationError(f"cannot read the fault rule {rule!r}: {error}") from error


def _option(text: str) -> tuple[str, float | int]:
    name, _, value = text.partition("=")
    if name in ("times", "after", "seed"):
        return name, int(value)
    if name in {field.name for field in fields(Fault)} - {"operation", "kind", "value"}:
        return name, float(value)
    raise ValueError(f"no option {name!r}")


def read_faults(given: Iterable[Fault | str]) -> list[Fault]:
    """Return rules; a text is one rule, or the name of a file with one a line (`#` starts a comment line).

    Raises:
        ConfigurationError: a rule cannot be read. TypeError: a rule is no text.
    """
    found: list[Fault] = []
    for entry in given:
        if isinstance(entry, Fault):
            found.append(entry)
        elif not isinstance(entry, str):
            raise TypeError(f"a fault is a Fault or a rule as text, not {type(entry).__name__}")
        elif ":" in entry and not os.path.isfile(entry):  # unlike Path.is_file, it takes any text
            found.append(Fault.parse(entry))
        else:
            found += [Fault.parse(line) for line in _lines(Path(entry)) if line and not line.startswith("#")]
    return found


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise ConfigurationError(f"cannot read the fault rules in {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"cannot read the fault rules in {path}: it is no text") from error


class _Rule:
    """A rule at work: its dice, and how often it was asked and struck."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._dice = random.Random(fault.seed)
        self._asked = 0
        self._struck = 0

    def strikes(self, operation: str) -> bool:
        """Tell whether the fault happens to this request."""
        fault = self.fault
        if fault.operation not in ("*", operation):
            return False
        if fault.kind in (_NOT_FOR_STREAM if operation == "stream" else _STREAM_ONLY):
            return False
        self._asked += 1
        hit = self._dice.random() < fault.probability and self._asked > fault.after
        if not hit or (fault.times is not None and self._struck >= fault.times):
            return False
        self._struck += 1
        return True


class Faults:
    """The rules of a running service. They may be changed at any time, from any thread."""

    def __init__(self, operations: Iterable[str], rules: Fault | str | Sequence[Fault | str] = ()) -> None:
        self._operations = {"*", "stream", *operations}
        self._rules: list[_Rule] = []
        self._pauses: set[asyncio.Task[None]] = set()
        self.set(*([rules] if isinstance(rules, (Fault, str)) else rules))

    def set(self, *rules: Fault | str) -> None:
        """Replace all rules; without any, the service behaves again.

        Raises:
            ConfigurationError: a rule cannot be read, or is for an operation that does not exist.
        """
        faults = read_faults(rules)
        for fault in faults:
            if fault.operation not in self._operations:
                names = ", ".join(sorted(self._operations))
                raise ConfigurationError(f"no operation {fault.operation!r} to spoil; there are {names}")
        self._rules = [_Rule(fault) for fault in faults]

    def strike(self, operation: str) -> list[Fault]:
        """Return the faults that happen to the next request of an operation."""
        return [rule.fault for rule in self._rules if rule.strikes(operation)]

    async def pause(self, seconds: float) -> bool:
        """Wait in a request. Return False when it is dropped instead."""
        waiting = asyncio.create_task(asyncio.sleep(seconds))
        self._pauses.add(waiting)
        try:
            await asyncio.wait([waiting])
            return not waiting.cancelled()
        finally:
            waiting.cancel()
            self._pauses.discard(waiting)

    def drop(self) -> None:
        """End the requests that wait: what they were sent to is not there any more. On the loop of the service."""
        for waiting in self._pauses:
            waiting.cancel()
