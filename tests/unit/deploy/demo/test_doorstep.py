"""The drawn doorsteps: the same seed gives the same picture, and the truth lies inside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo.camera import HEIGHT_PX, WIDTH_PX
from deploy.demo.doorstep import PAINTERS, Scene, jpeg, render
from deploy.demo.porch import Porch, empty_porch
from deploy.demo.scenes import Mix, doorsteps, random_thing
from deploy.demo.things import Thing

EVERYTHING = Mix(yellow=(0.3, 0.7), others=tuple((kind, 0.6) for kind in PAINTERS if kind not in ("brown", "yellow")))


def test_a_seed_gives_the_same_pictures_and_truth() -> None:
    once, again = (list(doorsteps(4, 5, EVERYTHING, scenes_per_porch=2)) for _ in range(2))
    for (picture, truth), (same_picture, same_truth) in zip(once, again, strict=True):
        assert jpeg(picture) == jpeg(same_picture)
        assert truth == same_truth


def test_another_seed_gives_another_picture() -> None:
    (one, _), (other, _) = next(doorsteps(1, 1, EVERYTHING)), next(doorsteps(1, 2, EVERYTHING))
    assert np.abs(one.astype(int) - other).mean() > 1


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(sorted(PAINTERS)), seed=st.integers(0, 2**31 - 1))
def test_truth_lies_inside_the_picture(kind: str, seed: int) -> None:
    rng, porch = np.random.default_rng(seed), Porch()
    picture, truths = render(Scene(porch, (random_thing(kind, porch, rng),)), rng)
    assert picture.shape == (HEIGHT_PX, WIDTH_PX, 3)
    for truth in truths:
        left, top, right, bottom = truth.xyxy
        assert 0 <= left < right <= WIDTH_PX
        assert 0 <= top < bottom <= HEIGHT_PX
        assert 0 < truth.visible <= 1


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_every_painter_changes_the_picture_where_it_says(kind: str) -> None:
    porch = Porch()
    thing = Thing(kind, x_m=0.4, z_m=0.6, yaw_deg=20, size_m=(0.4, 0.3, 0.3), look=3)
    with_it, (truth,) = render(Scene(porch, (thing,)), np.random.default_rng(1))
    without, _ = render(Scene(porch), np.random.default_rng(1))
    left, top, right, bottom = (int(edge) for edge in truth.xyxy)
    difference = np.abs(with_it.astype(int) - without).max(axis=2)
    assert difference[top:bottom, left:right].max() > 60
    assert difference[: max(top - 40, 0)].max(initial=0) < 30


def test_what_stands_in_front_hides_what_is_behind() -> None:
    behind = Thing("yellow", x_m=0.0, z_m=0.4, size_m=(0.3, 0.04, 0.25), name="hidden")
    before = Thing("brown", x_m=0.0, z_m=0.85, size_m=(0.5, 0.4, 0.3), name="near")
    _, truths = render(Scene(Porch(), (before, behind)), np.random.default_rng(0))
    visible = {truth.name: truth.visible for truth in truths}
    assert visible["near"] == 1.0
    assert visible["hidden"] < 0.6


def test_rendering_leaves_the_empty_porch_untouched() -> None:
    porch = Porch(look=4)
    before = empty_porch(porch).copy()
    render(Scene(porch, (Thing("brown", 0.0, 0.6),)), np.random.default_rng(0))
    assert np.array_equal(before, empty_porch(porch))
