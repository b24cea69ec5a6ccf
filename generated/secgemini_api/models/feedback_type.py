from ..types import OpenStrEnum


class FeedbackType(OpenStrEnum):
    """Kind of feedback."""

    USER_FEEDBACK = "user_feedback"
    BUG_REPORT = "bug_report"
