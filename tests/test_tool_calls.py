"""Hostile tool calls: none runs a tool that was not approved, and every one is answered."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lent_tools import TOOLS, add, message, read, request, runs

from secgemini.tools import Toolbox, ToolCall


@pytest.fixture(autouse=True)
def _no_runs() -> Iterator[None]:
    runs.clear()
    yield
    runs.clear()


# --- calls that cannot run, even if everything is approved --------------------------------------------------------

NESTED = "[" * 100_000 + "]" * 100_000
STORE = '{"tool_name": "store", "tool_args": {"value": _}}'

MALFORMED: dict[str, tuple[object, str]] = {
    "no content": (None, "not JSON text"),
    "content is not text": ({"tool_name": "add"}, "not JSON text"),
    "empty": ("", "malformed"),
    "not JSON": ("add(1, 2)", "malformed"),
    "half of it": ('{"tool_name": "add", "tool_args": {"a": 1', "malformed"),
    "more after it": (request("add", {"a": 1}) + request("add", {"a": 2}), "malformed"),
    "Python, not JSON": ("{'tool_name': 'add', 'tool_args': {'a': 1}}", "malformed"),
    "comment": ('{"tool_name": "add", /* */ "tool_args": {"a": 1}}', "malformed"),
    "an array": ('["add", {"a": 1}]', "malformed"),
    "a string": ('"add"', "malformed"),
    "a number": ("1", "malformed"),
    "null": ("null", "malformed"),
    "true": ("true", "malformed"),
    "byte order mark": ("\ufeff" + request("add", {"a": 1}), "malformed"),
    "lone surrogate": ('{"tool_name": "add", "tool_args": {"a": 1}, "x": "\ud800"}', "malformed"),
    "escaped lone surrogate": (r'{"tool_name": "store", "tool_args": {"value": "\ud800"}}', "malformed"),
    "bad escape": (r'{"tool_name": "store", "tool_args": {"value": "\q"}}', "malformed"),
    "raw control character": ('{"tool_name": "store", "tool_args": {"value": "\x1b"}}', "malformed"),
    "nothing in it": ("{}", "names no tool"),
    "no name": (json.dumps({"tool_args": {"a": 1}}), "names no tool"),
    "empty name": (request("", {"a": 1}), "names no tool"),
    "name is null": (request(None, {"a": 1}), "names no tool"),
    "name is a number": (request(1, {"a": 1}), "malformed"),
    "name is an array": (request(["add"], {"a": 1}), "malformed"),
    "unknown name": (request("rm", {"a": 1}), "no tool is called 'rm'"),
    "name in capitals": (request("ADD", {"a": 1}), "no tool is called"),
    "name with a space": (request("add ", {"a": 1}), "no tool is called"),
    "name with a look-alike": (request("аdd", {"a": 1}), "no tool is called"),
    "name of a method": (request("__init__", {}), "no tool is called"),
    "name of a module's function": (request("os.system", {"command": "id"}), "no tool is called"),
    "name of an attribute": (request("add.__globals__", {}), "no tool is called"),
    "name with a zero byte": (request("add\0", {"a": 1}), "no tool is called"),
    "name in colours": (request("\x1b[31madd", {"a": 1}), "no tool is called"),
    "name that is a path": (request("../add", {"a": 1}), "no tool is called"),
    "huge name": (request("a" * 500_000, {}), "no tool is called"),
    "two tools in one call": (request("add,store", {"a": 1}), "no tool is called"),
    "arguments missing": (json.dumps({"tool_name": "add"}), "missing required field `a`"),
    "arguments null": (request("add", None), "missing required field `a`"),
    "arguments empty": (request("add", {}), "missing required field `a`"),
    "arguments an array": (request("add", [1, 2]), "Expected `object`, got `array`"),
    "arguments a string": (request("add", '{"a": 1}'), "Expected `object`, got `str`"),
    "arguments a number": (request("add", 0), "Expected `object`, got `int`"),
    "arguments false": (request("add", False), "Expected `object`, got `bool`"),
    "argument missing": (request("add", {"b": 1}), "missing required field `a`"),
    "argument unknown": (request("add", {"a": 1, "c": 1}), "unknown field `c`"),
    "argument in capitals": (request("add", {"A": 1}), "unknown field `A`"),
    "argument of the function object": (request("add", {"a": 1, "__globals__": {}}), "unknown field"),
    "argument self": (request("add", {"self": 1, "a": 1}), "unknown field `self`"),
    "approval in the arguments": (request("store", {"value": 1, "approved": True}), "unknown field `approved`"),
    "slot of the decoder": (request("add", {"p0": 1}), "unknown field `p0`"),
    "huge argument name": (request("add", {"a": 1, "x" * 500_000: 1}), "unknown field"),
    "text for an integer": (request("add", {"a": "1"}), "Expected `int`, got `str` - at `$.a`"),
    "true for an integer": (request("add", {"a": True}), "Expected `int`, got `bool` - at `$.a`"),
    "fraction for an integer": (request("add", {"a": 1.5}), "got `float` - at `$.a`"),
    "null for an integer": (request("add", {"a": None}), "got `null` - at `$.a`"),
    "array for an integer": (request("add", {"a": [1]}), "got `array` - at `$.a`"),
    "object for an integer": (request("add", {"a": {"$ref": 1}}), "got `object` - at `$.a`"),
    "number for a path": (request("read_file", {"path": 7}), "at `$.path`"),
    "array for a path": (request("read_file", {"path": ["/", "etc"]}), "at `$.path`"),
    "value not in the list": (
        request("store", {"value": 1, "mode": "both"}),
        "Invalid enum value 'both' - at `$.mode`",
    ),
    "list for a value of a list": (request("store", {"value": 1, "mode": ["keep"]}), "at `$.mode`"),
    "NaN": ('{"tool_name": "store", "tool_args": {"value": NaN}}', "malformed"),
    "Infinity": ('{"tool_name": "store", "tool_args": {"value": Infinity}}', "malformed"),
    "minus Infinity": ('{"tool_name": "add", "tool_args": {"a": -Infinity}}', "malformed"),
    "number beyond floats": ('{"tool_name": "store", "tool_args": {"value": 1e999}}', "malformed"),
    "integer of 10,000 digits": (STORE.replace("_}", "9" * 10_000 + "}"), "malformed"),
    "hexadecimal": ('{"tool_name": "add", "tool_args": {"a": 0x10}}', "malformed"),
    "nested 100,000 deep": (STORE.replace("_}", NESTED + "}"), "malformed"),
    "nested 100,000 deep, no object": (NESTED, "malformed"),
    "nested beside the arguments": (request("add", {"a": 1})[:-1] + f', "x": {NESTED}}}', "malformed"),
    "over a million characters": (request("store", {"value": "x" * 1_100_000}), "not JSON text"),
    "both names, the other one known": (json.dumps({"tool_name": "rm", "name": "add", "args": {"a": 1}}), "'rm'"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_calls_reach_nobody(case: str) -> None:
    content, reason = MALFORMED[case]
    asked: list[ToolCall] = []

    def approve(call: ToolCall) -> bool:
        asked.append(call)
        return True

    answer = read(await Toolbox(TOOLS, approve).answer(message(content)))

    assert answer["is_error"]
    assert reason in answer["output"]
    assert len(answer["output"]) < 2_200
    assert runs == []
    assert asked == []


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_calls_do_not_run_read_only_tools(case: str) -> None:
    content, _ = MALFORMED[case]

    assert read(await Toolbox([add]).answer(message(content)))["is_error"]
    assert runs == []


# --- anything at all ----------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["add", "read_file", "store"]) | st.text(max_size=10)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["a", "b", "path", "value", "mode"]) | st.text(max_size=5), ANYTHING, max_size=4
)
UNFIT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
KEYS = st.sampled_from(["tool_name", "name"]), st.sampled_from(["tool_args", "args"])
CALLS = st.builds(lambda n, a, name, args: json.dumps({n: name, a: args}), *KEYS, NAMES, ARGUMENTS)
CONTENTS = CALLS | ANYTHING.map(json.dumps) | st.text() | st.binary().map(lambda raw: raw.decode("latin-1"))


async def _answered_unapproved(content: str) -> None:
    runs.clear()
    answer = read(await Toolbox(TOOLS, lambda call: False).answer(message(content)))
    assert answer["is_error"]
    assert runs == []


@given(CONTENTS)
@settings(max_examples=200, deadline=None, suppress_health_check=UNFIT)
async def test_anything_is_answered_and_nothing_runs_unapproved(content: str) -> None:
    await _answered_unapproved(content)


@pytest.mark.slow
@given(CONTENTS)
@settings(max_examples=20_000, deadline=None, suppress_health_check=UNFIT)
async def test_anything_is_answered_and_nothing_runs_unapproved_at_length(content: str) -> None:
    await _answered_unapproved(content)
