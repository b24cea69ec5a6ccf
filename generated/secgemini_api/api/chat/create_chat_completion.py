from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client, read_json
from ...models.chat_completion_request import ChatCompletionRequest
from ...models.chat_completion_response import ChatCompletionResponse
from ...models.error_body import ErrorBody
from ...models.http_validation_error import HTTPValidationError
from ...types import Response, to_status


def _get_kwargs(
    *,
    body: ChatCompletionRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/chat/completions",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ChatCompletionResponse | ErrorBody | HTTPValidationError | None:
    if response.status_code == 200:
        return read_json(response, ChatCompletionResponse.from_dict)

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
) -> Response[ChatCompletionResponse | ErrorBody | HTTPValidationError]:
    return Response(
        status_code=to_status(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ChatCompletionRequest,
) -> Response[ChatCompletionResponse | ErrorBody | HTTPValidationError]:
    """Answer a chat

    One answer to a whole conversation, in the format of OpenAI's chat completions, for programs that speak it.
    Every request makes a session of its own that knows nothing of earlier ones. The key goes into `Authorization`
    as a bearer token here. With `stream` true the answer comes as server-sent events.

    Args:
        body: A whole conversation, in the format of OpenAI's chat completions. Further fields of that format are ignored.

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
    body: ChatCompletionRequest,
) -> ChatCompletionResponse | ErrorBody | HTTPValidationError | None:
    """Answer a chat

    One answer to a whole conversation, in the format of OpenAI's chat completions, for programs that speak it.
    Every request makes a session of its own that knows nothing of earlier ones. The key goes into `Authorization`
    as a bearer token here. With `stream` true the answer comes as server-sent events.

    Args:
        body: A whole conversation, in the format of OpenAI's chat completions. Further fields of that format are ignored.

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
    body: ChatCompletionRequest,
) -> Response[ChatCompletionResponse | ErrorBody | HTTPValidationError]:
    """Answer a chat

    One answer to a whole conversation, in the format of OpenAI's chat completions, for programs that speak it.
    Every request makes a session of its own that knows nothing of earlier ones. The key goes into `Authorization`
    as a bearer token here. With `stream` true the answer comes as server-sent events.

    Args:
        body: A whole conversation, in the format of OpenAI's chat completions. Further fields of that format are ignored.

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
    body: ChatCompletionRequest,
) -> ChatCompletionResponse | ErrorBody | HTTPValidationError | None:
    """Answer a chat

    One answer to a whole conversation, in the format of OpenAI's chat completions, for programs that speak it.
    Every request makes a session of its own that knows nothing of earlier ones. The key goes into `Authorization`
    as a bearer token here. With `stream` true the answer comes as server-sent events.

    Args:
        body: A whole conversation, in the format of OpenAI's chat completions. Further fields of that format are ignored.

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
