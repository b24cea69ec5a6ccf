"""The contract at work: what a request may be and what an answer must be, checked by jsonschema-rs.

The contract is the one that the installed package was made from (`secgemini_api/openapi.json`). Nothing of it is
repeated here: paths, parameters, bodies, status codes and who needs a key are all read from it. Validators are compiled
when first needed, so that starting costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import msgspec

from secgemini.local.fields import JsonObject, flag, is_nested_deeper, rows, table, text

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, Registry

_URI = "urn:secgemini:contract"
_METHODS = ("get", "post", "put", "patch", "delete")
_MOST_ERRORS = 20  # a 422 lists no more than this
_DEEPEST = 128  # arrays and objects inside each other; Python reads and writes more, but how many depends on the stack
_LONGEST_MESSAGE = 300  # characters; a message quotes the value, which may be huge or private
_INTEGER = re.compile(r"[+-]?\d{1,30}")
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class ContractError(Exception):
    """A value breaks the contract. `errors` are contract `ValidationError` objects."""

    def __init__(self, errors: Sequence[JsonObject]) -> None:
        self.errors: list[JsonObject] = list(errors)
        super().__init__("; ".join(f"{_place(error)}: {text(error, 'msg')}" for error in self.errors))


def _place(error: Mapping[str, object]) -> str:
    where = error.get("loc")
    return ".".join(str(part) for part in where) if isinstance(where, list) else ""


class Contract:
    """The contract document, with its operations by method and path."""

    def __init__(self, document: JsonObject) -> None:
        _bound_integers(document)
        self.document = document
        self.operations: dict[tuple[str, str], Operation] = {}
        for path, item in table(document, "paths").items():
            for method in _METHODS:
                if isinstance(item, dict) and method in item:
                    self.operations[method.upper(), path] = Operation(self, method.upper(), path, item)
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    def load(cls) -> Contract:
        """Load the contract that this installation was made from."""
        return cls(msgspec.json.decode((files("secgemini_api") / "openapi.json").read_bytes(), type=dict[str, object]))

    def follow(self, node: object) -> tuple[JsonObject, str]:
        """Return a node with its references followed, and the pointer it stands at ("" when written in place)."""
        pointer = ""
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            pointer = str(node["$ref"]).lstrip("#")
            node = self.document
            for part in pointer.strip("/").split("/"):
                node = cast(JsonObject, node)[part.replace("~1", "/").replace("~0", "~")]
        return (node if isinstance(node, dict) else {}), pointer

    def check(self, schema: JsonObject, value: object, place: Sequence[str | int]) -> None:
        """Check a value against a schema of the contract.

        Raises:
            ContractError: the value breaks the schema; `place` leads each error's `loc`.
        """
        validator = self._validator(schema)
        try:
            if validator.is_valid(value):
                return
            found = [
                {
                    "loc": [*place, *error.instance_path],
                    "msg": error.message[:_LONGEST_MESSAGE],
                    "type": _kind(error.kind),
                }
                for error, _ in zip(validator.iter_errors(value), range(_MOST_ERRORS), strict=False)
            ]
        except (ValueError, RecursionError) as error:  # not representable as JSON, or nested too deep
            found = [{"loc": list(place), "msg": str(error)[:_LONGEST_MESSAGE], "type": "json_invalid"}]
        raise ContractError(cast("list[JsonObject]", found))

    def check_component(self, name: str, value: object, place: Sequence[str | int] = ()) -> None:
        """Check a value against the component schema `name`. Raises: ContractError."""
        self.check({"$ref": f"#/components/schemas/{name}"}, value, place)

    @cached_property
    def _registry(self) -> Registry:
        from jsonschema_rs import Registry

        return Registry([(_URI, self.document)])

    def _validator(self, schema: JsonObject) -> Draft202012Validator:
        key = msgspec.json.encode(schema).decode()
        if key not in self._validators:
            from jsonschema_rs import Draft202012Validator

            absolute = msgspec.json.decode(
                key.replace('"#/components/', f'"{_URI}#/components/'), type=dict[str, object]
            )
            self._validators[key] = Draft202012Validator(absolute, registry=self._registry)
        return self._validators[key]


def refuse_deep(value: object, place: str) -> None:
    """Check that what a client sent is not nested too deep to be kept and given back. Raises: ContractError."""
    if is_nested_deeper(value, _DEEPEST):
        raise ContractError([{"loc": [place], "msg": f"nested more than {_DEEPEST} deep", "type": "too_deep"}])


def _bound_integers(node: object) -> None:
    """Say `format: int32` and `int64` as bounds: a format is a note to JSON Schema, and a promise to every client."""
    if isinstance(node, dict):
        bounds = _RANGES.get(text(node, "format"))
        if bounds is not None and "integer" in str(node.get("type")):
            node.setdefault("minimum", bounds[0])
            node.setdefault("maximum", bounds[1])
        for value in node.values():
            _bound_integers(value)
    elif isinstance(node, list):
        for value in node:
            _bound_integers(value)


def _kind(kind: object) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(kind).__name__).lower()


class Operation:
    """One operation of the contract: what it takes, what it answers, and which key opens it."""

    def __init__(self, contract: Contract, method: str, path: str, item: JsonObject) -> None:
        node = table(item, method.lower())
        self.contract = contract
        self.method = method
        self.path = path
        self.operation_id: str = text(node, "operationId")
        self._node = node
        self._parameters = [contract.follow(entry)[0] for entry in rows(item, "parameters") + rows(node, "parameters")]
        security = node["security"] if "security" in node else contract.document.get("security")
        schemes = table(table(contract.document, "components"), "securitySchemes")
        self.security: dict[str, JsonObject] = (
            {name: table(schemes, name) for entry in security if isinstance(entry, dict) for name in entry}
            if isinstance(security, list)
            else {}
        )
        """The security schemes, by name, of which one opens the operation; none when it needs no key."""

    @cached_property
    def body_schema(self) -> JsonObject | None:
        """The schema of the JSON body; None when the operation takes none."""
        body, _ = self.contract.follow(self._node.get("requestBody"))
        return _json_schema(body)

    def read_query(self, given: Iterable[tuple[str, str]]) -> JsonObject:
        """Return the query parameters, converted, with defaults filled in. Unknown ones are ignored.

        Raises:
            ContractError: a required parameter is missing or a value breaks its schema.
        """
        raw = dict(given)
        found: JsonObject = {}
        errors: list[JsonObject] = []
        for parameter in self._parameters:
            name = text(parameter, "name")
            schema, _ = self.contract.follow(parameter.get("schema"))
            if name in raw:
                found[name] = _convert(raw[name], schema)
                try:
                    self.contract.check(schema, found[name], ("query", name))
                except ContractError as invalid:
                    errors += invalid.errors
            elif flag(parameter, "required", False):
                errors.append({"loc": ["query", name], "msg": "this parameter is required", "type": "missing"})
            elif "default" in schema:
                found[name] = schema["default"]
        if errors:
            raise ContractError(errors)
        return found

    def check_body(self, body: object) -> None:
        """Check a decoded JSON body. Raises: ContractError."""
        refuse_deep(body, "body")
        if self.body_schema is not None:
            self.contract.check(self.body_schema, body, ("body",))

    @cached_property
    def event_schema(self) -> JsonObject:
        """The schema of one server-sent event; empty, which takes everything, when the operation sends none."""
        answer, _ = self.contract.follow(table(self._node, "responses").get("200"))
        return table(table(table(table(answer, "content"), "text/event-stream"), "x-event"), "schema")

    def complaint(self, status: int, media_type: str, body: bytes) -> str | None:
        """Return what is wrong with an answer of this operation, or None when it keeps the contract."""
        answers = table(self._node, "responses")
        entry = answers.get(str(status), answers.get(f"{status // 100}XX", answers.get("default")))
        name = f"{self.method} {self.path} answered {status}"
        if entry is None:
            return f"{name}, a status that the contract does not have"
        content = table(self.contract.follow(entry)[0], "content")
        if not content:
            return f"{name} with a body that the contract does not have" if body else None
        if media_type not in content:
            return f"{name} as {media_type!r}; the contract has {sorted(content)}"
        if media_type != "application/json":
            return None
        try:
            self.contract.check(_json_schema({"content": content}) or {}, msgspec.json.decode(body), ())
        except (ContractError, msgspec.DecodeError) as error:
            return f"{name}: {error}"
        return None


def _json_schema(holder: JsonObject) -> JsonObject | None:
    media = table(holder, "content").get("application/json")
    return table(media, "schema") if isinstance(media, dict) else None


def _convert(raw: str, schema: JsonObject) -> object:
    kind = schema.get("type")
    if kind == "integer" and _INTEGER.fullmatch(raw):
        return int(raw)
    if kind == "boolean":
        return _BOOLEANS.get(raw.lower(), raw)
    return raw
