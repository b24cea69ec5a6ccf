"""What the contract knows of the wire that one or another published description lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_document import DOCUMENT, OPERATIONS, SCHEMAS, component, validator

# Every operation of the wire, with the names that generated clients give it: tag, method, path, operation.
NAMES = """
sessions POST /v1/session/register register_session
sessions POST /v1/session/update update_session
sessions POST /v1/session/delete delete_session
sessions GET /v1/session/list list_sessions
sessions GET /v1/session/get get_session
sessions GET /v1/session/generate_name generate_session_name
sessions POST /v1/session/generate generate
sessions POST /v1/session/attach_file attach_file
sessions POST /v1/session/detach_file detach_file
sessions POST /v1/session/attach_logs attach_logs
sessions POST /v1/session/feedback send_feedback
users GET /v1/user/info get_user_info
chat POST /chat/completions create_chat_completion
system GET /v1/system/tools get_tools
system GET /v1/system/agent get_agent
system GET /v1/system/prompts get_prompts
system GET /v1/system/graph get_graph
system GET /v1/system/diagnostic get_diagnostic
system GET /v1/experimental/ts get_timestamp
system GET /health get_health
system GET / get_root
logs POST /create_logs_table create_logs_table
logs POST /upload_logs upload_logs
""".strip().splitlines()

# What the wire has beyond the oldest published document, as pointers into this one. Nothing here may get lost.
BEYOND = """
paths /v1/session/attach_logs post
paths /create_logs_table post
paths /create_logs_table servers
paths /upload_logs post
paths /upload_logs servers
components schemas PublicSession properties logs_table
components schemas PublicSession properties local_tools
components schemas PublicSession properties agents_config
components schemas SessionInput properties logs_table
components schemas SessionInput properties local_tools
components schemas SessionInput properties agents_config
components schemas SessionRequest properties local_tools
components schemas PublicLogsTable properties blake2s
components schemas ModalityTokenCount properties token_count
components schemas Usage properties cached_token_count
components schemas Usage properties thoughts_token_count
components schemas Usage properties tool_use_prompt_token_count
components schemas Message properties created_at
components schemas Message properties icon
components schemas Message properties text_color
components schemas LocalTool properties name
components schemas LocalTool properties description
components schemas LocalTool properties parameters
components schemas LocalTool properties returns
components schemas LocalTool properties version
components schemas LocalTool properties tags
components schemas LogsTableCreated properties table_created
components schemas LogsUpload properties logs_hash
components schemas LogsUpload properties can_log
components schemas LogsUpload properties log_lines
components schemas LogsUpload properties custom_fields_mapping
components schemas LogsUploaded properties inserted_log_lines
components headers RequestId
components headers RetryAfter
components responses TooManyRequests headers Retry-After
x-conventions keys
x-conventions failures
x-conventions repeating
x-conventions tolerance
x-conventions units
x-conventions limits
x-websocket url
x-websocket frames client schema
x-websocket frames server schema
x-websocket turn sequence
x-websocket partialResults
x-websocket localTools call schema properties tool_name
x-websocket localTools call schema properties tool_args
x-websocket localTools result schema properties is_error
x-websocket closeCodes 1000
x-websocket closeCodes 1009
x-websocket closeCodes 1011
x-websocket reconnection
x-websocket keepalive
x-websocket limits frameBytes
""".strip().splitlines()

# Enum values that one or another published description lacks, with the names that programs use.
VALUES = {
    "MessageType": {"local_tool_call": "LOCAL_TOOL_CALL", "local_tool_result": "LOCAL_TOOL_RESULT"},
    "State": {"retrieving": "RETRIEVING", "end": "END"},
    "MimeType": {
        "text/plain": "TEXT",
        "text/c": "C",
        "text/c++": "CPP",
        "text/serialized-json": "SERIALIZED_JSON",
        "image/svg+xml": "SVG",
        "sec-gemini/graph": "SG_GRAPH",
        "sec-gemini/json": "SG_JSON",
    },
    "ResponseStatus": {200: "OK", 401: "UNAUTHORIZED", 409: "CONFLICT", 429: "TOO_MANY_REQUESTS", 418: "IM_A_TEAPOT"},
    "ToolSchemaType": {"type_unspecified": "TYPE_UNSPECIFIED", "null": "NULL"},
}

TOOL_SCHEMA_KEYS = {
    *("additional_properties", "defs", "ref", "any_of", "default", "description", "enum", "example", "format", "items"),
    *("max_items", "max_length", "max_properties", "maximum", "min_items", "min_length", "min_properties", "minimum"),
    *("nullable", "pattern", "properties", "property_ordering", "required", "title", "type"),
}

PYTHON_MESSAGE = {
    "id": "7be0a4c19d52",
    "parent_id": "3713",
    "turn": "51e09ad3c7f4",
    "group": "c1d7a9f04be84d2cb6a3e95f20d81c77",
    "actor": "user",
    "role": "user",
    "timestamp": 1795347000,
    "created_at": 1795347000.25,
    "message_type": "query",
    "icon": None,
    "text_color": None,
    "title": None,
    "state": "query",
    "content": "hello",
    "mime_type": "text/plain",
    "status_code": 200,
    "status_message": "OK",
    "usage": {"prompt_tokens": 0, "generated_tokens": 0, "total_tokens": 0, "prompt_tokens_details": None},
}
SESSION = {
    "id": "0b8ff2a3c5d94e1fa6d2b7e49c31a850",
    "user_id": "u",
    "org_id": "o",
    "model": {"model_name": "sec-gemini", "version": "stable", "model_string": "sec-gemini-stable", "toolsets": []},
    "ttl": 86400,
    "name": "n",
    "description": "",
}
# A tool as a JSON Schema generator writes it: the keys that the wire does not know are to be ignored, not refused.
FOREIGN_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"port": {"format": "uint16", "maximum": 65535, "minimum": 0, "type": "integer", "anyOf": []}},
    "required": ["port"],
}

# What published clients really send: (component, body).
SENT = {
    "python prompt": ("MessageInput", PYTHON_MESSAGE),
    "typescript prompt": (
        "MessageInput",
        {
            "id": "6f1f8f9e-8d0b-4a55-9f5e-0f6c5f6c1a11",
            "parent_id": "3713",
            "role": "user",
            "mime_type": "text/plain",
            "message_type": "query",
            "content": "hello",
        },
    ),
    "rust prompt": (
        "MessageInput",
        {k: v for k, v in PYTHON_MESSAGE.items() if k != "timestamp"} | {"state": "start", "usage": None},
    ),
    "python session": (
        "SessionInput",
        SESSION
        | {
            "language": "en",
            "turns": 0,
            "create_time": 1795347000.5,
            "update_time": 1795347000.5,
            "num_messages": 0,
            "messages": [PYTHON_MESSAGE],
            "usage": {"prompt_tokens": 0},
            "can_log": True,
            "state": "start",
            "files": [],
            "logs_table": None,
            "local_tools": [
                {
                    "name": "add",
                    "description": "Add.",
                    "parameters": dict.fromkeys(TOOL_SCHEMA_KEYS) | {"type": "object"},
                    "returns": None,
                    "version": None,
                    "tags": None,
                }
            ],
            "agents_config": {"network_agent": {"depth": 2}},
        },
    ),
    "typescript session": ("SessionInput", SESSION | {"language": "en-US", "messages": [], "files": []}),
    "rust session": (
        "SessionInput",
        SESSION | {"local_tools": [{"name": "connect", "description": "Connect.", "parameters": FOREIGN_SCHEMA}]},
    ),
    "python generate": ("SessionRequest", {"id": "s", "messages": [PYTHON_MESSAGE], "local_tools": []}),
    "python attach": ("Attachment", {"session_id": "s", "filename": "f", "mime_type": None, "content": "aGVsbG8="}),
    "web feedback": (
        "Feedback",
        {"session_id": "s", "group_id": "7be0a4c19d52", "type": "user_feedback", "score": 0, "comment": "<comment/>"},
    ),
    "python logs": ("LogsUpload", {"logs_hash": "ab", "can_log": True, "log_lines": ["one\n", "two\n"]}),
    "openai chat": (
        "ChatCompletionRequest",
        {
            "model": "sec-gemini-1.1",
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,AA=="}]},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}]},
                {"role": "user", "content": "hello"},
            ],
        },
    ),
}


def test_the_operations_are_those_of_the_wire() -> None:
    assert [f"{op['tags'][0]} {where} {op['operationId']}" for where, op in OPERATIONS.items()] == NAMES


@pytest.mark.parametrize("pointer", BEYOND)
def test_nothing_of_the_wire_gets_lost(pointer: str) -> None:
    node: Any = DOCUMENT
    for key in pointer.split():
        assert key in node, f"{pointer}: no {key!r}"
        node = node[key]
    assert node not in (None, "", {}, [])


@pytest.mark.parametrize(
    ("schema", "value", "name"), [(schema, *row) for schema, rows in VALUES.items() for row in rows.items()]
)
def test_enum_values_have_names_of_their_own(schema: str, value: str | int, name: str) -> None:
    enum = SCHEMAS[schema]["enum"]
    assert SCHEMAS[schema]["x-enum-varnames"][enum.index(value)] == name


def test_a_tool_schema_has_the_wires_keys_all_optional() -> None:
    assert set(SCHEMAS["ToolSchema"]["properties"]) == TOOL_SCHEMA_KEYS
    assert "required" not in SCHEMAS["ToolSchema"]
    assert component("ToolSchema").is_valid(dict.fromkeys(TOOL_SCHEMA_KEYS))


@pytest.mark.parametrize("what", SENT)
def test_what_published_clients_send_is_accepted(what: str) -> None:
    name, body = SENT[what]
    component(name).validate(body)


def test_an_answer_may_have_fields_that_are_not_listed() -> None:
    answer = OPERATIONS["GET /v1/session/get"]["responses"]["200"]["content"]["application/json"]
    session = answer["examples"]["session"]["value"]
    message = session["messages"][0] | {"later": 1}
    assert component("PublicSession").is_valid(session | {"later": 1, "messages": [message]})
    assert not component("PublicSession").is_valid({"later": 1})


def test_timestamp_is_deprecated_and_may_be_missing() -> None:
    assert SCHEMAS["Message"]["properties"]["timestamp"]["deprecated"] is True
    assert set(SCHEMAS["Message"]["properties"]) - set(SCHEMAS["Message"]["required"]) == {"timestamp"}
    assert SCHEMAS["MessageInput"]["required"] == ["message_type"]


def test_every_field_of_a_session_is_always_there() -> None:
    assert set(SCHEMAS["PublicSession"]["properties"]) == set(SCHEMAS["PublicSession"]["required"])


def test_the_key_goes_where_the_service_reads_it() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["ApiKey"]["in"], schemes["ApiKey"]["name"]) == ("header", "x-api-key")
    assert (schemes["Bearer"]["type"], schemes["Bearer"]["scheme"]) == ("http", "bearer")
    used = {name: [next(iter(s)) for s in operation["security"]] for name, operation in OPERATIONS.items()}
    assert {name: scheme for name, scheme in used.items() if scheme != ["ApiKey"]} == {
        "POST /chat/completions": ["Bearer"],
        "GET /health": [],
        "GET /": [],
    }


def test_the_logs_processor_is_somewhere_else() -> None:
    for path in ("/create_logs_table", "/upload_logs"):
        first = DOCUMENT["paths"][path]["servers"][0]["url"]
        assert first.startswith("https://")
        assert first not in [server["url"] for server in DOCUMENT["servers"]]


def test_examples_of_local_tools_carry_what_is_described() -> None:
    tools = DOCUMENT["x-websocket"]["localTools"]
    frames = DOCUMENT["x-websocket"]["frames"]
    pairs = [
        (tools["call"]["schema"], frames["server"]["examples"]["toolCall"]),
        (tools["result"]["schema"], frames["client"]["examples"]["toolResult"]),
        (tools["result"]["schema"], frames["client"]["examples"]["toolDenied"]),
    ]
    for schema, frame in pairs:
        validator(schema).validate(json.loads(frame["value"]["content"]))
