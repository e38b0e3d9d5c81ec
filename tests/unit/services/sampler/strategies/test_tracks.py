"""lost_track, gap, blip, flip, jump, count_change: what each makes of a source's recent past."""

import pytest

from services.sampler.recent.past import Blip as Brief
from services.sampler.recent.past import Flip as Turn
from services.sampler.recent.past import Jump as Leap
from services.sampler.recent.past import Lost, Past
from services.sampler.strategies import REGISTRY, Strategy
from services.sampler.strategies.blip import Blip
from services.sampler.strategies.count_change import CountChange, median
from services.sampler.strategies.flip import Flip
from services.sampler.strategies.gap import Gap
from services.sampler.strategies.jump import Jump
from services.sampler.strategies.lost_track import LostTrack
from tests.unit.services.sampler.strategies.scenes import scene

GONE = Past(warm=True, lost=(Lost("package", 0.8, 3, 1), Lost("person", 0.9, 12, 4)))
BRIEF = Past(warm=True, blips=(Brief("package", 0.6), Brief("cat", 0.7)))
TURNED = Past(warm=True, flips=(Turn("cat", "dog", 0.7),))
LEAPT = Past(warm=True, jumps=(Leap("package", 0.1), Leap("person", 0.42)))


def test_a_lost_track_is_a_match_and_the_longest_is_named() -> None:
    assert LostTrack().score(scene(past=GONE)) == 1
    assert LostTrack().rule(scene(past=GONE)) == "person, seen in 12 frames, gone for 4 frames"
    assert LostTrack(selected_class_names=("package",)).rule(scene(past=GONE)) == "package, seen in 3 frames, gone now"


@pytest.mark.parametrize(
    ("strategy", "score"),
    [
        (LostTrack(minimum_hits=12), 1),
        (LostTrack(minimum_hits=13), 0),
        (LostTrack(minimum_hits=4, most_missed=3), 0),
        (LostTrack(most_missed=1), 1),
        (LostTrack(selected_class_names=("dog",)), 0),
    ],
)
def test_a_lost_track_must_be_long_and_fresh_enough(strategy: LostTrack, score: float) -> None:
    assert strategy.score(scene(past=GONE)) == score


def test_a_gap_is_a_match() -> None:
    assert Gap().score(scene(gaps=1)) == 1
    assert Gap().rule(scene(gaps=1)) == "an object is missing that will be back"
    assert Gap().rule(scene(gaps=2)) == "2 objects are missing that will be back"


def test_a_blip_is_a_match_and_the_surest_is_named() -> None:
    assert Blip().score(scene(past=BRIEF)) == 1
    assert Blip().rule(scene(past=BRIEF)) == "cat 0.70, seen for a moment only"
    assert Blip(selected_class_names=("dog",)).score(scene(past=BRIEF)) == 0


@pytest.mark.parametrize(("names", "score"), [(None, 1), (("cat",), 1), (("dog",), 1), (("package",), 0)])
def test_a_flip_is_a_match_from_or_to_a_selected_class(names: tuple[str, ...] | None, score: float) -> None:
    assert Flip(selected_class_names=names).score(scene(past=TURNED)) == score
    assert Flip().rule(scene(past=TURNED)) == "cat became dog (0.70)"


def test_the_largest_jump_is_the_score() -> None:
    assert Jump().score(scene(past=LEAPT)) == 0.42
    assert Jump().rule(scene(past=LEAPT)) == "person: confidence changed by 0.42 since the frame before"
    assert Jump(selected_class_names=("package",)).score(scene(past=LEAPT)) == 0.1
    assert Jump(selected_class_names=("dog",)).score(scene(past=LEAPT)) == 0
    assert (Jump(at_least=0.42).score(scene(past=LEAPT)), Jump(at_least=0.43).score(scene(past=LEAPT))) == (0.42, 0)


@pytest.mark.parametrize(
    ("count", "counts", "score"),
    [
        (3, (3, 3, 3), 0),
        (4, (3, 3, 3), 0.5),
        (1, (3, 3, 3), 1),
        (9, (3, 3, 3), 1),
        (3, (3, 8, 3), 0),
        (0, (1, 2), 0.75),
        (5, (), 0),
    ],
)
def test_count_change_compares_with_the_median_of_the_frames_before(
    count: int, counts: tuple[int, ...], score: float
) -> None:
    assert CountChange().score(scene(past=Past(warm=True, count=count, counts=counts))) == score


def test_count_change_says_both_numbers_and_knows_what_is_much() -> None:
    past = Past(warm=True, count=1, counts=(2, 3))
    assert CountChange().rule(scene(past=past)) == "1 detected, 2.5 before"
    assert CountChange(full=6).score(scene(past=past)) == 0.25
    assert [median((2,)), median((4, 1)), median((9, 1, 2))] == [2, 2.5, 2]


@pytest.mark.parametrize("name", ["lost_track", "gap", "blip", "flip", "jump", "count_change", "temporal"])
def test_they_say_that_they_need_the_past_and_find_nothing_without_one(name: str) -> None:
    strategy: Strategy = REGISTRY[name]()  # type: ignore[call-arg]
    assert strategy.needs_past
    assert strategy.score(scene(0.9)) == 0
    assert strategy.waits_frames == (5 if name == "gap" else 0)
