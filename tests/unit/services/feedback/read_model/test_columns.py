"""Counts by the columns in memory, which all who ask share, each with a snapshot of its own."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from services.feedback.read_model import columns, filters
from services.feedback.read_model.filters import Filters
from tests.unit.services.feedback.read_model.making import WAIT_S, Streams

OTHERS_S = 0.5
"""Whoever may not count meanwhile is waited for so long."""


def test_a_source_that_came_while_somebody_was_counting(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    streams.draw(source_id="door")
    with streams.model() as model:
        accepted: Callable[..., Any] = filters.accepted
        other = threading.Thread(target=lambda: model.counts(Filters()))

        def slowly(*args: Any) -> Any:
            found = accepted(*args)
            if other.ident is None:
                streams.draw(source_id="gate")
                assert model.caught_up(WAIT_S)
                other.start()
                other.join(OTHERS_S)
            return found

        monkeypatch.setattr(columns, "accepted", slowly)
        counts = model.counts(Filters(sources=("door",)))
        other.join(WAIT_S)
        assert [one.value for one in counts.sources] == ["door"]
        assert [one.value for one in model.counts(Filters()).sources] == ["door", "gate"]
