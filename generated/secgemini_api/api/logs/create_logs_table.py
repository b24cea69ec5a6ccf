from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...models.logs_table_created import LogsTableCreated
from ...types import UNSET, Response, to_status


def _get_kwargs(
    *,
    logs_hash: str,
    can_log: bool,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["logs_hash"] = logs_hash

    params["can_log"] = can_log

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/create_logs_table",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | HTTPValidationError | LogsTableCreated | None:
    if response.status_code == 200:
        return read_json(response, LogsTableCreated.from_dict)

    if response.status_code == 401:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 403:
        return read_json(response, ErrorBody.from_dict)

    if response.status_code == 404:
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
) -> Response[ErrorBody | HTTPValidationError | LogsTableCreated]:
    return Response(
        status_code=to_status(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    logs_hash: str,
    can_log: bool,
) -> Response[ErrorBody | HTTPValidationError | LogsTableCreated]:
    """Make a table for a log file

    Asks the logs processor for room for a log file that is named by its hash. When the table is new, send the lines
    with `upload_logs`, then attach it with `attach_logs`; otherwise the lines are there already and the upload can
    be skipped. The body is empty.

    Args:
        logs_hash: Keyed BLAKE2s hash of the log file's bytes (32-byte digest, key `secgemini`) in 64 hexadecimal digits.
        can_log: Whether the logs may be retained and analysed to improve the service; the session's `can_log`.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        logs_hash=logs_hash,
        can_log=can_log,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    logs_hash: str,
    can_log: bool,
) -> ErrorBody | HTTPValidationError | LogsTableCreated | None:
    """Make a table for a log file

    Asks the logs processor for room for a log file that is named by its hash. When the table is new, send the lines
    with `upload_logs`, then attach it with `attach_logs`; otherwise the lines are there already and the upload can
    be skipped. The body is empty.

    Args:
        logs_hash: Keyed BLAKE2s hash of the log file's bytes (32-byte digest, key `secgemini`) in 64 hexadecimal digits.
        can_log: Whether the logs may be retained and analysed to improve the service; the session's `can_log`.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return sync_detailed(
        client=client,
        logs_hash=logs_hash,
        can_log=can_log,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    logs_hash: str,
    can_log: bool,
) -> Response[ErrorBody | HTTPValidationError | LogsTableCreated]:
    """Make a table for a log file

    Asks the logs processor for room for a log file that is named by its hash. When the table is new, send the lines
    with `upload_logs`, then attach it with `attach_logs`; otherwise the lines are there already and the upload can
    be skipped. The body is empty.

    Args:
        logs_hash: Keyed BLAKE2s hash of the log file's bytes (32-byte digest, key `secgemini`) in 64 hexadecimal digits.
        can_log: Whether the logs may be retained and analysed to improve the service; the session's `can_log`.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        logs_hash=logs_hash,
        can_log=can_log,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    logs_hash: str,
    can_log: bool,
) -> ErrorBody | HTTPValidationError | LogsTableCreated | None:
    """Make a table for a log file

    Asks the logs processor for room for a log file that is named by its hash. When the table is new, send the lines
    with `upload_logs`, then attach it with `attach_logs`; otherwise the lines are there already and the upload can
    be skipped. The body is empty.

    Args:
        logs_hash: Keyed BLAKE2s hash of the log file's bytes (32-byte digest, key `secgemini`) in 64 hexadecimal digits.
        can_log: Whether the logs may be retained and analysed to improve the service; the session's `can_log`.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return (
        await asyncio_detailed(
            client=client,
            logs_hash=logs_hash,
            can_log=can_log,
        )
    ).parsed
