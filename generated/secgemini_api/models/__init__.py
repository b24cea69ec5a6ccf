"""Contains all the data models used in inputs/outputs"""

from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agents_config import AgentsConfig
    from .attachment import Attachment
    from .chat_completion_request import ChatCompletionRequest
    from .chat_completion_response import ChatCompletionResponse
    from .chat_file import ChatFile
    from .chat_file_part import ChatFilePart
    from .chat_image_part import ChatImagePart
    from .chat_image_url import ChatImageUrl
    from .chat_message import ChatMessage
    from .chat_role import ChatRole
    from .chat_text_part import ChatTextPart
    from .chat_usage import ChatUsage
    from .choice import Choice
    from .detach_file_request import DetachFileRequest
    from .error_body import ErrorBody
    from .feedback import Feedback
    from .feedback_type import FeedbackType
    from .http_validation_error import HTTPValidationError
    from .json_object import JsonObject
    from .local_tool import LocalTool
    from .log_field_mapping import LogFieldMapping
    from .logs_table_created import LogsTableCreated
    from .logs_upload import LogsUpload
    from .logs_uploaded import LogsUploaded
    from .media_modality import MediaModality
    from .message import Message
    from .message_input import MessageInput
    from .message_type import MessageType
    from .mime_type import MimeType
    from .modality_token_count import ModalityTokenCount
    from .model_info import ModelInfo
    from .model_info_input import ModelInfoInput
    from .op_result import OpResult
    from .optional_tool_set import OptionalToolSet
    from .public_logs_table import PublicLogsTable
    from .public_session import PublicSession
    from .public_session_file import PublicSessionFile
    from .public_user import PublicUser
    from .public_user_vendor import PublicUserVendor
    from .response_status import ResponseStatus
    from .role import Role
    from .session_input import SessionInput
    from .session_request import SessionRequest
    from .session_response import SessionResponse
    from .state import State
    from .tool_schema import ToolSchema
    from .tool_schema_map import ToolSchemaMap
    from .tool_schema_type import ToolSchemaType
    from .tool_set_vendor import ToolSetVendor
    from .usage import Usage
    from .usage_input import UsageInput
    from .user_info import UserInfo
    from .user_type import UserType
    from .validation_error import ValidationError
else:
    _MODULES = {
        "AgentsConfig": ".agents_config",
        "Attachment": ".attachment",
        "ChatCompletionRequest": ".chat_completion_request",
        "ChatCompletionResponse": ".chat_completion_response",
        "ChatFile": ".chat_file",
        "ChatFilePart": ".chat_file_part",
        "ChatImagePart": ".chat_image_part",
        "ChatImageUrl": ".chat_image_url",
        "ChatMessage": ".chat_message",
        "ChatRole": ".chat_role",
        "ChatTextPart": ".chat_text_part",
        "ChatUsage": ".chat_usage",
        "Choice": ".choice",
        "DetachFileRequest": ".detach_file_request",
        "ErrorBody": ".error_body",
        "Feedback": ".feedback",
        "FeedbackType": ".feedback_type",
        "HTTPValidationError": ".http_validation_error",
        "JsonObject": ".json_object",
        "LocalTool": ".local_tool",
        "LogFieldMapping": ".log_field_mapping",
        "LogsTableCreated": ".logs_table_created",
        "LogsUpload": ".logs_upload",
        "LogsUploaded": ".logs_uploaded",
        "MediaModality": ".media_modality",
        "Message": ".message",
        "MessageInput": ".message_input",
        "MessageType": ".message_type",
        "MimeType": ".mime_type",
        "ModalityTokenCount": ".modality_token_count",
        "ModelInfo": ".model_info",
        "ModelInfoInput": ".model_info_input",
        "OpResult": ".op_result",
        "OptionalToolSet": ".optional_tool_set",
        "PublicLogsTable": ".public_logs_table",
        "PublicSession": ".public_session",
        "PublicSessionFile": ".public_session_file",
        "PublicUser": ".public_user",
        "PublicUserVendor": ".public_user_vendor",
        "ResponseStatus": ".response_status",
        "Role": ".role",
        "SessionInput": ".session_input",
        "SessionRequest": ".session_request",
        "SessionResponse": ".session_response",
        "State": ".state",
        "ToolSchema": ".tool_schema",
        "ToolSchemaMap": ".tool_schema_map",
        "ToolSchemaType": ".tool_schema_type",
        "ToolSetVendor": ".tool_set_vendor",
        "Usage": ".usage",
        "UsageInput": ".usage_input",
        "UserInfo": ".user_info",
        "UserType": ".user_type",
        "ValidationError": ".validation_error",
    }

    # Models refer to each other: threads that import two of them at once would lock each other out.
    _LOADING = RLock()

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with _LOADING:
            value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = (
    "AgentsConfig",
    "Attachment",
    "ChatCompletionRequest",
    "ChatCompletionResponse",
    "ChatFile",
    "ChatFilePart",
    "ChatImagePart",
    "ChatImageUrl",
    "ChatMessage",
    "ChatRole",
    "ChatTextPart",
    "ChatUsage",
    "Choice",
    "DetachFileRequest",
    "ErrorBody",
    "Feedback",
    "FeedbackType",
    "HTTPValidationError",
    "JsonObject",
    "LocalTool",
    "LogFieldMapping",
    "LogsTableCreated",
    "LogsUpload",
    "LogsUploaded",
    "MediaModality",
    "Message",
    "MessageInput",
    "MessageType",
    "MimeType",
    "ModalityTokenCount",
    "ModelInfo",
    "ModelInfoInput",
    "OpResult",
    "OptionalToolSet",
    "PublicLogsTable",
    "PublicSession",
    "PublicSessionFile",
    "PublicUser",
    "PublicUserVendor",
    "ResponseStatus",
    "Role",
    "SessionInput",
    "SessionRequest",
    "SessionResponse",
    "State",
    "ToolSchema",
    "ToolSchemaMap",
    "ToolSchemaType",
    "ToolSetVendor",
    "Usage",
    "UsageInput",
    "UserInfo",
    "UserType",
    "ValidationError",
)
