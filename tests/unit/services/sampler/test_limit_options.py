"""Limit options: what settings may say, in our words and in those that Roboflow's users know."""

from typing import Any

import pytest

from services.sampler.limit_options import Limit, samples_per_s
from shared.errors import SettingsError
from shared.settings import Config, Settings


class Given(Config):
    """A part of settings with limits in it."""

    limits: tuple[Limit, ...] = ()


def given(*limits: dict[str, Any]) -> tuple[Limit, ...]:
    return Settings({"limits": list(limits)}).read(Given).limits


@pytest.mark.parametrize(
    ("written", "most"),
    [("500MB", 500_000_000), ("1.5 GB", 1_500_000_000), ("64kb", 64_000), ("10b", 10), ("2 tb", 2_000_000_000_000)],
)
def test_a_size_counts_bytes(written: str, most: int) -> None:
    (limit,) = given({"most": written, "per": "day"})
    assert (limit.most, limit.of) == (most, "bytes")


def test_bytes_may_be_a_plain_number() -> None:
    assert given({"most": 500, "per": "day", "of": "bytes"}) == (Limit(most=500, per="day", of="bytes"),)


@pytest.mark.parametrize(("kind", "per"), [("minutely", "minute"), ("hourly", "hour"), ("daily", "day")])
def test_limits_as_roboflow_writes_them(kind: str, per: str) -> None:
    (limit,) = given({"type": kind, "value": 10})
    assert (limit.most, limit.per, limit.is_global) == (10, per, True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"most": 0, "per": "day"}, r"limits\.0\.most: .*greater than or equal to 1, got 0"),
        ({"most": 5}, r"limits\.0\.per: Field required"),
        ({"most": "5MB", "per": "day", "of": "samples"}, r"5MB is a size, so it counts bytes"),
        ({"most": "5 boxes", "per": "day"}, r"limits\.0\.most: .*got '5 boxes'"),
        ({"most": 5, "per": "week"}, r"limits\.0\.per: .*'minute', 'hour' or 'day', got 'week'"),
        ({"type": "weekly", "value": 5}, r"expected type minutely, hourly, daily .*got 'weekly'"),
        ({"type": "daily"}, r"limits\.0\.most: Field required"),
        ({"type": "daily", "value": 0}, r"limits\.0\.most: .*got 0"),
        ({"type": "daily", "most": 5, "per": "day"}, r"unknown setting 'limits\.0\.type'"),
        ({"most": 5, "per": "day", "each": "camera"}, r"limits\.0\.each: .*'source' or 'class', got 'camera'"),
        ({"most": 5, "per": "day", "sources": []}, r"limits\.0\.sources"),
        ({"most": 5, "per": "day", "source": ["a"]}, r"did you mean 'sources'"),
        ("1000/day", r"limits\.0: expected settings, got text"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        given(written)


@pytest.mark.parametrize("more", [{"each": "source"}, {"each": "class"}, {"sources": ["a*"]}, {"classes": ["cat"]}])
def test_what_looks_at_a_part_is_not_global(more: dict[str, Any]) -> None:
    (limit,) = given({"most": 5, "per": "day", **more})
    assert not limit.is_global


def test_what_all_of_them_let_through() -> None:
    assert samples_per_s(()) is None
    limits = given(
        {"most": 6, "per": "minute"}, {"most": 8_640, "per": "day"}, {"most": 1, "per": "day", "of": "bytes"}
    )
    assert samples_per_s(limits) == pytest.approx(0.1)
    assert samples_per_s(given({"most": 1, "per": "day", "each": "source"})) is None


def test_what_a_store_could_not_count_exactly_is_refused() -> None:
    assert given({"most": 2**53, "per": "day"})[0].most == 2**53
    with pytest.raises(SettingsError, match=r"at most 2\*\*53"):
        given({"most": 2**53 + 1, "per": "day"})
