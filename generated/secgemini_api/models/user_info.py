from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import as_list


@_attrs_define
class UserInfo:
    """Who the key belongs to, which sessions are open under it and which models it may use."""

    user: PublicUser
    """The public part of a user's account."""

    sessions: list[PublicSession] = _attrs_field(factory=list)
    """The open sessions of this key, oldest first. They carry no messages here (`messages` is empty) while
    `num_messages` still tells how many there are; `GET /v1/session/get` reads one session whole.
    """

    available_models: list[ModelInfo] = _attrs_field(factory=list)
    """The models that this key may use. Put one of them into a new session's `model`."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "user": self.user.to_dict(),
            "sessions": [item.to_dict() for item in self.sessions],
            "available_models": [item.to_dict() for item in self.available_models],
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
                complete = len(src_dict) == 3
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                _user,
                _sessions,
                _available_models,
            ) = values
            self.user = PublicUser.from_dict(_user)
            self.sessions = [PublicSession.from_dict(_sessions_item) for _sessions_item in as_list(_sessions)]
            self.available_models = [
                ModelInfo.from_dict(_available_models_item)
                for _available_models_item in as_list(_available_models)
            ]
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("UserInfo", error) from error
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
    "user",
    "sessions",
    "available_models",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "sessions": [],
    "available_models": [],
}

# At the end, so that models may refer to each other.
from ..models.model_info import ModelInfo
from ..models.public_session import PublicSession
from ..models.public_user import PublicUser
