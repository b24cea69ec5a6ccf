from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape


@_attrs_define
class AgentsConfig:
    """Settings of single agents, an object for each by the agent's name. Which settings exist is the service's
    business.
    """

    additional_properties: dict[str, JsonObject] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {}
        if self.additional_properties:
            extra = {name: value.to_dict() for name, value in self.additional_properties.items()}
            field_dict = {**extra, **field_dict}
        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Make one from a JSON object.

        Raises:
            errors.UnexpectedShape: a required field is missing, or a value is not what the contract says.
        """
        self = cls.__new__(cls)
        try:
            self.additional_properties = {
                name: JsonObject.from_dict(value) for name, value in src_dict.items()
            }
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("AgentsConfig", error) from error
        return self

    @property
    def additional_keys(self) -> list[str]:
        """The names of the fields that the contract does not name."""
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> JsonObject:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: JsonObject) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties


# At the end, so that models may refer to each other.
from ..models.json_object import JsonObject
