"""temporal: lost, almost seen, suddenly more or fewer."""

import pytest
from pydantic import ValidationError

from services.sampler.recent.past import Lost, Past
from services.sampler.strategies.temporal import Parts, Temporal
from tests.unit.services.sampler.strategies.scenes import scene

GONE = Past(warm=True, count=2, counts=(3, 3, 3), lost=(Lost("package", 0.8, 7, 1),))


def test_noisy_or_of_its_parts() -> None:
    assert Temporal().score(scene(0.9, 0.9, 0.4, past=GONE)) == pytest.approx(
        1 - (1 - 0.8) * (1 - 0.5 * 0.8) * (1 - 0.4 * 0.5)
    )


@pytest.mark.parametrize(
    ("parts", "score"),
    [
        (Parts(ghost=0, count_change=0), 0.8),
        (Parts(lost_track=0, count_change=0), 0.4),
        (Parts(lost_track=0, ghost=0), 0.2),
        (Parts(lost_track=0, ghost=0, count_change=0), 0),
    ],
)
def test_parts_can_be_left_out(parts: Parts, score: float) -> None:
    assert Temporal(parts=parts).score(scene(0.9, 0.9, 0.4, past=GONE)) == pytest.approx(score)


def test_it_says_what_weighs_most() -> None:
    assert Temporal().rule(scene(0.4, past=GONE)) == "package, seen in 7 frames, gone now"
    assert Temporal().rule(scene(0.4)) == "package 0.40, almost seen (shown from 0.50 on)"
    assert Temporal().rule(scene(past=GONE._replace(lost=()))) == "2 detected, 3 before"


def test_selected_classes_are_for_tracks_and_ghosts() -> None:
    people = Temporal(selected_class_names=("person",))
    assert people.score(scene(0.4, past=GONE._replace(counts=()))) == 0


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        Temporal(parts=Parts(gap=0.5))  # type: ignore[call-arg]
