"""Turns httpx's failures and the service's refusals into our errors: what was tried, what came back, what to do."""

from __future__ import annotations

import ssl

import httpx
import msgspec

from .config import Config
from .display import neutralise
from .errors import (
    BODY_HEAD,
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    SecGeminiError,
    status_error_type,
)
from .redact import redact
from .retry import parse_retry_after

_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
DISTRUSTED = 'verify= takes a CA file, "system" or an ssl.SSLContext'
PROXY = "is the proxy right, and its user name and password? proxy= or the environment names it"
HINTS = {
    401: "set SEC_GEMINI_API_KEY or api_key= to a valid key",
    403: "this key may not do that: ask the owner of the key",
    404: "list_sessions() shows the sessions that exist; they vanish when their ttl is over",
    407: PROXY,
    413: "send less, or ask for a higher limit",
    429: "wait, then try again",
}


def from_httpx(
    error: httpx.HTTPError | ssl.SSLError, request: httpx.Request, config: Config, proxy: str = ""
) -> SecGeminiError:
    """Return our error for a failure below HTTP. httpx's own is not chained: its frames hold the request's headers.

    `proxy` is the address, without a password, of the proxy that the request took, "" for none.
    """
    operation = f"{request.method} {request.url.path}"
    where = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{proxy and f' through the proxy {proxy}'}"
    text = redact(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, config)
    sent = not isinstance(error, _NOTHING_SENT)
    if isinstance(error, httpx.TimeoutException):
        kind = {httpx.ConnectTimeout: "connecting", httpx.PoolTimeout: "waiting for a free connection"}
        doing = kind.get(type(error), "waiting for the answer")
        return APITimeoutError(
            f"{operation} at {where}: time-out while {doing}", operation=operation, sent=sent, hint="timeout= sets it"
        )
    if isinstance(error, httpx.DecodingError):
        return APIResponseError(f"{operation}: the answer cannot be decoded: {text}", operation=operation)
    failure = APIConnectionError(
        f"{operation} at {where}: {text}", operation=operation, sent=sent, hint=_hint(error, proxy)
    )
    failure.retryable = not (is_distrusted(error) or (isinstance(error, httpx.ProxyError) and "407" in text))
    return failure


def _hint(error: httpx.HTTPError | ssl.SSLError, proxy: str) -> str:
    if is_distrusted(error):
        return DISTRUSTED
    if isinstance(error, httpx.ProxyError) or (proxy and isinstance(error, _NOTHING_SENT)):
        return PROXY
    return "is the service running, and base_url right?" if isinstance(error, _NOTHING_SENT) else ""


def is_distrusted(error: BaseException | None) -> bool:
    """Tell whether a failure comes from a certificate that this side does not accept."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def from_response(response: httpx.Response, config: Config) -> SecGeminiError:
    """Return our error for an HTTP status of 300 or more."""
    return scrub(_refusal(response, config), config)


def _refusal(response: httpx.Response, config: Config) -> SecGeminiError:
    request, status = response.request, response.status_code
    operation = f"{request.method} {request.url.path}"
    body = redact(response.text, config)
    request_id = request_id_of(response, config)
    if status < 400:
        target = neutralise(redact(response.headers.get("location", "nowhere"), config)[:200], newlines=False)
        return APIResponseError(
            f"{operation} was redirected ({status}) to {target}; redirects are not followed, the key stays here",
            operation=operation,
            status_code=status,
            body=body,
            request_id=request_id,
            hint="set base_url to the new address",
        )
    return status_error(
        status,
        detail(body),
        operation=operation,
        body=body,
        request_id=request_id,
        retry_after=parse_retry_after(response.headers.get("retry-after")),
    )


def scrub(error: SecGeminiError, config: Config) -> SecGeminiError:
    """Mask the key in all that the error says: the service may have sent it back, also escaped. Returns the error."""
    for name in ("message", "hint", "body", "request_id"):
        text = getattr(error, name, "")
        if text:
            setattr(error, name, redact(text, config))
    error.args = (error.message,)
    return error


def complete(error: SecGeminiError, response: httpx.Response | None, config: Config) -> SecGeminiError:
    """Add what the answer that an error is about said around it, its body's head and request id; returns the error."""
    if response is not None and isinstance(error, APIStatusError | APIResponseError):
        error.body = error.body or redact(response.text, config)[:BODY_HEAD]
        error.request_id = error.request_id or request_id_of(response, config)
    return scrub(error, config)


def request_id_of(response: httpx.Response, config: Config) -> str:
    """Return what the service calls the request, "" when it gave it no name."""
    return neutralise(redact(response.headers.get("x-request-id", ""), config)[:200], newlines=False)


def status_error(
    status: int, text: str, *, operation: str, body: str = "", request_id: str = "", retry_after: float | None = None
) -> APIStatusError:
    """Return the error for a refusal with this status, by HTTP or by an operation result."""
    return status_error_type(status)(
        f"{status} from {operation}: {neutralise(text, newlines=False)[:500]}",
        status_code=status,
        operation=operation,
        body=body,
        request_id=request_id,
        retry_after=retry_after,
        hint=_what_to_do(status, operation),
    )


def _what_to_do(status: int, operation: str) -> str:
    if status == 404 and not any(part in operation for part in ("/session/", "stream")):
        return "is base_url the address of Sec-Gemini?"
    return HINTS.get(status, "")


def detail(body: str) -> str:
    """Return what an error body says, whatever its form: `{"detail": "…"}`, FastAPI's list, or plain text."""
    try:
        parsed = msgspec.json.decode(body.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return " ".join(body.split())[:200] or "no explanation"
    said = parsed.get("detail", parsed.get("message", body)) if isinstance(parsed, dict) else body
    if isinstance(said, list):
        return "; ".join(_one_fault(fault) for fault in said[:5])
    return said if isinstance(said, str) else body


def _one_fault(fault: object) -> str:
    if not isinstance(fault, dict):
        return str(fault)
    place = fault.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    return f"{where}: {fault.get('msg', '')}" if where else str(fault.get("msg", fault))
