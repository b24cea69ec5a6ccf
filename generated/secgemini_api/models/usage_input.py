from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..errors import UnexpectedShape
from ..types import UNSET, Unset, as_list


@_attrs_define
class UsageInput:
    """Token counts as a client sends them back. The service ignores them."""

    prompt_tokens: int | Unset = 0
    """Tokens of the prompt, with the history sent along."""

    generated_tokens: int | Unset = 0
    """Tokens of the answer that the model made."""

    total_tokens: int | Unset = 0
    """Tokens of prompt and answer together."""

    cached_token_count: int | Unset = 0
    """Tokens of the prompt that were served from a cache."""

    thoughts_token_count: int | Unset = 0
    """Tokens that the model spent on thinking."""

    tool_use_prompt_token_count: int | Unset = 0
    """Tokens of tool results that were given to the model."""

    prompt_tokens_details: list[ModalityTokenCount] | None | Unset = UNSET
    """The prompt's tokens by kind of content; null when not broken down."""

    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)
    """Fields that the contract does not name; they are kept and sent back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        field_dict: dict[str, Any] = {}
        if not isinstance(self.prompt_tokens, Unset):
            field_dict["prompt_tokens"] = self.prompt_tokens
        if not isinstance(self.generated_tokens, Unset):
            field_dict["generated_tokens"] = self.generated_tokens
        if not isinstance(self.total_tokens, Unset):
            field_dict["total_tokens"] = self.total_tokens
        if not isinstance(self.cached_token_count, Unset):
            field_dict["cached_token_count"] = self.cached_token_count
        if not isinstance(self.thoughts_token_count, Unset):
            field_dict["thoughts_token_count"] = self.thoughts_token_count
        if not isinstance(self.tool_use_prompt_token_count, Unset):
            field_dict["tool_use_prompt_token_count"] = self.tool_use_prompt_token_count
        if not isinstance(self.prompt_tokens_details, Unset):
            field_dict["prompt_tokens_details"] = (
                None
                if self.prompt_tokens_details is None
                else [item.to_dict() for item in self.prompt_tokens_details]
            )
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
                complete = len(src_dict) == 7
            except KeyError:
                values = _FIELDS({**_DEFAULTS, **src_dict})
                complete = False
            (
                self.prompt_tokens,
                self.generated_tokens,
                self.total_tokens,
                self.cached_token_count,
                self.thoughts_token_count,
                self.tool_use_prompt_token_count,
                _prompt_tokens_details,
            ) = values
            self.prompt_tokens_details = (
                UNSET
                if _prompt_tokens_details is UNSET
                else None
                if _prompt_tokens_details is None
                else [
                    ModalityTokenCount.from_dict(_prompt_tokens_details_item)
                    for _prompt_tokens_details_item in as_list(_prompt_tokens_details)
                ]
            )
            self.additional_properties = (
                {} if complete else {name: value for name, value in src_dict.items() if name not in _KNOWN}
            )
        except UnexpectedShape:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedShape("UsageInput", error) from error
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
    "prompt_tokens",
    "generated_tokens",
    "total_tokens",
    "cached_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "prompt_tokens_details",
)
_FIELDS = itemgetter(*_NAMES)
_KNOWN = frozenset(_NAMES)
_DEFAULTS: dict[str, Any] = {
    "prompt_tokens": UNSET,
    "generated_tokens": UNSET,
    "total_tokens": UNSET,
    "cached_token_count": UNSET,
    "thoughts_token_count": UNSET,
    "tool_use_prompt_token_count": UNSET,
    "prompt_tokens_details": UNSET,
}

# At the end, so that models may refer to each other.
from ..models.modality_token_count import ModalityTokenCount
