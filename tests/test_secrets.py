"""A sentinel key, every error path, all loggers at DEBUG: the key is found nowhere, in no encoding."""

import asyncio
import base64
import html
import json
import logging
import pickle
import socket
import ssl
import traceback
import warnings
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
import trustme
from closed_port import closed_port
from http_peer import HttpPeer, answer, reset
from wire import USER_INFO, session

import secgemini.redact
from secgemini import AsyncSecGemini, SecGemini, SecGeminiError, no_waiting

KEY = "S3nt1nel\"k\\e'y+/=%&<é>".replace("é", "e")
INFO, STREAM = "GET /v1/user/info", "GET /v1/stream"


def encodings(key: str) -> set[str]:
    raw = key.encode()
    return {
        key,
        quote(key, safe=""),
        quote_plus(key),
        repr(key)[1:-1],
        json.dumps(key)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        json.dumps(key)[1:-1].replace("=", "\\u003d").replace("&", "\\u0026").replace("<", "\\u003C"),
        html.escape(key),
        "".join(f"&#{ord(c)};" for c in key),
        "".join(f"\\u{ord(c):04X}" for c in key),
    }


FORMS = encodings(KEY)


class Ear(logging.Handler):
    """Keeps every log record of the process, rendered."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r} {record.exc_info!r}")


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear, root = Ear(), logging.getLogger()
    names = [name for name in logging.Logger.manager.loggerDict if isinstance(logging.getLogger(name), logging.Logger)]
    before = {name: logging.getLogger(name).level for name in ["", *names]}
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(ear)
    yield ear
    root.removeHandler(ear)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def echo(peer: HttpPeer, status: int, *, header: str = "") -> Callable[[socket.socket], None]:
    """Answer with all that was sent, as a debugging proxy does, in each encoding."""

    def reply(connection: socket.socket) -> None:
        heard = peer.heard[-1]
        said = f"{heard.target} {heard.headers} " + " ".join(sorted(FORMS))
        more = {header: heard.target + "?" + quote(KEY)} if header else {}
        connection.sendall(answer(said.encode(), status, {"x-request-id": KEY, **more}))

    return reply


def everything_about(error: BaseException) -> str:
    """Return all that a program may show of an error, the locals of its frames too, and of its causes."""
    shown = []
    seen: BaseException | None = error
    while seen is not None:
        rendered = traceback.TracebackException.from_exception(seen, capture_locals=True)
        frames = [
            frame for frame in rendered.stack if frame.filename != __file__
        ]  # this file has the key in its locals
        shown += [f"{frame.filename} {frame.locals}" for frame in frames]
        shown += [*rendered.format_exception_only(), repr(seen), str(seen), repr(vars(seen)), repr(seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(shown) + repr(pickle.dumps(error))


def found_in(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


REST = {
    "refused": reset,
    "401 that echoes": lambda peer: echo(peer, 401),
    "500 that echoes": lambda peer: echo(peer, 500),
    "redirect that echoes": lambda peer: echo(peer, 302, header="location"),
    "200 that is no JSON": lambda peer: echo(peer, 200),
    "cut": answer(b"{", headers={"content-length": "100"}),
    "no HTTP": b"\x00\xff\r\n\r\n",
}


STREAMED = [name for name in REST if name != "200 that is no JSON"]


def script(peer: HttpPeer, operation: str, action: object) -> None:
    is_maker = callable(action) and action is not reset
    peer.on(operation, action(peer) if is_maker else action)  # type: ignore[operator]


def after_requests(peer: HttpPeer, ear: Ear, path: str) -> list[str]:
    """Make a request that fails, sync and async; return the forms of the key in all that anybody may see of it."""
    script(peer, INFO, REST[path])
    shown = []
    with warnings.catch_warnings(record=True) as said, no_waiting():
        warnings.simplefilter("always")
        with SecGemini(KEY, base_url=peer.url, proxy="") as sg, pytest.raises(SecGeminiError) as caught:
            sg.user_info()
        shown += [everything_about(caught.value), repr(sg), repr(vars(sg)), repr(sg.api)]

        async def asynchronously() -> None:
            async with AsyncSecGemini(KEY, base_url=peer.url, proxy="") as asg:
                with pytest.raises(SecGeminiError) as caught:
                    await asg.user_info()
                shown.append(everything_about(caught.value))

        asyncio.run(asynchronously())
    return found_in("\n".join([*shown, *ear.lines, *(str(w.message) for w in said)]))


def after_a_stream(peer: HttpPeer, ear: Ear, path: str) -> list[str]:
    """Open a stream that fails; return the forms of the key in all that anybody may see of it."""
    script(peer, STREAM, REST[path])
    peer.on("GET /v1/session/get", session())
    with no_waiting(), SecGemini(KEY, base_url=peer.url, proxy="") as sg:
        mine = sg.resume_session("s")
        stream = mine.stream_sync("hello")
        with pytest.raises(SecGeminiError) as caught:
            list(stream)
        stream.close()
        shown = everything_about(caught.value) + repr(mine) + repr(vars(mine)) + repr(vars(stream))
    return found_in("\n".join([shown, *ear.lines]))


@pytest.mark.parametrize("path", REST)
def test_requests_that_fail(peer: HttpPeer, ear: Ear, path: str) -> None:
    assert not after_requests(peer, ear, path)
    assert ear.lines, "the ear hears httpx and httpcore"
    assert all(not any(form in h.target for form in FORMS) for h in peer.heard), "the key is in no URL"
    assert any(h.headers.get("x-api-key") == KEY for h in peer.heard)


@pytest.mark.parametrize("path", STREAMED)
def test_streams_that_fail(peer: HttpPeer, ear: Ear, path: str) -> None:
    assert not after_a_stream(peer, ear, path)
    assert any(quote_plus(KEY) in h.target for h in peer.heard), "the service wants it there, and gets it escaped"


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "http://127.0.0.1:{port}"},
        {"base_url": "http://127.0.0.1:1", "proxy": "http://127.0.0.1:{port}"},
        {"base_url": "https://127.0.0.1:{tls}"},
        {"base_url": "http://127.0.0.1:1", "proxy": "socks5://127.0.0.1:{port}"},
        {"base_url": "http://no-such-host.invalid"},
    ],
    ids=["closed port", "dead proxy", "bad certificate", "dead socks", "no such host"],
)
def test_links_that_cannot_be_made(ear: Ear, settings: dict[str, str]) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    peer = HttpPeer(tls=tls)
    filled = {k: v.format(port=closed_port(), tls=peer.url.rpartition(":")[2]) for k, v in settings.items()}
    filled.setdefault("proxy", "")
    with no_waiting(), SecGemini(KEY, **filled) as sg:  # type: ignore[arg-type]
        with pytest.raises(SecGeminiError) as rest:
            sg.user_info()
        from secgemini_api.models import PublicSession

        from secgemini.session import InteractiveSession

        mine = InteractiveSession(sg._driver, PublicSession.from_dict(session()))
        stream = mine.stream_sync("hello")
        with pytest.raises(SecGeminiError) as streamed:
            list(stream)
        stream.close()
    peer.close()
    assert not found_in("\n".join([everything_about(rest.value), everything_about(streamed.value), *ear.lines]))


def test_a_good_call_and_a_crash_of_the_caller(peer: HttpPeer, ear: Ear) -> None:
    peer.on(INFO, USER_INFO)
    with SecGemini(KEY, base_url=peer.url, proxy="") as sg:

        def crash_after_a_call() -> float:
            return len(sg.user_info().sessions) / 0

        with pytest.raises(ZeroDivisionError) as crash, sg.responses() as seen:
            crash_after_a_call()
        shown = repr(seen) + repr(sg.config) + repr(pickle.dumps(sg.config)) + repr(pickle.dumps(sg))
    assert not found_in(shown + everything_about(crash.value) + "\n".join(ear.lines))


def keep_nothing_back(patch: pytest.MonkeyPatch) -> None:
    """Show what others wrote as they wrote it."""
    patch.setattr("secgemini._failures.redact", lambda text, config: text)


def guard_no_logs(patch: pytest.MonkeyPatch) -> None:
    """Let the loggers of httpx and httpcore write what they like, also while earlier clients with this key live."""
    patch.setattr("secgemini._http.guard_logs", lambda secret: None)
    patch.setattr(secgemini.redact._mask_keys, "filter", lambda record: True)


def log_the_websocket(patch: pytest.MonkeyPatch) -> None:
    """Give the WebSocket a logger that can be turned on, as its library's own."""
    patch.setattr("secgemini._websocket._logger", logging.getLogger("websockets.client"))


@pytest.mark.parametrize(
    ("take_out", "search", "path"),
    [
        (keep_nothing_back, after_requests, "401 that echoes"),
        (keep_nothing_back, after_requests, "500 that echoes"),
        (keep_nothing_back, after_requests, "redirect that echoes"),
        (guard_no_logs, after_requests, "401 that echoes"),
        (guard_no_logs, after_requests, "200 that is no JSON"),
        (log_the_websocket, after_a_stream, "refused"),
        (log_the_websocket, after_a_stream, "401 that echoes"),
    ],
)
def test_this_test_bites(
    peer: HttpPeer,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    take_out: Callable[[pytest.MonkeyPatch], None],
    search: Callable[[HttpPeer, Ear, str], list[str]],
    path: str,
) -> None:
    take_out(monkeypatch)
    assert search(peer, ear, path), "without this protection the search finds the key"


def test_every_form_is_masked() -> None:
    config = SecGemini(KEY).config
    for form in FORMS:
        assert not found_in(secgemini.redact.redact(f"before {form} after", config))
