from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.message_type import MessageType
from ..models.mime_type import MimeType
from ..models.role import Role
from ..models.state import State
from ..types import UNSET, Unset, by_value


@_attrs_define
class MessageInput:
    """A message as a client sends it: a prompt, or the result of a local tool. Only `message_type` is required; the
    service fills in what is missing.
    """

    message_type: MessageType
    """Kind of message. Newer services may send values that are not listed: keep them and show the message or skip it.

    * `query` is a prompt;
    * `result` is the answer, once in a turn, or many times with status 206 for its pieces;
    * `thinking` tells what the model considers;
    * `info` tells what the service does; with the state `end` it closes the turn;
    * `error` tells why the turn failed;
    * `source` names where a statement comes from;
    * `debug` is for developers and is not stored;
    * `update` changes and `delete` takes back the earlier message that `parent_id` names;
    * `confirmation_request` and `confirmation_response` are reserved;
    * `local_tool_call` asks the client to run a tool, `local_tool_result` is what came of it.
    """

    id: str | Unset = UNSET
    """The message's id, made by the client: a UUID or 12 or more random hexadecimal digits. The stored prompt
    keeps it, so a client that does not know whether its prompt arrived can look for it in the history.
    """

    parent_id: str | Unset = "3713"
    """The `id` of the message that this one answers; the literal `3713` is the root of the conversation."""

    turn: str | Unset = UNSET
    """Random, the same for all messages of one generation step; 12 hexadecimal digits."""

    group: str | Unset = UNSET
    """Random, the same for all messages that belong together; 32 hexadecimal digits."""

    actor: str | Unset = "user"
    """Who speaks, as free text; `user` for prompts."""

    role: Role | Unset = Role.USER
    """On whose behalf a message speaks. Newer services may send values that are not listed."""

    timestamp: int | Unset = UNSET
    """When the message was made, in whole Unix seconds (UTC). Deprecated; use `created_at`."""

    created_at: float | Unset = UNSET
    """When the message was made, in Unix seconds (UTC) with a fraction."""

    icon: None | str | Unset = UNSET
    """An icon as SVG source text; null for none."""

    text_color: None | str | Unset = UNSET
    """A CSS colour for the text of the message; null for none."""

    title: None | str | Unset = UNSET
    """A heading to be shown above the content; null for none."""

    state: State | Unset = State.START
    """What the assistant is doing. Newer services may send values that are not listed. Only `end` has a meaning for
    programs: on an `info` message it closes the turn. All others are for display.
    """

    content: None | str | Unset = UNSET
    """The prompt, or the result of a local tool as JSON text."""

    mime_type: MimeType | None | Unset = MimeType.TEXT
    """The type of `content`; `text/plain` for a prompt."""

    status_code: int | Unset = 200
    """200, or 500 for a local tool that failed or was not allowed to run."""

    status_message: str | Unset = "OK"
    """The status in words; `OK` for a prompt."""

    usage: None | Unset | UsageInput = UNSET
    """Ignored; null or zeros, the service counts itself."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "message_type": self.message_type._value_,
        }
        if not isinstance(self.id, Unset):
            field_dict["id"] = self.id
        if not isinstance(self.parent_id, Unset):
            field_dict["parent_id"] = self.parent_id
        if not isinstance(self.turn, Unset):
            field_dict["turn"] = self.turn
        if not isinstance(self.group, Unset):
            field_dict["group"] = self.group
        if not isinstance(self.actor, Unset):
            field_dict["actor"] = self.actor
        if not isinstance(self.role, Unset):
            field_dict["role"] = self.role._value_
        if not isinstance(self.timestamp, Unset):
            field_dict["timestamp"] = self.timestamp
        if not isinstance(self.created_at, Unset):
            field_dict["created_at"] = self.created_at
        if not isinstance(self.icon, Unset):
            field_dict["icon"] = self.icon
        if not isinstance(self.text_color, Unset):
            field_dict["text_color"] = self.text_color
        if not isinstance(self.title, Unset):
            field_dict["title"] = self.title
        if not isinstance(self.state, Unset):
            field_dict["state"] = self.state._value_
        if not isinstance(self.content, Unset):
            field_dict["content"] = self.content
        if not isinstance(self.mime_type, Unset):
            field_dict["mime_type"] = None if self.mime_type is None else self.mime_type._value_
        if not isinstance(self.status_code, Unset):
            field_dict["status_code"] = self.status_code
        if not isinstance(self.status_message, Unset):
            field_dict["status_message"] = self.status_message
        if not isinstance(self.usage, Unset):
            field_dict["usage"] = None if self.usage is None else self.usage.to_dict()
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
                complete = len(src_dict) == 18
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                _message_type,
                self.id,
                self.parent_id,
                self.turn,
                self.group,
                self.actor,
                _role,
                self.timestamp,
                self.created_at,
                self.icon,
                self.text_color,
                self.title,
                _state,
                self.content,
                _mime_type,
                self.status_code,
                self.status_message,
                _usage,
            ) = values
            self.message_type = _message_type_by_value.get(_message_type) or MessageType(_message_type)
            self.role = UNSET if _role is UNSET else _role_by_value.get(_role) or Role(_role)
            self.state = UNSET if _state is UNSET else _state_by_value.get(_state) or State(_state)
            self.mime_type = (
                UNSET
                if _mime_type is UNSET
                else None
                if _mime_type is None
                else _mime_type_by_value.get(_mime_type) or MimeType(_mime_type)
            )
            self.usage = (
                UNSET if _usage is UNSET else None if _usage is None else UsageInput.from_dict(_usage)
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("MessageInput", error) from error
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
    "message_type",
    "id",
    "parent_id",
    "turn",
    "group",
    "actor",
    "role",
    "timestamp",
    "created_at",
    "icon",
    "text_color",
    "title",
    "state",
    "content",
    "mime_type",
    "status_code",
    "status_message",
    "usage",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "id": UNSET,
    "parent_id": UNSET,
    "turn": UNSET,
    "group": UNSET,
    "actor": UNSET,
    "role": UNSET,
    "timestamp": UNSET,
    "created_at": UNSET,
    "icon": UNSET,
    "text_color": UNSET,
    "title": UNSET,
    "state": UNSET,
    "content": UNSET,
    "mime_type": UNSET,
    "status_code": UNSET,
    "status_message": UNSET,
    "usage": UNSET,
}
_message_type_by_value = by_value(MessageType)
_role_by_value = by_value(Role)
_state_by_value = by_value(State)
_mime_type_by_value = by_value(MimeType)

# At the end, so that models may refer to each other.
from ..models.usage_input import UsageInput
