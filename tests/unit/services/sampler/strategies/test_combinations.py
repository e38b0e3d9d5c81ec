"""any_of and all_of: several strategies as one."""

from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter, ValidationError

from services.sampler.strategies import AnyStrategy
from services.sampler.strategies.all_of import AllOf
from services.sampler.strategies.any_of import AnyOf
from services.sampler.strategies.scene import Scene
from tests.unit.services.sampler.strategies.scenes import scene, scenes

UNSURE = {"type": "least_confidence"}
GHOST = {"type": "ghost"}
PEOPLE = {"type": "class_contains", "selected_class_names": ["person"]}
STRATEGY: TypeAdapter[Any] = TypeAdapter(AnyStrategy)


def of(kind: str, *members: dict[str, Any], **more: Any) -> AnyOf | AllOf:
    made: AnyOf | AllOf = STRATEGY.validate_python({"type": kind, "strategies": members, **more})
    return made


def test_any_of_is_the_noisy_or() -> None:
    both = scene(0.6, 0.4)
    assert of("any_of", UNSURE, GHOST).score(both) == pytest.approx(1 - (1 - 0.4) * (1 - 0.8))
    assert of("any_of", UNSURE, GHOST).rule(both) == "package 0.40, almost seen (shown from 0.50 on)"


def test_any_of_with_weights() -> None:
    strategy = of("any_of", UNSURE, GHOST, weights=[1, 0.25])
    assert strategy.score(scene(0.6, 0.4)) == pytest.approx(1 - (1 - 0.4) * (1 - 0.2))
    assert strategy.rule(scene(0.6, 0.4)) == "package, 0.60 sure"


def test_all_of_is_the_product() -> None:
    assert of("all_of", UNSURE, GHOST).score(scene(0.6, 0.4)) == pytest.approx(0.4 * 0.8)
    assert of("all_of", UNSURE, GHOST).score(scene(0.6)) == 0
    assert of("all_of", PEOPLE, GHOST).score(scene(0.4)) == 0


def test_all_of_gives_every_reason_but_three_at_most() -> None:
    members = ({"type": "least_confidence", "name": name} for name in "abcd")
    assert of("all_of", UNSURE, GHOST).rule(scene(0.6, 0.4)).startswith("package, 0.60 sure; package 0.40, almost")
    assert of("all_of", *members).rule(scene(0.6)).endswith("package, 0.60 sure; and 1 more")


@given(scenes)
def test_all_of_interests_no_more_than_any_member_and_any_of_no_less(scene: Scene) -> None:
    everything, anything = of("all_of", UNSURE, GHOST), of("any_of", UNSURE, GHOST)
    members = [one.score(scene) for one in anything.strategies]
    assert everything.score(scene) <= min(members) + 1e-12
    assert anything.score(scene) >= max(members) - 1e-12


def test_a_combination_needs_and_waits_for_what_its_members_do() -> None:
    now = of("any_of", UNSURE, GHOST)
    assert (now.needs_past, now.waits_frames, now.waits_shadow, now.floor) == (False, 0, False, False)
    late = of("all_of", UNSURE, {"type": "gap"}, {"type": "disagreement"})
    assert (late.needs_past, late.waits_frames, late.waits_shadow) == (True, 5, True)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ([UNSURE], "at least 2"),
        ([UNSURE, {"type": "random", "fraction": 0.1}], "random draws whatever the model said"),
        ([UNSURE, {**GHOST, "budget": "3/day"}], "ghost: expected budget at the combination"),
        ([UNSURE, {**GHOST, "probability": 0.3}], "expected probability at the combination"),
        ([UNSURE, {"type": "any_of", "strategies": [UNSURE, GHOST]}], "does not match any of the expected tags"),
    ],
)
def test_members_that_make_no_sense_are_refused(members: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        of("any_of", *members)


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="expected 2 weights, one for each member, got 1"):
        of("any_of", UNSURE, GHOST, weights=[0.5])
