from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import as_list


@_attrs_define
class ChatCompletionResponse:
    """The answer to a chat."""

    id: str
    """Identifies the completion, for questions about it."""

    created: int
    """When the answer was made, in whole Unix seconds (UTC)."""

    model: str
    """The `model_string` of the model that answered."""

    choices: list[Choice]
    """The answers, as many as `n` asked for."""

    usage: ChatUsage
    """Token counts of a chat completion."""

    object_: str = "chat.completion"
    """The kind of object, always `chat.completion`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "id": self.id,
            "object": self.object_,
            "created": self.created,
            "model": self.model,
            "choices": [item.to_dict() for item in self.choices],
            "usage": self.usage.to_dict(),
        }
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
                complete = len(src_dict) == 6
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.id,
                self.object_,
                self.created,
                self.model,
                _choices,
                _usage,
            ) = values
            self.choices = [Choice.from_dict(_choices_item) for _choices_item in as_list(_choices)]
            self.usage = ChatUsage.from_dict(_usage)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("ChatCompletionResponse", error) from error
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
    "id",
    "object",
    "created",
    "model",
    "choices",
    "usage",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "object": "chat.completion",
}

# At the end, so that models may refer to each other.
from ..models.chat_usage import ChatUsage
from ..models.choice import Choice
