"""The tracker: the events of SCIENCE C, the same as a naive tracker finds; bounded whatever comes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sampler.recent.past import Blip, Flip, Jump, Lost, Past
from services.sampler.recent.tracker import MOST_TRACKS, WARM_FRAMES, Tracker
from shared.streams.predictions import Detection, Prediction
from tests.unit.services.sampler.making import classified, prediction
from tests.unit.services.sampler.recent.naive import NaiveTracker

INSIDE, AT_THE_BORDER = (200.0, 100.0, 260.0, 150.0), (0.0, 100.0, 60.0, 150.0)


def box(at: tuple[float, ...] = INSIDE, confidence: float = 0.9, name: str = "package", **more: int) -> Detection:
    return Detection(box=at, class_id=0, class_name=name, confidence=confidence, **more)


def seen(*frames: list[Detection]) -> list[Past]:
    """What a warm tracker says of each of these frames."""
    tracker = Tracker()
    for _ in range(WARM_FRAMES):
        tracker.meet(prediction())
    return [tracker.meet(prediction(detections=tuple(frame))) for frame in frames]


def test_an_object_that_was_there_for_three_frames_is_lost_for_five() -> None:
    pasts = seen(*[[box()]] * 3, *[[]] * 6)
    assert [past.lost for past in pasts[3:8]] == [(Lost("package", 0.9, 3, missed),) for missed in range(1, 6)]
    assert pasts[8].lost == ()
    assert all(past.blips == () for past in pasts)


def test_what_leaves_at_the_border_is_not_lost() -> None:
    assert not any(past.lost for past in seen(*[[box(AT_THE_BORDER)]] * 4, [], []))


def test_what_appears_for_a_frame_or_two_inside_is_a_blip_once() -> None:
    for frames in (1, 2):
        pasts = seen(*[[box(confidence=0.6)]] * frames, [], [], [])
        assert [past.blips for past in pasts[frames:]] == [(Blip("package", 0.6),), (), ()]
    assert not any(past.blips for past in seen([box(AT_THE_BORDER)], []))


def test_what_comes_in_from_the_border_and_vanishes_inside_is_no_blip() -> None:
    coming = [(40.0, 100.0, 240.0, 150.0), (60.0, 100.0, 260.0, 150.0)]
    assert not any(past.blips for past in seen(*[[box(at)] for at in coming], []))


def test_a_track_that_comes_back_tells_how_many_frames_missed_it() -> None:
    for missed in range(1, 6):
        assert seen(*[[box()]] * 3, *[[]] * missed, [box()])[-1].returned == (missed,)
    assert seen(*[[box()]] * 3, *[[]] * 6, [box()])[-1].returned == ()
    assert seen(*[[box()]] * 2, [], [box()])[-1].returned == (), "expected nothing of a track that was never believed"


def test_a_change_of_class_is_a_flip_and_no_loss() -> None:
    past = seen(*[[box()]] * 3, [box(name="parcel", confidence=0.3 + 0.3)])[-1]
    assert (past.flips, past.lost, past.jumps) == ((Flip("package", "parcel", 0.6),), (), ())


def test_the_same_class_is_preferred_to_the_larger_overlap() -> None:
    beside = (220.0, 100.0, 280.0, 150.0)
    past = seen(*[[box(), box(beside, name="person")]] * 3, [box(beside), box(name="person")])[-1]
    assert (past.flips, past.lost) == ((), ())


def test_confidence_that_jumps_in_one_frame() -> None:
    pasts = seen([box(confidence=0.9)], [box(confidence=0.85)], [box(confidence=0.55)], [], [box(confidence=0.9)])
    assert pasts[1].jumps == ()
    assert [jump.class_name for jump in pasts[2].jumps] == ["package"]
    assert pasts[2].jumps[0].delta == pytest.approx(0.3)
    assert pasts[4].jumps == (), "expected no jump across a frame that missed it"


def test_the_producers_tracker_wins_over_the_boxes() -> None:
    elsewhere = (400.0, 200.0, 450.0, 240.0)
    frames = [[box(tracker_id=1), box(elsewhere, name="person", tracker_id=2)]] * 3
    swapped = [box(elsewhere, tracker_id=1), box(name="person", tracker_id=2)]
    past = seen(*frames, swapped)[-1]
    assert (past.flips, past.lost, past.blips) == ((), (), ())
    # An id that its tracker changed is not a lost object: the boxes still say that it is there.
    assert seen(*frames, [box(tracker_id=7), box(elsewhere, name="person", tracker_id=2)])[-1].lost == ()


def test_counts_are_of_the_three_frames_before() -> None:
    past = seen([box()], [box(), box(AT_THE_BORDER)], [], [box()])[-1]
    assert (past.count, past.counts) == (1, (1, 2, 0))


def test_boxes_below_the_product_threshold_of_their_class_are_not_seen() -> None:
    tracker = Tracker()
    for _ in range(WARM_FRAMES + 1):
        past = tracker.meet(prediction(detections=(box(confidence=0.4), box(AT_THE_BORDER, confidence=0.55))))
    assert past.count == 1
    strict = prediction(detections=(box(confidence=0.55),), class_thresholds={"package": 0.6})
    assert tracker.meet(strict).count == 0


def test_nothing_is_said_before_the_source_is_warm() -> None:
    tracker = Tracker()
    cold = [tracker.meet(prediction(detections=(box(),) if frame < 4 else ())) for frame in range(WARM_FRAMES)]
    assert cold == [Past()] * WARM_FRAMES
    assert tracker.meet(prediction()).warm


def test_a_classifiers_best_class_flips_and_jumps() -> None:
    tracker = Tracker()
    for _ in range(WARM_FRAMES):
        tracker.meet(classified(1.0, 0.0))
    assert tracker.meet(classified(0.75, 0.25)).jumps == (Jump("cat", 0.25),)
    assert tracker.meet(classified(0.4, 0.6)).flips == (Flip("cat", "dog", 0.6),)
    assert tracker.meet(classified()) == tracker.meet(classified(0.9)) == Past(True)


NAMES = st.sampled_from(["package", "person"])
CONFIDENCES = st.sampled_from([0.3, 0.5, 0.62, 0.9])
PLACES = st.integers(0, 24)
SIZES = st.integers(0, 8)


@st.composite
def boxes(draw: st.DrawFn) -> Detection:
    left, top = draw(PLACES) * 20.0, draw(PLACES) * 10.0
    at = (left, top, left + draw(SIZES) * 20.0, top + draw(SIZES) * 15.0)
    return Detection(
        box=at,
        class_id=0,
        class_name=draw(NAMES),
        confidence=draw(CONFIDENCES),
        tracker_id=draw(st.sampled_from([None, None, None, 1, 2])),
    )


def compare(frames: list[list[Detection]]) -> None:
    fast, naive = Tracker(), NaiveTracker()
    for frame in [*[[]] * WARM_FRAMES, *frames]:
        met: Prediction = prediction(detections=tuple(frame), width_px=640, height_px=360)
        assert fast.meet(met) == naive.meet(met)


@settings(deadline=None)
@given(st.lists(st.lists(boxes(), max_size=6), max_size=12))
def test_a_naive_tracker_finds_the_same_events_in_chaos(frames: list[list[Detection]]) -> None:
    compare(frames)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9), st.integers(1, 40))
def test_a_naive_tracker_finds_the_same_events_in_a_scene(seed: int, objects: int) -> None:
    """Objects that move, dip below the threshold, change class and overlap each other, as in a picture of a street."""
    dice = random.Random(seed)
    places = [[dice.uniform(0, 560), dice.uniform(0, 300)] for _ in range(objects)]
    sizes = [(dice.uniform(20, 160), dice.uniform(40, 80)) for _ in range(objects)]
    frames = []
    for _ in range(14):
        frame = []
        for place, (wide, high) in zip(places, sizes, strict=True):
            place[0] += dice.gauss(3, 2)
            place[1] += dice.gauss(0, 2)
            at = (place[0], place[1], place[0] + wide * dice.uniform(0.5, 1), place[1] + high)
            name = "person" if dice.random() < 0.9 else "dog"
            frame.append(box(at, min(1.0, max(0.0, dice.gauss(0.62, 0.15))), name))
        dice.shuffle(frame)
        frames.append(frame)
    compare(frames)


@pytest.mark.parametrize(
    "end", [(200.0, 100.0, 232.0, 150.0), (270.0, 100.0, 300.0, 150.0), (0.0, 100.0, 300.0, 150.0)]
)
@pytest.mark.parametrize("others", [0, 40])
def test_in_a_crowd_too_everything_that_overlaps_enough_is_found(end: tuple[float, ...], others: int) -> None:
    """A box of which one end is left, at either side; a box that is the end of a larger one."""
    crowd = [box((8.0 * at, 300.0, 8.0 * at + 6, 306.0), name="leaf") for at in range(others)]
    past = seen(*[[*crowd, box((200.0, 100.0, 300.0, 150.0))]] * 3, [*crowd, box(end)])[-1]
    assert (past.lost, past.blips) == ((), ())


def test_tracks_are_bounded_and_the_rest_is_counted() -> None:
    tracker = Tracker()
    many = [box((x * 20.0, y * 20.0, x * 20.0 + 10, y * 20.0 + 10)) for x in range(20) for y in range(20)]
    for _ in range(WARM_FRAMES + 1):
        past = tracker.meet(prediction(detections=tuple(many)))
    assert past.count == len(many) > MOST_TRACKS
    assert len(tracker._tracks) == MOST_TRACKS
