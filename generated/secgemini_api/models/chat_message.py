from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.chat_role import ChatRole
from ..types import as_list, by_value, one_of


@_attrs_define
class ChatMessage:
    """One message of a chat."""

    role: ChatRole
    """Who speaks in a chat, in the words of OpenAI's format."""

    content: list[ChatFilePart | ChatImagePart | ChatTextPart] | str
    """What is said in a chat message, as a text or as a list of parts."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "role": self.role._value_,
            "content": [item.to_dict() for item in self.content]
            if isinstance(self.content, list)
            else self.content,
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
                complete = len(src_dict) == 2
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                _role,
                _content,
            ) = values
            self.role = _chat_role_by_value.get(_role) or ChatRole(_role)
            self.content = one_of(
                _content,
                (str, None),
                (
                    list,
                    lambda value: [
                        one_of(
                            value_item,
                            (dict, lambda value: ChatTextPart.from_dict(value)),
                            (dict, lambda value: ChatImagePart.from_dict(value)),
                            (dict, lambda value: ChatFilePart.from_dict(value)),
                        )
                        for value_item in as_list(value)
                    ],
                ),
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("ChatMessage", error) from error
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
    "role",
    "content",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {}
_chat_role_by_value = by_value(ChatRole)

# At the end, so that models may refer to each other.
from ..models.chat_file_part import ChatFilePart
from ..models.chat_image_part import ChatImagePart
from ..models.chat_text_part import ChatTextPart
