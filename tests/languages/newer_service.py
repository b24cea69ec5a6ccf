"""A peer that answers like a service newer than the contract: what it says there are no words for yet.

It answers each request with the session of the contract's own example, whose last message has an unknown type, state,
role and status, a field that nobody knows, and null wherever the contract allows it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Json = dict[str, object]


def newer_session(contract: Json) -> Json:
    """Return the example of `get_session`, one message longer."""
    session = _example(contract)
    message: Json = dict.fromkeys(("icon", "text_color", "title", "content", "mime_type", "usage"))
    message |= {"id": "00c0ffee0001", "parent_id": "3713", "turn": "00c0ffee0002", "group": "00c0ffee0003"}
    message |= {"actor": "projector", "role": "oracle", "state": "projecting", "message_type": "hologram"}
    message |= {"created_at": 1826883000.5, "status_code": 520, "status_message": "NEW", "novelty": {"since": 2027}}
    messages = session["messages"]
    assert isinstance(messages, list)
    return session | {"messages": [*messages, message], "logs_table": None, "novelty": [1, 2], "state": "projecting"}


def _example(contract: Json) -> Json:
    node: object = contract
    for step in ("paths", "/v1/session/get", "get", "responses", "200", "content", "application/json", "examples"):
        assert isinstance(node, dict)
        node = node[step]
    assert isinstance(node, dict)
    example: Json = next(iter(node.values()))["value"]
    return example


@contextmanager
def newer_service(contract: Json) -> Iterator[str]:
    """Serve on a free loopback port; yield the address."""
    body = json.dumps(newer_session(contract)).encode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: standard error belongs to the programs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
