"""What Python annotations become on the wire, and what they let in: a table of one-parameter signatures."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema_rs
import pytest
from msgspec import Meta
from secgemini_api.models import LocalTool
from tool_types import (
    HOST,
    INTEGER,
    RANGE,
    STRING,
    Host,
    Job,
    Level,
    Page,
    Ping,
    Point,
    Port,
    Query,
    Range,
    Scan,
    Schema,
    Severity,
)

from secgemini.errors import ToolError
from secgemini.tools import Tool


def one(annotation: object, default: object = inspect.Parameter.empty) -> Callable[..., object]:
    """Make a tool function of one parameter, `x`."""

    def look(x: Any) -> str:
        """Look at x."""
        return repr(x)

    look.__annotations__ = {"x": annotation, "return": str}
    look.__defaults__ = None if default is inspect.Parameter.empty else (default,)
    return look


# annotation, schema on the wire, JSON of a good value, what the function gets, JSON of a bad value
SINGLE: list[tuple[object, Schema, str, object, str]] = [
    (str, STRING, '"a"', "a", "1"),
    (int, INTEGER, "7", 7, '"7"'),
    (float, {"type": "number"}, "7", 7.0, "true"),
    (bool, {"type": "boolean"}, "true", True, "1"),
    (Any, {}, "[1]", [1], "nope"),
    (int | None, {"type": "integer", "nullable": True}, "null", None, "1.5"),
    (int | str, {"any_of": [INTEGER, STRING]}, '"a"', "a", "null"),
    (
        int | list[int] | None,
        {"any_of": [INTEGER, {"type": "array", "items": INTEGER}], "nullable": True},
        "[1]",
        [1],
        "{}",
    ),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, '"b"', "b", '"c"'),
    (Literal["a", None], {"type": "string", "enum": ["a"], "nullable": True}, "null", None, '"b"'),
    (Literal[1, 2], {"type": "integer", "description": "One of 1, 2."}, "2", 2, "3"),
    (
        Literal["any", 4, 6],
        {"any_of": [{"type": "string", "enum": ["any"]}, {"type": "integer", "description": "One of 4, 6."}]},
        "6",
        6,
        "5",
    ),
    (Severity, {"title": "Severity", "type": "string", "enum": ["high", "low"]}, '"low"', Severity.LOW, '"LOW"'),
    (
        Level | None,
        {"title": "Level", "type": "integer", "nullable": True, "description": "One of 1, 2."},
        "1",
        Level.ONE,
        "3",
    ),
    (list[int], {"type": "array", "items": INTEGER}, "[1]", [1], '["1"]'),
    (Sequence[str], {"type": "array", "items": STRING}, '["a"]', ["a"], '"a"'),
    (
        set[str],
        {"type": "array", "items": STRING, "description": "A set: repeated items count once."},
        '["a","a"]',
        {"a"},
        "[1]",
    ),
    (tuple[int, ...], {"type": "array", "items": INTEGER}, "[1,2]", (1, 2), "[null]"),
    (
        tuple[int, str],
        {
            "type": "array",
            "items": {"any_of": [INTEGER, STRING]},
            "min_items": 2,
            "max_items": 2,
            "description": "Items in this order: integer, string.",
        },
        '[1,"a"]',
        (1, "a"),
        '["a",1]',
    ),
    (
        Point,
        {
            "title": "Point",
            "type": "array",
            "items": {"any_of": [INTEGER, {"type": "integer", "default": 0}]},
            "min_items": 1,
            "max_items": 2,
            "description": "Items in this order: integer, integer.",
        },
        "[1]",
        Point(1, 0),
        "[]",
    ),
    (dict[str, int], {"type": "object", "additional_properties": INTEGER}, '{"a":1}', {"a": 1}, '{"a":"1"}'),
    (Mapping[int, str], {"type": "object", "additional_properties": STRING}, '{"1":"a"}', {1: "a"}, '{"x":"a"}'),
    (datetime, STRING, '"2026-01-02T03:04:05"', datetime(2026, 1, 2, 3, 4, 5), '"soon"'),
    (date, {"type": "string", "format": "date"}, '"2026-01-02"', date(2026, 1, 2), '"2026-13-02"'),
    (time, STRING, '"03:04:05"', time(3, 4, 5), '"3 pm"'),
    (timedelta, {"type": "string", "format": "duration"}, '"PT90S"', timedelta(seconds=90), '"90 s"'),
    (UUID, {"type": "string", "format": "uuid"}, f'"{UUID(int=7)}"', UUID(int=7), '"7"'),
    (Decimal, {"type": "string", "format": "decimal"}, '"1.10"', Decimal("1.10"), '"x"'),
    (bytes, {"type": "string", "description": "Encoded as base64."}, '"aGk="', b"hi", '"?"'),
    (Path, {"type": "string", "format": "path"}, '"/etc"', Path("/etc"), "7"),
    (Path | None, {"type": "string", "format": "path", "nullable": True}, "null", None, "[]"),
    (Port, INTEGER, "80", 80, '"80"'),
    (
        Annotated[int, Meta(ge=1, le=65535, description="A TCP port")],
        {"type": "integer", "minimum": 1, "maximum": 65535, "description": "A TCP port"},
        "80",
        80,
        "0",
    ),
    (
        Annotated[int, Meta(gt=0, lt=100, multiple_of=5)],
        {"type": "integer", "description": "Greater than 0. Less than 100. A multiple of 5."},
        "5",
        5,
        "7",
    ),
    (
        Annotated[str, Meta(pattern="^[a-z]+$", min_length=2, max_length=4, examples=["ab"])],
        {"type": "string", "pattern": "^[a-z]+$", "min_length": 2, "max_length": 4, "example": "ab"},
        '"abc"',
        "abc",
        '"ABC"',
    ),
    (
        Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=2)],
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "max_items": 2},
        "[0,1]",
        [0, 1],
        "[-1]",
    ),
    (Annotated[str, "What to look for"], {"type": "string", "description": "What to look for"}, '"a"', "a", "[]"),
    (Range, RANGE, '{"first":1,"last":2}', Range(1, 2), '{"last":2}'),
    (Range | None, {**RANGE, "nullable": True}, "null", None, '{"first":"1"}'),
    (Host, HOST, '{"name":"a","port":80}', Host("a", 80), '{"name":"a","port":22}'),
    (
        Query,
        {"title": "Query", "type": "object", "properties": {"text": STRING, "limit": INTEGER}, "required": ["text"]},
        '{"text":"a"}',
        {"text": "a"},
        '{"limit":1}',
    ),
    (
        Job,
        {
            "title": "Job",
            "type": "object",
            "properties": {"host": HOST, "ranges": {"type": "array", "items": RANGE}},
            "required": ["host", "ranges"],
        },
        '{"host":{"name":"a"},"ranges":[{"first":1}]}',
        Job(Host("a"), [Range(1)]),
        '{"host":{"name":"a"},"ranges":[1]}',
    ),
    (
        Page[int],
        {
            "title": "Page[int]",
            "type": "object",
            "properties": {"items": {"type": "array", "items": INTEGER}},
            "required": ["items"],
        },
        '{"items":[1]}',
        Page([1]),
        '{"items":["1"]}',
    ),
    (
        Ping | Scan,
        {
            "any_of": [
                {
                    "title": "Ping",
                    "type": "object",
                    "properties": {"type": {"type": "string", "enum": ["ping"]}, "host": STRING},
                    "required": ["type", "host"],
                },
                {
                    "title": "Scan",
                    "type": "object",
                    "properties": {
                        "type": {"type": "string", "enum": ["scan"]},
                        "ports": {"type": "array", "items": INTEGER},
                    },
                    "required": ["type", "ports"],
                },
            ]
        },
        '{"type":"scan","ports":[22]}',
        Scan([22]),
        '{"type":"fire","ports":[22]}',
    ),
]


IDS = [str(row[0]) for row in SINGLE]


@pytest.mark.parametrize(("annotation", "schema", "good", "value", "bad"), SINGLE, ids=IDS)
def test_one_parameter(annotation: object, schema: object, good: str, value: object, bad: str) -> None:
    look = Tool.of(one(annotation))

    assert look.definition()["parameters"] == {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    converted = look.arguments(b'{"x":%s}' % good.encode())
    assert converted == {"x": value}
    assert type(converted["x"]) is type(value)
    with pytest.raises(ToolError, match="bad arguments"):
        look.arguments(b'{"x":%s}' % bad.encode())


@pytest.mark.parametrize("annotation", [row[0] for row in SINGLE], ids=IDS)
def test_definition_survives_the_contract_unchanged(annotation: object) -> None:
    definition = Tool.of(one(annotation)).definition()

    assert LocalTool.from_dict(definition).to_dict() == definition
    assert ": null" not in json.dumps(definition)


@pytest.mark.parametrize(("annotation", "good"), [(row[0], row[2]) for row in SINGLE], ids=IDS)
def test_schema_allows_what_is_accepted(annotation: object, good: str) -> None:
    camel = {"any_of": "anyOf", "additional_properties": "additionalProperties", "min_items": "minItems"}
    camel |= {"max_items": "maxItems", "min_length": "minLength", "max_length": "maxLength"}

    def standard(node: Any) -> Any:
        if isinstance(node, list):
            return [standard(part) for part in node]
        if not isinstance(node, dict):
            return node
        keys = {camel.get(key, key): standard(part) for key, part in node.items() if key != "nullable"}
        return {"anyOf": [keys, {"type": "null"}]} if node.get("nullable") else keys

    schema = standard(Tool.of(one(annotation)).definition()["parameters"])

    assert jsonschema_rs.is_valid(schema, {"x": json.loads(good)})


def test_the_table_is_as_long_as_promised() -> None:
    assert len(SINGLE) >= 40
