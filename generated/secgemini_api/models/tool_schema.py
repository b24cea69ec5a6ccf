from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.tool_schema_type import ToolSchemaType
from ..types import UNSET, Unset, as_list, by_value


@_attrs_define
class ToolSchema:
    """Describes a value: the subset of JSON Schema that the model's function calling understands, with keys in
    snake_case. All keys are optional, and null means the same as absent. A service ignores keys that it does not
    know, so JSON Schema's own spellings (`anyOf`, `$ref`, `additionalProperties`) have no effect.
    """

    additional_properties_: Any | Unset = UNSET
    """Whether an object may have further properties, or a schema for their values; boolean, object or null."""

    defs: None | ToolSchemaMap | Unset = UNSET
    """Definitions for `ref` by name. Only at the root of a schema."""

    ref: None | str | Unset = UNSET
    """Points to a definition at the root, written `#/defs/NAME`."""

    any_of: list[ToolSchema] | None | Unset = UNSET
    """Schemas of which at least one must hold."""

    default: Any | Unset = UNSET
    """The value that counts when none is given; any JSON value."""

    description: None | str | Unset = UNSET
    """What the value means. The model reads this."""

    enum: list[str] | None | Unset = UNSET
    """The values that are allowed, as strings, for any type of value."""

    example: Any | Unset = UNSET
    """An example of the value; any JSON value. Only at the root of a schema."""

    format_: None | str | Unset = UNSET
    """Narrows the type, for example `int64`, `double`, `email`, `enum`."""

    items: None | ToolSchema | Unset = UNSET
    """The schema of an array's elements."""

    max_items: int | None | Unset = UNSET
    """The most elements that an array may have."""

    max_length: int | None | Unset = UNSET
    """The most characters that a string may have."""

    max_properties: int | None | Unset = UNSET
    """The most properties that an object may have."""

    maximum: float | None | Unset = UNSET
    """The largest number allowed, itself included."""

    min_items: int | None | Unset = UNSET
    """The fewest elements that an array may have."""

    min_length: int | None | Unset = UNSET
    """The fewest characters that a string may have."""

    min_properties: int | None | Unset = UNSET
    """The fewest properties that an object may have."""

    minimum: float | None | Unset = UNSET
    """The smallest number allowed, itself included."""

    nullable: bool | None | Unset = UNSET
    """Whether the value may be null."""

    pattern: None | str | Unset = UNSET
    """A regular expression that a string must match."""

    properties: None | ToolSchemaMap | Unset = UNSET
    """The schemas of an object's properties, by the property's name."""

    property_ordering: list[str] | None | Unset = UNSET
    """The order in which the model should write the properties, by name."""

    required: list[str] | None | Unset = UNSET
    """The names of the properties that must be there."""

    title: None | str | Unset = UNSET
    """A short name for the value, to be shown."""

    type_: None | ToolSchemaType | Unset = UNSET
    """The type of the value; null when `any_of` or `ref` says it."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {}
        if not isinstance(self.additional_properties_, Unset):
            field_dict["additional_properties"] = self.additional_properties_
        if not isinstance(self.defs, Unset):
            field_dict["defs"] = None if self.defs is None else self.defs.to_dict()
        if not isinstance(self.ref, Unset):
            field_dict["ref"] = self.ref
        if not isinstance(self.any_of, Unset):
            field_dict["any_of"] = None if self.any_of is None else [item.to_dict() for item in self.any_of]
        if not isinstance(self.default, Unset):
            field_dict["default"] = self.default
        if not isinstance(self.description, Unset):
            field_dict["description"] = self.description
        if not isinstance(self.enum, Unset):
            field_dict["enum"] = self.enum
        if not isinstance(self.example, Unset):
            field_dict["example"] = self.example
        if not isinstance(self.format_, Unset):
            field_dict["format"] = self.format_
        if not isinstance(self.items, Unset):
            field_dict["items"] = None if self.items is None else self.items.to_dict()
        if not isinstance(self.max_items, Unset):
            field_dict["max_items"] = self.max_items
        if not isinstance(self.max_length, Unset):
            field_dict["max_length"] = self.max_length
        if not isinstance(self.max_properties, Unset):
            field_dict["max_properties"] = self.max_properties
        if not isinstance(self.maximum, Unset):
            field_dict["maximum"] = self.maximum
        if not isinstance(self.min_items, Unset):
            field_dict["min_items"] = self.min_items
        if not isinstance(self.min_length, Unset):
            field_dict["min_length"] = self.min_length
        if not isinstance(self.min_properties, Unset):
            field_dict["min_properties"] = self.min_properties
        if not isinstance(self.minimum, Unset):
            field_dict["minimum"] = self.minimum
        if not isinstance(self.nullable, Unset):
            field_dict["nullable"] = self.nullable
        if not isinstance(self.pattern, Unset):
            field_dict["pattern"] = self.pattern
        if not isinstance(self.properties, Unset):
            field_dict["properties"] = None if self.properties is None else self.properties.to_dict()
        if not isinstance(self.property_ordering, Unset):
            field_dict["property_ordering"] = self.property_ordering
        if not isinstance(self.required, Unset):
            field_dict["required"] = self.required
        if not isinstance(self.title, Unset):
            field_dict["title"] = self.title
        if not isinstance(self.type_, Unset):
            field_dict["type"] = None if self.type_ is None else self.type_._value_
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
                complete = len(src_dict) == 25
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.additional_properties_,
                _defs,
                self.ref,
                _any_of,
                self.default,
                self.description,
                _enum,
                self.example,
                self.format_,
                _items,
                self.max_items,
                self.max_length,
                self.max_properties,
                self.maximum,
                self.min_items,
                self.min_length,
                self.min_properties,
                self.minimum,
                self.nullable,
                self.pattern,
                _properties,
                _property_ordering,
                _required,
                self.title,
                _type_,
            ) = values
            self.defs = UNSET if _defs is UNSET else None if _defs is None else ToolSchemaMap.from_dict(_defs)
            self.any_of = (
                UNSET
                if _any_of is UNSET
                else None
                if _any_of is None
                else [ToolSchema.from_dict(_any_of_item) for _any_of_item in as_list(_any_of)]
            )
            self.enum = UNSET if _enum is UNSET else None if _enum is None else as_list(_enum)
            self.items = (
                UNSET if _items is UNSET else None if _items is None else ToolSchema.from_dict(_items)
            )
            self.properties = (
                UNSET
                if _properties is UNSET
                else None
                if _properties is None
                else ToolSchemaMap.from_dict(_properties)
            )
            self.property_ordering = (
                UNSET
                if _property_ordering is UNSET
                else None
                if _property_ordering is None
                else as_list(_property_ordering)
            )
            self.required = UNSET if _required is UNSET else None if _required is None else as_list(_required)
            self.type_ = (
                UNSET
                if _type_ is UNSET
                else None
                if _type_ is None
                else _tool_schema_type_by_value.get(_type_) or ToolSchemaType(_type_)
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("ToolSchema", error) from error
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
    "additional_properties",
    "defs",
    "ref",
    "any_of",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "max_items",
    "max_length",
    "max_properties",
    "maximum",
    "min_items",
    "min_length",
    "min_properties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "property_ordering",
    "required",
    "title",
    "type",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "additional_properties": UNSET,
    "defs": UNSET,
    "ref": UNSET,
    "any_of": UNSET,
    "default": UNSET,
    "description": UNSET,
    "enum": UNSET,
    "example": UNSET,
    "format": UNSET,
    "items": UNSET,
    "max_items": UNSET,
    "max_length": UNSET,
    "max_properties": UNSET,
    "maximum": UNSET,
    "min_items": UNSET,
    "min_length": UNSET,
    "min_properties": UNSET,
    "minimum": UNSET,
    "nullable": UNSET,
    "pattern": UNSET,
    "properties": UNSET,
    "property_ordering": UNSET,
    "required": UNSET,
    "title": UNSET,
    "type": UNSET,
}
_tool_schema_type_by_value = by_value(ToolSchemaType)

# At the end, so that models may refer to each other.
from ..models.tool_schema_map import ToolSchemaMap
