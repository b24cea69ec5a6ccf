from ..types import OpenStrEnum


class MessageType(OpenStrEnum):
    """Kind of message. Newer services may send values that are not listed: keep them and show the message or skip it.

    * `query` is a prompt;
    * `result` is the answer, once in a turn, or many times with status 206 for its pieces;
    * `thinking` tells what the model considers;
    * `info` tells what the service does; with the state `end` it closes the turn;
    * `error` tells why the turn failed;
    * `source` names where a statement comes from;
    * `debug` is for developers and is not stored;
    * `update` changes and `delete` takes back the earlier message that `parent_id` names;
    * `confirmation_request` and `confirmation_response` are reserved;
    * `local_tool_call` asks the client to run a tool, `local_tool_result` is what came of it.
    """

    RESULT = "result"
    SOURCE = "source"
    DEBUG = "debug"
    INFO = "info"
    ERROR = "error"
    THINKING = "thinking"
    UPDATE = "update"
    DELETE = "delete"
    CONFIRMATION_REQUEST = "confirmation_request"
    CONFIRMATION_RESPONSE = "confirmation_response"
    QUERY = "query"
    LOCAL_TOOL_CALL = "local_tool_call"
    LOCAL_TOOL_RESULT = "local_tool_result"
