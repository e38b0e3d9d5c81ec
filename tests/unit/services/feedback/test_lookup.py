"""What is read, what is remembered, and what is taken at its word; and how little the log is asked."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.access.caller import Caller
from services.feedback.lookup.known_bounds import FRESH_S, KnownBounds
from services.feedback.lookup.lookup import Lookup
from services.feedback.lookup.presence import TRUSTED_S, Presence
from services.feedback.lookup.readers import MOST_ON_THE_WAY, Readers, with_those_between
from services.feedback.lookup.remembered import Remembered
from services.feedback.refusals import NotAllowed, PredictionGone, UnknownPrediction
from shared.errors import NeverWritten
from shared.streams.frames import FRAMES
from shared.streams.predictions import Prediction
from tests.unit.services.feedback.conftest import HOUR_S, Site


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def presence(site: Site, time: Time) -> Iterator[Presence]:
    readers = Readers(site.log, 5.0)
    with closing(readers), closing(Presence(site.log, readers, site.pixels, 5.0, time)) as opened:
        yield opened


@pytest.fixture
def lookup(site: Site) -> Iterator[Lookup]:
    with closing(Lookup(site.log, site.pixels, 5.0)) as opened:
        yield opened


def wrong(prediction: Prediction) -> Prediction:
    """The same frame by another name: to see that it is wrong one has to read it."""
    return prediction.model_copy(update={"frame": prediction.frame.model_copy(update={"frame_id": "f" * 32})})


def test_a_source_is_taken_at_its_word_for_a_minute(site: Site, presence: Presence, time: Time) -> None:
    _, prediction = site.prediction()
    assert presence.of([wrong(prediction)]) == [False]
    assert presence.of([prediction]) == [True]
    assert presence.of([wrong(prediction)]) == [True], "not read"
    time.now_s += TRUSTED_S
    assert presence.of([wrong(prediction)]) == [False], "read again"


def test_what_went_is_seen_within_a_second(site: Site, presence: Presence, time: Time) -> None:
    _, prediction = site.prediction()
    assert presence.of([prediction]) == [True]
    site.later(7 * HOUR_S)
    time.now_s += FRESH_S + 0.1
    assert presence.of([prediction]) == [False]


def test_a_frame_from_before_the_stream_was_made_anew_is_read(site: Site, presence: Presence) -> None:
    _, prediction = site.prediction()
    assert presence.of([prediction]) == [True]
    older = wrong(prediction).frame.model_copy(update={"time_ms": prediction.frame.time_ms - 1})
    assert presence.of([prediction.model_copy(update={"frame": older})]) == [False]


def test_many_are_answered_in_order(site: Site, presence: Presence) -> None:
    predictions = [site.prediction(site.frame(source_id=f"door-{n}"))[1] for n in range(6)]
    mixed = [one if n % 2 else wrong(one) for n, one in enumerate(predictions)]
    assert (
        presence.of([one.model_copy(update={"source_id": f"s{n}"}) for n, one in enumerate(mixed)])
        == [
            False,
            True,
        ]
        * 3
    )


def test_predictions_in_order_of_the_question_each_once_or_twice(site: Site, lookup: Lookup) -> None:
    made = [site.prediction(site.frame(source_id=f"door-{n}")) for n in range(6)]
    asked = [made[4][0], "0-999999-deadbeef", made[0][0], made[4][0], "nonsense"]
    found = lookup.predictions(asked)
    assert [found[0], found[2], found[3]] == [made[4][1], made[0][1], made[4][1]]
    assert isinstance(found[1], UnknownPrediction)
    assert [type(one) for one in lookup.predictions(asked)] == [type(one) for one in found]


def test_what_was_read_is_remembered(site: Site, lookup: Lookup) -> None:
    prediction_id, prediction = site.prediction()
    assert lookup.prediction(prediction_id) == prediction
    site.log.close()
    assert lookup.prediction(prediction_id) == prediction


def test_who_may_see_it(site: Site, lookup: Lookup) -> None:
    prediction_id, prediction = site.prediction()
    assert lookup.prediction_for(Caller("a", sources=("secret*",)), prediction_id) == prediction
    with pytest.raises(UnknownPrediction):
        lookup.prediction_for(Caller("a", sources=("porch*",)), prediction_id)
    with pytest.raises(NotAllowed):
        lookup.prediction_for(Caller("a", prediction_id="0-0-deadbeef"), prediction_id)
    with pytest.raises(PredictionGone):
        lookup.prediction_for(Caller("a"), prediction_id[:-8] + "00000000")


def test_that_nothing_was_written_is_said_of_a_fresh_end(site: Site, time: Time) -> None:
    bounds = KnownBounds(site.log, FRAMES.name, time)
    ref = site.frame()
    before = bounds.around(ref.partition, ref.offset, bounds.now_s())
    again = site.frame()
    time.now_s += 0.001
    after = bounds.around(ref.partition, again.offset, bounds.now_s())
    assert before is not None
    assert after is not None
    assert (before.end, after.end) == (again.offset, again.offset + 1)


def test_a_partition_that_is_not_there_was_never_written(site: Site) -> None:
    with closing(Readers(site.log, 5.0)) as readers, pytest.raises(NeverWritten):
        readers.read(FRAMES.name, 99, 0)


@given(st.lists(st.integers(0, 300), max_size=40))
def test_the_way_holds_what_is_wanted_in_order_and_small_gaps_alone(offsets: list[int]) -> None:
    way = with_those_between(offsets)
    assert way == sorted(set(way))
    assert set(offsets) <= set(way)
    steps = [after - before for before, after in pairwise(way)]
    assert all(step == 1 or step > MOST_ON_THE_WAY for step in steps)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_what_is_remembered_is_bounded_and_right(puts: list[tuple[int, int]]) -> None:
    held: Remembered[int, int] = Remembered(100)
    sizes: dict[int, int] = {}
    for key, size in puts:
        held.put(key, size, size)
        sizes[key] = size
    kept = {key: value for key in range(10) if (value := held.get(key)) is not None}
    assert sum(kept.values()) <= 100
    assert all(sizes[key] == value for key, value in kept.items())
