"""Client of Sec-Gemini, the AI assistant for security work.

    from secgemini import SecGemini

    with SecGemini.local() as sg:          # the embedded service; SecGemini() for the hosted one
        session = sg.create_session()
        session.attach_file_from_disk("mail.eml")
        print(session.query("Which indicators are in it?"))

Importing this package does no I/O, sets no log handler and loads neither httpx nor rich nor websockets: names are
looked up at their first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secgemini_api.models import (
        Message as Message,
    )
    from secgemini_api.models import (
        MessageType as MessageType,
    )
    from secgemini_api.models import (
        MimeType as MimeType,
    )
    from secgemini_api.models import (
        ModelInfo as ModelInfo,
    )
    from secgemini_api.models import (
        PublicSessionFile as PublicSessionFile,
    )
    from secgemini_api.models import (
        Role as Role,
    )
    from secgemini_api.models import (
        State as State,
    )
    from secgemini_api.models import (
        Usage as Usage,
    )
    from secgemini_api.models import (
        UserInfo as UserInfo,
    )

    from ._drive import no_waiting as no_waiting
    from ._http import ResponseInfo as ResponseInfo
    from ._plans import ROOT_ID as ROOT_ID
    from ._socket import Stream as Stream
    from ._stream_sync import SyncStream as SyncStream
    from ._version import __version__ as __version__
    from .client import AsyncSecGemini as AsyncSecGemini
    from .client import SecGemini as SecGemini
    from .config import Config as Config
    from .config import Limits as Limits
    from .config import Timeout as Timeout
    from .errors import (
        APIConnectionError as APIConnectionError,
    )
    from .errors import (
        ApiKeyError as ApiKeyError,
    )
    from .errors import (
        APIResponseError as APIResponseError,
    )
    from .errors import (
        APIStatusError as APIStatusError,
    )
    from .errors import (
        APITimeoutError as APITimeoutError,
    )
    from .errors import (
        AuthenticationError as AuthenticationError,
    )
    from .errors import (
        BadRequestError as BadRequestError,
    )
    from .errors import (
        ConfigurationError as ConfigurationError,
    )
    from .errors import (
        ConflictError as ConflictError,
    )
    from .errors import (
        InternalServerError as InternalServerError,
    )
    from .errors import (
        NotFoundError as NotFoundError,
    )
    from .errors import (
        PermissionDeniedError as PermissionDeniedError,
    )
    from .errors import (
        RateLimitError as RateLimitError,
    )
    from .errors import (
        SecGeminiError as SecGeminiError,
    )
    from .errors import (
        StreamError as StreamError,
    )
    from .errors import (
        ToolError as ToolError,
    )
    from .errors import (
        UnprocessableEntityError as UnprocessableEntityError,
    )
    from .response import SessionResponse as SessionResponse
    from .session import AsyncInteractiveSession as AsyncInteractiveSession
    from .session import InteractiveSession as InteractiveSession
    from .tools import Tool as Tool
    from .tools import ToolCall as ToolCall
    from .tools import tool as tool

_HOME = {
    "secgemini_api.models": (
        "Message", "MessageType", "MimeType", "ModelInfo", "PublicSessionFile", "Role", "State", "Usage", "UserInfo",
    ),
    "secgemini._drive": ("no_waiting",),
    "secgemini._http": ("ResponseInfo",),
    "secgemini._plans": ("ROOT_ID",),
    "secgemini._socket": ("Stream",),
    "secgemini._stream_sync": ("SyncStream",),
    "secgemini._version": ("__version__",),
    "secgemini.client": ("AsyncSecGemini", "SecGemini"),
    "secgemini.config": ("Config", "Limits", "Timeout"),
    "secgemini.errors": (
        "APIConnectionError", "APIResponseError", "APIStatusError", "APITimeoutError", "ApiKeyError",
        "AuthenticationError", "BadRequestError", "ConfigurationError", "ConflictError", "InternalServerError",
        "NotFoundError", "PermissionDeniedError", "RateLimitError", "SecGeminiError", "StreamError", "ToolError",
        "UnprocessableEntityError",
    ),
    "secgemini.response": ("SessionResponse",),
    "secgemini.session": ("AsyncInteractiveSession", "InteractiveSession"),
    "secgemini.tools": ("Tool", "ToolCall", "tool"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ROOT_ID", "APIConnectionError", "APIResponseError", "APIStatusError", "APITimeoutError", "ApiKeyError",
    "AsyncInteractiveSession",
    "AsyncSecGemini", "AuthenticationError", "BadRequestError", "Config", "ConfigurationError", "ConflictError",
    "InteractiveSession", "InternalServerError", "Limits", "Message", "MessageType", "MimeType", "ModelInfo",
    "NotFoundError", "PermissionDeniedError", "PublicSessionFile", "RateLimitError", "ResponseInfo", "Role",
    "SecGemini", "SecGeminiError", "SessionResponse", "State", "Stream", "StreamError", "SyncStream", "Timeout",
    "Tool", "ToolCall", "ToolError", "UnprocessableEntityError", "Usage", "UserInfo", "__version__", "no_waiting",
    "tool",
]  # fmt: skip


def __getattr__(name: str) -> object:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'secgemini' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
