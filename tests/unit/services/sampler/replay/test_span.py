"""Offsets of a stretch of log time are found by bisection, as a look at all records would find them."""

from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sampler.replay.merged import Recorded
from services.sampler.replay.span import Span, bounds_of, first_at
from shared.adapters.embedded.segment_log import SegmentLog
from shared.ports.log import Bounds
from shared.streams import PREDICTIONS
from shared.streams.record import NewRecord
from tests.unit.services.sampler.replay.conftest import Lives


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.integers(0, 5), max_size=12), start=st.integers(-1, 40), length=st.integers(0, 40))
def test_bisection_finds_what_a_look_at_all_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], start: int, length: int
) -> None:
    now_ms = 0
    with closing(SegmentLog(tmp_path_factory.mktemp("log"), now_ms=lambda: now_ms)) as log:
        log.apply()
        producer = log.producer()
        times = []
        for step in steps:
            now_ms += step
            times.append(producer.send(NewRecord("predictions", b"k", b"v", 0)).result(10).time_ms)
        span = Span(start, start + length)
        with closing(log.reader()) as reader:
            (found,) = bounds_of(log, reader, "predictions", span).values()
    inside = [offset for offset, time_ms in enumerate(times) if span.holds(time_ms)]
    assert list(range(found.start, found.end)) == inside


def test_offsets_with_gaps_are_no_obstacle(lives: Lives) -> None:
    site = lives({})
    site.publish(4)
    with closing(site.log.reader()) as reader:
        end = site.log.bounds(PREDICTIONS.name)[0].end
        beyond = Bounds(0, end + 1000)  # as after an unclean stop: offsets that nothing has
        assert first_at(reader, PREDICTIONS.name, 0, beyond, site.now_ms) == end - 1
        assert first_at(reader, PREDICTIONS.name, 0, beyond, site.now_ms + 1) > end - 1


def test_partitions_come_merged_by_log_time_with_a_block_before(lives: Lives) -> None:
    site = lives({}, partitions=3)
    site.publish(40, step_ms=400)
    span = Span(site.now_ms - 4000, site.now_ms + 1)
    recorded = Recorded(site.log, span)
    batches = list(recorded.batches())
    times = [received.record.time_ms for batch in batches for received in batch]
    assert times == sorted(times)
    assert len(times) == 40
    assert sum(bounds.end - bounds.start for bounds in recorded.inside.values()) == 11
    assert all(len({received.record.time_ms // 1000 for received in batch}) == 1 for batch in batches)
    assert recorded.covered == Span(site.now_ms - 4000, span.end_ms)
