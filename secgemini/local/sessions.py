"""The operations on sessions, each a few lines over the store."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import re
import sqlite3
from collections.abc import Mapping

import msgspec

from secgemini.local.catalogue import models, resolve
from secgemini.local.fields import JsonObject, flag, rows, table, text, whole
from secgemini.local.keys import ApiKey
from secgemini.local.messages import add_usage
from secgemini.local.messages import read as read_message
from secgemini.local.service import NOT_FOUND, Call, RequestError, done, public_session, refused
from secgemini.local.store import NO_USAGE, Session
from secgemini.local.turn import RefusedError

LEAST_TTL = 300
MOST_TTL = 10 * 366 * 86400
_LONGEST_ID = 256
_WORDS = re.compile(r"\w[\w.-]*")


async def register_session(call: Call) -> JsonObject:
    """Open a session under the id that the client made; one without is told nothing of the id that it gets."""
    session_id = text(call.body, "id") if "id" in call.body else call.service.ids.hex(32)
    ttl = whole(call.body, "ttl")
    model = resolve(table(call.body, "model"), experimental=call.key.allow_experimental)
    if model is None:
        return refused(400, f"No such model; there are {_model_names(call.key)}")
    if not LEAST_TTL <= ttl <= MOST_TTL:
        return refused(400, f"ttl must be between {LEAST_TTL} and {MOST_TTL} seconds, not {ttl}")
    if not 0 < len(session_id) <= _LONGEST_ID:
        return refused(400, f"a session's id, which the client makes, has 1 to {_LONGEST_ID} characters")
    tools = rows(call.body, "local_tools")
    if len({text(tool, "name") for tool in tools}) < len(tools):
        return refused(400, "two local tools have the same name")
    if not open_session(call, session_id, model, call.body):
        return refused(409, "A session with this id exists already")
    return done()


def open_session(call: Call, session_id: str, model: JsonObject, body: Mapping[str, object]) -> bool:
    """Store a new session of the caller from what a client says of it; return False when the id is taken."""
    facts: JsonObject = {
        "user_id": call.key.user,
        "org_id": call.key.org,
        "model": model,
        "ttl": whole(body, "ttl"),
        "language": text(body, "language", "en"),
        "name": text(body, "name"),
        "description": text(body, "description"),
        "can_log": flag(body, "can_log", True) or not call.key.can_disable_logging,
        "local_tools": rows(body, "local_tools"),
        "agents_config": table(body, "agents_config"),
    }
    call.service.sweep()
    now = call.service.clock.stamp()
    return call.service.store.add_session(call.key.user, session_id, facts, now, now + whole(body, "ttl"))


def _model_names(key: ApiKey) -> str:
    return ", ".join(text(model, "model_string") for model in models(experimental=key.allow_experimental))


async def update_session(call: Call) -> JsonObject:
    """Change a session's name, description and time to live; everything else in the body is ignored.

    Clients send the whole session. The time to live starts anew when it differs from the stored one, and when nothing
    differs at all: then somebody asked for the same time again.
    """
    session = call.session(text(call.body, "id"))
    if session is None:
        return refused(404, NOT_FOUND)
    ttl = whole(call.body, "ttl")
    if not LEAST_TTL <= ttl <= MOST_TTL:
        return refused(400, f"ttl must be between {LEAST_TTL} and {MOST_TTL} seconds, not {ttl}")
    facts = session.facts | {
        "ttl": ttl,
        "name": text(call.body, "name"),
        "description": text(call.body, "description"),
    }
    now = call.service.clock.stamp()
    renewed = ttl != session.facts["ttl"] or facts == session.facts
    call.service.store.change_session(session.pk, facts, now, now + ttl if renewed else session.expires)
    return done()


async def delete_session(call: Call) -> JsonObject:
    """Delete a session with its messages and files; a turn that runs in it stops."""
    session = call.session(text(call.body, "id"))
    if session is None:
        return refused(404, NOT_FOUND)
    call.service.store.remove_session(session.pk)
    call.service.turns.drop_session(session.pk)
    await call.service.shred()
    return done()


async def list_sessions(call: Call) -> list[JsonObject]:
    """Return the caller's sessions in order of creation, without messages."""
    call.service.sweep()
    files = call.service.store.files_of(call.key.user)
    return [
        public_session(session, files.get(session.pk, [])) for session in call.service.store.sessions(call.key.user)
    ]


async def get_session(call: Call) -> JsonObject:
    """Return a session with its messages."""
    session = _find(call, text(call.query, "session_id"))
    messages = [message.text for message in call.service.store.history(session.pk)]
    return public_session(session, call.service.store.files(session.pk), messages)


def _find(call: Call, session_id: str) -> Session:
    session = call.session(session_id)
    if session is None:
        raise RequestError(404, NOT_FOUND)
    return session


async def generate_session_name(call: Call) -> JsonObject:
    """Make up a name: the first words of the first prompt, else one from the id."""
    session = call.session(text(call.query, "session_id"))
    if session is None:
        return refused(404, NOT_FOUND)
    prompts = [message for message in call.service.store.history(session.pk) if message.kind == "query"]
    words = _WORDS.findall(text(read_message(prompts[0].text), "content")[:500]) if prompts else []
    return done({"name": " ".join(words[:6])[:60] or f"Session {hashlib.sha256(session.id.encode()).hexdigest()[:6]}"})


async def generate(call: Call) -> JsonObject:
    """Answer a prompt and return all messages of its turn at once."""
    session = _find(call, text(call.body, "id"))
    prompts = [message for message in rows(call.body, "messages") if message.get("message_type") == "query"]
    if len(prompts) != 1 or not text(prompts[0], "content").strip():
        return _response(session, [], 400, "exactly one message must be a query, and it must say something")
    try:
        turn = call.service.turns.submit(session, prompts[0], by_socket=False)
    except RefusedError as refusal:
        return _response(session, [], refusal.status, refusal.reason)
    if turn is None:
        prompt_id, status = text(prompts[0], "id"), (200, "OK")
    else:
        await turn.over.wait()
        prompt_id, status = turn.prompt_id, turn.status
    return _response(session, [message.text for message in call.service.store.turn(session.pk, prompt_id)], *status)


def _response(session: Session, messages: list[str], status: int, reason: str) -> JsonObject:
    usage: JsonObject = dict(NO_USAGE)
    for message in map(read_message, messages):
        usage = add_usage(usage, table(message, "usage"))
        code = whole(message, "status_code", 200)
        if status == 200 and code >= 400:
            status, reason = code, text(message, "status_message")
    return {
        "id": session.id,
        "messages": [msgspec.Raw(message.encode()) for message in messages],
        "status_code": status,
        "status_message": reason,
        "usage": usage,
    }


async def attach_file(call: Call) -> JsonObject:
    """Add a file to a session. Its type is what its bytes look like, whatever the client says."""
    session = call.session(text(call.body, "session_id"))
    if session is None:
        return refused(404, NOT_FOUND)
    name = text(call.body, "filename")
    if not name.strip():
        return refused(400, "a file needs a name")
    try:
        content = await asyncio.to_thread(binascii.a2b_base64, text(call.body, "content"), strict_mode=True)
    except (binascii.Error, ValueError):
        return refused(400, "content is not base64")
    facts = await asyncio.to_thread(examine, name, content)
    now = call.service.clock.stamp()
    try:
        await asyncio.to_thread(call.service.store.add_file, session.pk, facts, content, now)
    except sqlite3.IntegrityError:  # deleted while the file was examined
        return refused(404, NOT_FOUND)
    return done(facts)


def examine(name: str, content: bytes) -> JsonObject:
    """Return what there is to say of a file, as the contract's `PublicSessionFile`."""
    from secgemini.local.sniff import sniff

    kind = sniff(content, name)
    return {
        "name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "mime_type": kind.mime_type,
        "content_type_label": kind.label,
    }


async def detach_file(call: Call) -> JsonObject:
    """Remove the file at an index; later files move down."""
    session = call.session(text(call.body, "session_id"))
    if session is None:
        return refused(404, NOT_FOUND)
    index = whole(call.body, "file_idx")
    if not call.service.store.remove_file(session.pk, index, call.service.clock.stamp()):
        return refused(400, f"the session has no file at index {index}")
    return done()


async def send_feedback(call: Call) -> JsonObject:
    """Record what a user thinks of a session, or a bug report."""
    session = call.session(text(call.body, "session_id"))
    if session is None:
        return refused(404, NOT_FOUND)
    said = {name: call.body.get(name, "") for name in ("type", "score", "comment", "group_id")}
    call.service.store.add_feedback(session.pk, said, call.service.clock.stamp())
    return done()
