from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.state import State
from ..types import UNSET, Unset, as_list, by_value


@_attrs_define
class SessionInput:
    """A session as a client sends it. Required is what every published client sends. The service takes the identity
    from the key, and keeps `turns`, `create_time`, `update_time`, `num_messages`, `messages`, `usage`, `state`,
    `files` and `logs_table` itself: what a client sends there is ignored.
    """

    user_id: str
    """The `id` of the user, from `GET /v1/user/info`."""

    org_id: str
    """The `org_id` of the user, from `GET /v1/user/info`."""

    model: ModelInfoInput
    """Which configuration of the assistant a new session shall use: an entry of `available_models` as it was received,
    or just a name and the version `stable`, which the service resolves.
    """

    ttl: int
    """Time to live in seconds, at least 300. When it is over, the service deletes the session and all its files."""

    name: str
    """The session's name, to be shown."""

    description: str
    """What the session is about, to be shown; may be empty."""

    id: str | Unset = UNSET
    """The session's id: a random UUID made by the client, in 32 hexadecimal digits or in 36 characters with
    dashes. Always send it: without an id, registering picks one that no answer tells, and updating and deleting
    have no target.
    """

    language: str | Unset = "en"
    """Language wanted for the answers as an IETF tag, for example `en` or `en-US`."""

    turns: int | Unset = 0
    """Ignored; clients send back what they received."""

    create_time: float | Unset = UNSET
    """Ignored; in Unix seconds (UTC) with a fraction."""

    update_time: float | Unset = UNSET
    """Ignored; in Unix seconds (UTC) with a fraction."""

    num_messages: int | Unset = 0
    """Ignored; clients send back what they received."""

    messages: list[MessageInput] | Unset = UNSET
    """Ignored; leave it out or empty."""

    usage: UsageInput | Unset = UNSET
    """Token counts as a client sends them back. The service ignores them."""

    can_log: bool | Unset = True
    """Whether prompts and answers may be retained and analysed to improve the service. False is granted only to
    users with `can_disable_logging`; read the session to see what was granted. Always send it: some versions of
    the service require it.
    """

    state: State | Unset = State.START
    """What the assistant is doing. Newer services may send values that are not listed. Only `end` has a meaning for
    programs: on an `info` message it closes the turn. All others are for display.
    """

    files: list[PublicSessionFile] | Unset = UNSET
    """Ignored; files come and go by `attach_file` and `detach_file`."""

    logs_table: None | PublicLogsTable | Unset = UNSET
    """Ignored; logs are attached by `attach_logs`."""

    local_tools: list[LocalTool] | Unset = UNSET
    """The tools on this machine that the assistant may call during turns on the WebSocket. Read when the session is
    registered.
    """

    agents_config: AgentsConfig | Unset = UNSET
    """Settings of single agents, an object for each by the agent's name. Which settings exist is the service's
    business.
    """

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "user_id": self.user_id,
            "org_id": self.org_id,
            "model": self.model.to_dict(),
            "ttl": self.ttl,
            "name": self.name,
            "description": self.description,
        }
        if not isinstance(self.id, Unset):
            field_dict["id"] = self.id
        if not isinstance(self.language, Unset):
            field_dict["language"] = self.language
        if not isinstance(self.turns, Unset):
            field_dict["turns"] = self.turns
        if not isinstance(self.create_time, Unset):
            field_dict["create_time"] = self.create_time
        if not isinstance(self.update_time, Unset):
            field_dict["update_time"] = self.update_time
        if not isinstance(self.num_messages, Unset):
            field_dict["num_messages"] = self.num_messages
        if not isinstance(self.messages, Unset):
            field_dict["messages"] = [item.to_dict() for item in self.messages]
        if not isinstance(self.usage, Unset):
            field_dict["usage"] = self.usage.to_dict()
        if not isinstance(self.can_log, Unset):
            field_dict["can_log"] = self.can_log
        if not isinstance(self.state, Unset):
            field_dict["state"] = self.state._value_
        if not isinstance(self.files, Unset):
            field_dict["files"] = [item.to_dict() for item in self.files]
        if not isinstance(self.logs_table, Unset):
            field_dict["logs_table"] = None if self.logs_table is None else self.logs_table.to_dict()
        if not isinstance(self.local_tools, Unset):
            field_dict["local_tools"] = [item.to_dict() for item in self.local_tools]
        if not isinstance(self.agents_config, Unset):
            field_dict["agents_config"] = self.agents_config.to_dict()
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
                self.user_id,
                self.org_id,
                _model,
                self.ttl,
                self.name,
                self.description,
                self.id,
                self.language,
                self.turns,
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
            self.model = ModelInfoInput.from_dict(_model)
            self.messages = (
                UNSET
                if _messages is UNSET
                else [MessageInput.from_dict(_messages_item) for _messages_item in as_list(_messages)]
            )
            self.usage = UNSET if _usage is UNSET else UsageInput.from_dict(_usage)
            self.state = UNSET if _state is UNSET else _state_by_value.get(_state) or State(_state)
            self.files = (
                UNSET
                if _files is UNSET
                else [PublicSessionFile.from_dict(_files_item) for _files_item in as_list(_files)]
            )
            self.logs_table = (
                UNSET
                if _logs_table is UNSET
                else None
                if _logs_table is None
                else PublicLogsTable.from_dict(_logs_table)
            )
            self.local_tools = (
                UNSET
                if _local_tools is UNSET
                else [LocalTool.from_dict(_local_tools_item) for _local_tools_item in as_list(_local_tools)]
            )
            self.agents_config = UNSET if _agents_config is UNSET else AgentsConfig.from_dict(_agents_config)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("SessionInput", error) from error
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
    "user_id",
    "org_id",
    "model",
    "ttl",
    "name",
    "description",
    "id",
    "language",
    "turns",
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
    "id": UNSET,
    "language": UNSET,
    "turns": UNSET,
    "create_time": UNSET,
    "update_time": UNSET,
    "num_messages": UNSET,
    "messages": UNSET,
    "usage": UNSET,
    "can_log": UNSET,
    "state": UNSET,
    "files": UNSET,
    "logs_table": UNSET,
    "local_tools": UNSET,
    "agents_config": UNSET,
}
_state_by_value = by_value(State)

# At the end, so that models may refer to each other.
from ..models.agents_config import AgentsConfig
from ..models.local_tool import LocalTool
from ..models.message_input import MessageInput
from ..models.model_info_input import ModelInfoInput
from ..models.public_logs_table import PublicLogsTable
from ..models.public_session_file import PublicSessionFile
from ..models.usage_input import UsageInput
