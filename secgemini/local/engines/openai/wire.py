"""The streamed answer of an OpenAI-compatible server: server-sent events in, text and function calls out.

Servers differ in what they leave out: counts, ids and numbers of calls, the end mark, the events themselves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import msgspec

from secgemini.local.engines import JsonValue, TokenUsage

HEAD = 4096  # bytes of what a server says of its failure: it is cut after the key was taken out


class _FunctionDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, object] | None = None


class _CallDelta(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _FunctionDelta | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None  # instead, of a server that does not stream
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


_events = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class Part:
    """What one event brought. `ended` is why the server calls its answer complete, "" while it does not."""

    text: str = ""
    thought: str = ""
    calls: tuple[_CallDelta, ...] = ()
    usage: tuple[int, int] | None = None
    ended: str = ""
    last: bool = False
    """Whether nothing follows."""


@dataclass(slots=True)
class Function:
    """A function that the model wants called; `arguments` is its JSON, collected from pieces."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""

    def continues(self, piece: _CallDelta) -> bool:
        """Tell whether a piece of a call belongs to this one: some servers number all calls 0, or none."""
        if piece.id:
            return piece.id == self.id
        named = piece.function is not None and piece.function.name
        return (piece.index is None or piece.index == self.index) and not (named and self.name)

    def add(self, piece: _CallDelta) -> None:
        """Add a piece."""
        self.id = piece.id or self.id
        if piece.function is not None:
            self.name = self.name or piece.function.name or ""
            more = piece.function.arguments or ""
            self.arguments += more if isinstance(more, str) else msgspec.json.encode(more).decode()

    def parse(self) -> dict[str, object]:
        """Return the arguments. Raises: ValueError when they are no JSON object."""
        try:
            return msgspec.json.decode(self.arguments or "{}", type=dict[str, object])
        except RecursionError as error:
            raise ValueError(str(error)) from error

    def as_call(self) -> dict[str, JsonValue]:
        """Return the call for the next request. Servers parse the arguments, and fail over what is no JSON object."""
        try:
            self.parse()
        except ValueError:
            arguments = "{}"
        else:
            arguments = self.arguments or "{}"
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": arguments}}


@dataclass(slots=True)
class Round:
    """All that one request to the model brought."""

    text: str = ""
    thought: str = ""
    functions: list[Function] = field(default_factory=list)
    prompt_tokens: int = 0
    generated_tokens: int = 0
    ended: str = ""

    def add(self, part: Part) -> None:
        """Add what one event brought."""
        self.text += part.text
        self.thought += part.thought
        self.ended = self.ended or part.ended
        if part.usage is not None:
            self.prompt_tokens, self.generated_tokens = part.usage
        for piece in part.calls:
            self._function(piece).add(piece)

    def _function(self, piece: _CallDelta) -> Function:
        for function in reversed(self.functions):
            if function.continues(piece):
                return function
        self.functions.append(Function(piece.index, id=piece.id or f"call_{len(self.functions)}"))
        return self.functions[-1]

    def add_to(self, usage: TokenUsage) -> TokenUsage:
        """Return the token counts of this round and those before it."""
        return TokenUsage(usage.prompt_tokens + self.prompt_tokens, usage.generated_tokens + self.generated_tokens)

    def as_message(self) -> dict[str, JsonValue]:
        """Return the assistant's message with its calls, for the next request."""
        return {
            "role": "assistant",
            "content": self.text or None,
            "tool_calls": [function.as_call() for function in self.functions],
        }


async def read_lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the lines of an event stream. Only a line feed ends one: JSON may have other ends of lines as they are."""
    begun: list[bytes] = []
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*begun, end))
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


def parse_line(line: bytes) -> Part | None:
    """Return what a line of the event stream says, None for a line without data. Raises: RuntimeError, see `parse`."""
    name, _, data = line.partition(b":")
    data = data.strip()
    if name != b"data" or not data:
        return None
    return Part(ended="done", last=True) if data == b"[DONE]" else parse(data)


def parse(data: bytes) -> Part:
    """Return what an event says, or an answer that is no stream.

    Raises:
        RuntimeError: the server reports an error, or this is no event.
    """
    try:
        event = _events.decode(data)
    except (ValueError, RecursionError) as error:  # the first is of msgspec, and of text that is no UTF-8
        begins = data[:HEAD].decode(errors="replace")
        raise RuntimeError(f"the server streamed something else than events ({error}): {begins}") from error
    if event.error:
        raise RuntimeError(f"the server failed: {str(event.error)[:HEAD]}")
    usage = None if event.usage is None else (event.usage.prompt_tokens or 0, event.usage.completion_tokens or 0)
    choice = event.choices[0] if event.choices else _Choice()
    said = choice.delta or choice.message or _Delta()
    return Part(
        said.content or "",
        said.reasoning_content or said.reasoning or "",
        tuple(said.tool_calls or ()),
        usage,
        choice.finish_reason or "",
    )
