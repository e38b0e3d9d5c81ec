"""The tail is counted as a whole or not at all: an N that is too small would make every rate too high."""

import pytest

from services.feedback.read_model import tail
from shared.errors import Unavailable
from tests.unit.services.feedback.read_model.making import ALWAYS, Streams

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
