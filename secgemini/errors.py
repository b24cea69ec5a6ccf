"""The errors of `secgemini`. Every failure is one of these; none carries the key.

SecGeminiError
├── ConfigurationError                a setting is missing or unusable: raised before any I/O
│   └── ApiKeyError                   no key, or one that cannot be one
├── APIConnectionError                no answer: DNS, TLS, refused, reset
│   └── APITimeoutError
├── APIResponseError                  an answer outside the contract: not JSON, a field missing
├── APIStatusError                    HTTP >= 400, or an operation result that is not ok
│   ├── BadRequestError               400
│   ├── AuthenticationError           401
│   ├── PermissionDeniedError         403
│   ├── NotFoundError                 404
│   ├── ConflictError                 409
│   ├── UnprocessableEntityError      422
│   ├── RateLimitError                429 (retry_after)
│   └── InternalServerError           >= 500
├── StreamError                       the turn failed: the service's own error message, or it cannot be resumed
└── ToolError                         a tool definition that cannot be expressed; a call denied or failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .display import neutralise

if TYPE_CHECKING:
    from secgemini_api.models import Message

BODY_HEAD = 2000  # characters of an answer's body that an error keeps


class SecGeminiError(Exception):
    """Catch this to catch every error of this package.

    `hint` says what to do about it ("" when there is nothing better than the message). What the service or a model
    said in it is shown with its control characters visible: an error may be printed anywhere.
    """

    retryable: bool = False
    """Whether the same call, made again later, may succeed."""
    request_id: str = ""
    """The service's name for the request, "" when it gave none. It stands at the end of the text."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message: str = neutralise(message, newlines=False)
        self.hint: str = neutralise(hint, newlines=False)
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return the message, then what to do, then the request's id."""
        hint = f" ({self.hint})" if self.hint else ""
        return self.message + hint + (f" [request {self.request_id}]" if self.request_id else "")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state, so that keyword arguments survive a process pool."""
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(kind: type[SecGeminiError], args: tuple[object, ...], state: dict[str, object]) -> SecGeminiError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(SecGeminiError):
    """A setting is missing or unusable. Raised before any I/O."""


class ApiKeyError(ConfigurationError):
    """There is no key, or what is given cannot be one. The text never quotes it."""


class APIConnectionError(SecGeminiError):
    """The service gave no answer: name resolution, TLS, a refused or reset connection.

    `operation` is the method and path; `sent` tells whether the request may have reached the service.
    """

    retryable = True

    def __init__(self, message: str, *, operation: str = "", sent: bool = True, hint: str = "") -> None:
        self.operation = operation
        self.sent = sent
        super().__init__(message, hint=hint)


class APITimeoutError(APIConnectionError):
    """The service did not answer in time; whether it did the work is not known when `sent` is true."""


class APIResponseError(SecGeminiError):
    """The service answered with something outside the contract, for example an HTML page of a proxy.

    `status_code` is the HTTP status, `body` the first 2,000 characters of what came.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        status_code: int = 0,
        body: str = "",
        request_id: str = "",
        hint: str = "",
    ) -> None:
        self.operation = operation
        self.status_code = status_code
        self.body: str = body[:BODY_HEAD]
        self.request_id = request_id
        super().__init__(message, hint=hint)


class APIStatusError(SecGeminiError):
    """The service refused: an HTTP status of 400 or more, or an operation result that is not ok.

    `status_code` is the HTTP status, or that of the operation result; `body` the first 2,000 characters of the answer;
    `request_id` the service's name for the request ("" when it gave none); `retry_after` seconds, when it said so.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        operation: str = "",
        body: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        hint: str = "",
    ) -> None:
        self.operation = operation
        self.status_code = status_code
        self.body: str = body[:BODY_HEAD]
        self.request_id = request_id
        self.retry_after = retry_after
        self.retryable: bool = status_code in (408, 409, 429) or status_code >= 500
        super().__init__(message, hint=hint)


class BadRequestError(APIStatusError):
    """400: the service could not read the request."""


class AuthenticationError(APIStatusError):
    """401: no key, or one that the service does not know."""


class PermissionDeniedError(APIStatusError):
    """403: the key is known and may not do this."""


class NotFoundError(APIStatusError):
    """404: no such session, file or path; sessions vanish when their time to live is over."""


class ConflictError(APIStatusError):
    """409: the service is in a state that forbids this now."""


class UnprocessableEntityError(APIStatusError):
    """422: the request's content is not what the contract asks for."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens; `retry_after` tells the seconds to wait, when the service said so."""


class InternalServerError(APIStatusError):
    """500 and above: the service failed."""


class StreamError(SecGeminiError):
    """The turn failed.

    `stream_message` is the service's own error message when it sent one; `status_code` is its status, else 0.
    `lost_link` tells that the connection broke and could not be restored: the turn may go on at the service.
    """

    def __init__(
        self,
        message: str,
        *,
        stream_message: Message | None = None,
        status_code: int = 0,
        lost_link: bool = False,
        operation: str = "GET /v1/stream",
        request_id: str = "",
        hint: str = "",
    ) -> None:
        self.stream_message = stream_message
        self.status_code = status_code
        self.lost_link = lost_link
        self.operation = operation
        self.request_id = request_id
        super().__init__(message, hint=hint)


class ToolError(SecGeminiError):
    """A tool cannot be defined as written, or a call of it was denied or failed. `tool` names it."""

    def __init__(self, message: str, *, tool: str = "", hint: str = "") -> None:
        self.tool = tool
        super().__init__(message, hint=hint)


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error_type(status_code: int) -> type[APIStatusError]:
    """Return the class that stands for an HTTP status of 400 or more."""
    return _BY_STATUS.get(status_code, InternalServerError if status_code >= 500 else APIStatusError)
