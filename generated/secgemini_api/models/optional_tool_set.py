from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape


@_attrs_define
class OptionalToolSet:
    """A group of the service's own tools that can be switched on or off for a session."""

    name: str
    """Identifies the toolset among those of its model."""

    version: int
    """Version of the toolset; grows with every change."""

    vendor: ToolSetVendor
    """Who provides a toolset."""

    is_enabled: bool
    """Whether the toolset is on. Always present although deprecated; `is_enabled_by_default` replaces it."""

    is_enabled_by_default: bool
    """Whether the toolset is on in a session that says nothing about it."""

    is_enabled_by_default_in_incognito: bool
    """Whether the toolset is on in a session with `can_log` false that says nothing about it."""

    is_experimental: bool
    """Whether the toolset is experimental, that is, only for users with `allow_experimental`."""

    description: None | str = None
    """One sentence about what the toolset does, to be shown; null when there is none."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "vendor": self.vendor.to_dict(),
            "is_enabled": self.is_enabled,
            "is_enabled_by_default": self.is_enabled_by_default,
            "is_enabled_by_default_in_incognito": self.is_enabled_by_default_in_incognito,
            "is_experimental": self.is_experimental,
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
                complete = len(src_dict) == 8
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.name,
                self.version,
                self.description,
                _vendor,
                self.is_enabled,
                self.is_enabled_by_default,
                self.is_enabled_by_default_in_incognito,
                self.is_experimental,
            ) = values
            self.vendor = ToolSetVendor.from_dict(_vendor)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("OptionalToolSet", error) from error
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
    "name",
    "version",
    "description",
    "vendor",
    "is_enabled",
    "is_enabled_by_default",
    "is_enabled_by_default_in_incognito",
    "is_experimental",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "description": None,
}

# At the end, so that models may refer to each other.
from ..models.tool_set_vendor import ToolSetVendor
