"""What hosts answer, and what it means."""

from datetime import UTC, datetime

import pytest

from services.uploader.destinations.answers import error_for_status, retry_after_s, words_of
from services.uploader.destinations.destination import Blocked, NotNow, Refused

MEANS = {
    Blocked: (301, 302, 401, 402, 403, 404, 423),
    NotNow: (408, 425, 429, 500, 502, 503, 504, 599),
    Refused: (200, 400, 405, 409, 410, 413, 415, 422),
}


@pytest.mark.parametrize(("status", "kind"), [(status, kind) for kind, all_ in MEANS.items() for status in all_])
def test_every_status_means_one_thing(status: int, kind: type[Exception]) -> None:
    error = error_for_status(status, "some words")
    assert type(error) is kind
    assert str(error) == f"{status}: some words"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "Invalid tag", "type": "X", "hint": "length 1-64"}}', "Invalid tag length 1-64"),
        ('{"error": "Unknown error"}', "Unknown error"),
        ("<html><h1>502 Bad\nGateway</h1></html>", "502 Bad Gateway"),
        ('{"message": "no"}', "no"),
        ('{"error": {"code": 7}}', '{"code": 7}'),
        ("[1, 2]", "[1, 2]"),
        ("", "no words"),
        ("x" * 5000, "x" * 400),
    ],
)
def test_words_are_found_in_every_shape(body: str, words: str) -> None:
    assert words_of(body) == words


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("999999", 3600.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_retry_after_as_number_or_date(header: str | None, seconds: float | None) -> None:
    now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    assert retry_after_s(header, now) == seconds
    error = error_for_status(429, "slow down", header, now)
    assert isinstance(error, NotNow)
    assert error.retry_after_s == seconds
