"""The body of an attachment, made while it is sent: base64 in JSON, in constant memory, anew for each attempt."""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import contextvars
import hashlib
import io
import os
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ._checks import check_progress
from .errors import SecGeminiError

Progress = Callable[[int, int], None]
"""Called with the bytes sent so far and in all, at every chunk; falls back to 0 when an attempt starts anew."""

CHUNK: int = 3 << 18  # bytes read at a time: a multiple of 3, so that base64 has no padding in the middle


class Upload:
    """A named content that is read anew for each attempt.

    `length` is the size of the JSON body in bytes, `size` that of the content. Reading raises `SecGeminiError` when the
    content changed under it.
    """

    def __init__(
        self,
        session_id: str,
        name: str,
        source: Path | bytes | BinaryIO,
        mime_type: str | None,
        progress: Progress | None,
    ) -> None:
        self.name = name
        self._source = source
        self._progress = check_progress(progress)
        self._start = 0
        self.size: int = self._measure()
        fields: dict[str, str] = {"session_id": session_id, "filename": name}
        if mime_type is not None:
            fields["mime_type"] = mime_type
        self._head = msgspec.json.encode(fields)[:-1] + b',"content":"'
        self.length: int = len(self._head) + (self.size + 2) // 3 * 4 + 2

    def read(self) -> Generator[bytes]:
        """Yield the body for a synchronous request."""
        with self._open() as file:
            stamp = self._stamp(file)
            yield self._head
            done = 0
            while done < self.size:
                block = self._next(file, done)
                done += len(block)
                yield binascii.b2a_base64(block, newline=False)
                self._tell(done)
            self._check_end(file, stamp)
            yield b'"}'

    def sha256(self) -> str:
        """Return the hash of the content, read anew: only needed to find it at the service after an unclear failure."""
        with self._open() as file:
            digest, left = hashlib.sha256(), self.size
            while left and (block := file.read(min(CHUNK, left))):
                digest.update(block)
                left -= len(block)
        return digest.hexdigest()

    async def aread(self) -> AsyncGenerator[bytes]:
        """Yield the body for an asynchronous request; reads the file in a worker thread.

        Cancelling waits until the thread has left the file, which is the caller's again then. Cancelling once more does
        not wait.
        """
        body, loop = self.read(), asyncio.get_running_loop()
        step: asyncio.Future[bytes | None] | None = None

        def advance() -> bytes | None:
            return next(body, None)

        try:
            while True:
                step = loop.run_in_executor(None, contextvars.copy_context().run, advance)
                if (part := await asyncio.shield(step)) is None:
                    return
                yield part
        finally:
            if step is None or step.done():
                body.close()
            else:
                step.add_done_callback(lambda _: body.close())
                await asyncio.wait([step])

    def _measure(self) -> int:
        if isinstance(self._source, bytes):
            return len(self._source)
        if isinstance(self._source, Path):
            with self._source.open("rb") as file:  # may it be read? Nothing is sent yet
                return os.fstat(file.fileno()).st_size
        self._start = self._source.tell()
        end = self._source.seek(0, os.SEEK_END)
        self._source.seek(self._start)
        return end - self._start

    def _open(self) -> contextlib.AbstractContextManager[BinaryIO]:
        if isinstance(self._source, bytes):
            return io.BytesIO(self._source)
        if isinstance(self._source, Path):
            return self._source.open("rb")
        self._source.seek(self._start)
        return contextlib.nullcontext(self._source)  # the caller's file object is not ours to close

    def _next(self, file: BinaryIO, done: int) -> bytes:
        want = min(CHUNK, self.size - done)
        block = file.read(want)
        while len(block) < want and (more := file.read(want - len(block))):  # a raw file may give less than asked
            block += more
        if len(block) < want:
            raise self._changed(f"it ends after {done + len(block)} of {self.size} bytes")
        return block

    def _stamp(self, file: BinaryIO) -> tuple[int, int] | None:
        if not isinstance(self._source, Path):
            return None
        status = os.fstat(file.fileno())
        if status.st_size != self.size:
            raise self._changed(f"it had {self.size} bytes and now has {status.st_size}")
        return status.st_size, status.st_mtime_ns

    def _check_end(self, file: BinaryIO, stamp: tuple[int, int] | None) -> None:
        if stamp is not None:
            status = os.fstat(file.fileno())
            if (status.st_size, status.st_mtime_ns) != stamp:
                raise self._changed("it was written to meanwhile")
        if file.read(1):  # files of the kernel have bytes and say that they have none
            raise self._changed(f"it has more than {self.size} bytes")

    def _changed(self, how: str) -> SecGeminiError:
        return SecGeminiError(
            f"{self.name!r} changed while it was read: {how}", hint="attach a copy that nobody writes to"
        )

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self.size)
