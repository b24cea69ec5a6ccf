"""Local tools as the functions of an OpenAI-compatible server: the wire's schema subset as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from secgemini.local.engines import JsonDict, JsonValue

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


def as_function(tool: JsonDict) -> dict[str, JsonValue]:
    """Return a `LocalTool` of the contract as an element of `tools`."""
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
        if value is None or key in ("nullable", "property_ordering") or value == "type_unspecified":
            continue
        if key in ("properties", "defs") and isinstance(value, Mapping):
            schema[_SCHEMA_KEYS.get(key, key)] = {name: _json_schema(inner) for name, inner in value.items()}
        elif key == "ref" and isinstance(value, str):
            schema["$ref"] = value.replace("#/defs/", "#/$defs/")
        elif key == "enum" and isinstance(value, (list, tuple)):
            schema["enum"] = [_enum_value(text, node.get("type")) for text in value]
        else:
            schema[_SCHEMA_KEYS.get(key, key)] = value if key in ("default", "example") else _json_schema(value)
    return _nullable(schema) if node.get("nullable") else schema


def _enum_value(text: JsonValue, kind: JsonValue) -> JsonValue:
    """Return a value that is allowed: the wire writes all of them as strings."""
    if kind not in ("integer", "number", "boolean") or not isinstance(text, str):
        return text
    try:
        return msgspec.json.decode(text, type=bool | int | float)
    except msgspec.DecodeError:
        return text


def _nullable(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [*schema["enum"], None]  # type: ignore[misc]
    return schema
