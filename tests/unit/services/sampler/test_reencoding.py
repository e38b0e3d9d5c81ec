"""Images become smaller as asked, boxes go with them, and nothing changes where nothing is asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.privacy.options import Privacy
from services.sampler.privacy.veil import Veil
from services.sampler.reencoding import ImageOptions, encoded, needs_encoding, scaled
from shared import imaging
from shared.errors import InvalidImage
from tests.unit.services.sampler.privacy.seen import detection, frame_px, png, prediction

sides = st.integers(1, 4000)


def test_boxes_and_key_points_are_scaled_with_the_image() -> None:
    before = prediction(
        detection((10, 20, 110, 220), points=((60, 40, 0.9),)), width_px=1920, height_px=1080, task="detect"
    )
    after = scaled(before, 640, 360)
    assert (after.width_px, after.height_px) == (640, 360)
    assert after.detections[0].box == (3.333, 6.667, 36.667, 73.333)
    assert list(after.detections[0].keypoints) == [(20.0, 13.333, 0.9)]
    assert (after.frame, after.detections[0].confidence) == (before.frame, 0.9)


def test_the_same_size_is_the_same_prediction() -> None:
    before = prediction(detection((10, 20, 110, 220)))
    assert scaled(before, before.width_px, before.height_px) is before


@given(sides, sides, sides, sides, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_a_box_stays_where_it_was_in_the_picture(
    width: int, height: int, new_width: int, new_height: int, edges: list[float]
) -> None:
    (left, right), (top, bottom) = sorted(edges[:2]), sorted(edges[2:])
    box = (left * width, top * height, right * width, bottom * height)
    after = scaled(prediction(detection(box), width_px=width, height_px=height), new_width, new_height)
    due = (left * new_width, top * new_height, right * new_width, bottom * new_height)
    assert after.detections[0].box == pytest.approx(due, abs=0.001)
    again = after.model_validate_json(after.to_bytes())  # its boxes are still in order
    assert again == after


@pytest.mark.parametrize(
    ("options", "due"),
    [({}, False), ({"max_side_px": 128}, False), ({"max_side_px": 127}, True), ({"jpeg_quality": 80}, True)],
)
def test_what_is_as_asked_is_left_as_it_is(options: dict[str, int], due: bool) -> None:
    image = frame_px()
    assert needs_encoding(png(image), image, ImageOptions(**options)) is due


def test_an_image_within_its_limits_keeps_its_bytes() -> None:
    data = png(frame_px())
    veiled = Veil(Privacy(), ImageOptions(max_side_px=4096, max_bytes=1_000_000)).apply(data, prediction())
    assert (veiled.data, veiled.altered) == (data, ())


@pytest.mark.parametrize("size", [(1000, 500), (500, 1000), (1001, 7)])
def test_the_longer_side_is_what_was_asked(size: tuple[int, int]) -> None:
    _, _, image = encoded(frame_px(*size), imaging.JPEG, ImageOptions(max_side_px=100))
    assert max(image.shape[:2]) == 100
    assert image.shape[1] / image.shape[0] == pytest.approx(size[0] / size[1], rel=0.02) or min(image.shape[:2]) == 1


def test_a_quality_makes_a_jpeg_of_any_image() -> None:
    image = frame_px(400, 300)
    data, content_type, _ = encoded(image, imaging.PNG, ImageOptions(jpeg_quality=60))
    assert content_type == imaging.JPEG == imaging.sniff(data)
    assert len(data) < len(encoded(image, imaging.JPEG, ImageOptions(jpeg_quality=95))[0])


@pytest.mark.parametrize("most", [10_000, 60_000, 120_000])
@pytest.mark.parametrize("content_type", [imaging.JPEG, imaging.PNG])
def test_a_file_fits_into_its_bytes_and_keeps_its_pixels_as_long_as_it_can(most: int, content_type: str) -> None:
    image = frame_px(640, 480)
    data, kind, smaller = encoded(image, content_type, ImageOptions(max_bytes=most))
    assert len(data) <= most
    assert imaging.decode(data).shape == smaller.shape
    assert kind == imaging.JPEG
    whole = smaller.shape == image.shape
    assert whole == (most == 120_000)


def test_what_a_format_cannot_hold_is_said() -> None:
    with pytest.raises(InvalidImage, match="image/webp"):
        encoded(np.zeros((1, 20_000, 3), np.uint8), imaging.WEBP, ImageOptions())
