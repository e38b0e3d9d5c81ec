"""Waiting: in order, each once, never for ever, and the same however the log was cut into batches."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.recent.past import Past
from services.sampler.strategies.scene import Scene
from services.sampler.waiting import IDLE_S, MOST_LANES, MOST_OFFSETS, MOST_SHADOWS, MOST_WAIT_MS, WaitingRoom
from shared.runtime.service import Received
from shared.streams.record import Record
from tests.unit.services.sampler.making import prediction

START_MS = 1_700_000_000_000


def received(
    at: int, frame: int | None = None, *, partition: int = 0, time_ms: int = 0, source: str = "door", role: str = "live"
) -> Received:
    offset = at if frame is None else frame
    made = prediction(offset=offset, frame_id=f"{source}-{offset}", source_id=source, role=role)
    return Received(Record("predictions", partition, at, START_MS + time_ms, b"door", b""), made)


def meet(room: WaitingRoom, one: Received, returned: tuple[int, ...] = ()) -> None:
    if one.message.role == "shadow":
        room.meet_shadow(one)
    else:
        room.add(one, Scene(one.message, Past(True, returned=returned)))


def out(room: WaitingRoom, now_s: float = 0.0) -> list[int]:
    """Offsets that are released now, and settled."""
    offsets = [one.record.offset for one, _ in room.released(now_s)]
    room.settle()
    return offsets


def test_a_frame_waits_for_the_frames_of_its_source_that_come_after_it() -> None:
    room = WaitingRoom(frames=2)
    for at, source in enumerate(["door", "gate", "door", "gate", "gate", "door"]):
        meet(room, received(at, source=source))
    assert out(room) == [1, 0]
    assert room.oldest(0) == 2


def test_nothing_is_committed_past_the_oldest_that_waits() -> None:
    room = WaitingRoom(frames=1)
    meet(room, received(7))
    assert room.committable(("predictions", 0), 8) == 7
    assert room.committable(("verdicts", 0), 8) == 8
    assert room.committable(("predictions", 1), 8) == 8
    meet(room, received(8))
    assert room.released(0.0)
    assert room.committable(("predictions", 0), 9) == 7, "expected the released one until it is settled"
    room.settle()
    assert room.committable(("predictions", 0), 9) == 8


def test_a_track_that_came_back_marks_the_frames_that_missed_it() -> None:
    room = WaitingRoom(frames=5)
    for at in range(4):
        meet(room, received(at))
    meet(room, received(4), returned=(2, 1))
    for at in range(5, 9):
        meet(room, received(at))
    assert [scene.gaps for _, scene in room.released(0.0)] == [0, 0, 1, 2]


def test_a_late_frame_waits_but_tells_the_others_nothing() -> None:
    room = WaitingRoom(frames=1)
    meet(room, received(0, frame=5))
    meet(room, received(1, frame=3))
    assert out(room) == []
    meet(room, received(2, frame=6))
    assert out(room) == [0, 1]


@pytest.mark.parametrize("first", ["live", "shadow"])
def test_a_frame_meets_its_shadow_in_either_order(first: str) -> None:
    room = WaitingRoom(0, lambda one: one.source_id == "door")
    other = "shadow" if first == "live" else "live"
    meet(room, received(0, frame=9, role=first))
    meet(room, received(1, frame=9, role=other))
    ((_, scene),) = room.released(0.0)
    assert scene.shadow is not None
    assert (scene.shadow.role, scene.prediction.role) == ("shadow", "live")


def test_who_wants_no_shadow_does_not_wait_but_takes_none_from_the_line() -> None:
    room = WaitingRoom(0, lambda one: one.frame.offset % 2 == 0)
    for at in range(3):
        meet(room, received(at))
    assert out(room) == []
    meet(room, received(3, frame=0, role="shadow"))
    assert out(room) == [0, 1], "expected the order of the source"


def test_nobody_waits_past_so_many_offsets_or_seconds_of_log_time() -> None:
    room = WaitingRoom(frames=5)
    meet(room, received(0))
    meet(room, received(MOST_OFFSETS - 1, source="gate"))
    assert out(room) == []
    meet(room, received(MOST_OFFSETS, source="gate"))
    assert out(room) == [0]
    meet(room, received(MOST_OFFSETS + 1, source="gate", time_ms=MOST_WAIT_MS))
    assert out(room) == [MOST_OFFSETS - 1, MOST_OFFSETS]


def test_at_the_idle_end_of_a_partition_the_wait_ends_too() -> None:
    room = WaitingRoom(frames=5)
    meet(room, received(0))
    meet(room, received(0, partition=1))
    now_s = 0.0
    while now_s < IDLE_S:
        assert out(room, now_s) == []
        now_s += 0.5
        meet(room, received(int(now_s * 2), partition=1, source=f"gate-{now_s}"))
    assert out(room, now_s) == [0], "expected the quiet partition's alone"


def test_what_belongs_to_others_now_is_dropped_and_given_again() -> None:
    room = WaitingRoom(frames=1)
    for partition in (0, 1):
        meet(room, received(0, partition=partition))
    room.forget({0})
    assert (room.oldest(0), room.oldest(1)) == (None, 0)
    meet(room, received(0))
    meet(room, received(1))
    assert out(room) == [0]


def test_shadows_that_nobody_asks_for_and_sources_that_are_gone_are_bounded() -> None:
    room = WaitingRoom(1, lambda one: True)
    for at in range(MOST_SHADOWS + 10):
        meet(room, received(at, role="shadow"))
    for at in range(MOST_LANES + MOST_OFFSETS):
        meet(room, received(5000 + at, source=f"camera-{at}"))
        out(room)
    inside = room._rooms[0]
    assert len(inside._shadows) == MOST_SHADOWS
    assert len(inside._lanes) <= MOST_LANES
    assert len(inside.waiting) == len(inside._awaited) == MOST_OFFSETS


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["door", "gate"]),
        st.sampled_from(["live", "live", "shadow"]),
        st.integers(0, 40),
        st.sampled_from([(), (1,), (2, 5)]),
        st.sampled_from([1, 50, MOST_WAIT_MS // 3]),
    ),
    min_size=5,
    max_size=40,
)
Story = list[tuple[Received, tuple[int, ...]]]
Told = list[tuple[str, int, int, bool]]


def story(steps: Sequence[tuple[str, str, int, tuple[int, ...], int]]) -> Story:
    """With an end so far away that everybody before it must come out."""
    time_ms, told = 0, []
    for at, (source, role, frame, returned, after_ms) in enumerate(steps):
        time_ms += after_ms
        told.append((received(at * 37, frame, source=source, role=role, time_ms=time_ms), returned))
    return [*told, (received(len(told) * 37 + MOST_OFFSETS, 99, source="end", time_ms=time_ms), ())]


def played(steps: Story, cuts: set[int], twice: bool) -> Told:
    """What came of it when the log was delivered in these batches, each of them once or twice."""
    room = WaitingRoom(3, lambda one: one.frame.offset % 3 == 0)
    told: Told = []
    batch: Story = []
    for at, step in enumerate(steps):
        batch.append(step)
        if at in cuts or at == len(steps) - 1:
            for _ in range(1 + twice):
                for one, returned in batch:
                    meet(room, one, returned)
                released = room.released(0.0)
            told += [(s.prediction.source_id, r.record.offset, s.gaps, s.shadow is not None) for r, s in released]
            room.settle()
            batch = []
    return told


@given(STEPS, st.sets(st.integers(0, 40)), st.booleans())
def test_what_comes_out_depends_on_the_log_alone(
    steps: list[tuple[str, str, int, tuple[int, ...], int]], cuts: set[int], twice: bool
) -> None:
    assert played(story(steps), cuts, twice) == played(story(steps), set(), twice=False)


@given(STEPS)
def test_every_frame_comes_out_once_and_in_order_within_its_source(
    steps: list[tuple[str, str, int, tuple[int, ...], int]],
) -> None:
    told = story(steps)
    offsets = [(source, offset) for source, offset, _, _ in played(told, set(), twice=False)]
    live = [(one.message.source_id, one.record.offset) for one, _ in told[:-1] if one.message.role == "live"]
    assert sorted(offsets) == sorted(live)
    for name in ("door", "gate"):
        mine = [offset for source, offset in offsets if source == name]
        assert mine == sorted(mine)


def test_those_behind_one_that_waited_too_long_go_with_it_when_they_have_what_they_waited_for() -> None:
    """Else a restart, which begins behind it, would let them go earlier than an undisturbed run."""
    room = WaitingRoom(frames=0, wants_shadow=lambda prediction: prediction.frame.offset == 0)
    meet(room, received(0))
    meet(room, received(1))
    assert out(room) == []
    meet(room, received(2, source="gate", time_ms=MOST_WAIT_MS))
    assert out(room) == [2, 0, 1]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_every_live_model_of_a_frame_is_given_what_the_shadow_said_of_it(at: int) -> None:
    room = WaitingRoom(frames=0, wants_shadow=lambda prediction: True)
    order = ["first", "second"]
    order.insert(at, "shadow")
    for place, model_id in enumerate(order):
        one = received(place, 0, role="shadow" if model_id == "shadow" else "live")
        made = one.message.model_copy(update={"model_id": model_id})
        meet(room, Received(one.record, made))
    told = {scene.prediction.model_id: scene.shadow for _, scene in room.released(0.0)}
    assert told.keys() == {"first", "second"}
    assert all(shadow is not None and shadow.model_id == "shadow" for shadow in told.values())


def test_changed_settings_hold_for_whoever_comes_from_then_on() -> None:
    room = WaitingRoom(frames=0, wants_shadow=lambda prediction: True)
    meet(room, received(0))
    room.follow(1, lambda prediction: False)
    meet(room, received(1))
    assert out(room) == []
    meet(room, received(2, 0, role="shadow"))
    assert out(room) == [0]
    meet(room, received(3, 2))
    assert out(room) == [1]
    room.follow(0, lambda prediction: False)
    meet(room, received(4, 3))
    assert out(room) == [3, 4]
