"""Canned objects of the wire, complete, for tests that need no service."""

from __future__ import annotations

USAGE = {
    "prompt_tokens": 0, "generated_tokens": 0, "total_tokens": 0, "cached_token_count": 0, "thoughts_token_count": 0,
    "tool_use_prompt_token_count": 0, "prompt_tokens_details": None,
}  # fmt: skip
MODEL = {
    "model_name": "sec-gemini", "version": "1.1", "model_string": "sec-gemini-1.1", "use_experimental": False,
    "description": "", "toolsets": [],
}  # fmt: skip
FILE = {"name": "a.txt", "size": 3, "sha256": "a" * 64, "mime_type": "text/plain", "content_type_label": "txt"}
USER_INFO = {
    "user": {
        "id": "u", "org_id": "o", "type": "user", "never_log": False, "can_disable_logging": True, "key_expire_time": 0,
        "tpm": 0, "rpm": 0, "allow_experimental": False, "vendors": [],
    },
    "sessions": [],
    "available_models": [MODEL],
}  # fmt: skip


def message(id: str, kind: str = "result", **changes: object) -> dict[str, object]:
    return {
        "id": id, "parent_id": "3713", "turn": "t" * 12, "group": "g" * 32, "actor": "agent", "role": "agent",
        "timestamp": 1763800000, "created_at": 1763800000.5, "message_type": kind, "icon": None, "text_color": None,
        "title": None, "state": "answering", "content": f"content of {id}", "mime_type": "text/plain",
        "status_code": 200, "status_message": "OK", "usage": None, **changes,
    }  # fmt: skip


def session(id: str = "s", **changes: object) -> dict[str, object]:
    return {
        "id": id, "user_id": "u", "org_id": "o", "model": MODEL, "ttl": 86400, "language": "en", "turns": 0,
        "name": "n",
        "description": "", "create_time": 1763800000.5, "update_time": 1763800000.5, "num_messages": 0, "messages": [],
        "usage": USAGE, "can_log": True, "state": "start", "files": [], "logs_table": None, "local_tools": [],
        "agents_config": {}, **changes,
    }  # fmt: skip
