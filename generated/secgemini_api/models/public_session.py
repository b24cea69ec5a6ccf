from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.state import State
from ..types import as_list, by_value


@_attrs_define
class PublicSession:
    """A conversation with the assistant: its settings, its files and its messages. The service always sends every
    field; fields that older versions of the service do not know (`logs_table`, `local_tools`, `agents_config`) have
    defaults.
    """

    id: str
    """The session's id, made by the client that registered it (a random UUID, with or without dashes)."""

    user_id: str
    """The `id` of the user that opened the session."""

    org_id: str
    """The `org_id` of the user that opened the session."""

    model: ModelInfo
    """One configuration of the assistant that sessions can use, as the service states it."""

    ttl: int
    """Time to live in seconds. The service deletes the session this long after it was created or last given a ttl."""

    name: str
    """The session's name, to be shown."""

    description: str
    """What the session is about, to be shown; may be empty."""

    language: str = "en"
    """Language of the answers as an IETF tag, for example `en` or `en-US`."""

    turns: int = 0
    """How many prompts were answered in this session. Kept by the service."""

    create_time: float = 0.0
    """When the session was registered, in Unix seconds (UTC) with a fraction. Kept by the service."""

    update_time: float = 0.0
    """When the session last changed, in Unix seconds (UTC) with a fraction. Kept by the service."""

    num_messages: int = 0
    """How many messages are stored, also where `messages` itself is left empty. Kept by the service."""

    messages: list[Message] = _attrs_field(factory=list)
    """The stored messages in the order in which they were sent: prompts, and everything that was streamed in
    answer except partial results. Empty in lists of sessions.
    """

    usage: Usage = _attrs_field(factory=lambda: Usage())
    """Token counts of one message, one response or one session."""

    can_log: bool = True
    """Whether prompts and answers are retained and may be analysed to improve the service."""

    state: State = State.START
    """What the assistant is doing. Newer services may send values that are not listed. Only `end` has a meaning for
    programs: on an `info` message it closes the turn. All others are for display.
    """

    files: list[PublicSessionFile] = _attrs_field(factory=list)
    """The attached files in the order in which they were attached. `file_idx` counts from 0 in this list."""

    logs_table: None | PublicLogsTable = None
    """The attached logs; null when there are none."""

    local_tools: list[LocalTool] = _attrs_field(factory=list)
    """The tools on the client's machine that the assistant may call in this session, as they were registered."""

    agents_config: AgentsConfig = _attrs_field(factory=lambda: AgentsConfig())
    """Settings of single agents, an object for each by the agent's name. Which settings exist is the service's
    business.
    """

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "id": self.id,
            "user_id": self.user_id,
            "org_id": self.org_id,
            "model": self.model.to_dict(),
            "ttl": self.ttl,
            "language": self.language,
            "turns": self.turns,
            "name": self.name,
            "description": self.description,
            "create_time": self.create_time,
            "update_time": self.update_time,
            "num_messages": self.num_messages,
            "messages": [item.to_dict() for item in self.messages],
            "usage": self.usage.to_dict(),
            "can_log": self.can_log,
            "state": self.state._value_,
            "files": [item.to_dict() for item in self.files],
            "logs_table": None if self.logs_table is None else self.logs_table.to_dict(),
            "local_tools": [item.to_dict() for item in self.local_tools],
            "agents_config": self.agents_config.to_dict(),
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
                complete = len(src_dict) == 20
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.id,
                self.user_id,
                self.org_id,
                _model,
                self.ttl,
                self.language,
                self.turns,
                self.name,
                self.description,
                self.create_time,
                self.update_time,
                self.num_messages,
                _messages,
                _usage,
                self.can_log,
                _state,
                _files,
                _logs_table,
                _local_tools,
                _agents_config,
            ) = values
            self.model = ModelInfo.from_dict(_model)
            self.messages = [Message.from_dict(_messages_item) for _messages_item in as_list(_messages)]
            self.usage = Usage.from_dict(_usage)
            self.state = _state_by_value.get(_state) or State(_state)
            self.files = [PublicSessionFile.from_dict(_files_item) for _files_item in as_list(_files)]
            self.logs_table = None if _logs_table is None else PublicLogsTable.from_dict(_logs_table)
            self.local_tools = [
                LocalTool.from_dict(_local_tools_item) for _local_tools_item in as_list(_local_tools)
            ]
            self.agents_config = AgentsConfig.from_dict(_agents_config)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("PublicSession", error) from error
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
    "user_id",
    "org_id",
    "model",
    "ttl",
    "language",
    "turns",
    "name",
    "description",
    "create_time",
    "update_time",
    "num_messages",
    "messages",
    "usage",
    "can_log",
    "state",
    "files",
    "logs_table",
    "local_tools",
    "agents_config",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "language": "en",
    "turns": 0,
    "create_time": 0.0,
    "update_time": 0.0,
    "num_messages": 0,
    "messages": [],
    "usage": {},
    "can_log": True,
    "state": State.START,
    "files": [],
    "logs_table": None,
    "local_tools": [],
    "agents_config": {},
}
_state_by_value = by_value(State)

# At the end, so that models may refer to each other.
from ..models.agents_config import AgentsConfig
from ..models.local_tool import LocalTool
from ..models.message import Message
from ..models.model_info import ModelInfo
from ..models.public_logs_table import PublicLogsTable
from ..models.public_session_file import PublicSessionFile
from ..models.usage import Usage
