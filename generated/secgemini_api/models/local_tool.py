from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class LocalTool:
    """A function on the client's machine that the assistant may ask the client to run."""

    name: str
    """The tool's name, unique in the session; calls use it."""

    description: str
    """What the tool does and when to use it. The model reads this."""

    parameters: ToolSchema
    """Describes a value: the subset of JSON Schema that the model's function calling understands, with keys in
    snake_case. All keys are optional, and null means the same as absent. A service ignores keys that it does not
    know, so JSON Schema's own spellings (`anyOf`, `$ref`, `additionalProperties`) have no effect.
    """

    returns: None | ToolSchema | Unset = UNSET
    """What the tool gives back; null or absent when not described."""

    version: None | str | Unset = UNSET
    """Version of this definition; null or absent when it has none."""

    tags: list[str] | None | Unset = UNSET
    """Words to group tools by; null or absent when there are none."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters.to_dict(),
        }
        if not isinstance(self.returns, Unset):
            field_dict["returns"] = None if self.returns is None else self.returns.to_dict()
        if not isinstance(self.version, Unset):
            field_dict["version"] = self.version
        if not isinstance(self.tags, Unset):
            field_dict["tags"] = self.tags
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
                self.name,
                self.description,
                _parameters,
                _returns,
                self.version,
                _tags,
            ) = values
            self.parameters = ToolSchema.from_dict(_parameters)
            self.returns = (
                UNSET if _returns is UNSET else None if _returns is None else ToolSchema.from_dict(_returns)
            )
            self.tags = UNSET if _tags is UNSET else None if _tags is None else as_list(_tags)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("LocalTool", error) from error
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
    "description",
    "parameters",
    "returns",
    "version",
    "tags",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "returns": UNSET,
    "version": UNSET,
    "tags": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.tool_schema import ToolSchema
