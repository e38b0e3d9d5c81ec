"""Sharpness, and what is poor beside a source's last frames."""

from collections.abc import Sequence

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.quality import ENOUGH, WINDOW, Sharpnesses, sharpness

SHARE = 0.25


def judged(window: Sharpnesses, values: Sequence[float], first: int = 0) -> list[bool]:
    return [window.is_poor(f"{first + n:032x}", value, SHARE) for n, value in enumerate(values)]


def test_what_is_blurred_is_less_sharp() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 160), dtype=np.uint8)
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2), np.uint8)
    assert sharpness(blurred) < SHARE * sharpness(pixels)
    assert sharpness(np.full((90, 160), 128, np.uint8)) == 0


def test_the_variance_is_that_of_the_laplacian() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (30, 40), dtype=np.uint8)
    assert np.isclose(sharpness(pixels), cv2.Laplacian(pixels, cv2.CV_64F).var(), rtol=1e-6)


def test_nothing_is_poor_until_enough_was_seen() -> None:
    assert judged(Sharpnesses(), [100.0] * (ENOUGH - 1) + [0.0]) == [False] * ENOUGH
    assert judged(Sharpnesses(), [100.0] * ENOUGH + [24.9, 25.1]) == [False] * ENOUGH + [True, False]


def test_a_camera_that_stays_blurred_becomes_the_new_normal() -> None:
    window = Sharpnesses()
    judged(window, [100.0] * WINDOW)
    blurred = judged(window, [5.0] * WINDOW, first=WINDOW)
    assert blurred[: WINDOW // 2] == [True] * (WINDOW // 2)
    assert not blurred[-1]


def test_flat_pictures_of_a_flat_scene_are_not_poor() -> None:
    assert not any(judged(Sharpnesses(), [0.0] * 20))


VALUES = st.lists(st.floats(0, 1e6), max_size=2 * WINDOW)


@given(VALUES)
def test_a_window_is_bounded_and_survives_being_stored(values: list[float]) -> None:
    window = Sharpnesses()
    judged(window, values)
    stored = window.to_bytes()
    assert len(stored) <= 2000
    again = Sharpnesses(stored)
    assert again.to_bytes() == stored
    assert again.is_poor("f" * 32, 1.0, SHARE) == window.is_poor("f" * 32, 1.0, SHARE)


@given(st.lists(st.floats(0, 1e6), max_size=WINDOW))
def test_frames_that_come_again_get_their_answers_and_count_once(values: list[float]) -> None:
    window = Sharpnesses()
    first = judged(window, values)
    stored = window.to_bytes()
    again = Sharpnesses(stored)
    assert judged(again, values) == first
    assert again.to_bytes() == stored


def test_a_window_that_another_version_left_is_begun_anew() -> None:
    assert Sharpnesses(b"of another form").to_bytes() == b""
