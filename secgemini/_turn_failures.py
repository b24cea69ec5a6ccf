"""What a caller is told when a turn cannot go on."""

from __future__ import annotations

from collections.abc import Callable

from secgemini_api.models import Message

from .errors import APIResponseError, APITimeoutError, NotFoundError, SecGeminiError, StreamError

OPERATION = "GET /v1/stream"
REJOIN = "the turn may go on at the service: resume() rejoins it, history() shows what is stored"
TOLD = 500  # characters of what the service says that an error repeats; `stream_message` has the rest
_READ = 16 * TOLD  # characters in which the key is looked for before that cut, which may leave no part of it


def refused(message: Message, redact: Callable[[str], str]) -> SecGeminiError:
    """Return the error for a message with a status of 400 or more. `redact` masks the key."""
    status, reason = message.status_code, redact(message.status_message[:_READ])
    text = redact((message.content or "")[:_READ]) or reason
    if "not found" in reason:  # the wording with which the service says that the session is gone
        text = text if reason in text else f"{reason}: {text}"
        return NotFoundError(f"404 from {OPERATION}: {text[:TOLD]}", status_code=404, operation=OPERATION, body=text)
    return StreamError(f"{status} from the service: {text[:TOLD]}", stream_message=message, status_code=status)


def timed_out(text: str, *, sent: bool = True) -> APITimeoutError:
    """Return the error for a time-out; `sent` tells whether the service may have the prompt."""
    return APITimeoutError(text, operation=OPERATION, sent=sent, hint=REJOIN if sent else "")


def lost(error: SecGeminiError, failures: int) -> SecGeminiError:
    """Return the error for a turn that was given up after so many failures in a row; `error` is the last."""
    if not error.retryable or isinstance(error, APIResponseError):
        return error
    text = f"the link could not be restored after {failures} failures in a row; the last: {error.message}"
    failure = StreamError(text, lost_link=True, request_id=error.request_id, hint=REJOIN)
    failure.__cause__ = error
    return failure
