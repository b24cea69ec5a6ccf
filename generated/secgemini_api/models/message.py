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
class Message:
    """One message of a session: a prompt, or a piece of the assistant's answer. The same shape on the WebSocket, in
    the response of `generate` and in the stored history.
    """

    id: str
    """The message's id, unique in its session. Whoever makes the message makes it; 12 or more random hexadecimal
    digits.
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

    parent_id: str = "3713"
    """The `id` of the message that this one answers; the literal `3713` is the root of the conversation."""

    turn: str = ""
    """The same for all messages of one generation step; 12 random hexadecimal digits."""

    group: str = ""
    """The same for all messages that belong together, for example the calls of tools that run at the same time.
    Feedback can name it.
    """

    actor: str = "user"
    """Who speaks, as free text, `user` or the name of an agent such as `orchestrator`."""

    role: Role = Role.USER
    """On whose behalf a message speaks. Newer services may send values that are not listed."""

    created_at: float = 0.0
    """When the message was made, in Unix seconds (UTC) with a fraction."""

    icon: None | str = None
    """An icon to be shown with the message as SVG source text, to be treated as untrusted markup; null for none."""

    text_color: None | str = None
    """A CSS colour for the text of the message; null for none."""

    title: None | str = None
    """A heading to be shown above the content; null for none."""

    state: State = State.START
    """What the assistant is doing. Newer services may send values that are not listed. Only `end` has a meaning for
    programs: on an `info` message it closes the turn. All others are for display.
    """

    content: None | str = None
    """The message itself. Text as it is for the types `text/*`, `application/json`, `application/jsonl` and
    `sec-gemini/*`; base64 of the bytes for all others; null when there is nothing to say. Text may contain any
    character, also those that control a terminal: neutralise it before you show it.
    """

    mime_type: MimeType | None = MimeType.TEXT
    """The type of `content`; null when there is no content."""

    status_code: int = 200
    """200 for a message as it should be, 206 for a partial result, 4xx when the client was at fault, 5xx when the
    service was. From 400 the turn has failed. Any integer may come, also one that HTTP does not know.
    """

    status_message: str = "OK"
    """The status in words, `OK` or the reason of the failure."""

    usage: None | Usage = None
    """Tokens that making this message took; null when the message was not made by a model."""

    timestamp: int | Unset = UNSET
    """When the message was made, in whole Unix seconds (UTC). Deprecated and possibly absent; use `created_at`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "id": self.id,
            "parent_id": self.parent_id,
            "turn": self.turn,
            "group": self.group,
            "actor": self.actor,
            "role": self.role._value_,
            "created_at": self.created_at,
            "message_type": self.message_type._value_,
            "icon": self.icon,
            "text_color": self.text_color,
            "title": self.title,
            "state": self.state._value_,
            "content": self.content,
            "mime_type": None if self.mime_type is None else self.mime_type._value_,
            "status_code": self.status_code,
            "status_message": self.status_message,
            "usage": None if self.usage is None else self.usage.to_dict(),
        }
        if not isinstance(self.timestamp, Unset):
            field_dict["timestamp"] = self.timestamp
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
                self.id,
                self.parent_id,
                self.turn,
                self.group,
                self.actor,
                _role,
                self.created_at,
                _message_type,
                self.icon,
                self.text_color,
                self.title,
                _state,
                self.content,
                _mime_type,
                self.status_code,
                self.status_message,
                _usage,
                self.timestamp,
            ) = values
            self.role = _role_by_value.get(_role) or Role(_role)
            self.message_type = _message_type_by_value.get(_message_type) or MessageType(_message_type)
            self.state = _state_by_value.get(_state) or State(_state)
            self.mime_type = (
                None if _mime_type is None else _mime_type_by_value.get(_mime_type) or MimeType(_mime_type)
            )
            self.usage = None if _usage is None else Usage.from_dict(_usage)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("Message", error) from error
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
    "parent_id",
    "turn",
    "group",
    "actor",
    "role",
    "created_at",
    "message_type",
    "icon",
    "text_color",
    "title",
    "state",
    "content",
    "mime_type",
    "status_code",
    "status_message",
    "usage",
    "timestamp",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "parent_id": "3713",
    "turn": "",
    "group": "",
    "actor": "user",
    "role": Role.USER,
    "created_at": 0.0,
    "icon": None,
    "text_color": None,
    "title": None,
    "state": State.START,
    "content": None,
    "mime_type": MimeType.TEXT,
    "status_code": 200,
    "status_message": "OK",
    "usage": None,
    "timestamp": UNSET,
}
_role_by_value = by_value(Role)
_message_type_by_value = by_value(MessageType)
_state_by_value = by_value(State)
_mime_type_by_value = by_value(MimeType)

# At the end, so that models may refer to each other.
from ..models.usage import Usage
