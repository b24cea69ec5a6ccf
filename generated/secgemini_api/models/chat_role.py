from ..types import OpenStrEnum


class ChatRole(OpenStrEnum):
    """Who speaks in a chat, in the words of OpenAI's format."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
