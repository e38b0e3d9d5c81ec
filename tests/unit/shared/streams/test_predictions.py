"""Predictions as anybody may write them: what is refused, so that one record cannot mislead all plans."""

import pytest

from shared.errors import InvalidMessage
from shared.streams.predictions import MOST_AHEAD_MS, PREDICTIONS, new_prediction
from shared.streams.record import Record
from tests.unit.shared.streams.making import prediction


def lying_at(time_ms: int) -> Record:
    new = new_prediction(prediction(0))
    return Record(new.stream, 0, 0, time_ms, new.key, new.value)


@pytest.mark.parametrize("time_ms", [prediction(0).frame.time_ms - MOST_AHEAD_MS, prediction(0).frame.time_ms, 2**42])
def test_a_frame_is_older_than_what_is_said_of_it_but_for_the_clocks_of_brokers(time_ms: int) -> None:
    assert PREDICTIONS.decode(lying_at(time_ms)) == prediction(0)


def test_a_frame_of_a_time_that_has_not_come_is_refused() -> None:
    """Microseconds, say, in place of milliseconds: plans would go by them for ever after."""
    with pytest.raises(InvalidMessage, match="expected the frame's log time, UTC milliseconds"):
        PREDICTIONS.decode(lying_at(prediction(0).frame.time_ms - MOST_AHEAD_MS - 1))


def test_a_log_that_gives_no_time_is_believed() -> None:
    assert PREDICTIONS.decode(lying_at(0)) == prediction(0)
