"""The tail is counted as a whole, as far as the sampler has come: an N that is too small makes every rate too high, and one
that is too large, too low.
"""

import time
from contextlib import closing
from typing import NoReturn

import pytest

from services.feedback.read_model import tail
from shared.adapters.embedded.log_reader import LogReader
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


def test_a_log_that_goes_down_half_way_leaves_no_answer_and_later_on_the_last_one(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        streams.predict()
    down = Unavailable("log", "it does not answer")
    with streams.model() as model:
        scan = LogReader.scan
        with monkeypatch.context() as half_way:
            half_way.setattr(LogReader, "scan", lambda *of: _raise(down) if of[2] == 1 else scan(*of))
            with pytest.raises(Unavailable, match="still being counted"):
                model.totals(ALWAYS)
        assert model.totals(ALWAYS).frames == 10
        monkeypatch.setattr(LogReader, "scan", lambda *_: _raise(down))
        assert model.totals(ALWAYS).frames == 10


def test_a_tally_that_came_before_the_log_went_down_counts(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        streams.predict()
    streams.tell()
    with streams.model() as model:
        streams.predict()
        assert model.totals(ALWAYS).frames == 6
        for _ in range(4):
            streams.predict()
        streams.tell()
        assert model.caught_up(WAIT_S)
        monkeypatch.setattr(LogReader, "scan", lambda *_: _raise(Unavailable("log", "it does not answer")))
        monkeypatch.setattr(streams.log, "committed", lambda *_: _raise(Unavailable("log", "it does not answer")))
        assert model.totals(ALWAYS).frames == 10


def _raise(error: Exception) -> NoReturn:
    raise error


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
