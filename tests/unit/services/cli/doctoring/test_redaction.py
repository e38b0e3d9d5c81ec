import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.cli.doctoring.redaction import Redactor, clean_url, secrets_in

SECRET = "canary-3f9a1c"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://gate.example:554/live", "rtsp://gate.example:554/live"),
        (f"rtsp://ana:{SECRET}@gate.example/1", "rtsp://********@gate.example/1"),
        (f"rtsp://{SECRET}@gate.example/1", "rtsp://********@gate.example/1"),
        (f"rtsp://ana:{SECRET}@{SECRET}@gate.example/1", "rtsp://********@gate.example/1"),
        (f"http://gate.example/jpg?u={SECRET}&size=2#x", "http://gate.example/jpg?u=********&size=********#x"),
        (f"rtsp://gate.example/user={SECRET}_password={SECRET}_channel=1", "rtsp://gate.example/user=********"),
    ],
)
def test_of_a_url_host_port_and_path_stay(url: str, shown: str) -> None:
    assert clean_url(url) == shown


def test_a_url_is_cleaned_wherever_it_stands() -> None:
    said = Redactor([]).text(f"cannot open 'redis://:{SECRET}@cache.example:6379/0', see http://a.example/?k={SECRET}.")
    assert SECRET not in said
    assert "cache.example:6379/0" in said


def test_secrets_are_found_by_name_by_type_and_in_urls() -> None:
    values = {
        "salt": "one-one",
        "feedback": {"api_keys": {"my-app": ["two-two", {"x": "three-3"}]}},
        "backend": {"redis": SecretStr("redis://:four-four@cache.example"), "s3": "http://five:5five5@store.example"},
        "sources": {"gate": {"url": "http://gate.example/?pwd=six-six&w=640", "user": "seven-7"}},
        "site": "not-secret",
    }
    plain, with_users = set(secrets_in(values)), set(secrets_in(values, users=True))
    assert {"one-one", "two-two", "three-3", "four-four", "5five5", "six-six"} <= plain
    assert plain.isdisjoint({"not-secret", "640", "seven-7", "five"})
    assert {"seven-7", "five"} <= with_users


def test_scopes_and_sources_of_an_api_key_are_no_secrets() -> None:
    key = {"key": SECRET, "scopes": ["judge", "read"], "sources": ["door"]}
    found = list(secrets_in({"feedback": {"api_keys": {"my-app": key}}}))
    assert found == [SECRET]
    assert Redactor(found).text("2 threads of the door") == "2 threads of the door"


def test_names_and_values_at_any_depth() -> None:
    redacted = Redactor([SECRET]).value({SECRET: [{"a": f"x{SECRET}y", "n": 3, "none": None}]})
    assert redacted == {"********": [{"a": "x********y", "n": 3, "none": None}]}


@given(st.text(min_size=4).filter(lambda text: text.strip() == text and set(text) != {"*"}))
def test_no_spelling_of_a_secret_comes_through(secret: str) -> None:
    redactor = Redactor([secret])
    for spelling in (
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe="") if secret.isascii() else secret,
    ):
        assert redactor.text(f"<{spelling}>") == "<********>"
