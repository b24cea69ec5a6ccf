from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class ModelInfoInput:
    """Which configuration of the assistant a new session shall use: an entry of `available_models` as it was received,
    or just a name and the version `stable`, which the service resolves.
    """

    model_name: str
    """Name of the model without its version, for example `sec-gemini`."""

    version: str
    """Version of the model, a number such as `1.1`, or `stable` for the one that the service recommends."""

    model_string: str
    """Name, version and, where it applies, `experimental`, joined by `-`; for example `sec-gemini-stable`."""

    use_experimental: bool | Unset = False
    """Whether to use sub-agents and tools that are marked experimental."""

    description: None | str | Unset = ""
    """Ignored by the service; clients send back what they received."""

    toolsets: list[OptionalToolSet] | Unset = UNSET
    """The toolsets with `is_enabled` as wanted for this session. Empty means the service's choice."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "model_name": self.model_name,
            "version": self.version,
            "model_string": self.model_string,
        }
        if not isinstance(self.use_experimental, Unset):
            field_dict["use_experimental"] = self.use_experimental
        if not isinstance(self.description, Unset):
            field_dict["description"] = self.description
        if not isinstance(self.toolsets, Unset):
            field_dict["toolsets"] = [item.to_dict() for item in self.toolsets]
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
                complete = len(src_dict) == 6
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.model_name,
                self.version,
                self.model_string,
                self.use_experimental,
                self.description,
                _toolsets,
            ) = values
            self.toolsets = (
                UNSET
                if _toolsets is UNSET
                else [OptionalToolSet.from_dict(_toolsets_item) for _toolsets_item in as_list(_toolsets)]
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("ModelInfoInput", error) from error
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
    "model_name",
    "version",
    "model_string",
    "use_experimental",
    "description",
    "toolsets",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "use_experimental": UNSET,
    "description": UNSET,
    "toolsets": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.optional_tool_set import OptionalToolSet
