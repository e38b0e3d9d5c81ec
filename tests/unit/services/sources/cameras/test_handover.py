import threading

from hypothesis import given
from hypothesis import strategies as st

from services.sources.cameras.handover import BURST, BURST_BYTES, HELD, Handover
from services.sources.picture import Picture


def picture(source_id: str, number: int, size: int = BURST_BYTES) -> Picture:
    return Picture(source_id, b"." * size, number, str(number))


@given(st.lists(st.sampled_from(["a", "b", "c", "take"]), max_size=60))
def test_the_newest_are_held_in_order_and_the_rest_counted(steps: list[str]) -> None:
    handover, put, given_up, taken = Handover(), dict.fromkeys("abc", 0), dict.fromkeys("abc", 0), list[Picture]()
    for step in steps:
        if step == "take":
            taken += [one for one in [handover.take(0.0)] if one is not None]
        else:
            given_up[step] += handover.put(picture(step, put[step]))
            put[step] += 1
    while (one := handover.take(0.0)) is not None:
        taken.append(one)
    assert handover.empty
    for source_id in "abc":
        numbers = [one.frame_index for one in taken if one.source_id == source_id]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + given_up[source_id] == put[source_id]
        assert numbers[-HELD:] == list(range(put[source_id]))[-HELD:] or put[source_id] > len(numbers)


def test_cameras_are_served_in_turn() -> None:
    handover = Handover()
    for number in range(2):
        for source_id in ("a", "b", "c"):
            handover.put(picture(source_id, number))
    order = [handover.take(0.0) for _ in range(6)]
    assert [(one.source_id, one.frame_index) for one in order if one] == [(s, n) for n in (0, 1) for s in "abc"]


def test_who_waits_is_woken() -> None:
    handover = Handover()
    threading.Timer(0.1, lambda: handover.put(picture("a", 7))).start()
    came = handover.take(10.0)
    assert came is not None
    assert came.frame_index == 7


def test_a_burst_of_small_pictures_is_held_whole_and_is_bounded_all_the_same() -> None:
    handover = Handover()
    assert sum(handover.put(picture("a", number, size=5_000)) for number in range(BURST)) == 0
    assert handover.put(picture("a", BURST, size=5_000)) == 1
    assert handover.put(picture("a", BURST + 1)) == BURST + 1 - HELD, "beside a large one, one more"
