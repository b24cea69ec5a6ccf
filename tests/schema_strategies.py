"""Random JSON that a schema of the contract allows, for property tests of the compiled models."""

from __future__ import annotations

import functools
from typing import Any

from contract_document import SCHEMAS
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

SCALARS: dict[str, SearchStrategy[Any]] = {
    "string": st.text(max_size=8),
    "integer": st.integers(min_value=-(2**53), max_value=2**53),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
    "boolean": st.booleans(),
    "null": st.none(),
}
ANYTHING = st.sampled_from([None, True, 0, -1.5, "", "text", [], {}, [1, "a", None], {"a": {"b": [1]}}, {"id": "x"}])
DEEPEST = 4


def component(name: str, *, open_world: bool) -> SearchStrategy[Any]:
    """Return values of a component; with `open_world` also unknown fields and unknown enum values."""
    return referenced(name, open_world, 0)


@functools.cache
def referenced(name: str, open_world: bool, depth: int) -> SearchStrategy[Any]:
    return value_of(SCHEMAS[name], open_world, depth + 1)


def value_of(schema: dict[str, Any], open_world: bool, depth: int) -> SearchStrategy[Any]:
    if "$ref" in schema:
        return referenced(schema["$ref"].rpartition("/")[2], open_world, depth)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        known = st.sampled_from(schema["enum"])
        unknown = (
            st.integers(600, 900) if isinstance(schema["enum"][0], int) else st.text("xyz", min_size=1, max_size=5)
        )
        return known | unknown if open_world else known
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return st.one_of([value_of(choice, open_world, depth) for choice in choices])
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.one_of([value_of({**schema, "type": one}, open_world, depth) for one in kind])
    if kind == "array":
        items = value_of(schema.get("items", {}), open_world, depth)
        return st.lists(items, max_size=0 if depth > DEEPEST else 2)
    if kind == "object" or "properties" in schema:
        return object_of(schema, open_world, depth)
    return SCALARS.get(kind or "", ANYTHING)


def object_of(schema: dict[str, Any], open_world: bool, depth: int) -> SearchStrategy[dict[str, Any]]:
    properties = schema.get("properties", {})

    def wanted(name: str) -> bool:
        return name in schema.get("required", []) or depth <= DEEPEST  # where a schema that refers to itself ends

    strategies = {name: value_of(inner, open_world, depth) for name, inner in properties.items() if wanted(name)}
    required = {name: strategies.pop(name) for name in schema.get("required", [])}
    named = st.fixed_dictionaries(required, optional=strategies)
    extra = schema.get("additionalProperties", True)
    if isinstance(extra, dict):
        others = st.dictionaries(st.text("abc", min_size=1), value_of(extra, open_world, depth), max_size=2)
    elif properties and not open_world:
        return named
    else:
        others = st.dictionaries(st.text("XYZ", min_size=1, max_size=3), ANYTHING, max_size=2)
    return st.builds(lambda mine, more: {**more, **mine}, named, others)
