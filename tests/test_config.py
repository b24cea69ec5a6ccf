"""Settings: argument, environment, default; silent about the key."""

import copy
import pickle
import ssl

import pytest

from secgemini import AsyncSecGemini, ConfigurationError, Limits, SecGemini, Timeout
from secgemini.config import Config

NAMES = ("KEY", "HTTP_URL", "WEBSOCKET_URL")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"SEC_GEMINI_API_{name}", raising=False)
    monkeypatch.delenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", raising=False)


def test_defaults() -> None:
    config = Config.resolve("k")
    assert config.base_url == "https://api.secgemini.google"
    assert config.websocket_url == "wss://api.secgemini.google"
    assert config.logs_url == ""


def test_environment_and_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "from-environment")
    monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("SEC_GEMINI_API_WEBSOCKET_URL", "ws://127.0.0.1:2")
    monkeypatch.setenv("SEC_GEMINI_LOGS_PROCESSOR_API_URL", "http://127.0.0.1:3")
    config = Config.resolve()
    assert (config.base_url, config.websocket_url) == ("http://127.0.0.1:1", "ws://127.0.0.1:2")
    assert config.logs_url == "http://127.0.0.1:3"
    assert config.api_key.reveal() == "from-environment"
    given = Config.resolve("argument", base_url="https://example.test/prefix")
    assert given.websocket_url == "wss://example.test/prefix", "it follows from the base_url that was given"
    assert given.api_key.reveal() == "argument"


@pytest.mark.parametrize("client", [SecGemini, AsyncSecGemini])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "SEC_GEMINI_API_KEY"),
        ({"api_key": "  "}, "SEC_GEMINI_API_KEY"),
        ({"api_key": "two words"}, "printable ASCII"),
        ({"api_key": "kéy"}, "printable ASCII"),
        ({"api_key": "a\nb"}, "printable ASCII"),
        ({"api_key": "k", "base_url": "example.test"}, "http://HOST"),
        ({"api_key": "k", "base_url": "ftp://example.test"}, "http://HOST"),
        ({"api_key": "k", "base_url": "http://"}, "http://HOST"),
        ({"api_key": "k", "base_url": "http://h:99999"}, "not a URL"),
        ({"api_key": "k", "base_url": "http://h?x=1"}, "http://HOST"),
        ({"api_key": "k", "base_url": "http://me:secret@h"}, "user name"),
        ({"api_key": "k", "websocket_url": "http://h"}, "ws://HOST"),
        ({"api_key": "k", "base_url": "http://a b"}, "base_url has a space"),
        ({"api_key": "k", "base_url": "http://h/\x00"}, "base_url has a space or a character that cannot be seen"),
        ({"api_key": "k", "base_url": "http://h\u200b"}, "cannot be seen"),
        ({"api_key": "k", "base_url": "http://a%41b"}, "http://HOST"),
        ({"api_key": "k", "proxy": "http://me:secret@a b"}, "the proxy's address has a space"),
        ({"api_key": "k", "headers": {"x-gateway": "secret\n"}}, "header 'x-gateway' cannot be sent .*strip it"),
        ({"api_key": "k", "headers": {"x-gateway": " secret"}}, "'x-gateway'"),
        ({"api_key": "k", "headers": {"x-gateway": "secret\r\nevil: 1"}}, "'x-gateway'"),
        ({"api_key": "k", "headers": {"x-gateway": "secret\u20ac"}}, "'x-gateway'"),
        ({"api_key": "k", "headers": {"x-gateway: secret": "1"}}, "a name that no header may have"),
        ({"api_key": "k", "headers": {"": "1"}}, "a name that no header may have"),
    ],
)
def test_unusable_settings_say_what_to_do(client: type[SecGemini], arguments: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        client(**arguments)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("HTTP://127.0.0.1:1", "http://127.0.0.1:1"),
        (" http://127.0.0.1:1/\n", "http://127.0.0.1:1"),
        ("https://[::1]:8/a/", "https://[::1]:8/a"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://bücher.example", "https://bücher.example"),
    ],
)
def test_an_address_is_taken_as_it_is_meant(monkeypatch: pytest.MonkeyPatch, url: str, means: str) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_HTTP_URL", url)
    for config in (Config.resolve("k", base_url=url), Config.resolve("k")):
        assert (config.base_url, config.websocket_url) == (means, f"ws{means[4:]}")
    assert Config.resolve("k", proxy="SOCKS5://Host:1\n").proxy == "socks5://Host:1"


@pytest.mark.parametrize("name", ["base_url", "websocket_url", "logs_url", "proxy", "limits", "headers"])
def test_a_setting_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(TypeError):
        SecGemini("k", **{name: 5})  # type: ignore[arg-type]


def test_a_verify_of_another_type_is_refused() -> None:
    from secgemini._network import make_ssl_context

    with pytest.raises(TypeError, match="verify must be"):
        make_ssl_context(Config.resolve("k", verify=5))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_headers_of_the_body_are_not_the_users(name: str) -> None:
    with pytest.raises(ConfigurationError, match="belongs to each request"):
        SecGemini("k", headers={name: "5"})


@pytest.mark.parametrize("headers", [{"x-gateway": 5}, {"x-gateway": b"1"}, {5: "1"}])
def test_headers_are_strings(headers: object) -> None:
    with pytest.raises(TypeError, match="headers must be strings"):
        SecGemini("k", headers=headers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (0, ValueError), (-1, ValueError), ("9", TypeError), (True, TypeError), (float("inf"), ValueError),
        (float("nan"), ValueError), (5e6, ValueError),
    ],
)  # fmt: skip
def test_time_outs_are_checked(value: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="timeout"):
        SecGemini("k", timeout=value)  # type: ignore[arg-type]
    with pytest.raises(kind, match=r"timeout\.read"):
        Timeout(read=value)  # type: ignore[arg-type]


def test_a_number_bounds_the_attempt_as_a_whole() -> None:
    assert Timeout.of(3) == Timeout(connect=3, read=3, total=3)
    assert Timeout.of(60) == Timeout(connect=10, read=60, total=60)


@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
def test_max_retries_is_checked(value: object) -> None:
    with pytest.raises(ValueError, match="max_retries"):
        SecGemini("k", max_retries=value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_retries"):
        SecGemini("k").with_options(max_retries=value)  # type: ignore[arg-type]


def test_nothing_shows_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    sg = SecGemini("SENTINEL", headers={"x-other": "SENTINEL"}, proxy="http://u:SENTINEL@127.0.0.1:1")
    for text in (repr(sg), repr(sg.config), repr(sg.api), repr(sg.config.api_key), f"{sg.config}", repr(vars(sg))):
        assert "SENTINEL" not in text
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "other")
    config = Config.resolve("SENTINEL", timeout=5, max_retries=7)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(config, protocol)
        assert b"SENTINEL" not in data
        again = pickle.loads(data)
        assert again.api_key.reveal() == "other"
        assert (again.timeout, again.max_retries) == (Timeout.of(5), 7)
    client = pickle.loads(pickle.dumps(SecGemini("SENTINEL", base_url="http://127.0.0.1:9")))
    assert client.base_url == "http://127.0.0.1:9"
    assert client.config.api_key.reveal() == "other"
    assert b"SENTINEL" not in pickle.dumps(copy.copy(config))


def test_a_copy_is_the_client_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "other")
    sg = SecGemini("mine")
    for config in (copy.copy(sg.config), copy.deepcopy(sg.config), copy.deepcopy(sg).config):
        assert config.api_key.reveal() == "mine"
    assert copy.deepcopy(sg.config.api_key).reveal() == "mine"


@pytest.mark.parametrize(
    ("settings", "lacks"),
    [
        ({"headers": {"authorization": "Bearer SENTINEL", "x-tenant": "blue"}}, "the header 'authorization' did not"),
        ({"headers": {"X-Gateway-Token": "SENTINEL"}}, "the header 'X-Gateway-Token' did not"),
        ({"headers": {"x-gateway": "Basic SENTINEL"}}, "the header 'x-gateway' did not"),
        ({"proxy": "http://ann:SENTINEL@127.0.0.1:1"}, "the proxy's password did not"),
        ({"proxy": "http://ann:SENTINEL@127.0.0.1:1", "headers": {"cookie": "SENTINEL"}}, "'cookie' and the proxy's"),
    ],
)
def test_what_a_pickle_left_out_is_missed_at_the_first_use(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], lacks: str
) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "other")
    packed = pickle.dumps(SecGemini("k", **settings))  # type: ignore[arg-type]
    assert b"SENTINEL" not in packed
    for again in (pickle.loads(packed), pickle.loads(pickle.dumps(pickle.loads(packed)))):
        with pytest.raises(ConfigurationError, match=lacks):
            again.user_info()


def test_what_is_no_secret_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEC_GEMINI_API_KEY", "other")
    sg = SecGemini("k", headers={"x-tenant": "blue"}, proxy="http://127.0.0.1:1", limits=Limits(max_messages=5))
    again = pickle.loads(pickle.dumps(sg)).config
    assert again.headers == {"x-tenant": "blue"}
    assert (again.proxy, again.limits.max_messages) == ("http://127.0.0.1:1", 5)
    again.check_complete()


def test_a_client_unpickled_where_there_is_no_key_says_so() -> None:
    with pytest.raises(ConfigurationError, match="SEC_GEMINI_API_KEY"):
        pickle.loads(pickle.dumps(SecGemini("k"))).user_info()


def test_verify_takes_a_file_a_context_or_system(tmp_path: object) -> None:
    from secgemini._network import make_ssl_context

    mine = ssl.create_default_context()
    assert make_ssl_context(Config.resolve("k", verify=mine)) is mine
    assert make_ssl_context(Config.resolve("k", verify="system")).verify_mode is ssl.CERT_REQUIRED
    assert make_ssl_context(Config.resolve("k", verify=False)).verify_mode is ssl.CERT_NONE
    with pytest.raises(ConfigurationError, match="CA certificates"):
        make_ssl_context(Config.resolve("k", verify=f"{tmp_path}/missing.pem"))
