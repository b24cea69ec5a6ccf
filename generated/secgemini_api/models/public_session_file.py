from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape


@_attrs_define
class PublicSessionFile:
    """A file attached to a session, as the service describes it. Its content cannot be read back."""

    name: str
    """The file name that the client gave. Only a label; treat it as untrusted text and never as a path."""

    size: int
    """Size of the file in bytes, after base64 was decoded."""

    sha256: str
    """SHA-256 of the file's bytes in 64 lower-case hexadecimal digits."""

    mime_type: str
    """The file's type, found by looking at its content; the client's hint may have been overridden. Free text and
    not one of `MimeType`.
    """

    content_type_label: None | str = None
    """Short label of the type that was found, for example `pdf` or `jpeg`; null when unknown."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "name": self.name,
            "size": self.size,
            "sha256": self.sha256,
            "mime_type": self.mime_type,
            "content_type_label": self.content_type_label,
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
                complete = len(src_dict) == 5
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.name,
                self.size,
                self.sha256,
                self.mime_type,
                self.content_type_label,
            ) = values
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("PublicSessionFile", error) from error
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
    "size",
    "sha256",
    "mime_type",
    "content_type_label",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "content_type_label": None,
}
