"""The body of an answer, collected within the limits."""

from __future__ import annotations

import httpx

from .config import MIB, Limits
from .errors import APIResponseError

_ENCODINGS = {"", "identity", "gzip", "deflate"}


class Body:
    """Collects an answer's decoded body. Making one and adding to it raise `APIResponseError` for what is too much."""

    def __init__(self, response: httpx.Response, limits: Limits) -> None:
        self._response = response
        self._limits = limits
        self._data = bytearray()  # no list of parts: a hostile service sends a byte in each
        encoding = response.headers.get("content-encoding", "").lower()
        if encoding not in _ENCODINGS:
            raise self._refusal(f"the answer is compressed as {encoding[:40]!r}, which was not asked for")
        length = response.headers.get("content-length", "")
        is_known = length.isdecimal()
        if is_known and int(length) > limits.max_response_bytes:
            raise self._too_large(f"{length} bytes")
        self.is_bounded = is_known and encoding in ("", "identity")

    def add(self, part: bytes) -> None:
        """Take the next decoded part."""
        self._data += part
        size, received = len(self._data), max(self._response.num_bytes_downloaded, 1)
        if size > self._limits.max_response_bytes:
            raise self._too_large("more")
        if size > MIB and size / received > self._limits.max_decompression_ratio:
            raise self._refusal(
                f"the answer unpacks to more than {self._limits.max_decompression_ratio:g} times its size",
                "a decompression bomb, or raise Limits.max_decompression_ratio",
            )

    def response(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with the body as it was collected."""
        headers = [
            (k, v) for k, v in self._response.headers.raw if k.lower() not in (b"content-encoding", b"content-length")
        ]
        return httpx.Response(self._response.status_code, headers=headers, content=bytes(self._data), request=request)

    def _too_large(self, size: str) -> APIResponseError:
        limit = self._limits.max_response_bytes
        return self._refusal(
            f"the answer has {size}, the limit is {limit} bytes", "Limits(max_response_bytes=…) sets it"
        )

    def _refusal(self, text: str, hint: str = "") -> APIResponseError:
        request, status = self._response.request, self._response.status_code
        operation = f"{request.method} {request.url.path}"
        return APIResponseError(f"{operation}: {text}", operation=operation, status_code=status, hint=hint)
