from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.attachment import Attachment
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...models.op_result import OpResult
from ...types import Response, to_status


def _get_kwargs(
    *,
    body: Attachment,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/session/attach_file",
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
    body: Attachment,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Attach a file to a session

    Adds a file at the end of the session's `files`, whole and in base64. The service looks at the content to tell
    its type. The file can be asked about in the next prompt, and is deleted with the session.

    Args:
        body: A file for a session, whole and in one request.

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
    body: Attachment,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Attach a file to a session

    Adds a file at the end of the session's `files`, whole and in base64. The service looks at the content to tell
    its type. The file can be asked about in the next prompt, and is deleted with the session.

    Args:
        body: A file for a session, whole and in one request.

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
    body: Attachment,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Attach a file to a session

    Adds a file at the end of the session's `files`, whole and in base64. The service looks at the content to tell
    its type. The file can be asked about in the next prompt, and is deleted with the session.

    Args:
        body: A file for a session, whole and in one request.

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
    body: Attachment,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Attach a file to a session

    Adds a file at the end of the session's `files`, whole and in base64. The service looks at the content to tell
    its type. The file can be asked about in the next prompt, and is deleted with the session.

    Args:
        body: A file for a session, whole and in one request.

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
