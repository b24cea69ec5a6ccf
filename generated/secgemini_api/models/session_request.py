from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class SessionRequest:
    """A prompt for a session."""

    messages: list[MessageInput]
    """The new messages, exactly one of them with the type `query`. The history is not sent again."""

    id: str | Unset = UNSET
    """The `id` of the session. Always send it; without one the service has no session to ask in."""

    local_tools: list[LocalTool] | Unset = UNSET
    """Tools on the client's machine. They can be called on the WebSocket only, so this is empty for `generate`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "messages": [item.to_dict() for item in self.messages],
        }
        if not isinstance(self.id, Unset):
            field_dict["id"] = self.id
        if not isinstance(self.local_tools, Unset):
            field_dict["local_tools"] = [item.to_dict() for item in self.local_tools]
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
                complete = len(src_dict) == 3
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                _messages,
                self.id,
                _local_tools,
            ) = values
            self.messages = [MessageInput.from_dict(_messages_item) for _messages_item in as_list(_messages)]
            self.local_tools = (
                UNSET
                if _local_tools is UNSET
                else [LocalTool.from_dict(_local_tools_item) for _local_tools_item in as_list(_local_tools)]
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("SessionRequest", error) from error
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
    "messages",
    "id",
    "local_tools",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "id": UNSET,
    "local_tools": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.local_tool import LocalTool
from ..models.message_input import MessageInput
