"""N and D_k from the tallies and the tail, against a count of every prediction."""

from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.feedback.accuracy.review import Totals
from services.feedback.read_model.totals import spans
from shared.streams.predictions import new_prediction
from shared.streams.tallies import MINUTE_MS, new_tally
from tests.unit.services.feedback.read_model.making import ALWAYS, START_MS, Streams

DAY_MINUTES = 1440


@given(since_ms=st.integers(0, 10**9), length_ms=st.integers(0, 10**9))
def test_spans_hold_every_minute_that_begins_in_a_window_once(since_ms: int, length_ms: int) -> None:
    until_ms = since_ms + length_ms
    found = spans(since_ms, until_ms)

    assert all(first % size == 0 and end % size == 0 and first < end for size, first, end in found)
    ends = [edge for _, first, end in sorted(found, key=lambda span: span[1]) for edge in (first, end)]
    minutes = range(-(-since_ms // MINUTE_MS) * MINUTE_MS, until_ms, MINUTE_MS)
    assert sum(end - first for _, first, end in found) == len(minutes) * MINUTE_MS
    assert ends == sorted(ends)
    if minutes:
        assert (ends[0], ends[-1]) == (minutes[0], minutes[-1] + MINUTE_MS)


def test_totals_are_those_of_all_frames_and_the_tail(streams: Streams) -> None:
    for number in range(40):
        streams.predict(minute=number * 97, source_id=("door", "gate")[number % 2])
        if number == 25:
            streams.tell()

    with streams.model() as model:
        assert model.totals(ALWAYS) == Totals(40, 0, {"cup": 40})
        window = replace(
            ALWAYS, since_ms=START_MS + 97 * 60_000, until_ms=START_MS + 97 * 11 * 60_000, source_id="gate"
        )
        assert model.totals(window).frames == 5
        streams.predict(minute=0, detections=())
        streams.tell()
        assert model.caught_up(30)
        assert model.totals(ALWAYS) == Totals(41, 1, {"cup": 40})
        streams.predict(minute=0)
        assert model.totals(ALWAYS) == Totals(42, 1, {"cup": 41})


def test_the_designs_of_a_window_are_among_its_frames_wherever_in_a_minute_it_begins_and_ends(streams: Streams) -> None:
    for second in range(0, 180, 15):
        streams.draw(minute=second / 60)
    streams.tell()

    with streams.model() as model:
        for since_s, until_s, frames in ((0, 180, 12), (30, 90, 4), (30, 180, 8), (0, 30, 4), (20, 40, 0)):
            window = replace(ALWAYS, since_ms=START_MS + since_s * 1000, until_ms=START_MS + until_s * 1000)
            assert model.totals(window).frames == len(model.reviews(window)) == len(model.shown_boxes(window)) == frames


def test_a_block_that_is_told_again_counts_as_far_as_it_reaches(streams: Streams) -> None:
    for _ in range(5):
        for _ in range(7):
            streams.predict(partition=0)
        streams.tell()

    with streams.model() as model:
        assert model.totals(ALWAYS).frames == 35


def test_blocks_end_and_the_tail_goes_over_several(streams: Streams) -> None:
    predictions = [streams.prediction(minute=number / 100, partition=0) for number in range(2500)]
    streams.send_all([new_prediction(one) for one in predictions[:1100]])
    for offset, one in enumerate(predictions[:1100]):
        streams.chains[0].meet(offset, one)
    streams.tell()

    with streams.model() as model:
        assert model.totals(ALWAYS).frames == 1100 - 1024  # the first block's tally was never told
        streams.send_all([new_prediction(one) for one in predictions[1100:]])
        assert model.totals(ALWAYS).frames == 2500 - 1024
        for offset, one in enumerate(predictions[1100:], 1100):
            finished = streams.chains[0].meet(offset, one)
            if finished is not None:
                streams.send(new_tally(finished))
        assert model.caught_up(30)
        assert model.totals(ALWAYS).frames == 2500 - 1024
        streams.tell()
        assert model.caught_up(30)
        assert model.totals(ALWAYS).frames == 2500 - 1024


def test_a_frame_that_was_predicted_twice_counts_once(streams: Streams) -> None:
    _, prediction = streams.predict(partition=0)
    streams.tell()
    with streams.model() as model:
        streams.send(new_prediction(prediction))
        assert model.totals(ALWAYS).frames == 1


def test_totals_by_source_and_by_day_in_a_time_zone(streams: Streams) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")  # nine hours ahead: START_MS is nine in the morning
    minutes = [0, 14 * 60 + 59, 15 * 60, 15 * 60 + 1, 3 * DAY_MINUTES]
    for number, minute in enumerate(minutes):
        streams.predict(minute=minute, source_id=("door", "gate")[number % 2])
        if number == 2:
            streams.tell()

    with streams.model() as model:
        by_day = {day: total.frames for day, total in model.totals_by(ALWAYS, "day", tokyo).items()}
        by_source = {source: total.frames for source, total in model.totals_by(ALWAYS, "source", tokyo).items()}

    assert by_day == {"2025-12-01": 2, "2025-12-02": 2, "2025-12-04": 1}
    assert by_source == Counter(door=3, gate=2)


def test_days_of_a_zone_off_the_hour_add_up(streams: Streams) -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")  # 5 h 45 min ahead
    for number in range(60):
        streams.predict(minute=number * 53)
    streams.tell()

    with streams.model() as model:
        days = model.totals_by(ALWAYS, "day", kathmandu)

    expected = Counter((number * 53 + 345) // DAY_MINUTES for number in range(60))
    assert [total.frames for total in days.values()] == [expected[day] for day in sorted(expected)]
