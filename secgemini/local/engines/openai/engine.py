"""Engine `openai`: any OpenAI-compatible server (llama.cpp, Ollama, vLLM, …) answers, streamed.

The session's files, as text, and its history are the context, within a token limit; local tools are offered as
functions. Settings come from arguments or the environment: `SEC_GEMINI_OPENAI_URL` (such as
`http://127.0.0.1:8080/v1`), `SEC_GEMINI_OPENAI_MODEL`, `SEC_GEMINI_OPENAI_KEY`, `SEC_GEMINI_OPENAI_CONTEXT` (tokens).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import httpx

from secgemini.config import Secret, check_key, without_userinfo
from secgemini.display import one_line
from secgemini.errors import ApiKeyError, ConfigurationError
from secgemini.local.engines import JsonValue, Reply, TokenUsage, TurnRequest
from secgemini.redact import guard_logs, mask

from .context import conversation, tool_result
from .functions import as_function
from .wire import HEAD, Function, Part, Round, parse, parse_line, read_lines

_ADDRESS = "set SEC_GEMINI_OPENAI_URL to http://HOST:PORT/v1, or choose openai:http://HOST:PORT/v1"
MOST_ROUNDS = 16  # rounds of tool calls in one turn
_GAP = "\n\n"  # between what the model says before it calls a tool and after
_SAID = 600  # characters of a failure


class OpenAI:
    """Asks an OpenAI-compatible server.

    Args:
        base_url: address up to and with `/v1`.
        model: the model's name at that server.
        api_key: its key, when it wants one.
        context_tokens: how much context to send; a token is counted as four characters.
        timeout: seconds of silence after which the turn fails.

    Raises:
        ConfigurationError: no address, or a key or a number of tokens that cannot be one.
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
        self._url = _checked_url(base_url or environment("SEC_GEMINI_OPENAI_URL", ""))
        self._model = model or environment("SEC_GEMINI_OPENAI_MODEL", "default")
        self._key = _checked_key(api_key or environment("SEC_GEMINI_OPENAI_KEY", ""))
        self._context = context_tokens or _tokens(environment("SEC_GEMINI_OPENAI_CONTEXT", "8192"))
        self._timeout = timeout
        self._place = without_userinfo(self._url)

    async def answer(self, turn: TurnRequest) -> AsyncIterator[Reply]:
        """Stream the server's answer; run the tools that it asks for and go on with their results."""
        messages = conversation(turn, self._context)
        said, usage = "", TokenUsage()  # of all rounds: what went out in pieces comes once more as a whole
        async with httpx.AsyncClient(timeout=httpx.Timeout(self._timeout, connect=10.0)) as client:
            for _ in range(MOST_ROUNDS):
                round_ = Round()
                async with aclosing(self._ask(client, messages, turn)) as parts:
                    async for part in parts:
                        round_.add(part)
                        if part.thought:
                            yield Reply("thinking", part.thought, state="thinking", actor=self.name, partial=True)
                        if part.text:
                            yield Reply("result", part.text, actor=self.name, partial=True)
                said, usage = said + round_.text, round_.add_to(usage)
                if round_.thought:
                    yield Reply("thinking", round_.thought, state="thinking", actor=self.name)
                if not round_.ended:  # llama-cpp-python ends so when the context is too long, with status 200
                    raise RuntimeError("the server ended its answer unfinished; the context may be too long for it")
                if not round_.functions:
                    yield self._whole(said, usage, round_.ended)
                    return
                if round_.text:
                    said += _GAP
                    yield Reply("result", _GAP, actor=self.name, partial=True)
                messages.append(round_.as_message())
                for function in round_.functions:
                    yield Reply("info", f"Calling {one_line(function.name)}", state="calling_tool", actor=self.name)
                    messages.append(await _run(function, turn, messages, self._context))
        raise RuntimeError(f"the model called tools {MOST_ROUNDS} times in a row")

    def _whole(self, said: str, usage: TokenUsage, ended: str) -> Reply:
        if not said.strip():
            raise RuntimeError(f"the model ended without an answer (finish reason {one_line(ended)!r})")
        return Reply("result", said, state="agent_done", actor=self.name, usage=usage)

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
            body["tools"] = [as_function(tool) for tool in turn.tools]
        headers = {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}
        try:
            async with (
                client.stream("POST", f"{self._url}/chat/completions", json=body, headers=headers) as response,
                aclosing(_parts(response)) as parts,
            ):
                async for part in parts:
                    yield part
        except httpx.HTTPError as error:
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise RuntimeError(f"no whole answer from {self._place}: {mask(why, self._key)}") from error
        except RuntimeError as error:  # what a server says may quote the key
            raise RuntimeError(mask(f"{self._place}: {error}", self._key)[:_SAID]) from None


async def _parts(response: httpx.Response) -> AsyncGenerator[Part, None]:
    """Yield the parts of an answer: of a stream of events, or of one that came whole though a stream was asked for."""
    if response.status_code != 200:
        raise RuntimeError(f"the server answered {response.status_code}: {await _head(response)}")
    whole: list[bytes] = []
    async with aclosing(read_lines(response.aiter_bytes())) as lines:
        async for line in lines:
            if whole or line.lstrip()[:1] in (b"{", b"<"):  # no line of an event stream begins so
                whole.append(line)
            elif (part := parse_line(line)) is not None:
                yield part
                if part.last:
                    return  # a server may keep the connection open
    if whole:
        yield parse(b"\n".join(whole))


async def _head(response: httpx.Response) -> str:
    """Return the beginning of a body, which may have no end."""
    head = b""
    async for chunk in response.aiter_bytes():
        head += chunk
        if len(head) >= HEAD:
            break
    return head[:HEAD].decode(errors="replace")


def _checked_url(given: str) -> str:
    if not given:
        raise ConfigurationError("the engine openai needs the address of a server", hint=_ADDRESS)
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"the engine openai asks a server, and {given!r} is no URL", hint=_ADDRESS)
    return given.rstrip("/")


def _checked_key(given: str) -> Secret:
    try:
        key = check_key(given) if given.strip() else Secret("")
    except ApiKeyError as error:
        raise ConfigurationError(
            f"the key of the engine openai cannot be one: {error.message}", hint=error.hint
        ) from None
    guard_logs(key)
    return key


def _tokens(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(f"SEC_GEMINI_OPENAI_CONTEXT is {text!r} and must be a number of tokens, such as 8192")
    return int(text)


async def _run(
    function: Function, turn: TurnRequest, messages: list[dict[str, JsonValue]], tokens: int
) -> dict[str, JsonValue]:
    try:
        arguments = function.parse()
    except ValueError as error:
        output = f"the arguments are no JSON object: {error}"
    else:
        output = (await turn.call_tool(function.name, arguments)).output  # type: ignore[arg-type]  # what JSON decodes to
    return {"role": "tool", "tool_call_id": function.id, "content": tool_result(output, messages, tokens)}
