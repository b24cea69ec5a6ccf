"""Read a function's signature, annotations and docstring as the definition of a tool."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import docstring_parser
import msgspec

from secgemini import _tool_schema
from secgemini._tool_schema import WireSchema
from secgemini.errors import ToolError

REQUIRED = inspect.Parameter.empty
"""Stands for the default of a parameter that has none."""

_UNUSABLE = {
    inspect.Parameter.POSITIONAL_ONLY: ("is positional-only, and a model gives arguments by name", "remove the `/`"),
    inspect.Parameter.VAR_POSITIONAL: ("takes any number of arguments, which have no names", "take a `list[str]`"),
    inspect.Parameter.VAR_KEYWORD: ("takes arguments of any name", "take a `dict[str, str]`"),
}
_UNIONS = (typing.Union, types.UnionType)
_NOT_ENFORCED = frozenset({"annotated_types", "pydantic"})  # packages whose constraints msgspec would silently ignore


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool; `default` is `REQUIRED` when a call without it is refused."""

    name: str
    annotation: object
    default: object
    description: str


@dataclass(frozen=True)
class Signature:
    """What a function says about itself; `returns` is None when it does not say what it returns."""

    description: str
    parameters: tuple[Parameter, ...]
    returns: object

    def parameters_schema(self) -> WireSchema:
        """Return the schema of the arguments object."""
        nodes, definitions = _tool_schema.wire_schemas([parameter.annotation for parameter in self.parameters])
        pairs = zip(self.parameters, nodes, strict=True)
        schema: WireSchema = {"type": "object", "properties": {p.name: _property(p, node) for p, node in pairs}}
        if required := [parameter.name for parameter in self.parameters if parameter.default is REQUIRED]:
            schema["required"] = required
        return {**schema, "defs": definitions} if definitions else schema

    def returns_schema(self) -> WireSchema | None:
        """Return the schema of the result, or None when it is not said or cannot be expressed."""
        if self.returns in (None, type(None)):
            return None
        try:
            (node,), definitions = _tool_schema.wire_schemas([self.returns])
        except TypeError:
            return None
        return {**node, "defs": definitions} if definitions else node or None

    def decoder(self) -> Callable[[bytes], dict[str, object]]:
        """Return the function that turns a JSON object into keyword arguments, or raises `msgspec.DecodeError`.

        Arguments that were not given are left out, so that the function's own defaults apply.
        """
        names = {f"p{number}": parameter.name for number, parameter in enumerate(self.parameters)}
        defaults = [msgspec.NODEFAULT if p.default is REQUIRED else msgspec.UNSET for p in self.parameters]
        fields = [(f, p.annotation, d) for f, p, d in zip(names, self.parameters, defaults, strict=True)]
        shape = msgspec.defstruct("Arguments", fields, rename=names, kw_only=True, forbid_unknown_fields=True)
        decode = msgspec.json.Decoder(shape, dec_hook=_tool_schema.decode_other).decode

        def arguments(source: bytes) -> dict[str, object]:
            found = decode(source)
            values = ((name, getattr(found, slot)) for slot, name in names.items())
            return {name: value for name, value in values if value is not msgspec.UNSET}

        return arguments


def read_signature(function: Callable[..., object], tool: str) -> Signature:
    """Return what a tool's definition is made of.

    Raises:
        ToolError: naming the parameter that cannot be given by name, has no annotation, or one without JSON form.
    """
    hints = _hints(function, tool)
    description, documented = _docstring(function)
    parameters: list[Parameter] = []
    for name, found in inspect.signature(function).parameters.items():
        annotation = _annotation(found, hints, tool)
        text = _description(annotation, documented.get(name, ""))
        parameters.append(Parameter(name, annotation, found.default, text))
    return Signature(description, tuple(parameters), hints.get("return"))


def _hints(function: Callable[..., object], tool: str) -> dict[str, object]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception as error:
        missing = getattr(error, "name", None) or str(error)
        raise _refusal(
            tool,
            _parameter_that_mentions(function, missing),
            f"has an annotation that cannot be resolved ({type(error).__name__}: {error})",
            "use types that exist at module level where the tool is defined",
        ) from error


def _parameter_that_mentions(function: Callable[..., object], name: str) -> str:
    written = getattr(function, "__annotations__", {})
    word = re.compile(rf"\b{re.escape(name)}\b")
    return next((parameter for parameter, text in written.items() if word.search(str(text))), "?")


def _annotation(parameter: inspect.Parameter, hints: dict[str, object], tool: str) -> object:
    if parameter.kind in _UNUSABLE:
        raise _refusal(tool, parameter.name, *_UNUSABLE[parameter.kind])
    if parameter.name not in hints:
        bound = parameter.name in ("self", "cls")
        advice = "pass the bound method" if bound else f"write `{parameter.name}: str`, for example"
        raise _refusal(tool, parameter.name, "has no annotation", advice)
    annotation = hints[parameter.name]
    for constraint in _metadata(annotation):
        if type(constraint).__module__.partition(".")[0] in _NOT_ENFORCED:
            what = f"has a constraint that would not be enforced, {constraint!r}"
            raise _refusal(tool, parameter.name, what, "use msgspec.Meta(…)")
    try:
        _tool_schema.wire_schemas([annotation])
        msgspec.json.Decoder(annotation, dec_hook=_tool_schema.decode_other)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(tool, parameter.name, *_reason(error)) from error
    return annotation


def _reason(error: Exception) -> tuple[str, str]:
    """Return what is wrong with a type and what to do, of msgspec's words."""
    text = str(error)
    if "schema_hook" in text:
        kind = text.rpartition("type ")[2].removesuffix(" is not supported")
        return (
            f"has a type without JSON form, {kind}",
            "use str, int, float, bool, list, dict, Literal, an enum, a dataclass, a TypedDict or the like",
        )
    if "unions" in text:
        hint = "take one of the types, or tagged msgspec.Struct types"
        return f"has a union that JSON cannot tell apart: {text}", hint
    return f"cannot be expressed: {text}", "use a simpler type"


def _refusal(tool: str, parameter: str, what: str, hint: str) -> ToolError:
    return ToolError(f"tool {tool!r}: parameter {parameter!r} {what}", tool=tool, hint=hint)


def _metadata(annotation: object) -> Iterator[object]:
    """Yield everything inside the annotation's `Annotated[…]`, at any depth."""
    yield from getattr(annotation, "__metadata__", ())
    for part in typing.get_args(annotation):
        yield from _metadata(part)


def _description(annotation: object, documented: str) -> str:
    """Return what to add to the annotation's own schema: nothing when it carries a `Meta(description=…)`."""
    choices = typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else ()
    for extra in (extra for kind in (annotation, *choices) for extra in getattr(kind, "__metadata__", ())):
        if isinstance(extra, str):
            return extra
        if isinstance(extra, msgspec.Meta) and extra.description:
            return ""
    return documented


def _docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """Return the description of the function and those of its parameters."""
    text = inspect.getdoc(function) or ""
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return text, {}
    documented: dict[str, str] = {}
    for parameter in parsed.params:
        for name in parameter.arg_name.split(","):
            documented[name.strip().lstrip("*")] = " ".join((parameter.description or "").split())
    return (parsed.description or "").strip(), documented


def _property(parameter: Parameter, node: WireSchema) -> WireSchema:
    described = _tool_schema.describe(node, parameter.description)
    return described if parameter.default is REQUIRED else {**described, **_default(parameter)}


def _default(parameter: Parameter) -> WireSchema:
    """Return the default as the model could write it; nothing when it is null or has no JSON form."""
    try:
        value = _tool_schema.to_builtins(parameter.default)
        written = json.dumps(value, allow_nan=False)
        msgspec.json.decode(written, type=parameter.annotation, dec_hook=_tool_schema.decode_other)
    except (TypeError, ValueError, RecursionError):
        return {}
    return {} if value is None else {"default": value}
