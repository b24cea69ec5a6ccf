"""Attachments are streamed: right for every size, in constant memory, from the start at each attempt."""

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from http_peer import OK, HttpPeer, answer, reset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import FILE, session

from secgemini import AsyncSecGemini, SecGemini, SecGeminiError
from secgemini._upload import CHUNK, Upload

ATTACH = "POST /v1/session/attach_file"


@pytest.fixture
def peer(peer: HttpPeer) -> HttpPeer:
    """The peer has a session, and takes any file."""
    return peer.on("GET /v1/session/get", session()).on(ATTACH, answer({**OK, "data": FILE}))


def sent(peer: HttpPeer) -> list[dict[str, str]]:
    return [json.loads(h.body) for h in peer.heard if h.path.endswith("attach_file")]


@pytest.mark.parametrize("size", [0, 1, 2, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 2])
def test_every_size_arrives_whole(peer: HttpPeer, sg: SecGemini, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / 'name "quoted" ünï\n.bin'
    path.write_bytes(content)
    told: list[tuple[int, int]] = []
    mine = sg.resume_session("s")

    mine.attach_file_from_disk(path, progress=lambda done, total: told.append((done, total)))
    mine.attach_file("bytes", content, "application/x-test")
    with path.open("rb") as file:
        mine.attach_file("file", file)

    first, second, third = sent(peer)
    assert first["filename"] == path.name
    assert base64.b64decode(first["content"]) == content
    assert base64.b64decode(second["content"]) == content
    assert second["mime_type"] == "application/x-test"
    assert "mime_type" not in first
    assert base64.b64decode(third["content"]) == content
    assert [done for done, _ in told] == sorted({done for done, _ in told}), "progress only grows"
    assert not size or told[-1] == (size, size)


@given(st.binary(max_size=100), st.text(min_size=1), st.none() | st.text(max_size=20))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_body_is_the_json_that_the_contract_asks_for(content: bytes, name: str, hint: str | None) -> None:
    name = name.encode("utf-8", "replace").decode()
    hint = hint and hint.encode("utf-8", "replace").decode()
    upload = Upload("s", name, content, hint, None)
    body = b"".join(upload.read())
    assert len(body) == upload.length
    expected = {"session_id": "s", "filename": name, "content": base64.b64encode(content).decode()}
    assert json.loads(body) == (expected if hint is None else {**expected, "mime_type": hint})


def test_a_file_object_is_sent_from_where_it_stands_and_stays_open(peer: HttpPeer, sg: SecGemini) -> None:
    file = io.BytesIO(b"head:tail")
    file.seek(5)
    peer.on(ATTACH, reset, answer({**OK, "data": FILE}))
    sg.resume_session("s").attach_file("n", file)
    assert [base64.b64decode(body["content"]) for body in sent(peer)] == [b"tail", b"tail"]
    assert not file.closed


def test_an_attempt_starts_anew(peer: HttpPeer, sg: SecGemini, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (CHUNK + 5))
    told: list[int] = []
    peer.on(ATTACH, answer({}, 503), answer({**OK, "data": FILE}))
    sg.resume_session("s").attach_file_from_disk(path, progress=lambda done, total: told.append(done))
    assert told == [CHUNK, CHUNK + 5, CHUNK, CHUNK + 5]
    assert sent(peer)[0] == sent(peer)[1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.write_bytes(b"y" * 10), "ends after"),
        (lambda path: path.write_bytes(b"z" * (3 * CHUNK + 4)), "written to"),
        (lambda path: os.utime(path, (1, 1)), "written to"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_an_error(
    peer: HttpPeer, sg: SecGemini, tmp_path: Path, change: object, says: str
) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(b"x" * (3 * CHUNK))
    changed: list[bool] = []

    def progress(done: int, total: int) -> None:
        if not changed:
            changed.append(True)
            change(path)  # type: ignore[operator]

    mine = sg.resume_session("s")
    with pytest.raises(SecGeminiError, match=f"growing.log.* changed while it was read.*{says}"):
        mine.attach_file_from_disk(path, progress=progress)
    assert not sent(peer), "what was sent is no whole request"
    assert mine.files == []


@pytest.mark.skipif(sys.platform != "linux", reason="files of the kernel")
def test_a_file_that_says_it_has_no_bytes_is_not_attached_as_empty(peer: HttpPeer, sg: SecGemini) -> None:
    mine = sg.resume_session("s")
    with pytest.raises(SecGeminiError, match=r"more than 0 bytes.*attach a copy"):
        mine.attach_file_from_disk("/proc/version")
    assert not sent(peer)


def test_a_file_that_shrinks_before_the_second_attempt_is_an_error(
    peer: HttpPeer, sg: SecGemini, tmp_path: Path
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")

    def shrink(connection: object) -> None:
        path.write_bytes(b"1")
        reset(connection)  # type: ignore[arg-type]

    peer.on(ATTACH, shrink, answer({**OK, "data": FILE}))
    with pytest.raises(SecGeminiError, match="had 5 bytes and now has 1"):
        sg.resume_session("s").attach_file_from_disk(path)


def test_asynchronous_uploads_are_the_same_and_can_be_cancelled(peer: HttpPeer, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(os.urandom(CHUNK * 2 + 7))

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="") as sg:
            mine = await sg.resume_session("s")
            await mine.attach_file_from_disk(path)
            peer.on(ATTACH, lambda connection: peer.stopping.wait(20))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await mine.attach_file_from_disk(path)
            peer.on(ATTACH, answer({**OK, "data": FILE}))
            await mine.attach_file("after", b"x")

    asyncio.run(asynchronously())
    assert base64.b64decode(sent(peer)[0]["content"]) == path.read_bytes()


MEASURE = """
import sys
from pathlib import Path
from secgemini import SecGemini
def highest():  # of this program; ru_maxrss begins with that of the process that started it
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
sg = SecGemini("k", base_url=sys.argv[1], proxy="")
mine = sg.resume_session("s")
mine.attach_file("warm", b"x" * 3_000_000)
before = highest()
mine.attach_file_from_disk(sys.argv[2])
print(highest() - before)
"""


class Sink(HttpPeer):
    """A peer that counts an attachment's bytes and keeps none."""

    def _read(self, connection: object) -> object:  # type: ignore[override]
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)  # type: ignore[attr-defined]
        first, _, rest = head.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in first.split(b"\r\n")[1:])
        left = int(lines.get(b"content-length", 0)) - len(rest)
        while left > 0:
            left -= len(connection.recv(1 << 20))  # type: ignore[attr-defined]
        from http_peer import Heard

        method, target, _ = first.split(b" ", 2)
        return Heard(method.decode(), target.partition(b"?")[0].decode(), {}, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peer = Sink().on("GET /v1/session/get", session()).on(ATTACH, answer({**OK, "data": FILE}))
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 << 20)
    grown = subprocess.run(
        [sys.executable, "-c", MEASURE, peer.url, str(path)], capture_output=True, text=True, check=True
    )
    peer.close()
    assert int(grown.stdout) < 8 << 10, "kilobytes"
