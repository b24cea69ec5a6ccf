"""Plan the calls of the tools that a prompt names.

"Use list_dir and sha256_file on /tmp/x" names two tools and one value. A tool takes its values from the words between
its name and the next tool's; when there are none, from the words after that. Values are quoted strings, paths, URLs,
numbers, `true` and `false`; `name=value` goes to the parameter of that name. A word without quotes is a value only when
it looks like one (a host, a file name).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from secgemini.local.engines import JsonDict, JsonValue, ToolResult

_MOST_CALLS = 20
_VALUE = re.compile(
    r"(?:(?<!\w)(?P<name>[A-Za-z_]\w{0,60}+) ?= ?)?"
    r"(?:'(?P<single>[^'\n]{0,4000}+)'|\"(?P<double>[^\"\n]{0,4000}+)\"|`(?P<tick>[^`\n]{0,4000}+)`"
    r"|(?P<url>[a-z]{2,8}://[^\s'\"`]{1,2000}+)|(?P<bare>[^\s'\"`,;=()]{1,2000}+))"
)
_AFTER = re.compile(r"(?i)\b(?:on|for|with|of|to|in|at)\s{1,5}([^\s'\"`,;=().?!]{1,200})")
_WANTED = re.compile(
    r"(?i)\b(?:use|call|run)\s{1,5}(?:the\s{1,5})?(?:tool\s{1,5})?[`'\"]?([a-z][a-z0-9]{0,40}_\w{1,60})"
)
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?\Z")
_LOOKS_LIKE_VALUE = re.compile(
    r"(?:~|\.{1,2})?[/\\].*|[A-Za-z]:\\.*|[a-z]{2,8}://.+|[\w-]+(?:[.:@][\w-]+)+|\w+_\w+\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call: the tool, its arguments, and what is missing when it cannot be made."""

    name: str
    arguments: JsonDict
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolReport:
    """What came of one call. `output` is the text as it came, `data` its JSON if it is any, `problem` what is wrong."""

    name: str
    arguments: JsonDict
    output: str = ""
    data: JsonValue = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    name: str | None


def plan_calls(prompt: str, tools: Sequence[JsonDict]) -> list[PlannedCall]:
    """Return the calls for the tools that the prompt names, in the order of their names in it, each tool once."""
    by_name = {name: tool for tool in tools if isinstance(name := tool.get("name"), str) and name}
    mentions = sorted(_mentions(prompt, by_name))[:_MOST_CALLS]
    ends = (*(start for start, _, _ in mentions[1:]), len(prompt))
    segments = [_values(prompt[after:end]) for (_, after, _), end in zip(mentions, ends, strict=False)]
    planned: list[PlannedCall] = []
    for number, (_, _, name) in enumerate(mentions):
        values = next((segment for segment in segments[number:] if segment), [])
        planned.append(_fill(name, _schema(by_name[name]), values))
    return planned


def unknown_tools(prompt: str, tools: Sequence[JsonDict]) -> list[str]:
    """Return the names of tools that the prompt wants used and that the session does not have."""
    known = {name for tool in tools if isinstance(name := tool.get("name"), str)}
    return [name for name in dict.fromkeys(_WANTED.findall(prompt[:20_000])) if name not in known][:_MOST_CALLS]


def report_result(call: PlannedCall, result: ToolResult, tool: JsonDict) -> ToolReport:
    """Check a result: an error, another tool's result, or a type that the tool's definition does not promise."""
    if result.is_error:
        return ToolReport(call.name, call.arguments, result.output, problem="the tool failed")
    if result.name != call.name:
        return ToolReport(call.name, call.arguments, result.output, problem=f"the result is of {result.name!r}")
    data = _parse(result.output)
    returns = tool.get("returns")
    promised = returns.get("type") if isinstance(returns, Mapping) else None
    problem = None
    if isinstance(promised, str) and not _is_of_type(data, result.output, promised.lower()):
        problem = f"the definition promises a result of type {promised}"
    return ToolReport(call.name, call.arguments, result.output, data, problem)


def _mentions(prompt: str, names: Mapping[str, object]) -> Iterator[tuple[int, int, str]]:
    for name in names:
        found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", prompt)
        if found is not None:
            yield found.start(), found.end(), name


def _values(text: str) -> list[_Value]:
    values: list[_Value] = []
    for match in _VALUE.finditer(text):
        quoted = next((match[group] for group in ("single", "double", "tick") if match[group] is not None), None)
        if quoted is not None:
            values.append(_Value(quoted, match["name"]))
            continue
        word = (match["url"] or match["bare"]).rstrip(".,;?!:")
        if match["name"] or _NUMBER.match(word) or _LOOKS_LIKE_VALUE.match(word) or word.lower() in ("true", "false"):
            values.append(_Value(word, match["name"]))
    if not values and (after := _AFTER.search(text)) is not None:
        values.append(_Value(after[1], None))  # "use greet for Alice"
    return values


def _schema(tool: JsonDict) -> JsonDict:
    parameters = tool.get("parameters")
    return parameters if isinstance(parameters, Mapping) else {}


def _fill(name: str, schema: JsonDict, values: Sequence[_Value]) -> PlannedCall:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    listed = schema.get("required")
    required = [entry for entry in listed if entry in properties] if isinstance(listed, Sequence) else []
    arguments: dict[str, JsonValue] = {}
    unnamed: list[_Value] = []
    for value in values:
        named = value.name if value.name in properties else None
        converted = _convert(value, properties[named]) if named is not None else None
        if named is None or converted is None:
            unnamed.append(value)
        else:
            arguments[named] = converted
    wanted = [str(entry) for entry in required if entry not in arguments]
    if not required and not arguments:
        wanted = list(properties)[:1]  # nothing is required: the first parameter takes what there is
    for parameter in wanted:
        if (taken := _take(unnamed, properties[parameter])) is not None:
            arguments[parameter] = taken
    return PlannedCall(name, arguments, tuple(str(entry) for entry in required if entry not in arguments))


def _take(values: list[_Value], schema: JsonValue) -> JsonValue:
    """Take the first value that fits; an array takes all of them."""
    kind = _type(schema)
    if kind == "array":
        items = schema.get("items") if isinstance(schema, Mapping) else None
        found = [converted for value in values if (converted := _convert(value, items)) is not None]
        values.clear()
        return found or None
    for value in values:
        if (converted := _convert(value, schema)) is not None:
            values.remove(value)
            return converted
    return None


def _convert(value: _Value, schema: JsonValue) -> JsonValue:
    """Return a value as the schema wants it, or None when it does not fit."""
    kind, text = _type(schema), value.text
    choices = schema.get("enum") if isinstance(schema, Mapping) else None
    if isinstance(choices, Sequence) and not isinstance(choices, str) and choices and text not in choices:
        return None
    if kind in ("integer", "number"):
        return None if not _NUMBER.match(text) else float(text) if "." in text else int(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    if kind in ("array", "object"):
        parsed = _parse(text)
        if kind == "array" and not isinstance(parsed, list):
            one = _convert(value, schema.get("items") if isinstance(schema, Mapping) else None)
            return None if one is None else [one]
        return parsed if isinstance(parsed, list | dict) else None
    return text if kind in ("string", "") else None


def _type(schema: JsonValue) -> str:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind.lower() if isinstance(kind, str) else ""


def _parse(text: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def _is_of_type(data: JsonValue, text: str, promised: str) -> bool:
    if promised == "integer":
        return isinstance(data, int) and not isinstance(data, bool)
    if promised == "number":
        return isinstance(data, int | float) and not isinstance(data, bool)
    if promised == "boolean":
        return isinstance(data, bool) or text in ("True", "False")
    if promised in ("array", "object"):
        # the official client sends Python's str() of the value, which JSON cannot read
        return isinstance(data, list if promised == "array" else dict) or text[:1] in "[{("
    return True
