"""The tail is counted as a whole, as far as the sampler has come: an N that is too small makes every rate too high, and one
that is too large, too low.
"""

import time
from contextlib import closing

import pytest

from services.feedback.read_model import tail
from shared.errors import Unavailable
from shared.ports.log import Consumer
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import Record
from tests.unit.services.feedback.read_model.making import ALWAYS, WAIT_S, Streams

FRAMES = 300


def test_a_question_that_cannot_read_all_in_time_has_no_answer_and_the_next_ones_go_on(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FRAMES):
        streams.predict()
    monkeypatch.setattr(tail, "BUDGET_S", -1.0)
    with streams.model() as model:
        with pytest.raises(Unavailable, match="still being counted"):
            model.totals(ALWAYS)
        monkeypatch.setattr(tail, "BUDGET_S", 60.0)
        assert model.totals(ALWAYS).frames == FRAMES


def test_frames_that_the_sampler_has_not_met_are_not_counted_yet(streams: Streams) -> None:
    for _ in range(10):
        streams.predict(partition=0)
    with closing(streams.log.consumer(tail.SAMPLER, [PREDICTIONS.name])) as sampler, streams.model() as model:
        records = _polled(sampler, 10)
        sampler.commit({(PREDICTIONS.name, 0): records[6].offset + 1})
        assert model.totals(ALWAYS).frames == 7
        sampler.commit({(PREDICTIONS.name, 0): records[9].offset + 1})
        assert model.totals(ALWAYS).frames == 10


def _polled(consumer: Consumer, wanted: int) -> list[Record]:
    until_s, records = time.monotonic() + WAIT_S, list[Record]()
    while len(records) < wanted and time.monotonic() < until_s:
        records += consumer.poll(0.2, wanted)
    return records
