"""Every operation of the service, once and without I/O.

A `Call[T]` is one request: what to send, how to read the answer, and what a failure that may have been carried out
allows. A `Plan[T]` is a generator that yields calls (and pauses) and returns the operation's result; `_drive` runs it,
with or without asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

from secgemini_api.api.logs import create_logs_table, upload_logs
from secgemini_api.api.sessions import (
    attach_file as attach_file_endpoint,
)
from secgemini_api.api.sessions import (
    attach_logs as attach_logs_endpoint,
)
from secgemini_api.api.sessions import (
    delete_session,
    generate,
    get_session,
    register_session,
    update_session,
)
from secgemini_api.api.sessions import (
    detach_file as detach_file_endpoint,
)
from secgemini_api.api.sessions import (
    list_sessions as list_sessions_endpoint,
)
from secgemini_api.api.sessions import (
    send_feedback as send_feedback_endpoint,
)
from secgemini_api.api.users import get_user_info
from secgemini_api.models import (
    DetachFileRequest,
    Feedback,
    FeedbackType,
    LogsTableCreated,
    LogsUpload,
    LogsUploaded,
    MessageInput,
    OpResult,
    PublicSession,
    PublicSessionFile,
    SessionInput,
    SessionRequest,
    UserInfo,
)
from secgemini_api.models import (
    SessionResponse as WireResponse,
)

from ._failures import status_error
from ._upload import Upload
from .errors import APIResponseError, NotFoundError
from .response import SessionResponse

T = TypeVar("T")


class Repeat(Enum):
    """What may be done after a failure that leaves open whether the service did the work."""

    SAFE = auto()
    """Send it again: a read, or a change that is the same when made twice."""
    LOOK = auto()
    """Look first (`Call.look`), and send it again only when the effect is missing."""
    NEVER = auto()
    """Raise: a repetition would do it twice."""


DONE, UNSURE = object(), object()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request.

    `read` turns the parsed answer into the result and raises our error when it says no. `already` is the status that,
    in the answer to a repetition, means that the first attempt was carried out. `look` returns the result when the
    service shows that the work was done, None when it was not, UNSURE (the failure is raised) when neither can be said.
    """

    operation: str
    request: Mapping[str, Any]
    parse: Callable[..., Any]
    read: Callable[[Any], T]
    repeat: Repeat = Repeat.SAFE
    already: int = 0
    look: Callable[[], Plan[Any]] | None = None
    upload: Upload | None = None
    is_slow: bool = False
    service: Literal["api", "logs"] = "api"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait this many seconds, then go on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Run a function that takes its time, such as reading a file. The async client runs it in a thread."""

    function: Callable[[], T]


Plan = Generator["Call[Any] | Pause | Work[Any]", Any, T]


def ask(call: Call[T]) -> Plan[T]:
    """Make the call and return its result; `yield from` keeps its type."""
    result: T = yield call
    return result


def work(function: Callable[[], T]) -> Plan[T]:
    """Run the function and return its result; what it raises is raised here."""
    result: T = yield Work(function)
    return result


def _call(endpoint: ModuleType, read: Callable[[Any], T], *, body: Any = None, **options: Any) -> Call[T]:
    arguments = options.pop("arguments", {})
    request = endpoint._get_kwargs(**arguments) if body is None else endpoint._get_kwargs(body=body, **arguments)
    operation = f"{request['method'].upper()} {request['url']}"
    return Call(operation, request, endpoint._parse_response, read, **options)


def _expect(kind: type[T], operation: str) -> Callable[[Any], T]:
    def read(parsed: Any) -> T:
        if isinstance(parsed, kind):
            return parsed
        raise APIResponseError(f"{operation} answered with something else than {kind.__name__}", operation=operation)

    return read


def _ok(operation: str) -> Callable[[Any], OpResult]:
    """Read an operation result; one that is not ok is an error, whatever the HTTP status said."""
    expect = _expect(OpResult, operation)

    def read(parsed: Any) -> OpResult:
        result = expect(parsed)
        status = int(result.status_code)
        if result.ok and status < 300:
            return result
        raise status_error(
            status if status >= 400 else 400, result.status_message or "not done, without a reason", operation=operation
        )

    return read


def _done(operation: str) -> Callable[[Any], None]:
    check = _ok(operation)

    def read(parsed: Any) -> None:
        check(parsed)

    return read


# --- user -----------------------------------------------------------------------------------------------------------


def user_info() -> Call[UserInfo]:
    return _call(get_user_info, _expect(UserInfo, "GET /v1/user/info"))


# --- sessions -------------------------------------------------------------------------------------------------------


def register(session: SessionInput) -> Call[None]:
    return _call(register_session, _done("POST /v1/session/register"), body=session, already=409)


def session_get(session_id: str) -> Call[PublicSession]:
    expect = _expect(PublicSession, "GET /v1/session/get")

    def read(parsed: Any) -> PublicSession:
        if parsed is None:
            raise status_error(404, f"no session {session_id!r}", operation="GET /v1/session/get")
        return expect(parsed)

    return _call(get_session, read, arguments={"session_id": session_id})


def sessions() -> Plan[list[PublicSession]]:
    """One request; where a service lacks the list, the sessions of the user info."""

    def read(parsed: Any) -> list[PublicSession]:
        if isinstance(parsed, list):
            return parsed
        raise APIResponseError("GET /v1/session/list answered with something else than a list of sessions")

    try:
        return (yield from ask(_call(list_sessions_endpoint, read)))
    except NotFoundError:
        return list((yield from ask(user_info())).sessions)


def update(session: SessionInput) -> Call[None]:
    return _call(update_session, _done("POST /v1/session/update"), body=session)


def delete(session: SessionInput) -> Call[None]:
    return _call(delete_session, _done("POST /v1/session/delete"), body=session, already=404)


# --- files ----------------------------------------------------------------------------------------------------------


def attach(session_id: str, upload: Upload, before: list[PublicSessionFile]) -> Call[PublicSessionFile]:
    """`before` are the files that the session had; a repetition that finds one more with our name and hash is done."""
    operation = "POST /v1/session/attach_file"
    check = _ok(operation)

    def read(parsed: Any) -> PublicSessionFile:
        data = check(parsed).data
        if data is None:
            raise APIResponseError(f"{operation} did not say which file it attached", operation=operation)
        return PublicSessionFile.from_dict(data.to_dict())

    def look() -> Plan[PublicSessionFile | None]:
        now = (yield from ask(session_get(session_id))).files
        mine = upload.name, (yield from work(upload.sha256)), upload.size
        same = [file for file in now if _identity(file) == mine]
        had = sum(_identity(file) == mine for file in before)
        return same[-1] if len(same) > had else None

    request = {"method": "post", "url": "/v1/session/attach_file"}
    return Call(
        operation,
        request,
        attach_file_endpoint._parse_response,
        read,
        Repeat.LOOK,
        look=look,
        upload=upload,
        is_slow=True,
    )


def detach(session_id: str, file_idx: int, before: list[PublicSessionFile]) -> Call[None]:
    """`before` are the files that the session had; without index 0 twice a second file would be lost."""
    operation = "POST /v1/session/detach_file"
    left = [_identity(file) for i, file in enumerate(before) if i != file_idx]

    had = [_identity(file) for file in before]

    def look() -> Plan[object]:
        now = [_identity(file) for file in (yield from ask(session_get(session_id))).files]
        return DONE if now == left else None if now == had else UNSURE

    body = DetachFileRequest(session_id=session_id, file_idx=file_idx)
    return _call(detach_file_endpoint, _done(operation), body=body, repeat=Repeat.LOOK, look=look)


def _identity(file: PublicSessionFile) -> tuple[str, str, int]:
    return file.name, file.sha256, file.size


# --- turns ----------------------------------------------------------------------------------------------------------


def generate_answer(session_id: str, prompt: MessageInput, look: Callable[[], Plan[Any]]) -> Call[SessionResponse]:
    expect = _expect(WireResponse, "POST /v1/session/generate")
    return _call(
        generate,
        lambda parsed: SessionResponse.from_wire(expect(parsed)),
        body=SessionRequest(id=session_id, messages=[prompt]),
        repeat=Repeat.LOOK,
        look=look,
        is_slow=True,
    )


def feedback(session_id: str, kind: FeedbackType, score: int, comment: str, group_id: str) -> Call[None]:
    body = Feedback(session_id=session_id, type_=kind, score=score, comment=comment, group_id=group_id)
    return _call(send_feedback_endpoint, _done("POST /v1/session/feedback"), body=body, repeat=Repeat.NEVER)


# --- logs -----------------------------------------------------------------------------------------------------------


def logs_table(logs_hash: str, can_log: bool) -> Call[bool]:
    """Return whether the table is new; False means that these very logs are there already."""
    expect = _expect(LogsTableCreated, "POST /create_logs_table")
    arguments = {"logs_hash": logs_hash, "can_log": can_log}
    return _call(
        create_logs_table, lambda parsed: expect(parsed).table_created, arguments=arguments, service="logs",
        repeat=Repeat.NEVER,
    )  # fmt: skip


def logs_chunk(chunk: LogsUpload) -> Call[int]:
    """Return the number of lines that the service took."""
    expect = _expect(LogsUploaded, "POST /upload_logs")
    return _call(
        upload_logs, lambda parsed: expect(parsed).inserted_log_lines, body=chunk, service="logs", repeat=Repeat.NEVER,
        is_slow=True,
    )  # fmt: skip


def logs_attach(session_id: str, logs_hash: str) -> Call[None]:
    arguments = {"session_id": session_id, "logs_hash": logs_hash}
    return _call(attach_logs_endpoint, _done("POST /v1/session/attach_logs"), arguments=arguments)
