from ..types import OpenStrEnum


class State(OpenStrEnum):
    """What the assistant is doing. Newer services may send values that are not listed. Only `end` has a meaning for
    programs: on an `info` message it closes the turn. All others are for display.
    """

    UNDEFINED = "undefined"
    START = "start"
    END = "end"
    QUERY = "query"
    RUNNING_AGENT = "running_agent"
    AGENT_DONE = "agent_done"
    CODING = "coding"
    CODE_RESULT = "code_result"
    CALLING_TOOL = "calling_tool"
    TOOL_RESULT = "tool_result"
    GENERATING = "generating"
    ANSWERING = "answering"
    THINKING = "thinking"
    PLANNING = "planning"
    REVIEWING = "reviewing"
    UNDERSTANDING = "understanding"
    RETRIEVING = "retrieving"
    GROUNDING = "grounding"
