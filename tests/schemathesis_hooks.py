"""What schemathesis cannot know of the service: which sessions there can be, and which there are no more.

Loaded by schemathesis itself.
"""

import json
from typing import Any

import httpx
import schemathesis

OF_THE_EXAMPLES = "0b8ff2a3c5d94e1fa6d2b7e49c31a850"
REGISTER, DELETE = "/v1/session/register", "/v1/session/delete"
service = httpx.Client(headers={"x-api-key": "k"})


@schemathesis.hook.apply_to(path=REGISTER, method="POST")
def map_body(context: object, body: Any) -> Any:
    """Name a model and a time to live that the service grants, in bodies that have such fields of the right types.

    Nothing else changes, so a body that broke the contract still does.
    """
    if not isinstance(body, dict) or not isinstance(model := body.get("model"), dict):
        return body
    ttl = body.get("ttl")
    if isinstance(model.get("model_string"), str):
        model = model | {"model_string": "sec-gemini-stable"}
    if isinstance(ttl, int) and not isinstance(ttl, bool) and -(2**31) <= ttl < 2**31:
        ttl = max(300, abs(ttl) % 1_000_000)
    return body | {"model": model} | ({"ttl": ttl} if "ttl" in body else {})


@schemathesis.hook
def before_load_schema(context: object, raw_schema: dict[str, Any]) -> None:
    """Read the bodies of links as objects: in the contract they are text, all that some generators can read.

    And let a session be opened by who asked who it is, or no sequence of requests would begin with one.
    """
    who = raw_schema["paths"]["/v1/user/info"]["get"]["responses"]["200"]
    names = {"user_id": "{$response.body#/user/id}", "org_id": "{$response.body#/user/org_id}"}
    who["links"] = {"open": {"operationId": "register_session", "requestBody": json.dumps(names)}}
    operations = [each for path in raw_schema["paths"].values() for each in path.values() if "responses" in each]
    answers = (answer for operation in operations for answer in operation["responses"].values())
    for link in (link for answer in answers for link in answer.get("links", {}).values()):
        body = link.get("requestBody", "")
        if body.startswith("{"):
            fields: dict[str, Any] = json.loads(body)
            link["requestBody"] = {
                name: value.strip("{}") if isinstance(value, str) else value for name, value in fields.items()
            }


@schemathesis.hook
def before_call(context: object, case: Any, kwargs: dict[str, Any]) -> None:
    """Open the session that the examples speak of, which the operation that deletes it may have deleted."""
    if case.path != REGISTER and OF_THE_EXAMPLES in repr((case.body, case.query)):
        model = {"model_name": "sec-gemini", "version": "stable", "model_string": "sec-gemini-stable"}
        session = {"id": OF_THE_EXAMPLES, "user_id": "", "org_id": "", "model": model, "ttl": 3600}
        answer = service.post(case.operation.base_url + REGISTER, json=session | {"name": "", "description": ""})
        assert answer.json()["status_code"] in (200, 409), answer.text


@schemathesis.check
def a_deleted_session_is_gone(ctx: object, response: Any, case: Any) -> None:
    """Look for a session after it was deleted. Nothing else does: schemathesis knows only the method DELETE."""
    if case.path == DELETE and response.status_code == 200 and response.json()["ok"]:
        sessions = case.operation.base_url + "/v1/session/get"
        found = service.get(sessions, params={"session_id": case.body["id"]})
        assert found.status_code == 404, found.text
