"""The streamed answer of an OpenAI-compatible server: server-sent events in, text and function calls out."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from secgemini.local.engines import JsonValue


class _FunctionDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _FunctionDelta | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Event(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: object = None


_events = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class Part:
    """What one event brought. `finished` says that the server calls its answer complete."""

    text: str = ""
    calls: tuple[_CallDelta, ...] = ()
    usage: tuple[int, int] | None = None
    finished: bool = False


@dataclass(slots=True)
class Function:
    """A function that the model wants called; `arguments` is its JSON, collected from pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Round:
    """All that one request to the model brought."""

    text: str = ""
    functions: dict[int, Function] = field(default_factory=dict)
    prompt_tokens: int = 0
    generated_tokens: int = 0
    finished: bool = False

    def add(self, part: Part) -> None:
        """Add what one event brought."""
        self.text += part.text
        self.finished = self.finished or part.finished
        if part.usage is not None:
            self.prompt_tokens, self.generated_tokens = part.usage
        for call in part.calls:
            function = self.functions.setdefault(call.index, Function())
            function.id = call.id or function.id
            if call.function is not None:
                function.name += call.function.name or ""
                function.arguments += call.function.arguments or ""

    def as_message(self) -> dict[str, JsonValue]:
        """Return the assistant's message with its calls, for the next request."""
        return {
            "role": "assistant",
            "content": self.text or None,
            "tool_calls": [
                {
                    "id": function.id,
                    "type": "function",
                    "function": {"name": function.name, "arguments": function.arguments or "{}"},
                }
                for function in self.functions.values()
            ],
        }


def parse_event(line: str) -> Part | None:
    """Return what a line of the event stream says, None for a line without data.

    Raises:
        RuntimeError: the server reports an error in its stream, or the data is no event.
    """
    field_name, _, data = line.partition(":")
    data = data.strip()
    if field_name != "data" or not data:
        return None
    if data == "[DONE]":
        return Part(finished=True)
    try:
        event = _events.decode(data)
    except msgspec.DecodeError as error:
        raise RuntimeError(f"the server streamed something else than events: {error}") from error
    if event.error:
        raise RuntimeError(f"the server failed: {str(event.error)[:500]}")
    usage = None if event.usage is None else (event.usage.prompt_tokens, event.usage.completion_tokens)
    choice = event.choices[0] if event.choices else _Choice()
    delta = choice.delta or _Delta()
    return Part(delta.content or "", tuple(delta.tool_calls or ()), usage, choice.finish_reason is not None)
