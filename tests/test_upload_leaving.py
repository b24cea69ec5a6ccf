"""An upload that is left while a thread reads its file: it is cancelled, and the file is its owner's again."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_peer import OK, HttpPeer, answer
from loop_clock import skip
from wire import FILE, session

from secgemini import APITimeoutError, AsyncSecGemini, SecGemini
from secgemini.session import AsyncInteractiveSession

ATTACH = "POST /v1/session/attach_file"


class Shelf(io.BytesIO):
    """A file whose first block is given out only when the test says so."""

    def __init__(self) -> None:
        super().__init__(b"content")
        self.asked, self.given, self.reading = threading.Event(), threading.Event(), False

    def read(self, size: int | None = -1, /) -> bytes:
        self.reading = True
        self.asked.set()
        self.given.wait(60)  # a test that fails does not hang
        self.reading = False
        return super().read(size)


@pytest.fixture
def peer(peer: HttpPeer) -> HttpPeer:
    """The peer has a session, and takes any file."""
    return peer.on("GET /v1/session/get", session()).on(ATTACH, answer({**OK, "data": FILE}))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    file = Shelf()
    yield file
    file.given.set()


async def opened(sg: AsyncSecGemini) -> AsyncInteractiveSession:
    return await sg.resume_session("s")


async def some_rounds() -> None:
    """Let the loop do what it can do at once."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_cancelled_upload_leaves_the_file_and_is_cancelled(peer: HttpPeer, shelf: Shelf) -> None:
    async with AsyncSecGemini("k", base_url=peer.url, proxy="") as sg:
        task = asyncio.create_task((await opened(sg)).attach_file("n", shelf))
        await asyncio.to_thread(shelf.asked.wait)
        task.cancel()
        await some_rounds()
        assert not task.done(), "a thread is still in the file, which its owner would get back"
        shelf.given.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not shelf.reading
        await (await opened(sg)).attach_file("n", b"after")
    assert peer.count(ATTACH) == 1


async def test_cancelling_once_more_does_not_wait_for_the_file(peer: HttpPeer, shelf: Shelf) -> None:
    async with AsyncSecGemini("k", base_url=peer.url, proxy="") as sg:
        task = asyncio.create_task((await opened(sg)).attach_file("n", shelf))
        await asyncio.to_thread(shelf.asked.wait)
        while not task.done():  # the connection is closed in between, which takes the loop some rounds
            task.cancel()
            await asyncio.sleep(0)
        assert task.cancelled()
        assert shelf.reading
        shelf.given.set()


async def test_a_time_out_around_an_upload_is_a_time_out(peer: HttpPeer, shelf: Shelf) -> None:
    async with AsyncSecGemini("k", base_url=peer.url, proxy="") as sg:
        mine, bound = await opened(sg), asyncio.timeout(60)

        async def upload() -> None:
            async with bound:
                await mine.attach_file("n", shelf)

        task = asyncio.create_task(upload())
        await asyncio.to_thread(shelf.asked.wait)
        skip(asyncio.get_running_loop(), 61)
        await some_rounds()
        shelf.given.set()
        with pytest.raises(TimeoutError):
            await task


async def test_the_total_time_out_ends_an_upload_whose_file_is_slow(peer: HttpPeer, shelf: Shelf) -> None:
    async with AsyncSecGemini("k", base_url=peer.url, proxy="", max_retries=0, timeout=60) as sg:
        task = asyncio.create_task((await opened(sg)).attach_file("n", shelf))
        await asyncio.to_thread(shelf.asked.wait)
        skip(asyncio.get_running_loop(), 61)
        await some_rounds()
        shelf.given.set()
        with pytest.raises(APITimeoutError, match="took more than 60 s in all"):
            await task


class Faraway(io.BytesIO):
    """A file on a disk that stopped answering."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise TimeoutError(110, "Connection timed out")


@pytest.mark.parametrize("total", [None, 60.0])
def test_a_time_out_of_the_file_itself_is_told_as_it_is(peer: HttpPeer, total: float | None) -> None:
    with SecGemini("k", base_url=peer.url, proxy="", timeout=total) as sg:
        with pytest.raises(TimeoutError, match="110"):
            sg.resume_session("s").attach_file("n", Faraway(b"x"))

    async def asynchronously() -> None:
        async with AsyncSecGemini("k", base_url=peer.url, proxy="", timeout=total) as asg:
            with pytest.raises(TimeoutError, match="110"):
                await (await opened(asg)).attach_file("n", Faraway(b"x"))

    asyncio.run(asynchronously())
    assert peer.count(ATTACH) == 0


def test_a_file_that_may_not_be_read_is_refused_before_anything_is_sent(
    peer: HttpPeer, sg: SecGemini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    mine = sg.resume_session("s")
    reached: list[str] = []

    def refuse(self: Path, *_: object) -> None:  # root, who may read everything, runs this test too
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(sg._driver.connections, "sync_client", lambda: reached.append("sent"))
    with pytest.raises(PermissionError):
        mine.attach_file_from_disk(path)
    assert not reached
