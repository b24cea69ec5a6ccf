from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class LogsUpload:
    """Some lines of a log file, in order."""

    logs_hash: str
    """Keyed BLAKE2s hash of the whole file, as given to `create_logs_table`."""

    can_log: bool
    """Whether the logs may be retained and analysed to improve the service; the session's `can_log`."""

    log_lines: list[str]
    """The lines with their line ends, in the order of the file. About 10 MB of them in one request."""

    custom_fields_mapping: LogFieldMapping | Unset = UNSET
    """From the service's field name to the name of the field in the log records."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "logs_hash": self.logs_hash,
            "can_log": self.can_log,
            "log_lines": self.log_lines,
        }
        if not isinstance(self.custom_fields_mapping, Unset):
            field_dict["custom_fields_mapping"] = self.custom_fields_mapping.to_dict()
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
                complete = len(src_dict) == 4
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.logs_hash,
                self.can_log,
                _log_lines,
                _custom_fields_mapping,
            ) = values
            self.log_lines = as_list(_log_lines)
            self.custom_fields_mapping = (
                UNSET
                if _custom_fields_mapping is UNSET
                else LogFieldMapping.from_dict(_custom_fields_mapping)
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("LogsUpload", error) from error
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
    "logs_hash",
    "can_log",
    "log_lines",
    "custom_fields_mapping",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "custom_fields_mapping": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.log_field_mapping import LogFieldMapping
