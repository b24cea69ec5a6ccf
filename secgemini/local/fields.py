"""Read fields of JSON objects that the contract has already checked, with types that a checker can follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

JsonObject = dict[str, object]


def text(body: Mapping[str, object], name: str, default: str = "") -> str:
    """Return a string field; `default` when it is absent, null or no string."""
    value = body.get(name)
    return value if isinstance(value, str) else default


def whole(body: Mapping[str, object], name: str, default: int = 0) -> int:
    """Return an integer field. JSON has one kind of number: 3.0 is the integer 3."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return int(value)


def flag(body: Mapping[str, object], name: str, default: bool) -> bool:
    """Return a boolean field; `default` when it is absent, null or no boolean."""
    value = body.get(name)
    return value if isinstance(value, bool) else default


def table(body: Mapping[str, object], name: str) -> JsonObject:
    """Return an object field; an empty one when it is absent, null or no object."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def rows(body: Mapping[str, object], name: str) -> list[JsonObject]:
    """Return the objects of an array field; none when it is absent, null or no array."""
    value = body.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def is_nested_deeper(value: object, most: int) -> bool:
    """Tell whether a JSON value has more than `most` arrays and objects inside each other, without recursion."""
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
