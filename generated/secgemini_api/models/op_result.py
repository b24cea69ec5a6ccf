from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.mime_type import MimeType
from ..models.response_status import ResponseStatus
from ..types import by_value


@_attrs_define
class OpResult:
    """What an operation came to. A refusal for business reasons comes as HTTP 200 with `ok` false and the reason here,
    so look at `ok` and `status_code` as well as at the HTTP status; the two always agree.
    """

    ok: bool
    """Whether the operation did what was asked."""

    status_code: ResponseStatus
    """How an operation ended, in the numbers of HTTP. Services may send numbers that are not listed: they are read by
    their hundreds, like HTTP's own. 401 is also how a wrong key is reported, 409 that something already exists, 429
    that a quota is used up.
    """

    status_message: str = ""
    """Why the operation failed, in words; empty or `OK` when it did not."""

    data: JsonObject | None = None
    """What the operation has to say; which fields is said at each operation. Null when nothing."""

    mime_type: MimeType | None = MimeType.TEXT
    """The type of what is in `data`."""

    latency: float | None = 0.0
    """How long the operation took, in seconds; null when not measured."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "ok": self.ok,
            "status_code": self.status_code._value_,
            "status_message": self.status_message,
            "data": None if self.data is None else self.data.to_dict(),
            "mime_type": None if self.mime_type is None else self.mime_type._value_,
            "latency": self.latency,
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
                complete = len(src_dict) == 6
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.ok,
                _status_code,
                self.status_message,
                _data,
                _mime_type,
                self.latency,
            ) = values
            self.status_code = _response_status_by_value.get(_status_code) or ResponseStatus(_status_code)
            self.data = None if _data is None else JsonObject.from_dict(_data)
            self.mime_type = (
                None if _mime_type is None else _mime_type_by_value.get(_mime_type) or MimeType(_mime_type)
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("OpResult", error) from error
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
    "ok",
    "status_code",
    "status_message",
    "data",
    "mime_type",
    "latency",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "status_message": "",
    "data": None,
    "mime_type": MimeType.TEXT,
    "latency": 0.0,
}
_response_status_by_value = by_value(ResponseStatus)
_mime_type_by_value = by_value(MimeType)

# At the end, so that models may refer to each other.
from ..models.json_object import JsonObject
