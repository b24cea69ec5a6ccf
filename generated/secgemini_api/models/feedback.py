from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..models.feedback_type import FeedbackType
from ..types import UNSET, Unset, by_value


@_attrs_define
class Feedback:
    """What a user thinks of an answer, or a report of something broken."""

    session_id: str
    """The `id` of the session that the feedback is about."""

    type_: FeedbackType
    """Kind of feedback."""

    score: int
    """Positive is praise, zero or negative is criticism. 0 in bug reports."""

    comment: str
    """What the user has to say; may be empty."""

    group_id: str | Unset = ""
    """The `group` of the messages that the feedback is about; empty for the whole session. Free text."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {
            "session_id": self.session_id,
            "type": self.type_._value_,
            "score": self.score,
            "comment": self.comment,
        }
        if not isinstance(self.group_id, Unset):
            field_dict["group_id"] = self.group_id
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
                self.session_id,
                _type_,
                self.score,
                self.comment,
                self.group_id,
            ) = values
            self.type_ = _feedback_type_by_value.get(_type_) or FeedbackType(_type_)
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("Feedback", error) from error
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
    "session_id",
    "type",
    "score",
    "comment",
    "group_id",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "group_id": UNSET,
}
_feedback_type_by_value = by_value(FeedbackType)
