from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...models.op_result import OpResult
from ...models.session_input import SessionInput
from ...types import Response, to_status


def _get_kwargs(
    *,
    body: SessionInput,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/session/update",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | HTTPValidationError | OpResult | None:
    if response.status_code == 200:
        return read_json(response, OpResult.from_dict)

    if response.status_code == 400:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 401:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 403:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 404:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 413:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 415:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 422:
        return read_json(response, HTTPValidationError.from_dict)

    if response.status_code == 429:
        return read_json(response, ErrorBody.from_dict)

    if 500 <= response.status_code <= 599:
        return read_json(response, ErrorBody.from_dict)

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    return Response(
        status_code=to_status(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionInput,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Change a session

    Changes `name`, `description` and `ttl` of the session with the given `id`. Everything else in the body is
    ignored, so a client may send back what it has read. A `ttl` other than the stored one counts from now, and so
    does the stored one when the body changes nothing at all; it must be at least 300 seconds.

    Args:
        body: A session as a client sends it. Required is what every published client sends. The service takes the identity
            from the key, and keeps `turns`, `create_time`, `update_time`, `num_messages`, `messages`, `usage`, `state`,
            `files` and `logs_table` itself: what a client sends there is ignored.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: SessionInput,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Change a session

    Changes `name`, `description` and `ttl` of the session with the given `id`. Everything else in the body is
    ignored, so a client may send back what it has read. A `ttl` other than the stored one counts from now, and so
    does the stored one when the body changes nothing at all; it must be at least 300 seconds.

    Args:
        body: A session as a client sends it. Required is what every published client sends. The service takes the identity
            from the key, and keeps `turns`, `create_time`, `update_time`, `num_messages`, `messages`, `usage`, `state`,
            `files` and `logs_table` itself: what a client sends there is ignored.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionInput,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Change a session

    Changes `name`, `description` and `ttl` of the session with the given `id`. Everything else in the body is
    ignored, so a client may send back what it has read. A `ttl` other than the stored one counts from now, and so
    does the stored one when the body changes nothing at all; it must be at least 300 seconds.

    Args:
        body: A session as a client sends it. Required is what every published client sends. The service takes the identity
            from the key, and keeps `turns`, `create_time`, `update_time`, `num_messages`, `messages`, `usage`, `state`,
            `files` and `logs_table` itself: what a client sends there is ignored.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: SessionInput,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Change a session

    Changes `name`, `description` and `ttl` of the session with the given `id`. Everything else in the body is
    ignored, so a client may send back what it has read. A `ttl` other than the stored one counts from now, and so
    does the stored one when the body changes nothing at all; it must be at least 300 seconds.

    Args:
        body: A session as a client sends it. Required is what every published client sends. The service takes the identity
            from the key, and keeps `turns`, `create_time`, `update_time`, `num_messages`, `messages`, `usage`, `state`,
            `files` and `logs_table` itself: what a client sends there is ignored.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
