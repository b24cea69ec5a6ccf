"""Contains some shared types for properties"""

from collections.abc import Callable, Mapping, MutableMapping
from enum import Enum, IntEnum, StrEnum
from http import HTTPStatus
from typing import (
    IO,
    Any,
    BinaryIO,
    ClassVar,
    Generic,
    Literal,
    Self,
    TypeVar,
    cast,
    final,
)

from attrs import define

from .errors import UnexpectedShape


@final
class Unset:
    """The type of UNSET, which stands for a field that is left out. There is one, also after copying and pickling."""

    _only: ClassVar["Unset | None"] = None

    def __new__(cls) -> "Unset":
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # by name: copy, deepcopy and pickle give the same object back


UNSET: Unset = Unset()

# The types that `httpx.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx will accept for multipart/form-data"""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")
E = TypeVar("E", bound=Enum)


@define
class Response(Generic[T]):
    """A response from an endpoint"""

    status_code: HTTPStatus | int
    """An HTTPStatus where the standard library knows the status, else the number."""
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


def to_status(code: int) -> HTTPStatus | int:
    """Return the HTTPStatus, or the number when there is none (529, 520 and the like)."""
    try:
        return HTTPStatus(code)
    except ValueError:
        return code


class OpenStrEnum(StrEnum):
    """A string enum that keeps values it does not know: `Role("new")` is a member-like `Role`, equal to "new"."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = "UNKNOWN"
        member._value_ = value
        return member  # not remembered: values that a server makes up must not fill the memory

    @property
    def is_known(self) -> bool:
        """Whether the contract has this value."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, protocol: Any) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self),)  # by value: some Pythons pickle enums by name


class OpenIntEnum(IntEnum):
    """An integer enum that keeps values it does not know: `ResponseStatus(529)` is a member-like, equal to 529."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = "UNKNOWN"
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the contract has this value."""
        return self._value_ in type(self)._value2member_map_

    def __reduce_ex__(self, protocol: Any) -> tuple[type[Self], tuple[int]]:
        return type(self), (int(self),)


def by_value(enum: type[E]) -> dict[Any, E]:
    """Return the members by value: a lookup there takes a tenth of the time of a call of the enum."""
    return cast(dict[Any, E], enum._value2member_map_)


def as_list(data: Any) -> list[Any]:
    """Return a list as a new list, or raise TypeError."""
    if not isinstance(data, list):
        raise TypeError(f"expected a list, got {type(data).__name__}")
    return [*data]


def as_const(data: Any, value: T) -> T:
    """Return the value if the data equals it, or raise ValueError."""
    if data != value:
        raise ValueError(f"expected {value!r}, got {data!r}")
    return value


def one_of(data: Any, *kinds: tuple[type | tuple[type, ...], Callable[[Any], Any] | None]) -> Any:
    """Decode data with the first kind whose type fits and whose decoder accepts it, or raise UnexpectedShape.

    Each kind is a JSON type and a decoder; None stands for data that is taken as it is.
    """
    problems = []
    for kind, decode in kinds:
        if isinstance(data, kind):
            if decode is None:
                return data
            try:
                return decode(data)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                problems.append(str(error))
    raise UnexpectedShape("one of several", "; ".join(problems) or f"{type(data).__name__} is none of them")


__all__ = [
    "UNSET",
    "File",
    "FileTypes",
    "OpenIntEnum",
    "OpenStrEnum",
    "RequestFiles",
    "Response",
    "Unset",
]
