"""Log lines that mean harm, or that no database takes: an upload survives them."""

from __future__ import annotations

import pytest
from raw_service import Raw

HOSTILE = [
    "x Jan 5 10:00:00 +9999",
    "foo Mon, Jan 5 10:00:00 +9900 2026",
    "x Jan 5 10:00:00 -9959",
    '{"timestamp":"2026-01-01T00:00:00Z","src_ip":"\\ud800"}',
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_whose_time_or_source_is_nonsense_is_stored_like_any_other(http: Raw, line: str) -> None:
    http.post("/create_logs_table", params={"logs_hash": "h", "can_log": "true"})
    for mapping in ({}, {"timestamp": "timestamp", "source": "src_ip"}):
        body = {"logs_hash": "h", "can_log": True, "log_lines": [line, "x"], "custom_fields_mapping": mapping}
        answer = http.post("/upload_logs", json=body)
        assert (answer.status_code, answer.json()) == (200, {"inserted_log_lines": 2})
