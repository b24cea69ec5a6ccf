from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class ChatCompletionRequest:
    """A whole conversation, in the format of OpenAI's chat completions. Further fields of that format are ignored."""

    model: str
    """The model's `model_string`, for example `sec-gemini-1.1`, or the alias `sec-gemini-stable`."""

    messages: list[ChatMessage]
    """The conversation so far; the last message is what to answer."""

    temperature: float | None | Unset = 0.0
    """How random the answer is, from 0 (least) to 2."""

    top_p: float | None | Unset = 1.0
    """Probability mass that tokens are drawn from, from 0 to 1."""

    n: int | None | Unset = 1
    """How many answers to make to the same conversation."""

    stream: bool | None | Unset = False
    """Whether to answer with server-sent events instead of one JSON object."""

    max_tokens: int | None | Unset = UNSET
    """The most tokens to generate; null or absent for the model's own limit."""

    presence_penalty: float | None | Unset = 0.0
    """Discourages tokens that already appeared, from -2 to 2."""

    frequency_penalty: float | None | Unset = 0.0
    """Discourages tokens in proportion to how often they appeared, from -2 to 2."""

    user: None | str | Unset = UNSET
    """The caller's own name for the end user, for abuse reports."""

    metadata: JsonObject | None | Unset = UNSET
    """The caller's own notes about the request. Not read by the model."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "model": self.model,
            "messages": [item.to_dict() for item in self.messages],
        }
        if not isinstance(self.temperature, Unset):
            field_dict["temperature"] = self.temperature
        if not isinstance(self.top_p, Unset):
            field_dict["top_p"] = self.top_p
        if not isinstance(self.n, Unset):
            field_dict["n"] = self.n
        if not isinstance(self.stream, Unset):
            field_dict["stream"] = self.stream
        if not isinstance(self.max_tokens, Unset):
            field_dict["max_tokens"] = self.max_tokens
        if not isinstance(self.presence_penalty, Unset):
            field_dict["presence_penalty"] = self.presence_penalty
        if not isinstance(self.frequency_penalty, Unset):
            field_dict["frequency_penalty"] = self.frequency_penalty
        if not isinstance(self.user, Unset):
            field_dict["user"] = self.user
        if not isinstance(self.metadata, Unset):
            field_dict["metadata"] = None if self.metadata is None else self.metadata.to_dict()
        if self.additional_properties:
            field_dict = {**self.additional_properties, **field_dict}
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Make one from a JSON object.

        Raises:
            errors.UnexpectedShape: a required field is missing, or a value is not what the contract says.
        """
        self = cls.__new__(cls)
        try:
            try:
                values = _FIELDS(src_dict)
                complete = len(src_dict) == 11
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.model,
                _messages,
                self.temperature,
                self.top_p,
                self.n,
                self.stream,
                self.max_tokens,
                self.presence_penalty,
                self.frequency_penalty,
                self.user,
                _metadata,
            ) = values
            self.messages = [ChatMessage.from_dict(_messages_item) for _messages_item in as_list(_messages)]
            self.metadata = (
                UNSET
                if _metadata is UNSET
                else None
                if _metadata is None
                else JsonObject.from_dict(_metadata)
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("ChatCompletionRequest", error) from error
        return self

    @property
    def additional_keys(self) -> list[str]:
        """The names of the fields that the contract does not name."""
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties


_NAMES = (
    "model",
    "messages",
    "temperature",
    "top_p",
    "n",
    "stream",
    "max_tokens",
    "presence_penalty",
    "frequency_penalty",
    "user",
    "metadata",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "temperature": UNSET,
    "top_p": UNSET,
    "n": UNSET,
    "stream": UNSET,
    "max_tokens": UNSET,
    "presence_penalty": UNSET,
    "frequency_penalty": UNSET,
    "user": UNSET,
    "metadata": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.chat_message import ChatMessage
from ..models.json_object import JsonObject
