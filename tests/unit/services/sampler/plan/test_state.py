"""Plan state: read back as written, never turned back, and begun anew where it cannot be read."""

from services.sampler.plan.account import Planned, Totals
from services.sampler.plan.bins import BINS
from services.sampler.plan.state import advanced, from_bytes, to_bytes

PLANNED = (Planned("floor", 0.1, floor=True), Planned("near", 0.2))


def totals(frames: int) -> dict[str, Totals]:
    return {one.label: Totals((frames,) * BINS, frames, frames) for one in PLANNED}


def test_it_is_read_back_as_it_was() -> None:
    state = advanced(advanced(None, PLANNED, totals(0), 1000), PLANNED, totals(7), 2000)
    assert from_bytes(to_bytes(state)) == state


def test_what_cannot_be_read_is_begun_anew() -> None:
    assert from_bytes(b'{"time_ms": "soon"}') is None
    assert from_bytes(None) is None


def test_a_frame_of_the_past_turns_nothing_back() -> None:
    state = advanced(advanced(None, PLANNED, totals(0), 1000), PLANNED, totals(7), 9000)
    assert advanced(state, PLANNED, totals(8), 4000) == state


def test_a_new_strategy_begins_and_the_others_go_on() -> None:
    state = advanced(advanced(None, PLANNED[:1], totals(0), 1000), PLANNED, totals(7), 3000)
    assert state.accounts["floor"].window_s == 2
    assert state.accounts["near"].window_s == 0
