"""Too old frames are skipped until one is fresh again, each counted under its source; by default nothing is."""

from typing import Any

import hypothesis.strategies as some
import pytest
from hypothesis import given
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.inference.lateness import FRESH_SHARE, MOST_SOURCES, OTHERS, Lateness
from shared.streams.frames import FRAMES, Frame
from shared.streams.record import Partition, Record

NOW_S = 1_800_000_000.0
GATE: Partition = ("frames", 0)


def frame(age_s: float, source: str = "gate") -> Frame:
    decoded: Frame = FRAMES.decode(
        Record("frames", 0, 0, round(1000 * (NOW_S - age_s)), source.encode(), b"\xff\xd8\xff")
    )
    return decoded


def lateness(max_age_s: float | None) -> Lateness:
    return Lateness(max_age_s, now_s=lambda: NOW_S)


def skipped(source: str) -> float:
    return REGISTRY.get_sample_value("gleaner_frames_skipped_total", {"source": source, "reason": "too_old"}) or 0.0


@given(age_s=some.floats(0, 1e8))
def test_nothing_is_too_old_unless_the_settings_say_so(age_s: float) -> None:
    assert not lateness(None).skips(GATE, frame(age_s))


@given(ages_s=some.lists(some.floats(0, 1000)), max_age_s=some.floats(1, 500))
def test_from_the_first_that_is_too_old_to_the_first_that_is_fresh(ages_s: list[float], max_age_s: float) -> None:
    late, skipping = lateness(max_age_s), False
    for age_s in ages_s:
        whole_ms_s = NOW_S - round(1000 * (NOW_S - age_s)) / 1000
        skipping = whole_ms_s > (max_age_s * FRESH_SHARE if skipping else max_age_s)
        assert late.skips(GATE, frame(age_s)) == skipping


def test_where_the_way_here_takes_a_while_the_newest_frames_are_seen_again() -> None:
    """Half a second from every camera, once three: without an end, one hiccup would be the last that was predicted."""
    now_s = NOW_S
    late, decided = Lateness(2.0, now_s=lambda: now_s), []
    for number in range(100):
        now_s = NOW_S + number / 10
        age_s = 3.0 if number == 5 else 0.5
        decided.append(late.skips(GATE, frame(age_s - number / 10)))
    assert decided[:5] == [False] * 5
    assert decided[5:15] == [True] * 10
    assert not any(decided[20:])


def test_what_is_too_slow_is_skipped_as_long_as_it_gets_fresher() -> None:
    """A backlog of ten minutes, ten seconds of it in each second: not one frame on the way to the newest."""
    now_s = NOW_S
    late = Lateness(60.0, now_s=lambda: now_s)
    for number in range(60):
        now_s, logged_s = NOW_S + number, NOW_S - 600 + 10 * number
        assert late.skips(GATE, frame(NOW_S - logged_s))


def test_a_clock_that_jumps_back_ends_the_skipping() -> None:
    now_s = NOW_S
    late = Lateness(60.0, now_s=lambda: now_s)
    assert late.skips(GATE, frame(61))
    now_s = NOW_S - 3600
    assert not late.skips(GATE, frame(50))


def test_an_episode_is_a_line_when_it_begins_and_one_with_its_counts() -> None:
    late, before = lateness(10), skipped("gate")
    with capture_logs() as lines:
        ages: list[tuple[float, str]] = [
            (9, "gate"),
            (11, "gate"),
            (8, "yard"),
            (2, "gate"),
            (0.5, "gate"),
            (9, "gate"),
        ]
        decided = [late.skips(GATE, frame(*one)) for one in ages]
    assert decided == [False, True, True, True, False, False]
    begun, line = lines
    assert (begun["event"], begun["age_s"], line["event"]) == ("frames.skipping", 11.0, "frames.skipped")
    told: dict[str, Any] = {"skipped": 3, "sources": {"gate": 2, "yard": 1}, "oldest_s": 11.0, "partition": 0}
    assert told.items() <= line.items()
    assert skipped("gate") == before + 2


def test_partitions_are_late_each_for_itself() -> None:
    late = lateness(10)
    assert late.skips(GATE, frame(11))
    assert not late.skips(("frames", 1), frame(5))
    late.forget({GATE})
    assert not late.skips(GATE, frame(5))


def test_sources_beyond_the_thousandth_share_a_count() -> None:
    late, before = lateness(10), skipped(OTHERS)
    for number in range(MOST_SOURCES + 3):
        late.skips(GATE, frame(11, f"camera-{number}"))
    assert skipped(OTHERS) == before + 3
    assert skipped("camera-0") >= 1
    assert skipped(f"camera-{MOST_SOURCES}") == pytest.approx(0)
