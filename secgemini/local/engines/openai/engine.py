"""Engine `openai`: any OpenAI-compatible server (llama.cpp, Ollama, vLLM, …) answers, streamed.

The session's files, as text, and its history are the context, within a token limit; local tools are offered as
functions. Settings come from arguments or the environment: `SEC_GEMINI_OPENAI_URL` (such as
`http://127.0.0.1:8080/v1`), `SEC_GEMINI_OPENAI_MODEL`, `SEC_GEMINI_OPENAI_KEY`, `SEC_GEMINI_OPENAI_CONTEXT` (tokens).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import httpx
import msgspec

from secgemini.config import Secret
from secgemini.display import one_line
from secgemini.errors import ConfigurationError
from secgemini.local.engines import JsonDict, JsonValue, Reply, TokenUsage, TurnRequest

from .context import conversation, tool_result
from .wire import Function, Part, Round, parse_event

_ADDRESS = "set SEC_GEMINI_OPENAI_URL to http://HOST:PORT/v1, or choose openai:http://HOST:PORT/v1"
MOST_ROUNDS = 16  # rounds of tool calls in one turn
_SCHEMA_KEYS = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "max_length": "maxLength",
    "max_properties": "maxProperties",
    "min_items": "minItems",
    "min_length": "minLength",
    "min_properties": "minProperties",
    "additional_properties": "additionalProperties",
    "defs": "$defs",
    "ref": "$ref",
}


class OpenAI:
    """Asks an OpenAI-compatible server.

    Args:
        base_url: address up to and with `/v1`.
        model: the model's name at that server.
        api_key: its key, when it wants one.
        context_tokens: how much context to send; a token is counted as four characters.
        timeout: seconds of silence after which the turn fails.

    Raises:
        ConfigurationError: no address, or a number of tokens that is none.
    """

    name = "openai"

    def __init__(
        self,
        base_url: str | None = None,
        *,
        model: str | None = None,
        api_key: str | None = None,
        context_tokens: int | None = None,
        timeout: float = 600.0,
    ) -> None:
        environment = os.environ.get
        self._url = (base_url or environment("SEC_GEMINI_OPENAI_URL", "")).rstrip("/")
        if not self._url:
            raise ConfigurationError("the engine openai needs the address of a server", hint=_ADDRESS)
        if not self._url.startswith(("http://", "https://")):
            raise ConfigurationError(f"the engine openai asks a server, and {self._url!r} is no URL", hint=_ADDRESS)
        self._model = model or environment("SEC_GEMINI_OPENAI_MODEL", "default")
        self._key = Secret(api_key or environment("SEC_GEMINI_OPENAI_KEY", ""))
        self._context = context_tokens or _tokens(environment("SEC_GEMINI_OPENAI_CONTEXT", "8192"))
        self._timeout = timeout

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        """Stream the server's answer; run the tools that it asks for and go on with their results."""
        messages = conversation(turn, self._context)
        async with httpx.AsyncClient(timeout=httpx.Timeout(self._timeout, connect=10.0)) as client:
            for _ in range(MOST_ROUNDS):
                round_ = Round()
                async for part in self._ask(client, messages, turn):
                    round_.add(part)
                    if part.text:
                        yield Reply("result", part.text, actor=self.name, partial=True)
                if not round_.finished:  # llama-cpp-python ends so when the context is too long, with status 200
                    raise RuntimeError("the server ended its answer unfinished; the context may be too long for it")
                if not round_.functions:
                    yield self._whole(round_)
                    return
                messages.append(round_.as_message())
                for function in round_.functions.values():
                    yield Reply("info", f"Calling {one_line(function.name)}", state="calling_tool", actor=self.name)
                    messages.append(await _run(function, turn, messages, self._context))
        raise RuntimeError(f"the model called tools {MOST_ROUNDS} times in a row")

    def _whole(self, round_: Round) -> Reply:
        usage = TokenUsage(round_.prompt_tokens, round_.generated_tokens)
        return Reply("result", round_.text, state="agent_done", actor=self.name, usage=usage)

    async def _ask(
        self, client: httpx.AsyncClient, messages: list[dict[str, JsonValue]], turn: TurnRequest
    ) -> AsyncGenerator[Part, None]:
        body: dict[str, object] = {
            "model": self._model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if turn.tools:
            body["tools"] = [_as_function(tool) for tool in turn.tools]
        headers = {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}
        async with client.stream("POST", f"{self._url}/chat/completions", json=body, headers=headers) as response:
            if response.status_code != 200:
                said = (await response.aread())[:500].decode(errors="replace")
                raise RuntimeError(f"the server answered {response.status_code}: {said}")
            async for line in response.aiter_lines():
                part = parse_event(line)
                if part is not None:
                    yield part


def _tokens(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(f"SEC_GEMINI_OPENAI_CONTEXT is {text!r} and must be a number of tokens, such as 8192")
    return int(text)


async def _run(
    function: Function, turn: TurnRequest, messages: list[dict[str, JsonValue]], tokens: int
) -> dict[str, JsonValue]:
    try:
        arguments = msgspec.json.decode(function.arguments or "{}", type=dict[str, object])
    except msgspec.DecodeError as error:
        output = f"the arguments are no JSON object: {error}"
    else:
        output = (await turn.call_tool(function.name, arguments)).output  # type: ignore[arg-type]  # what JSON decodes to
    return {"role": "tool", "tool_call_id": function.id, "content": tool_result(output, messages, tokens)}


def _as_function(tool: JsonDict) -> dict[str, JsonValue]:
    return {
        "type": "function",
        "function": {
            "name": tool["name"],
            "description": tool["description"],
            "parameters": _json_schema(tool["parameters"]),
        },
    }


def _json_schema(node: JsonValue) -> JsonValue:
    """Turn the wire's snake_case subset into JSON Schema: null where `nullable`, references into `$defs`."""
    if isinstance(node, (list, tuple)):
        return [_json_schema(inner) for inner in node]
    if not isinstance(node, Mapping):
        return node
    schema: dict[str, JsonValue] = {}
    for key, value in node.items():
        if value is None or key in ("nullable", "property_ordering"):
            continue
        if key in ("properties", "defs") and isinstance(value, Mapping):
            schema[_SCHEMA_KEYS.get(key, key)] = {name: _json_schema(inner) for name, inner in value.items()}
        elif key == "ref" and isinstance(value, str):
            schema["$ref"] = value.replace("#/defs/", "#/$defs/")
        else:
            schema[_SCHEMA_KEYS.get(key, key)] = value if key in ("enum", "default", "example") else _json_schema(value)
    if node.get("nullable") and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema
