from ..types import OpenStrEnum


class ToolSchemaType(OpenStrEnum):
    """Type of a value in a `ToolSchema`."""

    TYPE_UNSPECIFIED = "type_unspecified"
    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"
