"""Any image that an application has: the bytes that travel show the same picture, of the same size."""

import builtins
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from gleaner import Unsupported
from gleaner.images import MAX_IMAGE_BYTES, encoded
from PIL import Image

from shared.imaging import dimensions, sniff
from tests.unit.services.sampler.making import jpeg

BLUE = np.full((48, 64, 3), (255, 0, 0), np.uint8)
"""BGR."""


def pixels(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_encoded_bytes_travel_as_they_are(kind: Any) -> None:
    assert encoded(kind(jpeg(1))) == jpeg(1)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_travels_as_it_is(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "x.jpg").write_bytes(jpeg(1))
    assert encoded(kind(tmp_path / "x.jpg")) == jpeg(1)


@pytest.mark.parametrize("encoder", ["OpenCV", "Pillow"])
def test_an_array_is_bgr_whichever_library_writes_it(monkeypatch: pytest.MonkeyPatch, encoder: str) -> None:
    if encoder == "Pillow":
        without(monkeypatch, "cv2")
    bgra = np.dstack([BLUE, np.full((48, 64), 255, np.uint8)])
    for array in (BLUE, bgra, BLUE[:, ::-1]):
        data = encoded(array)
        assert (sniff(data), dimensions(data)) == ("image/jpeg", (64, 48))
        blue, green, red = pixels(data)[24, 32]
        assert blue > 240
        assert max(green, red) < 15
    for grey in (BLUE[:, :, 0], BLUE[:, :, :1]):
        assert pixels(encoded(grey)).min() > 240


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """An environment in which these are not installed."""
    imported = builtins.__import__

    def refusing(name: str, *more: Any, **named: Any) -> Any:
        if name.partition(".")[0] in names:
            raise ImportError(name)
        return imported(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", refusing)


def test_without_an_encoder_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "cv2", "PIL")
    with pytest.raises(Unsupported, match="install one") as caught:
        encoded(BLUE)
    assert caught.value.code == "no_encoder"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
def test_a_pillow_image_of_any_mode(mode: str) -> None:
    data = encoded(Image.new("RGB", (64, 48), (0, 0, 255)).convert(mode))
    assert dimensions(data) == (64, 48)


def test_an_opened_file_of_pillow_too() -> None:
    assert dimensions(encoded(Image.open(io.BytesIO(jpeg(1))))) == (64, 48)


def test_pixels_that_would_be_too_large_lose_quality_not_size() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1300, 1300, 3), dtype=np.uint8)
    data = encoded(noise)
    assert dimensions(data) == (1300, 1300)
    assert len(data) <= MAX_IMAGE_BYTES


@pytest.mark.parametrize(
    "image",
    [
        None,
        7,
        [[1, 2], [3, 4]],
        Path("no such file.jpg"),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_anything_else_is_said_at_once(image: object) -> None:
    with pytest.raises(Unsupported) as caught:
        encoded(image)
    assert caught.value.where == "image"
