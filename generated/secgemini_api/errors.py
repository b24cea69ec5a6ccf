"""Contains shared errors types that can be raised from API functions"""

BODY_HEAD = 2000


class UnexpectedStatus(Exception):
    """Raised by api functions when the response status an undocumented status and Client.raise_on_unexpected_status is True"""

    def __init__(self, status_code: int, content: bytes):
        self.status_code = status_code
        self.content = content

        super().__init__(status_code, content)

    def __str__(self) -> str:
        head = self.content[:BODY_HEAD].decode(errors="replace")
        return f"Unexpected status code: {self.status_code}\n\nResponse content:\n{head}"


class UnexpectedShape(ValueError):
    """Raised by from_dict when JSON is not what the contract says.

    `model` names the model that could not be made; `__cause__` is what went wrong.
    """

    def __init__(self, model: str, problem: Exception | str):
        self.model = model
        super().__init__(model, _describe(problem))

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


def _describe(problem: Exception | str) -> str:
    if isinstance(problem, KeyError):
        return f"the required field {problem} is missing"
    if isinstance(problem, Exception):
        return f"{type(problem).__name__}: {problem}"
    return problem


class InvalidBody(Exception):
    """Raised by api functions when the body of an answer is not JSON, or not the JSON of the contract.

    `status_code` is the HTTP status, `reason` says what is wrong, `body` holds the first 2,000 characters.
    """

    def __init__(self, status_code: int, reason: str, body: str):
        self.status_code = status_code
        self.reason = reason
        self.body = body[:BODY_HEAD]
        super().__init__(status_code, reason, self.body)

    def __str__(self) -> str:
        return f"The answer (status {self.status_code}) is outside the contract: {self.reason}; it begins with {self.body[:200]!r}"


__all__ = ["InvalidBody", "UnexpectedShape", "UnexpectedStatus"]
