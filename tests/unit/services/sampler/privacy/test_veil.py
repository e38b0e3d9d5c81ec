"""What the veil lets through: never what was to be hidden. What it cannot hide for certain, it withholds."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from services.sampler.privacy.options import Privacy
from services.sampler.privacy.veil import Veil, Veiled
from services.sampler.privacy.withheld import Withheld
from services.sampler.reencoding import ImageOptions
from shared import imaging
from shared.errors import InvalidImage, SettingsError
from tests.unit.services.sampler.privacy.seen import (
    BLUE,
    RED,
    SIDE_PX,
    colour_finder,
    detection,
    frame_px,
    png,
    prediction,
    twelve_rows,
)
from tests.unit.shared.models.built_models import classifier
from tests.unit.shared.models.test_broken_files import always

MARK = (slice(32, 48), slice(64, 88))
"""Rows and columns of what is to be hidden; as a box 64, 32, 88, 48."""


def veil(image: ImageOptions | None = None, **privacy: Any) -> Veil:
    return Veil(Privacy.model_validate(privacy), image)


def marked(*colour: int) -> imaging.Image:
    image = frame_px()
    image[MARK] = colour
    return image


def black_in(veiled: Veiled) -> Any:
    return (imaging.decode(veiled.data) == 0).all(axis=2)


def test_with_nothing_asked_for_the_bytes_are_the_frames() -> None:
    data = png(frame_px())
    veiled = veil().apply(data, prediction(detection((0, 0, 9, 9))))
    assert (veiled.data, veiled.altered, veiled.content_type) == (data, (), imaging.PNG)
    assert (veiled.width_px, veiled.height_px) == (SIDE_PX, SIDE_PX)


def test_masks_hide_in_the_frames_of_their_source_alone() -> None:
    masked = veil(masks={"yard": [[0, 0, 0.5, 1]]})
    black = black_in(masked.apply(png(frame_px()), prediction()))
    assert black[:, : SIDE_PX // 2].all()
    assert not black[:, SIDE_PX // 2 + 1 :].any()
    assert not black_in(masked.apply(png(frame_px()), prediction(source_id="door"))).any()


@pytest.mark.parametrize("confidence", [0.05, 0.95])
def test_boxes_of_a_class_are_hidden_however_unsure(confidence: float) -> None:
    seen = prediction(detection((64, 32, 88, 48), confidence=confidence), detection((0, 0, 20, 20), "cart"))
    veiled = veil(blur=["person"]).apply(png(marked(*RED)), seen)
    black = black_in(veiled)
    assert black[MARK].all()
    assert not black[:20, :20].any()
    assert veiled.altered == ("black: person 1", "encoded as image/png")


def test_boxes_are_found_in_a_frame_that_was_predicted_smaller() -> None:
    half = prediction(detection((32, 16, 44, 24)), width_px=SIDE_PX // 2, height_px=SIDE_PX // 2)
    assert black_in(veil(blur=["person"], grow=0).apply(png(frame_px()), half))[MARK].all()


def test_boxes_in_another_picture_are_withheld() -> None:
    seen = prediction(detection((64, 32, 88, 48)), width_px=640, height_px=360)
    with pytest.raises(Withheld, match="the prediction is of a picture of 640x360"):
        veil(blur=["person"]).apply(png(frame_px()), seen)


def test_a_classifier_cannot_say_where() -> None:
    with pytest.raises(Withheld, match="not where"):
        veil(blur=["person"]).apply(png(frame_px()), prediction(task="classify"))


def test_a_second_model_hides_what_the_first_did_not_see(tmp_path: Path) -> None:
    veiled = veil(model=colour_finder(tmp_path / "faces.onnx")).apply(png(marked(*RED)), prediction())
    assert black_in(veiled)[MARK].all()
    assert not black_in(veiled)[:28].any()
    assert veiled.altered[0].startswith("black: face ")


def test_of_a_second_model_the_classes_that_are_named(tmp_path: Path) -> None:
    plates = veil(model=colour_finder(tmp_path / "faces.onnx"), model_classes=["plate"])
    assert black_in(plates.apply(png(marked(*BLUE)), prediction()))[MARK].all()
    assert not black_in(plates.apply(png(marked(*RED)), prediction())).any()


def test_of_a_second_model_what_it_is_sure_of(tmp_path: Path) -> None:
    pale = png(marked(100, 100, 200))  # 0.39 of red
    path = colour_finder(tmp_path / "faces.onnx")
    assert black_in(veil(model=path, confidence=0.3).apply(pale, prediction()))[MARK].all()
    assert not black_in(veil(model=path, confidence=0.5).apply(pale, prediction())).any()


@pytest.mark.parametrize(("factors", "why"), [((1,), "failed"), ((1, np.nan), "numbers that are none")])
def test_a_model_that_fails_on_a_frame_withholds_it(tmp_path: Path, factors: tuple[float, ...], why: str) -> None:
    looking = veil(model=colour_finder(tmp_path / "faces.onnx", factors))
    dark = np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8)
    assert not black_in(looking.apply(png(dark), prediction())).any()
    bright = np.full((SIDE_PX, SIDE_PX, 3), 180, np.uint8)
    with pytest.raises(Withheld, match=why):
        looking.apply(png(bright), prediction())


def test_a_model_that_found_all_it_can_say_withholds(tmp_path: Path) -> None:
    red = np.full((SIDE_PX, SIDE_PX, 3), RED, np.uint8)
    with pytest.raises(Withheld, match="there may be more"):
        veil(model=colour_finder(tmp_path / "faces.onnx")).apply(png(red), prediction())


def test_a_model_with_a_row_for_each_finding_withholds_when_all_are_taken(tmp_path: Path) -> None:
    some = veil(model=twelve_rows(tmp_path / "eleven.onnx", sure=11)).apply(png(frame_px()), prediction())
    assert some.altered[0] == "black: face 11"
    with pytest.raises(Withheld, match="found 12 boxes, all it can say"):
        veil(model=twelve_rows(tmp_path / "twelve.onnx", sure=12)).apply(png(frame_px()), prediction())


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"model": "nowhere.onnx"}, r"^privacy\.model: "),
        ({"model": "classifier.onnx"}, "expected a detector"),
        ({"model": "faces.onnx", "model_classes": ["fase"]}, "did you mean 'face'"),
    ],
)
def test_a_model_that_cannot_hide_is_refused_at_start(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    colour_finder(tmp_path / "faces.onnx")
    classifier(tmp_path / "classifier.onnx")
    with pytest.raises(SettingsError, match=why):
        veil(**{**options, "model": tmp_path / options["model"]})


def test_without_onnxruntime_a_second_model_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = always(tmp_path / "faces.onnx")
    monkeypatch.setitem(sys.modules, "services.sampler.privacy.finder", None)
    with pytest.raises(SettingsError, match=r"pip install 'gleaner-vision\[privacy\]'"):
        veil(model=path)
    assert veil(blur=["person"]).apply(png(frame_px()), prediction()).altered


@pytest.mark.parametrize("data", [b"", b"GIF89a", png(frame_px())[:-40]])
def test_what_cannot_be_read_is_withheld(data: bytes) -> None:
    with pytest.raises(Withheld, match="cannot be read"):
        veil(blur=["person"]).apply(data, prediction())
    with pytest.raises(InvalidImage):
        veil().apply(data, prediction())


def test_a_turned_frame_is_hidden_where_it_is_seen_and_says_nothing_of_itself() -> None:
    """EXIF turns a frame of 128 x 64 upright, to 64 x 128, which the boxes are of; its place and thumbnail go."""
    exif, buffer = Pillow.Exif(), io.BytesIO()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    Pillow.fromarray(frame_px(SIDE_PX, 64)).save(buffer, "JPEG", exif=exif, quality=95)
    assert Pillow.open(buffer).getexif().get_ifd(0x8825)
    seen = prediction(detection((0, 96, 64, 128)), width_px=64, height_px=SIDE_PX)
    veiled = veil(blur=["person"], grow=0).apply(buffer.getvalue(), seen)
    plain = Pillow.open(io.BytesIO(veiled.data))
    assert plain.size == (veiled.width_px, veiled.height_px) == (64, SIDE_PX)
    assert not dict(plain.getexif())
    assert np.asarray(plain)[98:].max() < 16
    assert np.asarray(plain)[:90].min() > 16


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_format_stays_and_the_same_frame_gives_the_same_bytes(form: str) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(frame_px()).save(buffer, form)
    veiled, again = (veil(masks={"*": [[0, 0, 1, 0.2]]}).apply(buffer.getvalue(), prediction()) for _ in range(2))
    assert veiled.content_type == f"image/{form.lower()}" == imaging.sniff(veiled.data)
    assert (veiled.data, veiled.sha256) == (again.data, again.sha256)


def test_a_frame_is_hidden_before_it_is_scaled() -> None:
    veiled = veil(ImageOptions(max_side_px=64), blur=["person"]).apply(
        png(marked(*RED)), prediction(detection((64, 32, 88, 48)))
    )
    small = imaging.decode(veiled.data)
    assert small.shape == (64, 64, 3)
    assert (small[16:24, 32:44] == 0).all()
    assert "scaled to 64x64" in veiled.altered


def test_the_preview_is_made_of_what_may_be_seen() -> None:
    veiled = veil(blur=["person"]).apply(png(marked(*RED)), prediction(detection((64, 32, 88, 48))))
    assert (veiled.pixels[MARK] == 0).all()
