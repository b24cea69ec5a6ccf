from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import as_list


@_attrs_define
class SessionResponse:
    """All messages of one turn."""

    id: str
    """The `id` of the session that was asked."""

    messages: list[Message]
    """The messages of the turn in order, without the prompt and without partial results. The answer is a `result`."""

    status_code: int
    """How the turn ended; 200 when all went well, 4xx when the client was at fault, 5xx when the service was."""

    status_message: str
    """The status in words, `OK` or the reason of the failure."""

    usage: Usage
    """Token counts of one message, one response or one session."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "id": self.id,
            "messages": [item.to_dict() for item in self.messages],
            "status_code": self.status_code,
            "status_message": self.status_message,
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
                complete = len(src_dict) == 5
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.id,
                _messages,
                self.status_code,
                self.status_message,
                _usage,
            ) = values
            self.messages = [Message.from_dict(_messages_item) for _messages_item in as_list(_messages)]
            self.usage = Usage.from_dict(_usage)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("SessionResponse", error) from error
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
    "messages",
    "status_code",
    "status_message",
    "usage",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {}

# At the end, so that models may refer to each other.
from ..models.message import Message
from ..models.usage import Usage
