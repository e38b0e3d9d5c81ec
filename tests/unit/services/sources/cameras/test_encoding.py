import av
import cv2
import numpy as np
import pytest

from services.sources.cameras import jpeg
from services.sources.cameras.encoding import as_it_came, from_frame, from_pixels
from shared import imaging
from shared.errors import InvalidImage
from shared.streams.frames import MAX_FRAME_BYTES

PIXELS = np.zeros((48, 64, 3), np.uint8)
PIXELS[:24, :32] = 255  # the upper left quarter is white
IMAGE = imaging.encode_jpeg(PIXELS, 95)


def without_tables(image: bytes) -> bytes:
    """As USB cameras send it."""
    came, at = image[:2], 2
    while image[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(image[at + 2 : at + 4], "big")
        came += b"" if image[at + 1] == 0xC4 else image[at:end]
        at = end
    return came + image[at:]


def white_quarter(image: bytes) -> tuple[int, int]:
    """(row, column) of the white quarter."""
    grey = cv2.resize(imaging.decode(image).mean(axis=2), (2, 2), interpolation=cv2.INTER_AREA)
    row, column = np.unravel_index(int(grey.argmax()), (2, 2))
    return int(row), int(column)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_an_image_goes_as_it_came(suffix: str) -> None:
    data = cv2.imencode(suffix, PIXELS)[1].tobytes()
    encoded = as_it_came(data, 0, 90)
    assert encoded.image == data
    assert encoded.content_type == imaging.sniff(data)
    assert (encoded.width_px, encoded.height_px, encoded.refitted) == (64, 48, False)


def test_a_comment_in_a_jpeg_changes_nothing_of_its_look() -> None:
    def commented(text: bytes) -> bytes:
        return IMAGE[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + IMAGE[2:]

    one, other = (as_it_came(commented(text), 0, 90) for text in (b"08:30:00", b"08:30:01"))
    assert one.look == other.look
    darker = as_it_came(imaging.encode_jpeg(PIXELS // 2, 95), 0, 90)
    assert darker.look != one.look


def test_missing_huffman_tables_are_put_in() -> None:
    bare = without_tables(IMAGE)
    assert len(bare) < len(IMAGE) - 300
    whole = as_it_came(bare, 0, 90).image
    np.testing.assert_array_equal(imaging.decode(whole), imaging.decode(IMAGE))
    assert jpeg.whole(whole) is whole


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\x00" * 500, "unknown format"),
        (b"<html>not found</html>", "unknown format"),
        (IMAGE[: len(IMAGE) // 2], "truncated"),
        (IMAGE[:20], "JPEG"),
        (IMAGE[:2] + b"\xff\xda\x00", "JPEG"),
        (IMAGE.replace(b"\x00\x30\x00\x40", b"\x00\x00\x00\x00", 1), "nothing to see"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(InvalidImage, match=said):
        as_it_came(data, 0, 90)


@pytest.mark.parametrize(
    ("rotate", "corner", "size"), [(90, (0, 1), (48, 64)), (180, (1, 1), (64, 48)), (270, (1, 0), (48, 64))]
)
def test_rotation_is_clockwise(rotate: int, corner: tuple[int, int], size: tuple[int, int]) -> None:
    encoded = as_it_came(IMAGE, rotate, 90)
    assert white_quarter(encoded.image) == corner
    assert (encoded.width_px, encoded.height_px) == size


def test_what_is_too_large_is_made_to_fit() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2000, 2000, 3)).astype(np.uint8)
    encoded = from_pixels(noise, 0, 100)
    assert len(encoded.image) <= MAX_FRAME_BYTES
    assert encoded.refitted
    assert as_it_came(imaging.encode_jpeg(noise, 100), 0, 90).refitted


def test_a_decoded_frame_becomes_a_jpeg() -> None:
    frame = av.VideoFrame.from_ndarray(PIXELS, format="bgr24").reformat(format="yuv420p")
    encoded = from_frame(frame, 90, 90)
    assert encoded.content_type == imaging.JPEG
    assert (encoded.width_px, encoded.height_px) == (48, 64)
    assert white_quarter(encoded.image) == (0, 1)
