"""Tallies: the N of every estimate. The same counts however the stream was read; a frame predicted twice counts once."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.streams.predictions import ClassScore, Prediction
from shared.streams.tallies import (
    BLOCK,
    MINUTE_MS,
    TALLIES,
    WINDOW,
    Chain,
    Seen,
    Tally,
    Total,
    count,
    new_tally,
    newest,
    totals,
)
from tests.unit.shared.streams.making import prediction

Numbered = list[tuple[int, Prediction]]
JUMPS = st.lists(st.integers(-3 * WINDOW, 3 * WINDOW) | st.integers(-5, 5), max_size=60)


@given(start=st.integers(0, 5 * WINDOW), jumps=JUMPS)
def test_seen_agrees_with_a_plain_set(start: int, jumps: list[int]) -> None:
    seen, met, offset = Seen(), set[int](), start
    for jump in [0, *jumps]:
        offset = max(0, offset + jump)
        lowest = max(met, default=0) - WINDOW
        expected = "late" if met and offset < lowest else "seen" if offset in met else "new"
        seen, novelty = seen.meet(offset)
        assert novelty == expected
        if novelty == "new":
            met.add(offset)
        assert seen.highest == max(met)
        assert seen.below.bit_length() <= WINDOW


def test_the_bitmap_ends_after_its_window() -> None:
    seen = Seen(highest=5000)
    assert seen.meet(5000 - WINDOW)[1] == "new"
    assert seen.meet(5000 - WINDOW - 1)[1] == "late"


def scored(class_name: str, confidence: float) -> ClassScore:
    return ClassScore(class_id=0, class_name=class_name, confidence=confidence)


CONFIDENCES = st.lists(st.sampled_from([0.2, 0.5, 0.9]), max_size=3)
FRAMES = st.lists(st.tuples(st.integers(0, 40), CONFIDENCES, st.sampled_from(["packages", "people"])), max_size=30)


def numbered(frames: Sequence[tuple[int, list[float], str]], start: int) -> Numbered:
    return [(start + i, prediction(offset, *found, model_id=model)) for i, (offset, found, model) in enumerate(frames)]


@given(frames=FRAMES, start=st.sampled_from([0, BLOCK - 7, 5 * BLOCK - 1]), data=st.data())
def test_the_counts_are_the_same_however_the_input_was_split_and_redelivered(
    frames: list[tuple[int, list[float], str]], start: int, data: st.DataObject
) -> None:
    predictions = numbered(frames, start)
    whole = count(None, 0, predictions)
    cut = data.draw(st.integers(0, len(predictions)))
    back = data.draw(st.integers(0, cut))
    first = count(None, 0, predictions[:cut])
    # A new owner of the partition begins at a committed offset, some way before where the last tally ends.
    second = count(first[-1] if first else None, 0, predictions[back:])
    assert newest([*first, *second]) == newest(whole)


@given(frames=FRAMES)
def test_counting_changes_nothing_that_was_given(frames: list[tuple[int, list[float], str]]) -> None:
    predictions = numbered(frames, 0)
    before = count(None, 0, predictions)
    bytes_before = [tally.to_bytes() for tally in before]
    count(before[-1] if before else None, 0, numbered(frames, len(frames)))
    assert [tally.to_bytes() for tally in before] == bytes_before


@given(frames=FRAMES)
def test_a_frame_that_was_predicted_twice_counts_once(frames: list[tuple[int, list[float], str]]) -> None:
    once = list({(offset, model): (offset, found, model) for offset, found, model in frames}.values())
    tallies = count(None, 0, numbered([*once, *once], 0))
    assert sum(tally.repeated for tally in tallies) == len(once)
    assert sum(counted.frames for tally in tallies for counted in tally.counts) == len(once)


def test_what_is_counted() -> None:
    (tally,) = count(
        None,
        2,
        [(10, prediction(0, 0.9, 0.7)), (11, prediction(1, 0.1)), (12, prediction(1, 0.9)), (13, prediction(61))],
    )
    assert (tally.partition, tally.block, tally.up_to, tally.repeated, tally.late) == (2, 0, 14, 1, 0)
    assert [(c.frames, c.frames_without, c.detections) for c in tally.counts] == [
        (2, 1, {"package": 1, "person": 1}),
        (1, 1, {}),
    ]
    assert tally.seen["packages"] == Seen(highest=61, below=0b11 << 59)


def test_a_shadow_is_passed_over_and_the_next_offset_is_known_all_the_same() -> None:
    shadow = prediction(1, 0.9, role="shadow")
    (tally,) = count(None, 0, [(0, prediction(0, 0.9)), (1, shadow), (2, shadow)])
    assert (tally.up_to, tally.repeated, [c.frames for c in tally.counts]) == (3, 0, [1])
    (tally,) = count(tally, 0, [(3, prediction(1, 0.9))])
    assert (tally.up_to, tally.repeated, [c.frames for c in tally.counts]) == (4, 0, [2]), "expected no repeat"


def test_a_late_prediction_is_served_and_counted() -> None:
    (tally,) = count(None, 0, [(0, prediction(5000)), (1, prediction(1))])
    assert tally.late == 1
    assert sum(counted.frames for counted in tally.counts) == 2


def test_a_block_ends_where_the_next_begins_and_hands_on_what_was_seen() -> None:
    finished, begun = count(None, 0, [(BLOCK - 1, prediction(8)), (BLOCK, prediction(8))])
    assert (finished.block, finished.up_to, finished.repeated) == (0, BLOCK, 0)
    assert (begun.block, begun.up_to, begun.repeated, begun.counts) == (1, BLOCK + 1, 1, ())


def test_a_tally_reads_back_as_it_was_written() -> None:
    (tally,) = count(None, 3, [(0, prediction(frame, 0.9)) for frame in [900, 1, 2]][:1])
    record = new_tally(tally)
    assert (record.stream, record.partition, record.key) == (TALLIES.name, 3, b"0")
    assert new_tally(tally, finished=False).key == b"open"
    assert Tally.model_validate_json(record.value or b"") == tally


@given(frames=FRAMES, start=st.sampled_from([0, BLOCK - 7]), again=st.lists(st.integers(0, 30), max_size=8))
def test_a_chain_counts_as_one_pass_does_whatever_is_delivered_again(
    frames: list[tuple[int, list[float], str]], start: int, again: list[int]
) -> None:
    chain, finished, predictions = Chain(0), list[Tally](), numbered(frames, start)
    for at, prediction_ in enumerate(predictions):
        for offset, one in [*(predictions[back] for back in again if back <= at), prediction_]:
            finished += [tally for tally in [chain.meet(offset, one)] if tally is not None]
    still_open = chain.tally()
    assert (*finished, *([] if still_open is None else [still_open])) == count(None, 0, predictions)


def test_a_chain_can_begin_in_the_middle() -> None:
    chain = Chain(0, start=BLOCK)
    assert chain.meet(BLOCK - 1, prediction(1, 0.9)) is None
    assert chain.tally() is None
    chain.meet(BLOCK, prediction(2, 0.9))
    tally = chain.tally()
    assert tally is not None
    assert (tally.block, tally.up_to, [c.frames for c in tally.counts]) == (1, BLOCK + 1, [1])


def test_a_classifier_shows_its_most_probable_class_where_that_reaches_the_threshold() -> None:
    told = [
        (at, prediction(at, task="classify", classes=(scored("cat", best), scored("dog", 1 - best))))
        for at, best in enumerate([0.9, 0.45])
    ]
    (tally,) = count(None, 0, told)
    assert [(c.frames, c.frames_without, c.detections) for c in tally.counts] == [(2, 1, {"cat": 1})]


def test_thresholds_of_classes_go_before_the_products() -> None:
    (tally,) = count(None, 0, [(0, prediction(0, 0.9, 0.7, class_thresholds={"person": 0.95, "package": 0.8}))])
    assert [(c.frames_without, c.detections) for c in tally.counts] == [(0, {"package": 1})]


def test_totals_are_of_the_newest_tally_of_each_block_and_of_their_minutes() -> None:
    early = count(None, 0, [(0, prediction(0, 0.9))])
    later = count(early[-1], 0, [(1, prediction(1, 0.9, 0.7)), (BLOCK, prediction(2))])
    elsewhere = count(None, 1, [(0, prediction(0, 0.9, source_id="gate"))])
    read = [*later, *elsewhere, *early]
    assert [(tally.partition, tally.block, tally.up_to) for tally in newest(read)] == [
        (0, 0, 2),
        (0, 1, BLOCK + 1),
        (1, 0, 1),
    ]
    door, gate = (totals(read)[source, "packages", later[0].counts[0].model_version] for source in ("door", "gate"))
    assert door == Total(3, 1, {"package": 2, "person": 1})
    assert gate == Total(1, 0, {"package": 1})
    minute_ms = later[0].counts[0].minute_ms
    assert sum(total.frames for total in totals(read, minute_ms, minute_ms + MINUTE_MS).values()) == 4
    assert totals(read, minute_ms + MINUTE_MS) == totals(read, 0, minute_ms) == {}
