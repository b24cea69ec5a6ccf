"""`scripts/schema`: the components as one JSON Schema, without anything of OpenAPI around them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from contract_document import EXAMPLES, SCHEMAS

SCRIPT = Path(__file__).parent.parent / "scripts" / "schema"


def bundle(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_the_bundle_is_a_schema_of_2020_12_with_every_component() -> None:
    schema = bundle()
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$defs"].keys() == SCHEMAS.keys()
    assert "$id" not in json.dumps(schema)
    assert "#/components" not in json.dumps(schema)


def test_it_says_of_the_contract_s_examples_what_the_contract_says() -> None:
    definitions = bundle()["$defs"]
    tried = 0
    for _, schema, value in EXAMPLES:
        if name := schema.get("$ref", "").removeprefix("#/components/schemas/"):
            jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions}).validate(value)
            tried += 1
    assert tried > 50


def test_a_name_makes_it_a_schema_of_that_component() -> None:
    message = jsonschema_rs.Draft202012Validator(bundle("MessageInput"))
    assert message.is_valid({"message_type": "query", "content": "What is this?"})
    assert not message.is_valid({"content": "What is this?"})


def test_it_writes_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "message.schema.json"
    subprocess.run([sys.executable, SCRIPT, "Message", "--output", target], check=True)
    assert json.loads(target.read_text())["$ref"] == "#/$defs/Message"


def test_an_unknown_component_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        bundle("Massage")
    assert failure.value.returncode == 2
