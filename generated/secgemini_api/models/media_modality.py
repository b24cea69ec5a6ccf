from ..types import OpenStrEnum


class MediaModality(OpenStrEnum):
    """Kind of content that tokens stand for. Newer services may send values that are not listed."""

    MODALITY_UNSPECIFIED = "MODALITY_UNSPECIFIED"
    TEXT = "TEXT"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    DOCUMENT = "DOCUMENT"
