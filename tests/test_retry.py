"""The retry policy is a pure function: tables of what happened and what follows."""

import pytest

from secgemini.errors import APIConnectionError, APIResponseError, APIStatusError, APITimeoutError, SecGeminiError
from secgemini.retry import Budget, backoff, is_unclear, parse_retry_after, wait_before_retry


def status(code: int, retry_after: float | None = None) -> APIStatusError:
    return APIStatusError("x", status_code=code, retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (APIConnectionError("x", sent=False), True),
        (APIConnectionError("x", sent=True), True),
        (APITimeoutError("x"), True),
        (status(400), False), (status(401), False), (status(403), False), (status(404), False), (status(422), False),
        (status(408), True), (status(409), True), (status(429), True),
        (status(500), True), (status(503), True), (status(529), True),
        (APIResponseError("x"), False),
        (SecGeminiError("x"), False),
    ],
)  # fmt: skip
def test_what_is_tried_again(error: SecGeminiError, again: bool) -> None:
    assert (wait_before_retry(error, 1, 2) is not None) is again


@pytest.mark.parametrize(
    ("error", "unclear"),
    [
        (APIConnectionError("x", sent=False), False),
        (APIConnectionError("x", sent=True), True),
        (APITimeoutError("x", sent=True), True),
        (status(404), False), (status(408), False), (status(429), False), (status(503), False),
        (status(500), True), (status(502), True), (status(504), True),
        (APIResponseError("x"), True),
    ],
)  # fmt: skip
def test_what_may_have_been_carried_out(error: SecGeminiError, unclear: bool) -> None:
    assert is_unclear(error) is unclear


def test_gives_up_after_max_retries() -> None:
    assert wait_before_retry(status(500), 2, 2) is not None
    assert wait_before_retry(status(500), 3, 2) is None
    assert wait_before_retry(status(500), 1, 0) is None


def test_backoff_doubles_to_a_ceiling_with_full_jitter() -> None:
    assert [backoff(n, lambda: 1.0) for n in (1, 2, 3, 4, 5, 6, 60)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert backoff(5, lambda: 0.0) == 0


def test_retry_after_is_honoured_with_positive_jitter_up_to_120_seconds() -> None:
    assert wait_before_retry(status(429, 10), 1, 2, lambda: 0.0) == 10
    assert wait_before_retry(status(429, 10), 1, 2, lambda: 1.0) == 12
    assert wait_before_retry(status(429, 120), 1, 2, lambda: 0.0) == 120
    assert wait_before_retry(status(429, 121), 1, 2) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7), ("0", 0), ("1.5", 1.5), (None, None), ("", None), ("soon", None), ("-3", None), ("nan", None),
        ("inf", None), ("Sun, 22 Nov 2026 12:00:30 GMT", 30), ("Sunday, 22-Nov-26 12:00:30 GMT", 30),
        ("Sun Nov 22 12:00:30 2026", 30), ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 01 Jan 2024 00:00:00 +9999", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_every_form(header: str | None, seconds: float | None) -> None:
    noon = 1795348800.0  # 2026-11-22T12:00:00Z
    assert parse_retry_after(header, lambda: noon) == seconds


def test_budget_costs_and_returns() -> None:
    budget = Budget()
    assert budget.spend(status(500)) == 14
    assert budget.spend(status(429)) == 5
    assert budget.tokens == 481
    budget.give_back(14)
    assert budget.tokens == 495
    budget.give_back(0)
    assert budget.tokens == 496
    for _ in range(100):
        budget.give_back(0)
    assert budget.tokens == 500


def test_budget_runs_out_when_everything_fails() -> None:
    budget = Budget()
    paid = sum(budget.spend(status(500)) is not None for _ in range(1000))
    assert paid == 500 // 14
