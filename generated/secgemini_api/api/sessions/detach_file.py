from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.detach_file_request import DetachFileRequest
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...models.op_result import OpResult
from ...types import Response, to_status


def _get_kwargs(
    *,
    body: DetachFileRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/session/detach_file",
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
    body: DetachFileRequest,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Take a file out of a session

    Removes the file at an index of the session's `files`; the files after it move down by one. Repeating this
    request after a lost connection may remove another file: read the session first. An index that does not exist is
    refused and changes nothing.

    Args:
        body: Names a file to take out of a session.

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
    body: DetachFileRequest,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Take a file out of a session

    Removes the file at an index of the session's `files`; the files after it move down by one. Repeating this
    request after a lost connection may remove another file: read the session first. An index that does not exist is
    refused and changes nothing.

    Args:
        body: Names a file to take out of a session.

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
    body: DetachFileRequest,
) -> Response[ErrorBody | HTTPValidationError | OpResult]:
    """Take a file out of a session

    Removes the file at an index of the session's `files`; the files after it move down by one. Repeating this
    request after a lost connection may remove another file: read the session first. An index that does not exist is
    refused and changes nothing.

    Args:
        body: Names a file to take out of a session.

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
    body: DetachFileRequest,
) -> ErrorBody | HTTPValidationError | OpResult | None:
    """Take a file out of a session

    Removes the file at an index of the session's `files`; the files after it move down by one. Repeating this
    request after a lost connection may remove another file: read the session first. An index that does not exist is
    refused and changes nothing.

    Args:
        body: Names a file to take out of a session.

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
