"""What the analyst says of log files: their format, their time, who was busy and who failed to log in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sample_files import EXAMPLES

from secgemini.local.engines.analyst.logformats import log_formats
from secgemini.local.engines.analyst.logformats.event import NO_YEAR
from secgemini.local.engines.analyst.logreport import summary_lines
from secgemini.local.engines.analyst.logsummary import LogSummary, summarise


def summary_of(*lines: str) -> LogSummary:
    summary = summarise(enumerate(lines, 1))
    assert summary is not None
    return summary


def test_the_formats_are_found_special_ones_first() -> None:
    assert [log_format.NAME for log_format in log_formats()] == ["JSON lines", "sshd", "web access", "plain"]


def test_the_example_of_sshd() -> None:
    summary = summary_of(*(EXAMPLES / "sshd.log").read_text().splitlines())
    assert (summary.format, summary.lines) == ("sshd", 92)
    assert summary.first == datetime(NO_YEAR, 11, 19, 6, 58, 2)
    assert summary.sources.most_common(1) == [("203.0.113.66", 79)]
    assert (summary.failed["203.0.113.66"], summary.failed["198.51.100.23"]) == (47, 4)
    assert summary.breaches() == [(87, "backup", "203.0.113.66", 47)]
    assert list(summary_lines(summary)) == [
        "log: sshd format, 92 lines, Nov 19 06:58:02 to Nov 20 07:05:17 (the log names no year)",
        "busiest sources: 203.0.113.66 (79), 198.51.100.23 (4), 192.0.2.44 (2)",
        "failed logins: 51, from 203.0.113.66 (47), 198.51.100.23 (4); "
        "accounts: root (19), admin (8), test (7), oracle (6), backup (4) and 3 more",
        "! line 87: backup logged in from 203.0.113.66 after 47 failed logins from there",
    ]


def test_the_example_of_a_web_server() -> None:
    summary = summary_of(*(EXAMPLES / "access.log").read_text().splitlines())
    assert (summary.format, summary.lines) == ("web access", 71)
    assert summary.first == datetime(2026, 11, 19, 9, 1, 10, tzinfo=UTC)
    assert summary.failed == {"198.51.100.23": 30}
    assert summary.statuses == {"200": 40, "401": 30, "404": 1}


def test_the_log_of_iis() -> None:
    summary = summary_of(
        "#Software: Microsoft Internet Information Services 10.0",
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
        "sc-status sc-substatus sc-win32-status time-taken",
        *["2026-11-19 22:00:00 10.0.0.1 POST /login - 443 - 203.0.113.9 Mozilla/5.0+(X11) - 401 1 5 7"] * 3,
        "2026-11-19 22:00:01 10.0.0.1 GET / a=b 443 EX\\bob 2001:db8::5 curl/8 200 0 0 3",
    )
    assert summary.format == "web access"
    assert summary.first == datetime(2026, 11, 19, 22, tzinfo=UTC)
    assert summary.sources == {"203.0.113.9": 3, "2001:db8::5": 1}
    assert (summary.failed, summary.statuses) == ({"203.0.113.9": 3}, {"401": 3, "200": 1})


def test_json_lines() -> None:
    summary = summary_of(
        '{"@timestamp": "2025-01-01T10:00:00Z", "source": {"ip": "192.0.2.1"}, '
        '"event": {"action": "login"}, "message": "failed"}',
        '{"time": 1735729260, "src_ip": "192.0.2.1", "event_type": "logon failure", "user": "root"}',
        '{"ts": 1735729320000, "src_ip": "192.0.2.1", "message": "login success", "user": "root"}',
    )
    assert summary.format == "JSON lines"
    assert (summary.first, summary.last) == (
        datetime(2025, 1, 1, 10, 0, tzinfo=UTC),
        datetime(2025, 1, 1, 11, 2, tzinfo=UTC),
    )
    assert summary.sources == {"192.0.2.1": 3}
    assert summary.breaches() == [(3, "root", "192.0.2.1", 2)]


def test_plain_lines_with_time_stamps() -> None:
    summary = summary_of(
        "2025-01-01 10:00:00,123 INFO starting",
        "2025-01-01T10:00:05+01:00 WARN login failed for user bob from 192.0.2.1",
        "[2025-01-01 10:00:09] login accepted for bob from 192.0.2.1",
        "    a line that goes on",
    )
    assert summary.format == "plain"
    assert summary.first == datetime(2025, 1, 1, 9, 0, 5, tzinfo=UTC)
    assert (summary.failed, summary.failed_accounts) == ({"192.0.2.1": 1}, {"bob": 1})
    assert summary.breaches() == [(3, "bob", "192.0.2.1", 1)]


@pytest.mark.parametrize(
    "line",
    [
        '2026/11/19 22:00:00 [error] 7#7: *1 user "bob": invalid password, client: 203.0.113.9, server: a.example',
        "[Thu Nov 19 22:00:00.123456 2026] [auth_basic:error] [client 203.0.113.9:55] user bob: authentication failure",
        "WARNING 2026-11-19 22:00:00,123 auth login failed for user bob from 203.0.113.9",
        'level=warn ts=2026-11-19T22:00:00Z msg="login failed" user=bob ip=203.0.113.9',
        '"11/19/2026 10:00:00 PM","4625","An account failed to log on.","203.0.113.9","user=bob"',
        "<34>1 2026-11-19T22:00:00.003Z host login 7 - - failed login for bob from 203.0.113.9",
        "<34>1 2026-11-19T22:00:00Z host sshd 7 - - Failed password for invalid user bob from 203.0.113.9 port 5 ssh2",
        "type=USER_LOGIN msg=audit(1795125600.123:45): login failed user=bob addr=203.0.113.9",
        '{"__REALTIME_TIMESTAMP": "1795125600000000", "_HOSTNAME": "srv", "SYSLOG_IDENTIFIER": "sshd-session", '
        '"MESSAGE": "Failed password for bob from 203.0.113.9 port 5 ssh2"}',
        '{"when": "2026-11-19 22:00:00", "event": "login_failed", "user": "bob", "msg": "from 203.0.113.9"}',
        '{"ts": "1795125600.5", "log": "login failed", "user": "bob", "ip": "203.0.113.9"}',
        '{"time": "19/Nov/2026:22:00:00 +0000", "msg": "password incorrect", "user": "bob", "ip": "203.0.113.9"}',
    ],
)
def test_any_log_with_time_stamps(line: str) -> None:
    summary = summary_of(line, line, line)
    assert summary.first is not None
    assert summary.first.replace(microsecond=0) == datetime(2026, 11, 19, 22, tzinfo=UTC)
    assert (summary.failed, summary.failed_accounts) == ({"203.0.113.9": 3}, {"bob": 3})


def test_a_long_json_line_is_read_to_its_end() -> None:
    line = '{"pad": "' + "x" * 100_000 + '", "ts": 1795125600, "ip": "203.0.113.9"}'
    assert summary_of(line, line, line).sources == {"203.0.113.9": 3}


def test_words_that_only_look_like_a_login_are_none() -> None:
    summary = summary_of(*['{"ts": 1795125600, "msg": "failed to load the list of authors", "user": "bob"}'] * 3)
    assert (summary.failed, summary.logins) == ({}, [])


def test_the_source_may_be_an_ipv6_address_but_no_time_and_no_hardware_address() -> None:
    line = "2026-11-19 22:00:00 12:30:45 aa:bb:cc:dd:ee:ff 2001:DB8::0:5 port 1"
    assert summary_of(line, line, line).sources == {"2001:db8::5": 3}
    line = "2026-11-19 22:00:00 client:203.0.113.9:5555 [2001:db8::5]:80"
    assert summary_of(line, line, line).sources == {"203.0.113.9": 3}


def test_what_other_programs_say_in_the_log_of_sshd_counts_too() -> None:
    summary = summary_of(
        "Nov 19 21:00:00 web01 systemd[1]: started",
        *["Nov 19 22:00:00 web01 sshd[2]: Failed password for root from 203.0.113.9 port 1 ssh2"] * 4,
        "Nov 19 22:00:09 web01 sshd[2]: message repeated 3 times: [ Failed password for root from 203.0.113.9 port 1]",
        "Nov 19 23:00:00 web01 sudo: pam_unix(sudo:auth): authentication failure; logname=x rhost= user=bob",
    )
    assert summary.format == "sshd"
    assert (summary.first, summary.last) == (datetime(NO_YEAR, 11, 19, 21), datetime(NO_YEAR, 11, 19, 23))
    assert summary.sources == {"203.0.113.9": 7, "web01": 1}
    assert summary.failed_accounts == {"root": 7, "bob": 1}


def test_sshd_among_other_programs() -> None:
    summary = summary_of(
        "Dec 31 23:59:58 web01 CRON[1]: session opened",
        "Dec 31 23:59:59 web01 sshd[2]: Failed password for invalid user admin from 2001:db8::1 port 1 ssh2",
        "Jan  1 00:00:01 web01 systemd[1]: started",
        "Jan  1 00:00:02 web01 kernel: x",
    )
    assert summary.format == "plain"
    assert summary.failed == {"2001:db8::1": 1}
    assert summary.failed_accounts == {"admin": 1}
    assert (summary.first, summary.last) == (datetime(NO_YEAR, 12, 31, 23, 59, 58), datetime(NO_YEAR, 1, 1, 0, 0, 2))


@pytest.mark.parametrize(
    "lines",
    [
        ("hello", "world", "again"),
        ("2025-01-01 10:00:00 x", "2025-01-01 10:00:01 y"),
        ("{}", "{}", "{}"),
        ("Foo 99 99:99:99 x",) * 5,
    ],
)
def test_what_is_no_log_has_no_summary(lines: tuple[str, ...]) -> None:
    assert summarise(enumerate(lines, 1)) is None


def test_times_at_the_ends_of_the_calendar() -> None:
    summary = summary_of(*["0001-01-01T00:00:00+14:00 a", "9999-12-31T23:59:59-14:00 b", "Nov 22 10:00:00 c d"] * 2)
    assert summary.lines == 6
