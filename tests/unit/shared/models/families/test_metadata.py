"""Metadata are Python literals: 'False' is false, names are complete, and nonsense gives the default."""

import pytest

from shared.errors import SettingsError
from shared.models.families.metadata import class_names, image_size_px, literal, stride_px


def test_false_is_false() -> None:
    assert literal({"end2end": "False"}, "end2end") is False


@pytest.mark.parametrize("text", ["", "[1, 2", "__import__('os')", "1/0", "nonsense"])
def test_what_is_no_literal_gives_the_default(text: str) -> None:
    assert literal({"imgsz": text}, "imgsz", 7) == 7


@pytest.mark.parametrize(
    ("text", "size_px"), [("[480, 640]", (640, 480)), ("320", (320, 320)), ("[0, 9]", (640, 640)), ("'a'", (640, 640))]
)
def test_imgsz_is_height_then_width(text: str, size_px: tuple[int, int]) -> None:
    assert image_size_px({"imgsz": text}) == size_px


@pytest.mark.parametrize(("text", "stride"), [("32", 32), ("64", 64), ("32.0", 32), ("'x'", 32)])
def test_the_stride_is_a_number(text: str, stride: int) -> None:
    assert stride_px({"stride": text}) == stride


def test_names_come_from_the_settings_then_the_file_then_nobody() -> None:
    written = {"names": "{0: 'a', 1: 'b'}"}
    assert class_names(written, None, 2) == ("a", "b")
    assert class_names(written, {1: "d", 0: "c"}, 2) == ("c", "d")
    assert class_names(written, ["e", "f"], 2) == ("e", "f")
    assert class_names({}, None, 2) == ("class0", "class1")


@pytest.mark.parametrize("names", [["one"], {1: "a", 2: "b"}, ["a", "b", "c"]])
def test_names_that_do_not_fit_the_classes_are_refused(names: list[str] | dict[int, str]) -> None:
    with pytest.raises(SettingsError, match=r"2 classes, model\.names"):
        class_names({}, names, 2)


@pytest.mark.parametrize("text", ["3", "'ab'"])
def test_names_of_another_kind_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="metadata"):
        class_names({"names": text}, None, 2)
