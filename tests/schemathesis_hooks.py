"""What schemathesis cannot know: that a session needs a model which exists. Loaded by schemathesis itself."""

import json
from typing import Any

import schemathesis


@schemathesis.hook.apply_to(path="/v1/session/register", method="POST")
def map_body(context: object, body: Any) -> Any:
    """Name a model and a time to live that the service grants, in bodies that have such fields of the right types.

    Nothing else changes, so a body that broke the contract still does.
    """
    if not isinstance(body, dict) or not isinstance(model := body.get("model"), dict):
        return body
    ttl = body.get("ttl")
    if isinstance(model.get("model_string"), str):
        model = model | {"model_string": "sec-gemini-stable"}
    if isinstance(ttl, int) and not isinstance(ttl, bool) and 0 <= ttl < 2**31:
        ttl = max(300, ttl % 1_000_000)
    return body | {"model": model} | ({"ttl": ttl} if "ttl" in body else {})


@schemathesis.hook
def before_load_schema(context: object, raw_schema: dict[str, Any]) -> None:
    """Read the bodies of links as objects: in the contract they are text, all that some generators can read."""
    operations = [each for path in raw_schema["paths"].values() for each in path.values() if "responses" in each]
    answers = (answer for operation in operations for answer in operation["responses"].values())
    for link in (link for answer in answers for link in answer.get("links", {}).values()):
        body = link.get("requestBody", "")
        if body.startswith("{"):
            fields: dict[str, Any] = json.loads(body)
            link["requestBody"] = {
                name: value.strip("{}") if isinstance(value, str) else value for name, value in fields.items()
            }
