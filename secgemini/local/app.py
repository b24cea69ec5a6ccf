"""The HTTP side of the service: from a request to the operation of the contract and back.

Which paths there are, who needs a key and what a request may be is read from the contract; `OPERATIONS` says only which
function does it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from secgemini.local import chat, logs, sessions, system
from secgemini.local.contract import ContractError, Operation
from secgemini.local.failure import log_failure
from secgemini.local.fields import JsonObject, text
from secgemini.local.keys import Caller
from secgemini.local.service import MOST_REMEMBERED, NO_KEY, Call, RequestError, Service, json_response
from secgemini.local.sockets import stream

_LARGE = 2**20  # bytes of a body that is decoded in a worker thread, so that other requests need not wait

Handler = Callable[[Call], Awaitable[object]]
OPERATIONS: Mapping[str, Handler] = {
    "register_session": sessions.register_session,
    "update_session": sessions.update_session,
    "delete_session": sessions.delete_session,
    "list_sessions": sessions.list_sessions,
    "get_session": sessions.get_session,
    "generate_session_name": sessions.generate_session_name,
    "generate": sessions.generate,
    "attach_file": sessions.attach_file,
    "detach_file": sessions.detach_file,
    "attach_logs": logs.attach_logs,
    "create_logs_table": logs.create_logs_table,
    "upload_logs": logs.upload_logs,
    "send_feedback": sessions.send_feedback,
    "create_chat_completion": chat.create_chat_completion,
    "get_user_info": system.get_user_info,
    "get_tools": system.get_tools,
    "get_agent": system.get_agent,
    "get_prompts": system.get_prompts,
    "get_graph": system.get_graph,
    "get_diagnostic": system.get_diagnostic,
    "get_timestamp": system.get_timestamp,
    "get_health": system.get_health,
    "get_root": system.get_root,
}


def make_app(service: Service) -> ASGIApp:
    """Return the application: every operation of the contract that there is a function for, and the stream."""
    paths: dict[str, dict[str, Operation]] = {}
    for (method, path), operation in service.contract.operations.items():
        if operation.operation_id in OPERATIONS:
            paths.setdefault(path, {})[method] = operation

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await stream(service, WebSocket(scope, receive, send))
            return
        request = Request(scope, receive, send)
        with suppress(ClientDisconnect):  # nobody is left to answer
            response = await _respond(service, paths.get(scope["path"], {}), request)
            await response(scope, receive, send)

    return app


async def _respond(service: Service, operations: Mapping[str, Operation], request: Request) -> Response:
    if not operations:
        return json_response({"detail": "Not Found"}, 404)
    operation = operations.get("GET" if request.method == "HEAD" else request.method)
    if operation is None:
        return json_response({"detail": "Method Not Allowed"}, 405, {"Allow": ", ".join(operations)})
    response = await _answer(service, operation, request)
    if service.complain is not None and (complaint := _complaint(operation, response)):
        service.complain(complaint)
    return response


async def _answer(service: Service, operation: Operation, request: Request) -> Response:
    try:
        call = await _read(service, operation, request)
        answer = await OPERATIONS[operation.operation_id](call)
        return answer if isinstance(answer, Response) else json_response(answer)
    except ContractError as error:
        return json_response({"detail": error.errors}, 422)
    except RequestError as error:
        return json_response({"detail": error.detail}, error.status, error.headers)
    except ClientDisconnect:
        raise
    except sqlite3.OperationalError as error:  # such as a full disk
        log_failure(f"{operation.operation_id} failed")
        return json_response({"detail": f"The service cannot use its database: {error}"}, 507)
    except Exception:
        log_failure(f"{operation.operation_id} failed")
        return json_response({"detail": "The service failed; its log has the reason."}, 500)


def _complaint(operation: Operation, response: Response) -> str | None:
    body = b"" if isinstance(response, StreamingResponse) else bytes(response.body)
    return operation.complaint(response.status_code, response.headers["content-type"].partition(";")[0], body)


async def _read(service: Service, operation: Operation, request: Request) -> Call:
    caller = authenticate(service, operation, request)
    if operation.security and caller is None:
        raise RequestError(401, NO_KEY)
    if caller is not None:
        check_rate(caller)
    query = operation.read_query(request.query_params.multi_items())
    body = await _read_body(operation, request) if operation.body_schema is not None else {}
    return Call(service, caller or service.keyring.nobody, query, body)


def authenticate(service: Service, operation: Operation, request: Request) -> Caller | None:
    """Return whose key a request carries, where the operation wants it; None when there is no such key."""
    for scheme in operation.security.values():
        if scheme.get("type") == "apiKey":
            given = request.headers.get(text(scheme, "name"), "")
        else:
            kind, _, given = request.headers.get("authorization", "").partition(" ")
            given = given.strip() if kind.lower() == text(scheme, "scheme") else ""
        if given and (caller := service.keyring.find(given)) is not None:
            return caller
    return None


def check_rate(caller: Caller) -> None:
    """Count a request against the caller's limits. Raises: RequestError (429)."""
    wait = caller.admit()
    if wait:
        raise RequestError(429, "A limit of this key is used up.", {"Retry-After": str(int(wait) + 1)})


async def _read_body(operation: Operation, request: Request) -> JsonObject:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        raise RequestError(415, "The body must be application/json, not encoded.")
    raw = await request.body()
    if not raw:
        raise ContractError([{"loc": ["body"], "msg": "a body is required", "type": "missing"}])
    body = await asyncio.to_thread(_decode, operation, raw) if len(raw) > _LARGE else _decode(operation, raw)
    if len(raw) <= MOST_REMEMBERED:
        request.state.body = body
    return body


def _decode(operation: Operation, raw: bytes) -> JsonObject:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, f"The body is not JSON: {error}") from None
    operation.check_body(body)
    return body if isinstance(body, dict) else {}
