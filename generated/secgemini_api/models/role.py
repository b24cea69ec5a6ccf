from ..types import OpenStrEnum


class Role(OpenStrEnum):
    """On whose behalf a message speaks. Newer services may send values that are not listed."""

    USER = "user"
    AGENT = "agent"
    SYSTEM = "system"
