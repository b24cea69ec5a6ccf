"""What each documented method does: checks of the arguments, then the requests, as plans without I/O.

`SecGemini` and `AsyncSecGemini` run the same plans; so do their sessions.
"""

from __future__ import annotations

import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import attrs
from secgemini_api.models import (
    AgentsConfig,
    FeedbackType,
    LocalTool,
    Message,
    MessageInput,
    MessageType,
    ModelInfo,
    ModelInfoInput,
    PublicSession,
    PublicSessionFile,
    Role,
    SessionInput,
    State,
    Usage,
    UserInfo,
)

from . import _calls
from ._calls import Pause, Plan, ask
from ._checks import check_index, check_session_id, check_text, check_ttl
from ._failures import status_error
from ._upload import Progress, Upload
from .display import one_line
from .errors import APITimeoutError, ToolError
from .response import SessionResponse

if TYPE_CHECKING:
    from .stream import Turn
    from .tools import Toolbox

_log = logging.getLogger("secgemini")

LONGEST_LOOK = 600.0  # seconds that `query` follows a turn whose answer was lost on the way
ROOT_ID = "3713"  # parent of messages that answer nothing (the wire's literal)


class Snapshot(Protocol):
    """The state of a session as last seen, which plans read and update, and its turn that was streamed last."""

    data: PublicSession
    last_turn: Turn | None


# --- client ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewSession:
    """The arguments of `create_session`, checked where they enter."""

    name: str | None
    description: str
    ttl: int
    enable_logging: bool
    model: str | ModelInfo
    language: str
    agents_config: Mapping[str, Mapping[str, object]] | None
    tools: Sequence[Mapping[str, object]] = ()

    def __post_init__(self) -> None:
        if self.name is not None:
            check_text("name", self.name)
        check_text("description", self.description, may_be_empty=True)
        check_text("language", self.language)
        check_ttl(self.ttl)
        if not isinstance(self.model, ModelInfo):
            check_text("model", self.model)
        if not isinstance(self.enable_logging, bool):  # the word "no" must not become a yes
            raise TypeError(f"enable_logging must be True or False, not {self.enable_logging!r}")
        config: object = self.agents_config
        if config is not None and not (
            isinstance(config, Mapping) and all(isinstance(one, Mapping) for one in config.values())
        ):
            raise TypeError("agents_config must be a dict with a dict of settings for each agent")


def create_session(new: NewSession, user: UserInfo | None, keep: Callable[[UserInfo], object]) -> Plan[PublicSession]:
    """Register, then read back what the service granted. `keep` gets the user when he was not known yet."""
    if user is None:
        user = yield from ask(_calls.user_info())
        keep(user)
    session_id = uuid.uuid4().hex
    session = SessionInput(
        id=session_id,
        user_id=user.user.id,
        org_id=user.user.org_id,
        model=choose_model(new.model, user),
        ttl=new.ttl,
        name=new.name or _made_up_name(),
        description=new.description,
        language=new.language,
        can_log=new.enable_logging,
        local_tools=[LocalTool.from_dict(tool) for tool in new.tools],
        agents_config=AgentsConfig.from_dict(new.agents_config or {}),
    )
    yield from ask(_calls.register(session))
    return (yield from ask(_calls.session_get(session_id)))


def choose_model(model: str | ModelInfo, user: UserInfo) -> ModelInfoInput:
    """Return the model to register: one the user has, or the name and version that an alias such as
    `sec-gemini-stable` spells (`NAME-VERSION[-experimental]`), which the service resolves."""
    if isinstance(model, ModelInfo):
        return ModelInfoInput.from_dict(model.to_dict())
    for known in user.available_models:
        if known.model_string == model:
            return ModelInfoInput.from_dict(known.to_dict())
    plain = model.removesuffix("-experimental")
    name, dash, version = plain.rpartition("-")
    if not dash or not name or not version:
        have = one_line(", ".join(known.model_string for known in user.available_models))
        raise ValueError(f"model {model!r} is not NAME-VERSION; available: {have or 'none'}")
    return ModelInfoInput(model_name=name, version=version, model_string=model, use_experimental=plain != model)


_ADJECTIVES = ("amber", "brisk", "calm", "clear", "deft", "eager", "fair", "gentle", "keen", "lucid", "mellow", "quiet")
_NOUNS = (
    "badger",
    "beacon",
    "cedar",
    "comet",
    "falcon",
    "harbor",
    "heron",
    "lantern",
    "maple",
    "otter",
    "quartz",
    "raven",
)


def _made_up_name() -> str:
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{secrets.token_hex(2)}"


# --- session --------------------------------------------------------------------------------------------------------


def resume(session_id: str, toolbox: Toolbox | None = None) -> Plan[PublicSession]:
    """Read a session. The service calls the tools that it was made with: those in the toolbox have to be among them."""
    session = yield from ask(_calls.session_get(check_session_id(session_id)))
    known = [tool.name for tool in session.local_tools]
    lent = [tool.name for tool in toolbox.tools] if toolbox else []
    missing = next((name for name in lent if name not in known), None)
    if missing is not None and known:
        hint = f"it was made with {one_line(', '.join(known))}; other tools need a session of their own"
        raise ToolError(f"the session does not know the tool {missing!r}", tool=missing, hint=hint)
    if missing is not None:
        _log.warning("the service shows no tools of this session: %s is called only if it was made with it", missing)
    return session


def refresh(session: Snapshot) -> Plan[None]:
    session.data = yield from ask(_calls.session_get(session.data.id))


def history(session: Snapshot) -> Plan[list[Message]]:
    yield from refresh(session)
    return list(session.data.messages)


def _as_input(data: PublicSession, **changes: Any) -> SessionInput:
    kept = SessionInput(
        id=data.id,
        user_id=data.user_id,
        org_id=data.org_id,
        model=ModelInfoInput.from_dict(data.model.to_dict()),
        ttl=data.ttl,
        language=data.language,
        name=data.name,
        description=data.description,
        can_log=data.can_log,
    )
    return attrs.evolve(kept, **changes)


def update(session: Snapshot, name: str | None, description: str | None, ttl: int | None) -> Plan[None]:
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = check_text("name", name)
    if description is not None:
        changes["description"] = check_text("description", description, may_be_empty=True)
    if ttl is not None:
        changes["ttl"] = check_ttl(ttl)
    if not changes:
        raise ValueError("nothing to update: give name, description or ttl")
    yield from ask(_calls.update(_as_input(session.data, **changes)))
    session.data = attrs.evolve(session.data, **changes)


def delete(session: Snapshot) -> Plan[None]:
    yield from ask(_calls.delete(_as_input(session.data)))


def attach(
    session: Snapshot,
    filename: str,
    content: Path | bytes | BinaryIO,
    mime_type_hint: str | None,
    progress: Progress | None,
) -> Plan[PublicSessionFile]:
    check_text("filename", filename)
    if mime_type_hint is not None:
        check_text("mime_type_hint", mime_type_hint)
    upload = Upload(session.data.id, filename, content, mime_type_hint, progress)
    attached = yield from ask(_calls.attach(session.data.id, upload, list(session.data.files)))
    session.data = attrs.evolve(session.data, files=[*session.data.files, attached])
    return attached


def detach(session: Snapshot, session_id: str | int | None, file_idx: int | None) -> Plan[None]:
    """Both documented forms: `(session_id, file_idx)` and, for this session, `(file_idx)`."""
    if file_idx is None and isinstance(session_id, int):
        session_id, file_idx = None, session_id
    index = check_index(file_idx)
    target = session.data.id if session_id is None else check_session_id(session_id)
    is_own = target == session.data.id
    before = list(session.data.files) if is_own else list((yield from ask(_calls.session_get(target))).files)
    yield from ask(_calls.detach(target, index, before))
    if is_own:  # other tasks may have attached files meanwhile
        gone = before[index] if index < len(before) else None
        session.data = attrs.evolve(session.data, files=[file for file in session.data.files if file is not gone])


def feedback(session: Snapshot, kind: FeedbackType, score: int, comment: str, group_id: str) -> Plan[None]:
    if isinstance(score, bool) or not isinstance(score, int):
        raise TypeError(f"score must be a whole number, not {type(score).__name__}")
    check_text("group_id", group_id, may_be_empty=True)
    check_text("comment", comment, may_be_empty=True)
    yield from ask(_calls.feedback(session.data.id, kind, score, comment, group_id))


# --- turns ----------------------------------------------------------------------------------------------------------


def new_prompt(text: str) -> Message:
    """Return a prompt as a message with an id of its own: the id is what keeps it from being processed twice."""
    return Message(
        id=uuid.uuid4().hex,
        parent_id=ROOT_ID,
        turn=uuid.uuid4().hex[:12],
        group=uuid.uuid4().hex,
        created_at=time.time(),
        message_type=MessageType.QUERY,
        role=Role.USER,
        state=State.QUERY,
        content=check_text("prompt", text),
    )


def query(session: Snapshot, prompt: str) -> Plan[SessionResponse]:
    message = new_prompt(prompt)
    sid = session.data.id

    def look() -> Plan[SessionResponse | None]:
        """After an answer that got lost: None when the service never saw the prompt, else the turn as it was stored."""
        waited = 0.0
        while True:
            stored = yield from ask(_calls.session_get(sid))
            turn = messages_of(message.id, stored.messages)
            if turn is None:
                return None
            failed = next((m for m in turn if m.status_code >= 400), None)
            if failed is not None:
                text = failed.content or failed.status_message
                raise status_error(failed.status_code, text, operation=call.operation)
            if is_over(turn):
                return SessionResponse(turn, 200, "OK", usage_of(turn), sid)
            if waited >= LONGEST_LOOK:
                raise APITimeoutError("POST /v1/session/generate: the turn goes on without end", hint="see history()")
            pause = min(0.5 + waited / 4, 5.0)
            waited += pause
            yield Pause(pause)

    call = _calls.generate_answer(sid, MessageInput.from_dict(message.to_dict()), look)
    response = yield from ask(call)
    if response.status_code >= 400:
        raise status_error(response.status_code, response.status_message, operation=call.operation)
    remember(session, [message, *response.messages], response.usage)
    return response


def messages_of(prompt_id: str, messages: Sequence[Message]) -> list[Message] | None:
    """Return the stored messages after a prompt, up to the next one; None when the prompt is not stored."""
    place = next((i for i, m in enumerate(messages) if m.id == prompt_id), None)
    if place is None:
        return None
    turn = []
    for message in messages[place + 1 :]:
        if message.message_type == MessageType.QUERY:
            break
        turn.append(message)
    return turn


def is_over(turn: Sequence[Message]) -> bool:
    """Tell whether a stored turn has its end: `info` with state `end`, or a result and nothing more to come."""
    return any(m.state == State.END or m.state == State.AGENT_DONE for m in turn)


def remember(session: Snapshot, messages: Sequence[Message], usage: Usage | None = None) -> None:
    """Add a turn to the snapshot: its messages, each once, and what it used."""
    data = session.data
    have = {message.id for message in data.messages}
    new = [message for message in messages if message.id not in have]
    session.data = attrs.evolve(
        data,
        messages=[*data.messages, *new],
        num_messages=data.num_messages + len(new),
        usage=total_usage(used for used in (data.usage, usage) if used is not None),
    )


_COUNTS = (
    "prompt_tokens",
    "generated_tokens",
    "total_tokens",
    "cached_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
)


def usage_of(messages: Sequence[Message]) -> Usage:
    """Return the tokens that the messages of a turn say they used."""
    return total_usage(message.usage for message in messages if message.usage is not None)


def total_usage(parts: Iterable[Usage]) -> Usage:
    """Return the sum, without the breakdown by kind of content."""
    used = list(parts)
    return Usage.from_dict({name: sum(getattr(part, name) for part in used) for name in _COUNTS})
