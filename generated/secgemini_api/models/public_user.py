from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.user_type import UserType
from ..types import as_list, by_value


@_attrs_define
class PublicUser:
    """The public part of a user's account."""

    id: str
    """Identifies the user. Goes into `user_id` of every session that this user opens."""

    org_id: str
    """Identifies the user's organization. Goes into `org_id` of every session."""

    type_: UserType = UserType.USER
    """Kind of account. Newer services may send values that are not listed."""

    never_log: bool = False
    """Whether the service never retains prompts and answers of this user, whatever a session asks for."""

    can_disable_logging: bool = False
    """Whether this user may open sessions with `can_log` false."""

    key_expire_time: int = 0
    """When the key expires, in Unix seconds (UTC); 0 means never."""

    tpm: int = 0
    """Quota of the key in tokens per minute; 0 means that none is stated."""

    rpm: int = 0
    """Quota of the key in requests per minute; 0 means that none is stated."""

    allow_experimental: bool = False
    """Whether this user may use models and toolsets that are marked experimental."""

    vendors: list[PublicUserVendor] = _attrs_field(factory=list)
    """The vendors whose data or tools this user has access to."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "id": self.id,
            "org_id": self.org_id,
            "type": self.type_._value_,
            "never_log": self.never_log,
            "can_disable_logging": self.can_disable_logging,
            "key_expire_time": self.key_expire_time,
            "tpm": self.tpm,
            "rpm": self.rpm,
            "allow_experimental": self.allow_experimental,
            "vendors": [item.to_dict() for item in self.vendors],
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
                complete = len(src_dict) == 10
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.id,
                self.org_id,
                _type_,
                self.never_log,
                self.can_disable_logging,
                self.key_expire_time,
                self.tpm,
                self.rpm,
                self.allow_experimental,
                _vendors,
            ) = values
            self.type_ = _user_type_by_value.get(_type_) or UserType(_type_)
            self.vendors = [PublicUserVendor.from_dict(_vendors_item) for _vendors_item in as_list(_vendors)]
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("PublicUser", error) from error
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
    "org_id",
    "type",
    "never_log",
    "can_disable_logging",
    "key_expire_time",
    "tpm",
    "rpm",
    "allow_experimental",
    "vendors",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "type": UserType.USER,
    "never_log": False,
    "can_disable_logging": False,
    "key_expire_time": 0,
    "tpm": 0,
    "rpm": 0,
    "allow_experimental": False,
    "vendors": [],
}
_user_type_by_value = by_value(UserType)

# At the end, so that models may refer to each other.
from ..models.public_user_vendor import PublicUserVendor
