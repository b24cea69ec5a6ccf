"""Translate annotations to the schema language of tool definitions.

    annotation ──msgspec──▶ JSON Schema 2020-12 ──here──▶ the wire's subset, in snake_case

The subset has no `$ref` across the document (`ref` and `defs` at the root only), no type lists (`nullable` instead),
only strings in `enum`, and no exclusive bounds. What it lacks becomes a sentence of the description; msgspec still
enforces it when arguments arrive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import msgspec

WireSchema: TypeAlias = dict[str, object]
"""One node of a tool definition's schema: only keys of the subset, none of them null."""

_NULL = {"type": "null"}
_SAME = frozenset({"type", "title", "description", "default", "format", "pattern", "minimum", "maximum", "required"})
_RENAMED = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
}
_SENTENCES = {
    "exclusiveMinimum": "Greater than {}.",
    "exclusiveMaximum": "Less than {}.",
    "multipleOf": "A multiple of {}.",
    "contentEncoding": "Encoded as {}.",
    "propertyNames": "Keys match {}.",
}
_IMPLIED = frozenset({"discriminator", "$ref"})  # tags are in each alternative's enum; references are handled first


def wire_schemas(annotations: Sequence[object]) -> tuple[list[WireSchema], dict[str, WireSchema]]:
    """Return the schema of each annotation, and the definitions of the recursive types among them.

    Every other named type is written out where it is used.

    Raises:
        TypeError: from msgspec, for a type without JSON form.
    """
    sources, components = msgspec.json.schema_components(annotations, schema_hook=_other_schema, ref_template="{name}")
    translator = _Translator(components)
    return [translator.node(source) for source in sources], translator.definitions()


def describe(schema: WireSchema, description: str) -> WireSchema:
    """Put `description` before what the schema's own description says."""
    own = str(schema.get("description", ""))
    text = _sentences([description, own])
    return {**schema, "description": text} if text else schema


def decode_other(kind: type, value: object) -> object:
    """Make a path of a JSON string, and let `object` be anything: msgspec itself knows neither."""
    if kind is object:
        return value
    if issubclass(kind, PurePath) and isinstance(value, str):
        return kind(value)
    raise TypeError(f"expected a path as a string, got {type(value).__name__}")


def to_builtins(value: object) -> object:
    """Return `value` as plain JSON types. Raises TypeError for an object without JSON form."""
    return msgspec.to_builtins(value, str_keys=True, order="deterministic", enc_hook=_path_to_json)


def _path_to_json(value: object) -> str:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _other_schema(kind: type) -> dict[str, Any]:
    if kind is object:
        return {"default": None}  # as good as empty, which msgspec takes for no answer
    if kind in (Path, PurePath):
        return {"type": "string", "format": "path"}
    raise NotImplementedError


class _Translator:
    """Rewrites JSON Schema nodes; `components` are the named types they refer to."""

    def __init__(self, components: Mapping[str, dict[str, Any]]) -> None:
        self._components = components
        self._recursive = {name for name in components if name in _reachable(components, name)}

    def definitions(self) -> dict[str, WireSchema]:
        return {name: self.node(self._components[name]) for name in sorted(self._recursive)}

    def node(self, source: Mapping[str, Any]) -> WireSchema:
        wire, notes = self._translate(source)
        text = _sentences([str(wire.get("description", "")), *notes])
        return {**wire, "description": text} if text else wire

    def _translate(self, source: Mapping[str, Any]) -> tuple[WireSchema, list[str]]:
        """Return the node and the sentences about what it cannot say."""
        wire, notes = self._referred(source)
        for key, value in source.items():
            more, sentences = self._keyword(key, value)
            wire.update(more)
            notes.extend(sentences)
        return wire, notes

    def _referred(self, source: Mapping[str, Any]) -> tuple[WireSchema, list[str]]:
        name = source.get("$ref")
        if name is None:
            return {}, []
        if name in self._recursive:
            return {"ref": f"#/defs/{name}"}, []
        return self._translate(self._components[name])

    def _keyword(self, key: str, value: Any) -> tuple[WireSchema, list[str]]:
        if key in _SAME:
            return ({} if value is None else {key: value}), []
        if key in _RENAMED:
            return {_RENAMED[key]: value}, []
        if key in _IMPLIED:
            return {}, []
        match key:
            case "properties":
                return {"properties": {name: self.node(part) for name, part in value.items()}}, []
            case "items":
                items = self.node(value) if isinstance(value, dict) else {}
                return ({"items": items} if items else {}), []
            case "additionalProperties":
                values = self.node(value) if isinstance(value, dict) else value
                return ({} if values == {} else {"additional_properties": values}), []
            case "prefixItems":
                return self._tuple(value)
            case "anyOf":
                return self._union(value)
            case "enum":
                return _enum(value)
            case "examples":
                return ({"example": value[0]} if value else {}), []
            case "uniqueItems":
                return {}, ["A set: repeated items count once."]
            case _:
                return {}, [_SENTENCES.get(key, f"{key}: {{}}.").format(_text(value))]

    def _union(self, branches: Sequence[Mapping[str, Any]]) -> tuple[WireSchema, list[str]]:
        others = [branch for branch in branches if branch != _NULL]
        nullable: WireSchema = {"nullable": True} if len(others) < len(branches) else {}
        if len(others) == 1:
            wire, notes = self._translate(others[0])
            return {**wire, **nullable}, notes
        return {"any_of": [self.node(branch) for branch in others], **nullable}, []

    def _tuple(self, positions: Sequence[Mapping[str, Any]]) -> tuple[WireSchema, list[str]]:
        distinct: list[WireSchema] = []
        for node in map(self.node, positions):
            if node not in distinct:
                distinct.append(node)
        items = distinct[0] if len(distinct) == 1 else {"any_of": distinct}
        kinds = ", ".join(str(self.node(position).get("type", "any value")) for position in positions)
        return {"items": items}, [f"Items in this order: {kinds}."]


def _enum(values: Sequence[Any]) -> tuple[WireSchema, list[str]]:
    nullable: WireSchema = {"nullable": True} if None in values else {}
    strings = [value for value in values if isinstance(value, str)]
    others = [value for value in values if value is not None and not isinstance(value, str)]
    if not others:
        return {"type": "string", "enum": strings, **nullable}, []
    kind = "boolean" if all(isinstance(value, bool) for value in others) else "integer"
    one_of = f"One of {', '.join(map(_text, others))}."
    if not strings:
        return {"type": kind, **nullable}, [one_of]
    choices: list[WireSchema] = [{"type": "string", "enum": strings}, {"type": kind, "description": one_of}]
    return {"any_of": choices, **nullable}, []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentences(parts: Sequence[str]) -> str:
    """Join parts to one text, each a sentence of its own."""
    stripped = [part.strip() for part in parts if part.strip()]
    return " ".join([part if part.endswith((".", "!", "?")) else f"{part}." for part in stripped[:-1]] + stripped[-1:])


def _reachable(components: Mapping[str, dict[str, Any]], name: str) -> set[str]:
    """Return the names of the types that the type `name` is made of, at any depth."""
    found: set[str] = set()
    waiting = list(_references(components[name]))
    while waiting:
        part = waiting.pop()
        if part not in found:
            found.add(part)
            waiting.extend(_references(components[part]))
    return found


def _references(source: object) -> Iterator[str]:
    if isinstance(source, list):
        for part in source:
            yield from _references(part)
    elif isinstance(source, dict):
        for key, part in source.items():
            if key == "$ref":
                yield part
            elif key == "properties":
                yield from _references(list(part.values()))
            elif key in ("items", "additionalProperties", "prefixItems", "anyOf"):
                yield from _references(part)
