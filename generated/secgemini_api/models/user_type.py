from ..types import OpenStrEnum


class UserType(OpenStrEnum):
    """Kind of account. Newer services may send values that are not listed."""

    UI = "ui"
    USER = "user"
    ADMIN = "admin"
    SYSTEM = "system"
    SERVICE = "service"
