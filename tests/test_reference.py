"""Every documented method, by position and by keyword, on a live embedded service, sync and async.

The table holds the reference's names, arguments and defaults; `...` marks a required argument.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from secgemini import (
    AsyncInteractiveSession,
    AsyncSecGemini,
    BadRequestError,
    InteractiveSession,
    Message,
    NotFoundError,
    SecGemini,
    SessionResponse,
)
from secgemini.local.server import LocalService

Arguments = dict[str, object]
CLIENT: dict[str, Arguments] = {
    "create_session": {"name": None, "description": "", "ttl": 86400, "enable_logging": True},
    "list_sessions": {},
    "resume_session": {"session_id": ...},
}
SESSION: dict[str, Arguments] = {
    "attach_file_from_disk": {"file_path": ...},
    "attach_file": {"filename": ..., "content": ..., "mime_type_hint": None},
    "detach_file": {"session_id": None, "file_idx": None},  # both documented; the short form gives the index alone
    "delete": {},
    "update": {"name": None, "description": None, "ttl": None},
    "query": {"prompt": ...},
    "stream": {"prompt": ...},
    "history": {},
    "visualize": {},
    "send_bug_report": {"bug": ..., "group_id": ""},
    "send_feedback": {"score": ..., "group_id": ""},
}
ATTRIBUTES = {
    InteractiveSession: ("files", "can_log", "id", "name", "description", "ttl", "messages", "usage", "state", "model"),
    SessionResponse: ("messages", "status_code", "status_message", "usage", "text"),
}
TWINS = [(SecGemini, AsyncSecGemini), (InteractiveSession, AsyncInteractiveSession)]


def positional(function: Callable[..., object]) -> Arguments:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind in kinds and p.name != "self"]
    return {p.name: ... if p.default is inspect.Parameter.empty else p.default for p in parameters}


@pytest.mark.parametrize("classes", TWINS, ids=["clients", "sessions"])
def test_names_arguments_and_defaults_are_the_documented_ones(classes: tuple[type, type]) -> None:
    for kind in classes:
        for name, arguments in (CLIENT if "Interactive" not in kind.__name__ else SESSION).items():
            assert positional(getattr(kind, name)) == arguments, f"{kind.__name__}.{name}"
    assert positional(SecGemini.__init__) == positional(AsyncSecGemini.__init__) == {"api_key": None}


@pytest.mark.parametrize("classes", TWINS, ids=["clients", "sessions"])
def test_sync_and_async_have_the_same_names_parameters_and_defaults(classes: tuple[type, type]) -> None:
    rename = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}

    def surface(kind: type) -> dict[str, list[tuple[str, object, object]]]:
        methods = inspect.getmembers(kind, lambda m: inspect.isfunction(m) or inspect.ismethod(m))
        return {
            rename.get(name, name): [(p.name, p.kind, p.default) for p in inspect.signature(m).parameters.values()]
            for name, m in methods
            if not name.startswith("_") or name in ("__init__", "__enter__", "__exit__", "__aenter__", "__aexit__")
        }

    assert surface(classes[0]) == surface(classes[1])


def test_attributes_are_there() -> None:
    for kind, names in ATTRIBUTES.items():
        assert not [name for name in names if not hasattr(kind, name)]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.txt"
    path.write_text("contact hxxp://evil[.]example\n")
    return path


@pytest.fixture
async def clients(service: LocalService) -> AsyncIterator[tuple[SecGemini, AsyncSecGemini]]:
    options: dict[str, Any] = {"base_url": service.base_url, "proxy": ""}
    async with AsyncSecGemini(service.api_key, **options) as asg:
        with SecGemini(service.api_key, **options) as sg:
            yield sg, asg


class Both:
    """Calls a method of the sync or the async twin, and gives what comes back."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def __call__(self, bound: Callable[..., Any], *args: object, **kwargs: object) -> Any:
        result = bound(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, clients: tuple[SecGemini, AsyncSecGemini]) -> Both:
    return Both(clients[request.param == "async"])


@pytest.mark.parametrize("by_keyword", [False, True], ids=["position", "keyword"])
async def test_every_documented_call(
    call: Both, by_keyword: bool, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def do(bound: Callable[..., Any], **arguments: object) -> Any:
        return await (call(bound, **arguments) if by_keyword else call(bound, *arguments.values()))

    sg = call.client
    session = await do(sg.create_session, name="n", description="d", ttl=600, enable_logging=True)
    assert (session.name, session.description, session.ttl, session.can_log) == ("n", "d", 600, True)
    default = await call(sg.create_session)
    assert default.name
    assert (default.description, default.ttl) == ("", 86400)

    from_disk = await do(session.attach_file_from_disk, file_path=str(sample))
    attached = await do(session.attach_file, filename="b.bin", content=b"\x00\x01", mime_type_hint="text/plain")
    assert (from_disk.name, from_disk.size) == ("sample.txt", sample.stat().st_size)
    assert [f.name for f in session.files] == ["sample.txt", "b.bin"]
    assert attached.size == 2
    assert await do(session.detach_file, session_id=session.id, file_idx=0) is None
    assert [f.name for f in session.files] == ["b.bin"]
    assert await call(session.detach_file, file_idx=0) is None
    assert session.files == []

    response = await do(session.query, prompt="hello")
    assert isinstance(response, SessionResponse)
    assert (response.status_code, response.status_message) == (200, "OK")
    assert response.text() == [m.content for m in response.messages if m.content is not None]
    assert response.usage.total_tokens >= 0
    assert str(response) == response.output_text != ""

    prompt = {"prompt": "again"}
    stream = session.stream(**prompt) if by_keyword else session.stream(*prompt.values())
    streamed = [message async for message in stream]
    stored = await call(session.history)
    assert all(isinstance(message, Message) for message in stored)
    assert stored[-len(streamed) :] == streamed
    assert (streamed[-1].message_type, streamed[-1].state) == ("info", "end")

    assert await call(session.visualize) is None
    assert "again" in capsys.readouterr().out
    assert await do(session.send_bug_report, bug="it broke", group_id="g") is None
    assert await do(session.send_feedback, score=-1, group_id="g") is None
    assert await do(session.update, name="m", description="e", ttl=900) is None
    again = await do(sg.resume_session, session_id=session.id)
    assert (again.name, again.description, again.ttl) == ("m", "e", 900)
    assert [s.id for s in await call(sg.list_sessions)] == [session.id, default.id]

    assert await call(session.delete) is None
    with pytest.raises(NotFoundError):
        await call(sg.resume_session, session.id)
    assert [s.id for s in await call(sg.list_sessions)] == [default.id]


async def test_what_the_layer_adds(call: Both, service: LocalService) -> None:
    sg = call.client
    info = await call(sg.user_info)
    assert info.user.id
    assert [m.model_string for m in await call(sg.models)] == [m.model_string for m in info.available_models]
    session = await call(sg.create_session, language="de")
    assert session.language == "de"
    other = await call(sg.resume_session, session.id)
    await call(other.update, name="renamed elsewhere")
    assert session.name != "renamed elsewhere", "attributes are a snapshot"
    assert (await call(session.refresh)).name == "renamed elsewhere"
    assert sg.base_url == service.base_url
    assert sg.websocket_url == service.websocket_url


Act = Callable[[Any, Any], Any]
BAD: dict[str, tuple[Act, type[Exception], str]] = {
    "short ttl": (lambda sg, s: s.update(ttl=299), ValueError, "300"),
    "short ttl of a new one": (lambda sg, s: sg.create_session(ttl=299), ValueError, "300"),
    "ttl as text": (lambda sg, s: sg.create_session(ttl="300"), TypeError, "seconds"),
    "nothing to update": (lambda sg, s: s.update(), ValueError, "nothing to update"),
    "empty name": (lambda sg, s: s.update(name=" "), ValueError, "name is empty"),
    "missing file": (lambda sg, s: s.attach_file_from_disk("/no/such"), FileNotFoundError, "no file"),
    "directory": (lambda sg, s: s.attach_file_from_disk("/tmp"), IsADirectoryError, "one by one"),
    "device": (lambda sg, s: s.attach_file_from_disk("/dev/null"), ValueError, "regular file"),
    "text as content": (lambda sg, s: s.attach_file("n", "text"), TypeError, "encode"),
    "no name": (lambda sg, s: s.attach_file("", b""), ValueError, "filename"),
    "negative index": (lambda sg, s: s.detach_file(-1), ValueError, "counts from 0"),
    "index as text": (lambda sg, s: s.detach_file(s.id, "0"), TypeError, "whole number"),
    "large index": (lambda sg, s: s.detach_file(1), BadRequestError, "no file at index 1"),
    "large index elsewhere": (lambda sg, s: s.detach_file(session_id="x" * 32, file_idx=0), NotFoundError, "404"),
    "empty prompt": (lambda sg, s: s.query("  "), ValueError, "prompt is empty"),
    "prompt that is none": (lambda sg, s: s.query(None), TypeError, "prompt must be a string"),
    "prompt to stream that is none": (lambda sg, s: s.stream(None), TypeError, "prompt must be a string"),
    "number to stream": (lambda sg, s: s.stream_sync(5), TypeError, "prompt must be a string"),
    "time-out as text": (lambda sg, s: s.stream("x", timeout="9"), TypeError, "must be seconds"),
    "lone surrogate": (lambda sg, s: s.query("a\ud800"), ValueError, "surrogate"),
    "score as text": (lambda sg, s: s.send_feedback("good"), TypeError, "score"),
    "empty bug": (lambda sg, s: s.send_bug_report(""), ValueError, "bug is empty"),
    "unknown session": (lambda sg, s: sg.resume_session("0" * 32), NotFoundError, "list_sessions"),
    "empty session id": (lambda sg, s: sg.resume_session(""), ValueError, "session_id is empty"),
    "endless session id": (lambda sg, s: sg.resume_session("x" * 100_000), ValueError, "100,000 characters"),
    "endless id to detach from": (lambda sg, s: s.detach_file("x" * 100_000, 0), ValueError, "100,000 characters"),
    "logging as text": (lambda sg, s: sg.create_session(enable_logging="no"), TypeError, "True or False"),
    "settings without an agent": (lambda sg, s: sg.create_session(agents_config={"a": 1}), TypeError, "each agent"),
    "settings in a list": (lambda sg, s: sg.create_session(agents_config=[1]), TypeError, "each agent"),
    "a tool without its list": (lambda sg, s: sg.create_session(tools=print), TypeError, "a list of functions"),
    "progress that is none": (lambda sg, s: s.attach_file("n", b"", progress=5), TypeError, "progress must be"),
    "model without version": (lambda sg, s: sg.create_session(model="plain"), ValueError, "available"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_a_clear_error_and_changes_nothing(call: Both, name: str) -> None:
    act, kind, says = BAD[name]
    session = await call(call.client.create_session, "kept")
    await call(session.attach_file, "kept.txt", b"kept")
    before = (await call(session.refresh)).data.to_dict()

    with pytest.raises(kind, match=says):
        await call(lambda: act(call.client, session))

    assert session.data.to_dict() == before
    assert (await call(session.refresh)).data.to_dict() == before
    with pytest.raises(ValueError, match="empty"):
        session.stream("")


async def test_a_wrong_key_and_a_deleted_session(call: Both, service: LocalService) -> None:
    from secgemini import AuthenticationError

    session = await call(call.client.create_session)
    wrong = type(call.client)("wrong-key", base_url=service.base_url, proxy="")
    with pytest.raises(AuthenticationError, match="SEC_GEMINI_API_KEY"):
        await call(wrong.list_sessions)
    await call(wrong.close if hasattr(wrong, "close") else wrong.aclose)
    await call(session.delete)
    for act in (session.history, session.delete, lambda: session.query("x"), lambda: session.attach_file("n", b"c")):
        with pytest.raises(NotFoundError):
            await call(act)
    with pytest.raises(NotFoundError):
        [message async for message in session.stream("x")]
