"""The hash and the signature: what they tell apart, and what they do not."""

import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.sampler.duplicates import Gray, NearDuplicates, near, phash64, signature
from shared.streams.predictions import ClassScore, Detection, Prediction
from tests.unit.services.sampler.making import prediction


def scene(seed: int, width_px: int = 160, height_px: int = 90) -> Gray:
    """Soft patches of light and a little noise."""
    dice = np.random.default_rng(seed)
    patches = cv2.resize(dice.integers(0, 255, (5, 8), dtype=np.uint8), (width_px, height_px))
    return np.asarray(np.clip(patches + dice.normal(0, 4, patches.shape), 0, 255), np.uint8)


def bits(one: Gray, other: Gray) -> int:
    return (int.from_bytes(phash64(one)) ^ int.from_bytes(phash64(other))).bit_count()


@pytest.mark.parametrize("seed", range(5))
def test_the_same_scene_is_near_and_another_one_is_far(seed: int) -> None:
    image = scene(seed)
    brighter = cv2.convertScaleAbs(image, alpha=0.9, beta=20)
    larger = cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA)
    assert bits(image, image) == 0
    assert max(bits(image, np.asarray(like, np.uint8)) for like in (brighter, larger, np.roll(image, 1, axis=1))) <= 8
    assert min(bits(image, scene(other)) for other in range(5, 25)) >= 16


def test_distances_of_images_with_a_pattern_are_even() -> None:
    """The bits are split at the median, so that as many are set in each."""
    assert {bits(scene(0), scene(other)) % 2 for other in range(1, 30)} == {0}


@pytest.mark.parametrize("level", [1, 16, 101, 255])
def test_flat_images_are_all_alike(level: int) -> None:
    """Lens caps and nights: what rounding leaves of their frequencies is no pattern."""
    flat = np.full((90, 160), level, np.uint8)
    assert bits(flat, np.full((90, 160), 100, np.uint8)) == 0


@pytest.mark.parametrize("size", [(1, 1), (6, 6), (48, 48), (7, 300)])
def test_images_of_any_size_have_a_hash(size: tuple[int, int]) -> None:
    assert len(phash64(np.zeros(size, np.uint8))) == 8


def seen(*boxes: tuple[str, float, float], confidence: float = 0.9, **more: Any) -> Prediction:
    """Boxes of 20 x 20 pixels by class and centre, in an image of 640 x 360: cells of 80 x 45."""
    detections = tuple(
        Detection(box=(x - 10, y - 10, x + 10, y + 10), class_id=0, class_name=name, confidence=confidence)
        for name, x, y in boxes
    )
    return prediction(**{"detections": detections, **more})


def test_the_order_of_boxes_makes_no_difference() -> None:
    one, other = ("cat", 100.0, 100.0), ("dog", 500.0, 300.0)
    assert signature(seen(one, other)) == signature(seen(other, one))


def test_a_box_that_moves_within_its_cell_makes_no_difference() -> None:
    assert signature(seen(("cat", 100, 100))) == signature(seen(("cat", 110, 110)))


@pytest.mark.parametrize(
    "other",
    [
        seen(),
        seen(("dog", 100, 100)),
        seen(("cat", 200, 100)),
        seen(("cat", 100, 200)),
        seen(("cat", 100, 100), ("cat", 100, 100)),
        seen(("cat", 100, 100), ("cat", 500, 300)),
    ],
)
def test_another_class_cell_or_number_is_another_signature(other: Prediction) -> None:
    assert signature(other) != signature(seen(("cat", 100, 100)))


def test_boxes_that_the_product_does_not_show_make_no_difference() -> None:
    shown = seen(("cat", 100, 100), confidence=0.5)
    weak = seen(("dog", 300, 300), confidence=0.49).detections
    assert signature(shown.model_copy(update={"detections": (*shown.detections, *weak)})) == signature(shown)
    assert signature(seen(("cat", 100, 100), confidence=0.49)) == signature(seen())


def classifier(*scores: tuple[str, float]) -> Prediction:
    classes = tuple(ClassScore(class_id=0, class_name=name, confidence=score) for name, score in scores)
    return prediction(task="classify", classes=classes)


def test_of_a_classifier_the_best_class_counts() -> None:
    assert signature(classifier(("cat", 0.6), ("dog", 0.4))) == signature(classifier(("cat", 0.4), ("bird", 0.3)))
    assert signature(classifier(("cat", 0.6))) != signature(classifier(("dog", 0.6)))
    assert signature(classifier()) not in (signature(seen()), signature(classifier(("cat", 0.6))))


ANYWHERE = st.floats(allow_nan=False, allow_infinity=False)


@given(x=ANYWHERE, y=ANYWHERE, cells=st.integers(1, 64))
def test_boxes_may_lie_anywhere(x: float, y: float, cells: int) -> None:
    """Anyone may write predictions."""
    box = Detection(box=(x, y, x, y), class_id=0, class_name="cat", confidence=1.0)
    assert len(signature(prediction(detections=(box,)), cells)) == 4


def test_what_the_store_is_asked() -> None:
    options = NearDuplicates(most_bits=6, size=32, max_age_s=60)
    asked = near(options, "default", prediction(time_ms=1_700_000_000_999), b"8 bytes.", b"sign", add=True, memo_s=1000)
    assert asked.entry == b"8 bytes." + b"sign" + struct.pack(">I", 1_700_000_000)
    assert (asked.key, asked.known) == ("ring:{default}:door", "known:{default}")
    assert (asked.most_bits, asked.size, asked.max_age_s, asked.add) == (6, 32, 60, True)
    assert asked.ttl_s >= 1060, "the store's clock must not decide"
    unknown = options.model_copy(update={"known": False})
    assert near(unknown, "default", prediction(), b"8 bytes.", b"sign", add=False, memo_s=1000).known is None


@pytest.mark.parametrize("wrong", [{"most_bits": 7}, {"most_bits": -2}, {"size": 0}, {"max_age_s": 0}, {"bits": 8}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        NearDuplicates.model_validate(wrong)
