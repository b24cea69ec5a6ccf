"""The analyst calls the tools that the prompt names, with arguments from the prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from analyst_turn import Tools, answer_to, replies_to
from linear_time import MOST, growth

from secgemini.local.engines import JsonDict, JsonValue, ToolResult
from secgemini.local.engines.analyst.toolcalls import plan_calls


def tool(called: str, /, required: int | None = None, returns: str | None = None, **types: str | JsonDict) -> JsonDict:
    """A definition; the first `required` parameters (all of them by default) must be given."""
    properties: dict[str, JsonValue] = {
        parameter: kind if isinstance(kind, Mapping) else {"type": kind} for parameter, kind in types.items()
    }
    parameters = {"type": "object", "properties": properties, "required": list(types)[:required]}
    return {
        "name": called,
        "description": called,
        "parameters": parameters,
        "returns": {"type": returns} if returns else None,
    }


LIST_DIR = tool("list_dir", path="string", required=1, depth="integer")
SHA256 = tool("sha256_file", path="STRING", returns="string")
ADD = tool("add", a="integer", b="integer", returns="integer")


@pytest.mark.parametrize(
    ("prompt", "tools", "planned"),
    [
        ("use list_dir and sha256_file on /tmp/x", [LIST_DIR, SHA256], [{"path": "/tmp/x"}, {"path": "/tmp/x"}]),
        ("use sha256_file on '/a b' then list_dir on /c", [LIST_DIR, SHA256], [{"path": "/a b"}, {"path": "/c"}]),
        ("list_dir /tmp depth=3", [LIST_DIR], [{"path": "/tmp", "depth": 3}]),
        ("call add with 2 and 3", [ADD], [{"a": 2, "b": 3}]),
        ("add(b=2, a=-3)", [ADD], [{"a": -3, "b": 2}]),
        ("run add on 2", [ADD], [{"a": 2}]),
        ("use greet for Alice", [tool("greet", name="string")], [{"name": "Alice"}]),
        ("use scale with 2.5", [tool("scale", by="number")], [{"by": 2.5}]),
        ("use flag with true", [tool("flag", on="boolean")], [{"on": True}]),
        (
            "use sort on 'b' and 'a'",
            [tool("sort", items={"type": "array", "items": {"type": "string"}})],
            [{"items": ["b", "a"]}],
        ),
        (
            "use scan host=h ports=22",
            [tool("scan", host="string", ports={"type": "array", "items": {"type": "integer"}})],
            [{"host": "h", "ports": [22]}],
        ),
        ("use put '{\"a\": 1}'", [tool("put", data="object")], [{"data": {"a": 1}}]),
        ("use pick 'c', 'b'", [tool("pick", what={"type": "string", "enum": ["a", "b"]})], [{"what": "b"}]),
        ("use fetch on https://a.example/x?y=1.", [tool("fetch", url="string")], [{"url": "https://a.example/x?y=1"}]),
        ("use here", [tool("here", required=0, path="string")], [{}]),
        ("use here on /tmp", [tool("here", required=0, path="string")], [{"path": "/tmp"}]),
        ("nothing of the kind: list_directory, my-add", [LIST_DIR, ADD], []),
    ],
)
def test_arguments_come_from_the_prompt(prompt: str, tools: list[JsonDict], planned: list[JsonDict]) -> None:
    assert [call.arguments for call in plan_calls(prompt, tools)] == planned


async def test_tools_are_called_one_at_a_time_and_their_results_are_in_the_answer() -> None:
    answers = {
        "list_dir": ToolResult("list_dir", '["a.txt", "b.txt"]', is_error=False),
        "sha256_file": ToolResult(
            "sha256_file", "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592", is_error=False
        ),
    }
    tools = Tools([LIST_DIR, SHA256], answers)
    replies = await replies_to("use list_dir and sha256_file on /tmp/x", tools=tools)
    assert tools.calls == [("list_dir", {"path": "/tmp/x"}), ("sha256_file", {"path": "/tmp/x"})]
    assert [(reply.state, reply.content) for reply in replies if reply.kind == "info"][1:] == [
        ("calling_tool", "Calling List Dir"),
        ("tool_result", "Processing List Dir result"),
        ("calling_tool", "Calling Sha256 File"),
        ("tool_result", "Processing Sha256 File result"),
    ]
    answer = replies[-1].content
    assert 'list_dir(path=\'/tmp/x\')\n    ["a.txt", "b.txt"]' in answer
    assert "output of sha256_file line 1" in answer


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (ToolResult("add", "tool permission denied", is_error=True), "the tool failed"),
        (ToolResult("other", "5", is_error=False), "the result is of 'other'"),
        (ToolResult("add", "five", is_error=False), "the definition promises a result of type integer"),
        (ToolResult("add", "5", is_error=False), None),
    ],
)
async def test_results_are_checked(result: ToolResult, problem: str | None) -> None:
    tools = Tools([ADD], {"add": result})
    answer = await answer_to("add 2 and 3", tools=tools)
    assert result.output in answer
    assert f"! {problem}" in answer if problem else "!" not in answer
    answer = json.loads(await answer_to("add 2 and 3 as JSON", tools=tools))
    assert answer["tools"][0]["problem"] == problem


async def test_a_call_that_lacks_an_argument_is_not_made() -> None:
    tools = Tools([ADD])
    answer = await answer_to("add 2", tools=tools)
    assert tools.calls == []
    assert "not called: the prompt gives no value for b" in answer


async def test_a_tool_that_the_session_lacks_is_said() -> None:
    assert "the session has no tool read_mail" in await answer_to("use read_mail and add 2 and 3", tools=Tools([ADD]))


async def test_output_of_a_tool_cannot_control_the_terminal() -> None:
    tools = Tools([LIST_DIR], {"list_dir": ToolResult("list_dir", "\x1b[2J\u202e\nx", is_error=False)})
    answer = await answer_to("list_dir /tmp", tools=tools)
    assert "\\x1b[2J\\u202e\n    x" in answer


async def test_strange_definitions_do_no_harm() -> None:
    strange: list[JsonDict] = [
        {},
        {"name": ""},
        {"name": ["a"]},
        {"name": "odd", "parameters": None},
        {"name": "odder", "parameters": {"properties": [], "required": {}}},
        {"name": "oddest", "parameters": {"properties": {"x": None}, "required": ["x", "y"]}},
    ]
    tools = Tools(strange)
    await answer_to("use odd, odder and oddest on 'v'", tools=tools)
    assert tools.calls == [("odd", {}), ("odder", {}), ("oddest", {"x": "v"})]


@pytest.mark.parametrize("unit", ["a", "'", "a=", "a = ", "/", "1", "x_", "http://", "a.", "on ", '"a'])
def test_hostile_prompts_cost_linear_time(unit: str) -> None:
    assert growth(lambda size: plan_calls("add " + unit * (size // len(unit)), [ADD]), 20_000) < MOST
