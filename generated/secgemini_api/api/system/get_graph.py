from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...types import UNSET, Response, Unset, to_status


def _get_kwargs(
    *,
    model_string: str | Unset = "sec-gemini",
    can_log: bool | Unset = True,
    toolsets_to_enable: str | Unset = "",
    toolsets_to_disable: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["model_string"] = model_string

    params["can_log"] = can_log

    params["toolsets_to_enable"] = toolsets_to_enable

    params["toolsets_to_disable"] = toolsets_to_disable

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/system/graph",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorBody | HTTPValidationError | None:
    if response.status_code == 200:
        return read_json(response, lambda data: data)

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
) -> Response[Any | ErrorBody | HTTPValidationError]:
    return Response(
        status_code=to_status(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    model_string: str | Unset = "sec-gemini",
    can_log: bool | Unset = True,
    toolsets_to_enable: str | Unset = "",
    toolsets_to_disable: str | Unset = "",
) -> Response[Any | ErrorBody | HTTPValidationError]:
    """Describe how the agents are connected

    The graph of the agents for one choice of model and toolsets, in most cases as an object that gives each node an
    object of its neighbours.

    Args:
        model_string: The model whose agents to show.
        can_log: Whether to show them for a session that is retained.
        toolsets_to_enable: Names of toolsets to switch on, separated by commas.
        toolsets_to_disable: Names of toolsets to switch off, separated by commas.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        model_string=model_string,
        can_log=can_log,
        toolsets_to_enable=toolsets_to_enable,
        toolsets_to_disable=toolsets_to_disable,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    model_string: str | Unset = "sec-gemini",
    can_log: bool | Unset = True,
    toolsets_to_enable: str | Unset = "",
    toolsets_to_disable: str | Unset = "",
) -> Any | ErrorBody | HTTPValidationError | None:
    """Describe how the agents are connected

    The graph of the agents for one choice of model and toolsets, in most cases as an object that gives each node an
    object of its neighbours.

    Args:
        model_string: The model whose agents to show.
        can_log: Whether to show them for a session that is retained.
        toolsets_to_enable: Names of toolsets to switch on, separated by commas.
        toolsets_to_disable: Names of toolsets to switch off, separated by commas.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return sync_detailed(
        client=client,
        model_string=model_string,
        can_log=can_log,
        toolsets_to_enable=toolsets_to_enable,
        toolsets_to_disable=toolsets_to_disable,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    model_string: str | Unset = "sec-gemini",
    can_log: bool | Unset = True,
    toolsets_to_enable: str | Unset = "",
    toolsets_to_disable: str | Unset = "",
) -> Response[Any | ErrorBody | HTTPValidationError]:
    """Describe how the agents are connected

    The graph of the agents for one choice of model and toolsets, in most cases as an object that gives each node an
    object of its neighbours.

    Args:
        model_string: The model whose agents to show.
        can_log: Whether to show them for a session that is retained.
        toolsets_to_enable: Names of toolsets to switch on, separated by commas.
        toolsets_to_disable: Names of toolsets to switch off, separated by commas.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    kwargs = _get_kwargs(
        model_string=model_string,
        can_log=can_log,
        toolsets_to_enable=toolsets_to_enable,
        toolsets_to_disable=toolsets_to_disable,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    model_string: str | Unset = "sec-gemini",
    can_log: bool | Unset = True,
    toolsets_to_enable: str | Unset = "",
    toolsets_to_disable: str | Unset = "",
) -> Any | ErrorBody | HTTPValidationError | None:
    """Describe how the agents are connected

    The graph of the agents for one choice of model and toolsets, in most cases as an object that gives each node an
    object of its neighbours.

    Args:
        model_string: The model whose agents to show.
        can_log: Whether to show them for a session that is retained.
        toolsets_to_enable: Names of toolsets to switch on, separated by commas.
        toolsets_to_disable: Names of toolsets to switch off, separated by commas.

    Raises:
        errors.InvalidBody: the body of the answer is not what the contract says.
        errors.UnexpectedStatus: the status is not in the contract, and Client.raise_on_unexpected_status is set.
        httpx.TimeoutException: the answer took longer than Client.timeout.
    """

    return (
        await asyncio_detailed(
            client=client,
            model_string=model_string,
            can_log=can_log,
            toolsets_to_enable=toolsets_to_enable,
            toolsets_to_disable=toolsets_to_disable,
        )
    ).parsed
