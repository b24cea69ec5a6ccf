"""What whole functions become on the wire, and which are refused when they are defined."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta
from secgemini_api.models import LocalTool
from tool_types import HOST, INTEGER, NODE, RANGE, STRING, Host, Node, Range, Schema, Severity

from secgemini.errors import ToolError
from secgemini.tools import Tool, tool


def nothing() -> None:
    """Do nothing."""


def google(path: str, *, limit: int = 10, kinds: list[str] | None = None) -> list[str]:
    """Find things.

    Looks everywhere.

    Args:
        path: Where to
            start.
        limit: How many.
        kinds (list[str]): Which ones.

    Returns:
        What it found.
    """
    return [path, str(limit), str(kinds)]


def numpy(path: str, limit: int = 10) -> dict[str, int]:
    """Find things.

    Parameters
    ----------
    path : str
        Where to start.
    limit : int
        How many.
    """
    return {path: limit}


def rest(path: str, limit: int = 10) -> Range:
    """Find things.

    :param path: Where to start.
    :param limit: How many.
    """
    return Range(limit)


def own_words(
    limit: Annotated[int, Meta(description="At most this many")],
    level: Annotated[int, Meta(gt=0, description="How loud")] | None = None,
) -> str:
    """Find things.

    Args:
        limit: (not this text)
        level: (nor this one)
    """
    return str(limit)


def choices(mode: Literal[1, 2], hosts: list[Host]) -> str:
    """Find things.

    Args:
        mode: How hard to look
        hosts: Where
    """
    return str(mode)


def defaults(
    span: Range = Range(1, 2),  # noqa: B008 - what users write
    where: Path = Path("/tmp"),
    severity: Severity = Severity.LOW,
    ratio: float = float("nan"),
    marker: int = None,  # type: ignore[assignment]  # noqa: RUF013
) -> str:
    """Find things."""
    return str(span)


def tree(root: Node, spare: Node | None = None) -> Node:
    """Walk a tree."""
    return root


def text(name: str, schema: Mapping[str, object] = {}) -> str:
    """Find things.

    Args:
        name: (has a colon: and more)
    """
    return name


PATH: Schema = {"type": "string", "description": "Where to start."}
LIMIT: Schema = {"type": "integer", "description": "How many.", "default": 10}
# function, parameters on the wire, good arguments, what the function gets, bad arguments
WHOLE: list[tuple[Callable[..., object], Schema, str, dict[str, object], str]] = [
    (nothing, {"type": "object", "properties": {}}, "{}", {}, '{"x":1}'),
    (
        google,
        {
            "type": "object",
            "properties": {
                "path": PATH,
                "limit": LIMIT,
                "kinds": {"type": "array", "items": STRING, "nullable": True, "description": "Which ones."},
            },
            "required": ["path"],
        },
        '{"path":"/","kinds":null}',
        {"path": "/", "kinds": None},
        '{"limit":1}',
    ),
    (
        numpy,
        {"type": "object", "properties": {"path": PATH, "limit": LIMIT}, "required": ["path"]},
        '{"path":"/","limit":3}',
        {"path": "/", "limit": 3},
        '{"path":"/","limit":null}',
    ),
    (
        rest,
        {"type": "object", "properties": {"path": PATH, "limit": LIMIT}, "required": ["path"]},
        '{"path":"/"}',
        {"path": "/"},
        '{"path":"/","Limit":3}',
    ),
    (
        own_words,
        {
            "type": "object",
            "properties": {
                "limit": {"type": "integer", "description": "At most this many"},
                "level": {"type": "integer", "nullable": True, "description": "How loud. Greater than 0."},
            },
            "required": ["limit"],
        },
        '{"limit":1,"level":2}',
        {"limit": 1, "level": 2},
        '{"limit":1,"level":0}',
    ),
    (
        choices,
        {
            "type": "object",
            "properties": {
                "mode": {"type": "integer", "description": "How hard to look. One of 1, 2."},
                "hosts": {"type": "array", "items": HOST, "description": "Where"},
            },
            "required": ["mode", "hosts"],
        },
        '{"mode":1,"hosts":[{"name":"a"}]}',
        {"mode": 1, "hosts": [Host("a")]},
        '{"mode":1,"hosts":{"name":"a"}}',
    ),
    (
        defaults,
        {
            "type": "object",
            "properties": {
                "span": {**RANGE, "default": {"first": 1, "last": 2, "tags": []}},
                "where": {"type": "string", "format": "path", "default": "/tmp"},
                "severity": {"title": "Severity", "type": "string", "enum": ["high", "low"], "default": "low"},
                "ratio": {"type": "number"},
                "marker": INTEGER,
            },
        },
        '{"ratio":0.5}',
        {"ratio": 0.5},
        '{"marker":null}',
    ),
    (
        tree,
        {
            "type": "object",
            "properties": {"root": {"ref": "#/defs/Node"}, "spare": {"ref": "#/defs/Node", "nullable": True}},
            "required": ["root"],
            "defs": {"Node": NODE},
        },
        '{"root":{"value":1,"children":[{"value":2}]}}',
        {"root": Node(1, [Node(2)])},
        '{"root":{"value":1,"children":[{"value":"2"}]}}',
    ),
    (
        text,
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "(has a colon: and more)"},
                "schema": {"type": "object", "default": {}},
            },
            "required": ["name"],
        },
        '{"name":"a","schema":{"b":[1]}}',
        {"name": "a", "schema": {"b": [1]}},
        '{"name":"a","schema":[1]}',
    ),
]


@pytest.mark.parametrize(("function", "schema", "good", "values", "bad"), WHOLE, ids=[row[0].__name__ for row in WHOLE])
def test_whole_signature(function: Callable[..., object], schema: object, good: str, values: object, bad: str) -> None:
    find = Tool.of(function)

    assert find.definition()["parameters"] == schema
    assert LocalTool.from_dict(find.definition()).to_dict() == find.definition()
    assert find.arguments(good.encode()) == values
    with pytest.raises(ToolError, match="bad arguments"):
        find.arguments(bad.encode())


def test_result_annotation_becomes_the_returns_schema() -> None:
    def stream_of(path: str) -> "Callable[[], int]":
        """Open."""
        return lambda: len(path)

    assert Tool.of(google).definition()["returns"] == {"type": "array", "items": STRING}
    assert Tool.of(rest).definition()["returns"] == RANGE
    assert Tool.of(tree).definition()["returns"] == {"ref": "#/defs/Node", "defs": {"Node": NODE}}
    assert "returns" not in Tool.of(nothing).definition()
    assert "returns" not in Tool.of(stream_of).definition()


def test_arguments_named_in_the_error() -> None:
    find = Tool.of(google)

    with pytest.raises(ToolError, match=r"missing required field `path`"):
        find.arguments(b"{}")
    with pytest.raises(ToolError, match=r"unknown field `depth`"):
        find.arguments(b'{"path":"/","depth":1}')
    with pytest.raises(ToolError, match=r"Expected `int`, got `str` - at `\$\.limit`"):
        find.arguments(b'{"path":"/","limit":"1"}')
    with pytest.raises(ToolError, match=r"at `\$\.kinds\[1\]`"):
        find.arguments(b'{"path":"/","kinds":["a",1]}')


# --- refused at definition --------------------------------------------------------------------------------------


class Opaque:
    pass


class Gt:
    """Stands for annotated_types.Gt, which msgspec ignores."""

    __module__ = "annotated_types"

    def __repr__(self) -> str:
        return "Gt(gt=0)"


def missing(path, limit: int):  # type: ignore[no-untyped-def]
    """Find."""


def variadic(*paths: str) -> None:
    """Find."""


def keywords(**options: str) -> None:
    """Find."""


def positional(path: str, /) -> None:
    """Find."""


def callback(done: Callable[[int], int]) -> None:
    """Find."""


def opaque(items: list[Opaque]) -> None:
    """Find."""


def two_strings(when: str | date) -> None:
    """Find."""


def two_objects(span: Range | Host) -> None:
    """Find."""


def misspelt(size: "Integer") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Find."""


def unenforced(port: Annotated[int, Gt()]) -> None:
    """Find."""


def wrong_bound(path: Annotated[str, Meta(ge=1)]) -> None:
    """Find."""


class Files:
    def find(self, path: str) -> None:
        """Find."""


def floats(ratio: Literal[0.5]) -> None:  # type: ignore[valid-type]
    """Find."""


REFUSED: list[tuple[Callable[..., object], str, str]] = [
    (missing, "path", "write `path: str`"),
    (variadic, "paths", "take a `list[str]`"),
    (keywords, "options", "take a `dict[str, str]`"),
    (positional, "path", "remove the `/`"),
    (callback, "done", "without JSON form"),
    (opaque, "items", "use str, int, float"),
    (two_strings, "when", "cannot tell apart"),
    (two_objects, "span", "take one of the types"),
    (misspelt, "size", "use types that exist at module level"),
    (unenforced, "port", "use msgspec.Meta"),
    (wrong_bound, "path", "numeric type"),
    (Files.find, "self", "pass the bound method"),
    (floats, "ratio", "use a simpler type"),
]


@pytest.mark.parametrize(("function", "parameter", "advice"), REFUSED, ids=[row[0].__name__ for row in REFUSED])
def test_refused_at_definition(function: Callable[..., object], parameter: str, advice: str) -> None:
    with pytest.raises(ToolError) as refusal:
        tool(Tool.of(function).function)

    assert f"tool {function.__name__!r}: parameter {parameter!r}" in str(refusal.value)
    assert advice in str(refusal.value)
    assert refusal.value.tool == function.__name__


def test_undescribed_unnamed_and_unusual_callables_are_refused() -> None:
    def silent(path: str) -> str:
        return path

    def generator(path: str) -> object:
        """Find."""
        yield path

    with pytest.raises(ToolError, match=r"write a docstring"):
        Tool.of(silent)
    with pytest.raises(ToolError, match=r"return a list"):
        Tool.of(generator)
    with pytest.raises(ToolError, match=r"a def in place of a lambda"):
        Tool.of(lambda: 1)
    with pytest.raises(ToolError, match=r"is not a function"):
        Tool.of(Opaque)
    with pytest.raises(ToolError, match=r"is not a function"):
        Tool.of(len)
    with pytest.raises(ToolError, match=r"letters, digits"):
        tool(name="no spaces")(lambda: 1)  # none of the functions above: what it was told stays with it
