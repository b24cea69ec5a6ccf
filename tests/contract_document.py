"""The contract as the tests read it: the document, its schemas, its operations and its examples."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

CONTRACT = Path(__file__).parent.parent / "openapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = ("get", "post", "put", "patch", "delete")


def resolve(node: Any) -> Any:
    """Follow `$ref`s from `node` until there is none."""
    while isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def walk(node: Any, where: str = "#") -> Iterator[tuple[str, Any]]:
    """Yield every object of the document with its place, except what is inside examples."""
    if isinstance(node, dict):
        yield where, node
        for key, value in node.items():
            if key not in ("example", "examples") or where.endswith("/properties"):
                yield from walk(value, f"{where}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{where}/{index}")


def operations() -> dict[str, dict[str, Any]]:
    """Return every operation by its method and path."""
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item
    }


OPERATIONS = operations()


def properties() -> dict[str, dict[str, Any]]:
    """Return every property of every schema, inline ones and those of the WebSocket included."""
    return {
        f"{where}/{name}": prop
        for where, node in walk(DOCUMENT)
        if isinstance(node.get("properties"), dict) and not where.endswith("/properties")
        for name, prop in node["properties"].items()
    }


def closed() -> dict[str, Any]:
    """Return the components with every object closed, so that a misspelt field of an example is an error."""
    components = copy.deepcopy({"schemas": SCHEMAS})
    for _, node in walk(components):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            node["additionalProperties"] = False
    return components


CLOSED = closed()


def validator(schema: dict[str, Any], components: dict[str, Any] = CLOSED) -> jsonschema_rs.Draft202012Validator:
    """Return a validator of a schema that refers to components; by default of components that are closed."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": components})


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield (place, schema, value) for every example that stands beside a schema."""
    for where, node in walk(DOCUMENT):
        if "schema" not in node or "/properties" in where:
            continue
        if "example" in node:
            yield f"{where}/example", node["schema"], node["example"]
        for name, example in node.get("examples", {}).items():
            yield f"{where}/examples/{name}", node["schema"], resolve(example)["value"]


EXAMPLES = list(examples())


def component(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return a validator of one component as it stands in the contract, open for further fields."""
    return validator({"$ref": f"#/components/schemas/{name}"}, {"schemas": SCHEMAS})
