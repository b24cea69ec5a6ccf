"""The two messages of a tool call: what the service asks, and what came of it."""

from __future__ import annotations

import json
import time
import uuid

import msgspec
from secgemini_api.models import Message, MessageType, MimeType, Role

from secgemini._tool_run import explain
from secgemini.errors import ToolError

MAX_CALL_CHARACTERS = 1 << 20
"""Length of a call's content above which it is refused unread."""

_NAME_SHOWN = 200  # characters of the name that are sent back: an unknown one may be anything


class _Content(msgspec.Struct):
    """What a call's content may hold; the service's two names for each of the two things."""

    tool_name: str | None = None
    tool_args: msgspec.Raw = msgspec.Raw(b"null")
    name: str | None = None
    args: msgspec.Raw = msgspec.Raw(b"null")


def read_call(content: str | None) -> tuple[str, bytes]:
    """Return the name of the tool and the JSON of its arguments object, both as they came.

    Raises:
        ToolError: the content is not a call.
    """
    if not isinstance(content, str) or len(content) > MAX_CALL_CHARACTERS:
        raise ToolError(f"the call is not JSON text of at most {MAX_CALL_CHARACTERS:,} characters")
    try:
        found = msgspec.json.decode(content, type=_Content)
        sources = [bytes(raw) for raw in (found.tool_args, found.args)]
        name = found.tool_name or found.name or ""
        given = next((source for source in sources if msgspec.json.decode(source) not in (None, {})), b"{}")
    except (ValueError, RecursionError) as error:
        raise ToolError(f"the call is malformed: {explain(error)}") from error
    if not name:
        raise ToolError("the call is malformed: it names no tool")
    return name, given


def result_message(name: str, output: str, *, failed: bool = False) -> Message:
    """Return the message that tells the service what came of a call.

    It does not say of which: a service asks for one call at a time.
    """
    content = json.dumps({"name": name[:_NAME_SHOWN], "output": output, "is_error": failed}, ensure_ascii=False)
    return Message(
        id=uuid.uuid4().hex,
        turn=uuid.uuid4().hex[:12],
        group=uuid.uuid4().hex,
        role=Role.USER,
        message_type=MessageType.LOCAL_TOOL_RESULT,
        mime_type=MimeType.SERIALIZED_JSON,
        content=content,
        status_code=500 if failed else 200,
        created_at=time.time(),
    )
