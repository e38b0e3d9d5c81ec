"""Every way an image can be wrong is refused with its reason; every way it can be odd gives upright BGR pixels."""

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared import imaging
from shared.errors import InvalidImage

FORMATS = ("JPEG", "PNG", "WEBP")


def picture(width_px: int = 80, height_px: int = 60, mode: str = "RGB") -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width_px), np.linspace(0, 255, height_px))
    return Image.fromarray(np.stack([x, y, 255 - x], 2).astype(np.uint8)).convert(mode)


def encoded(form: str, image: Image.Image | None = None, orientation: int | None = None) -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    (image or picture()).save(buffer, form, exif=exif)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width_px: int, height_px: int) -> bytes:
    ihdr = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


SAMPLES = [encoded(form) for form in FORMATS] + [encoded(form, orientation=6) for form in FORMATS]


@pytest.mark.parametrize(
    ("form", "content_type"), list(zip(FORMATS, ("image/jpeg", "image/png", "image/webp"), strict=True))
)
def test_the_content_type_is_told_by_the_first_bytes(form: str, content_type: str) -> None:
    assert imaging.sniff(encoded(form)) == content_type


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"\xff\xd8"])
def test_what_is_no_known_image_has_no_content_type(data: bytes) -> None:
    assert imaging.sniff(data) is None


@pytest.mark.parametrize("form", FORMATS)
def test_decoding_gives_bgr_pixels(form: str) -> None:
    image = imaging.decode(encoded(form))
    expected = np.asarray(picture())[:, :, ::-1]
    assert image.shape == (60, 80, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - expected).mean() < 5


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_seen_without_decoding(form: str, orientation: int) -> None:
    data = encoded(form, orientation=orientation)
    height_px, width_px = imaging.decode(data).shape[:2]
    assert (width_px, height_px) == ((60, 80) if orientation >= 5 else (80, 60))
    assert imaging.dimensions(data) == (width_px, height_px)


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("WEBP", "RGBA"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_every_kind_of_pixel_becomes_three_bytes(form: str, mode: str) -> None:
    image = imaging.decode(encoded(form, picture(mode=mode)))
    assert image.shape == (60, 80, 3)


def test_cmyk_keeps_its_colours() -> None:
    red = Image.new("RGB", (32, 32), (200, 20, 20)).convert("CMYK")
    blue, green, red_value = imaging.decode(encoded("JPEG", red))[16, 16].tolist()
    assert red_value > 150 > 80 > max(blue, green)


def test_sixteen_bits_become_the_high_byte() -> None:
    ok, data = cv2.imencode(".png", np.full((9, 7), 0x8040, np.uint16))
    assert ok
    assert (imaging.decode(data.tobytes()) == 0x80).all()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_image_is_refused(form: str, share: float) -> None:
    data = encoded(form, picture(640, 480))
    with pytest.raises(InvalidImage, match="truncated"):
        imaging.decode(data[: int(len(data) * share)])


def test_a_thumbnail_in_exif_does_not_hide_a_missing_end() -> None:
    data, thumbnail = encoded("JPEG"), encoded("JPEG", picture(8, 8))
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\0\0" + thumbnail
    assert imaging.decode(data[:2] + segment + data[2:]).shape == (60, 80, 3)
    with pytest.raises(InvalidImage, match="truncated"):
        imaging.decode(data[:2] + segment + data[2:-200])


@pytest.mark.parametrize("data", [encoded(form) + b"\0" * 40 for form in FORMATS])
def test_what_stands_behind_the_end_does_no_harm(data: bytes) -> None:
    assert imaging.decode(data).shape == (60, 80, 3)


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "empty"), (b"hello, world", "unknown format"), (b"%PDF-1.7", "unknown format")]
)
def test_what_is_no_image_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(InvalidImage, match=why):
        imaging.decode(data)


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, imaging.MAX_PIXELS + 1)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidImage, match="too large"):
        imaging.decode(png_of(*size))


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(InvalidImage, match="nothing to see"):
        imaging.decode(png_of(0, 0))


def test_a_damaged_png_is_refused() -> None:
    data = bytearray(encoded("PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InvalidImage, match="corrupt"):
        imaging.decode(bytes(data))


def test_a_preview_keeps_the_shape_and_never_grows() -> None:
    large, small = np.zeros((600, 1200, 3), np.uint8), np.zeros((30, 50, 3), np.uint8)
    assert imaging.dimensions(imaging.preview(large)) == (640, 320)
    assert imaging.dimensions(imaging.preview(small)) == (50, 30)
    assert imaging.dimensions(imaging.preview(np.zeros((1, 5000, 3), np.uint8))) == (640, 1)


def test_what_jpeg_cannot_hold_is_refused() -> None:
    with pytest.raises(InvalidImage, match="JPEG"):
        imaging.encode_jpeg(np.zeros((1, 70_000, 3), np.uint8))


def answers_or_refuses(data: bytes) -> None:
    try:
        width_px, height_px = imaging.dimensions(data)
    except InvalidImage:
        with pytest.raises(InvalidImage):
            imaging.decode(data)
        return
    assert 0 < width_px * height_px <= imaging.MAX_PIXELS
    with contextlib.suppress(InvalidImage):
        assert imaging.decode(data).shape == (height_px, width_px, 3)


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBPVP8X"])
)
def test_random_bytes_never_raise_anything_else(data: bytes, start: bytes) -> None:
    answers_or_refuses(start + data)


@settings(max_examples=300)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
    st.floats(0.01, 1),
)
def test_damaged_images_never_raise_anything_else(data: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    answers_or_refuses(bytes(damaged[: max(1, int(kept * len(damaged)))]))
