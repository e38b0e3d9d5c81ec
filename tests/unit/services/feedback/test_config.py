"""What feedback's settings refuse, and that no refusal gives a key away."""

from typing import Any

import pytest

from services.feedback.config import FeedbackConfig
from shared.errors import SettingsError
from shared.settings import Settings, masked

KEY = "a-key-for-tests"


def read(**options: Any) -> FeedbackConfig:
    return Settings({"feedback": options}).read(FeedbackConfig)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_key(host: str) -> None:
    assert read(host=host).feedback.api_keys == {}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "feedback.example", "localhost.example", ""])
def test_beyond_this_machine_only_with_a_key(host: str) -> None:
    with pytest.raises(SettingsError, match=r"feedback\.host"):
        read(host=host)
    assert read(host=host, api_keys={"app": KEY}).feedback.host == host


@pytest.mark.parametrize(
    "keys",
    [
        KEY,
        None,
        [KEY],
        {"app": ""},
        {"app": f"{KEY} "},
        {"app": 123456789},
        {"app": [KEY]},
        {"": KEY},
        {7: KEY},
        {"n" * 65: KEY},
        {"a": KEY, "b": KEY},
        {"a": KEY, "b": {"key": KEY}},
        {"a": {"key": KEY, "sha256": "0" * 64}},
        {"a": {"scopes": ["judge"]}},
        {"a": {"key": KEY, "scopes": KEY}},
        {"a": {"key": KEY, "scope": ["judge"]}},
        {"a": {"key": f"{KEY} "}},
        {"a": {"key": [KEY]}},
        {"a": {KEY: "key"}},
        {"a": {"sha256": KEY}},
        {"a": {"sha256": "0" * 63}},
        {"a": f"link.{KEY}"},
        {"a\0b": KEY},
        {"a": KEY, "b": None},
    ],
)
def test_keys_that_cannot_work_are_refused_without_showing_them(keys: Any) -> None:
    with pytest.raises(SettingsError, match=r"feedback\.api_keys") as caught:
        read(api_keys=keys)
    assert KEY not in str(caught.value)
    assert "123456789" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"port": 70_000}, {"prot": 80}, {"max_body_bytes": 0}, {"timeout_s": "x"}])
def test_another_wrong_setting_shows_no_key_either(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        read(api_keys={"app": KEY}, **wrong)
    assert next(iter(wrong)) in str(caught.value)
    assert KEY not in str(caught.value)


def test_shown_settings_mask_the_keys() -> None:
    assert KEY not in str(masked(read(api_keys={"app": KEY})))
    assert KEY not in repr(read(api_keys={"app": KEY}))


def test_an_unknown_scope_is_told_the_nearest() -> None:
    with pytest.raises(SettingsError, match="unknown scope 'raed'; did you mean 'read'"):
        read(api_keys={"app": {"key": KEY, "scopes": ["judge", "raed"]}})


@pytest.mark.parametrize("field", [{"scopes": []}, {"sources": [""]}, {"sources": "door"}])
def test_what_a_key_may_is_checked_without_showing_it(field: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        read(api_keys={"app": {"key": KEY, **field}})
    assert KEY not in str(caught.value)


def test_keys_are_hashed_as_they_are_read() -> None:
    at = read(api_keys={"app": KEY, "other": {"key": KEY + "2"}}).feedback
    assert KEY not in str(at.model_dump())
    assert all(KEY not in key.sha256.get_secret_value() for key in at.api_keys.values())


@pytest.mark.parametrize("origins", [["https://app.example.com"], ["http://localhost:3000", "http://[::1]:80"]])
def test_origins_as_browsers_send_them(origins: list[str]) -> None:
    assert list(read(origins=origins).feedback.origins) == origins


@pytest.mark.parametrize(
    "origins",
    [
        ["app.example.com"],
        ["https://app.example.com/"],
        ["https://*.example.com"],
        ["null"],
        ["*", "https://a.example"],
        ["https://App.example.com"],
    ],
)
def test_other_origins_are_refused(origins: list[str]) -> None:
    with pytest.raises(SettingsError, match="origins"):
        read(origins=origins, api_keys={"app": KEY})


def test_every_origin_only_with_keys() -> None:
    with pytest.raises(SettingsError, match=r"feedback\.origins"):
        read(origins=["*"])
    assert read(origins=["*"], api_keys={"app": KEY}).feedback.origins == ("*",)
