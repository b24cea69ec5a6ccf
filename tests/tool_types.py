"""Types that users give to the parameters of their tools, and what some of them are on the wire."""

import enum
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, NewType, NotRequired, TypeAlias, TypedDict, TypeVar

import attrs
import msgspec

Schema: TypeAlias = dict[str, object]
T = TypeVar("T")
Port = NewType("Port", int)


class Severity(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Level(enum.IntEnum):
    ONE = 1
    TWO = 2


@dataclass
class Range:
    """A span of lines."""

    first: int
    last: int | None = None
    tags: list[str] = field(default_factory=list)


@attrs.define
class Host:
    name: str
    port: int = attrs.field(default=443, validator=attrs.validators.in_([80, 443]))


class Query(TypedDict):
    text: str
    limit: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: int = 0


class Node(msgspec.Struct):
    value: int
    children: list["Node"] = []


class Ping(msgspec.Struct, tag="ping"):
    host: str


class Scan(msgspec.Struct, tag="scan"):
    ports: list[int]


@dataclass
class Page(Generic[T]):
    items: list[T]


@dataclass
class Job:
    host: Host
    ranges: list[Range]


STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
RANGE: Schema = {
    "title": "Range",
    "description": "A span of lines.",
    "type": "object",
    "properties": {
        "first": INTEGER,
        "last": {"type": "integer", "nullable": True},
        "tags": {"type": "array", "items": STRING},
    },
    "required": ["first"],
}
HOST: Schema = {
    "title": "Host",
    "type": "object",
    "properties": {"name": STRING, "port": {"type": "integer", "default": 443}},
    "required": ["name"],
}

NODE: Schema = {
    "title": "Node",
    "type": "object",
    "properties": {
        "value": INTEGER,
        "children": {"type": "array", "items": {"ref": "#/defs/Node"}, "default": []},
    },
    "required": ["value"],
}
