"""Engine `script`: answers from a file of patterns and messages, for people's own tests.

The file is TOML (or JSON of the same shape). The first answer whose `pattern`, a regular expression, is found in the
prompt is given; its groups and tool results can be used in contents as `{1}`, `{name}`, `{tool}`:

    [[answer]]
    pattern = 'hash (?P<path>\\S+)'

    [[answer.step]]
    kind = "thinking"
    content = "I need the tool"

    [[answer.step]]
    tool = "sha256_file"
    arguments = { path = "{path}" }
    delay = 0.2                      # seconds before the step

    [[answer.step]]
    kind = "result"
    content = "{path} is {tool}"

A step with `partial = true` is a piece of the next whole step of its kind. A prompt that nothing matches is answered
with an error, so that a test notices.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from secgemini.errors import ConfigurationError
from secgemini.local.engines import JsonValue, Reply, TurnRequest

VARIABLE = "SEC_GEMINI_SCRIPT"
_LONGEST = 86400.0  # seconds before a step


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    kind: str = "result"
    content: str = ""
    state: str = "answering"
    mime_type: str = "text/plain"
    title: str | None = None
    actor: str = "script"
    status_code: int = 200
    status_message: str = "OK"
    partial: bool = False
    delay: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] = 0.0
    tool: str = ""
    arguments: dict[str, object] = {}

    def __post_init__(self) -> None:
        """Refuse what cannot be meant. msgspec adds which step it is."""
        if self.tool and self.content:
            raise ValueError("a step calls a tool or says something, not both")
        if self.arguments and not self.tool:
            raise ValueError("there are arguments, but no tool")
        self.reply(self.content)

    def reply(self, content: str) -> Reply:
        return Reply(
            self.kind,
            content,
            state=self.state,
            mime_type=self.mime_type,
            title=self.title,
            actor=self.actor,
            status_code=self.status_code,
            status_message=self.status_message,
            partial=self.partial,
        )


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    pattern: str
    step: list[_Step]


class _Script(msgspec.Struct, forbid_unknown_fields=True):
    answer: list[_Answer]


class Script:
    """Answers as a file says; see the module's docstring for its form.

    Raises:
        ConfigurationError: no file, or one that is not of that form; the message says where.
    """

    name = "script"

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        chosen = path or os.environ.get(VARIABLE, "")
        if not chosen:
            raise ConfigurationError("the engine script needs a file", hint=f"use script:FILE or set {VARIABLE}")
        self._answers = _read(Path(chosen))

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        """Yield the steps of the first answer that matches."""
        for pattern, steps in self._answers:
            match = pattern.search(turn.prompt)
            if match is not None:
                async for reply in _play(steps, _words(match), turn):
                    yield reply
                return
        yield Reply(
            "error",
            f"no pattern of the script is in the prompt {turn.prompt[:200]!r}",
            actor=self.name,
            status_code=400,
            status_message="no answer in the script",
        )


async def _play(steps: list[_Step], words: dict[str, str], turn: TurnRequest) -> AsyncIterator[Reply]:
    for step in steps:
        if step.delay:
            await asyncio.sleep(step.delay)
        if step.tool:
            result = await turn.call_tool(step.tool, {k: _fill_value(v, words) for k, v in step.arguments.items()})
            words["tool"] = result.output
            continue
        yield step.reply(_fill(step.content, words))


def _read(path: Path) -> list[tuple[re.Pattern[str], list[_Step]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        script = msgspec.convert(document, _Script)
        return [(re.compile(answer.pattern), answer.step) for answer in script.answer]
    except OSError as error:
        raise ConfigurationError(f"the script {str(path)!r} cannot be read: {error.strerror}") from error
    except re.error as error:
        raise ConfigurationError(f"the script {path.name!r} has a bad pattern {error.pattern!r}: {error}") from error
    except ValueError as error:  # of msgspec, json, tomllib and the decoding alike
        raise ConfigurationError(f"the script {path.name!r} is not of its form: {error}") from error


def _words(match: re.Match[str]) -> dict[str, str]:
    groups = {str(number): text or "" for number, text in enumerate(match.groups(), 1)}
    return {"0": match[0], **groups, **{name: text or "" for name, text in match.groupdict().items()}}


def _fill(text: str, words: Mapping[str, str]) -> str:
    """Put words in for `{name}`; what names no word stays as it is, so JSON in a script needs no escaping."""
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), text)


def _fill_value(value: object, words: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return _fill(value, words)
    if isinstance(value, Mapping):
        return {str(key): _fill_value(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill_value(inner, words) for inner in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
