"""The contract itself: it is valid, it explains everything, and its examples are true."""

from __future__ import annotations

import re
from typing import Any

import pytest
from contract_document import DOCUMENT, EXAMPLES, OPERATIONS, SCHEMAS, properties, resolve, validator, walk
from openapi_spec_validator import OpenAPIV31SpecValidator


def has_text(node: dict[str, Any], least: int) -> bool:
    text = node.get("description", "")
    return len(text.strip()) >= least and text.strip().endswith((".", ":"))


def test_a_validator_of_openapi_accepts_the_document() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_reference_leads_somewhere() -> None:
    references = [node for _, node in walk(DOCUMENT) if isinstance(node.get("$ref"), str)]
    references += [node for _, node in walk(DOCUMENT["x-websocket"]) if isinstance(node.get("$ref"), str)]
    assert len(references) > 300
    for node in references:
        assert resolve(node), node


def test_every_enum_names_each_value_once() -> None:
    enums = {name: schema for name, schema in SCHEMAS.items() if "enum" in schema}
    assert len(enums) == 10
    for name, schema in enums.items():
        names = schema["x-enum-varnames"]
        assert len(names) == len(schema["enum"]) == len(set(names)) == len(set(schema["enum"])), name
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", member) for member in names), name


def test_no_schema_is_closed_and_none_has_a_title() -> None:
    for where, node in walk(DOCUMENT):
        if where.endswith("/properties"):
            continue
        assert node.get("additionalProperties", True) is not False, where
        assert where in ("#/info",) or "title" not in node, where


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_explains_itself(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in [tag["name"] for tag in DOCUMENT["tags"]]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert 10 <= len(operation["summary"]) <= 60
    assert not operation["summary"].endswith(".")
    assert has_text(operation, 60), name
    for parameter in map(resolve, operation.get("parameters", [])):
        assert has_text(parameter, 15), parameter["name"]
    if "requestBody" in operation:
        assert has_text(operation["requestBody"], 8)
        assert operation["requestBody"]["required"] is True


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_has_examples_both_ways(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["responses"]["200"]["content"]["application/json"]["examples"]
    if "requestBody" in operation:
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    for parameter in map(resolve, operation.get("parameters", [])):
        assert "example" in parameter, parameter["name"]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_lists_its_errors(name: str) -> None:
    operation = OPERATIONS[name]
    expected = {"200", "403", "404", "422", "429", "5XX"}
    if name not in ("GET /health", "GET /"):
        expected |= {"401"}
    if "requestBody" in operation:
        expected |= {"400", "413", "415"}
    assert set(operation["responses"]) == expected
    assert "x-request-id" in operation["responses"]["200"]["headers"]
    for status, response in operation["responses"].items():
        if status != "200":
            assert response["$ref"].startswith("#/components/responses/"), status


def test_error_responses_are_described_and_name_the_request() -> None:
    for name, response in DOCUMENT["components"]["responses"].items():
        assert has_text(response, 20), name
        assert "x-request-id" in response["headers"], name
        assert response["content"]["application/json"]["examples"], name


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_says_what_it_is(name: str) -> None:
    assert has_text(SCHEMAS[name], 15)


@pytest.mark.parametrize("where", sorted(properties()))
def test_a_property_says_what_it_is(where: str) -> None:
    prop = properties()[where]
    assert "$ref" not in prop, "generators ignore what stands beside a reference: write allOf"
    assert has_text(prop, 25), prop.get("description")


def test_numbers_with_units_name_them() -> None:
    units = {"ttl": "seconds", "size": "bytes", "latency": "seconds", "created": "Unix seconds"}
    units |= dict.fromkeys(["create_time", "update_time", "created_at", "timestamp", "key_expire_time"], "Unix seconds")
    for where, prop in properties().items():
        unit = units.get(where.rsplit("/", 1)[1])
        assert unit is None or unit in prop["description"] or prop["description"].startswith("Ignored"), where


def test_examples_are_many() -> None:
    assert len(EXAMPLES) > 85


@pytest.mark.parametrize(("where", "schema", "value"), EXAMPLES, ids=[where for where, _, _ in EXAMPLES])
def test_an_example_is_what_its_schema_says(where: str, schema: dict[str, Any], value: Any) -> None:
    errors = [f"{error.instance_path}: {error.message}" for error in validator(schema).iter_errors(value)]
    assert not errors, errors
