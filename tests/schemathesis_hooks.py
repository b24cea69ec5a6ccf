"""What schemathesis cannot know: that a session needs a model which exists. Loaded by schemathesis itself."""

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
