"""Masks in whatever form come out as fractions; what would hide the wrong place, or nothing, is refused at start."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.sampler.privacy.options import Privacy
from services.sampler.reencoding import ImageOptions
from shared.errors import SettingsError
from shared.settings import Config, Settings

SQUARE = ((0.25, 0.5), (0.5, 0.5), (0.5, 1.0), (0.25, 1.0))


PAGE = Path(__file__).parents[5] / "docs" / "privacy.md"


class Read(Config):
    privacy: Privacy = Privacy()
    image: ImageOptions = ImageOptions()


def read(**privacy: Any) -> Privacy:
    return Settings({"privacy": privacy}, "gleaner.yaml").read_whole(Read).privacy


@pytest.mark.parametrize(
    "masks",
    [
        [[0.25, 0.5, 0.5, 1.0]],
        [[[0.25, 0.5], [0.5, 0.5], [0.5, 1.0], [0.25, 1.0]]],
        {"regions": [[0.25, 0.5, 0.5, 1.0]]},
        {"of": [1920, 1080], "regions": [[480, 540, 960, 1080]]},
        {"of": [1920, 1080], "regions": [[[480, 540], [960, 540], [960, 1080], [480, 1080]]]},
    ],
)
def test_a_mask_is_a_box_or_a_polygon_in_fractions_or_pixels(masks: Any) -> None:
    (found,) = read(masks={"yard": masks}).masks_of("yard")
    assert list(found.fractions()) == [SQUARE]


@pytest.mark.parametrize(
    ("privacy", "why"),
    [
        ({"masks": {"yard": [[0, 0, 300, 120]]}}, r"of: \[1920, 1080\]"),
        ({"masks": {"yard": {"of": [640, 480], "regions": [[0, 0, 700, 120]]}}}, "past the 640x480"),
        ({"masks": {"yard": {"of": [0, 480], "regions": [[0, 0, 1, 1]]}}}, "width and height"),
        ({"masks": {"yard": [[0.5, 0, 0.2, 1]]}}, r"\[left, top, right, bottom\]"),
        ({"masks": {"yard": [[[0, 0], [0.5, 0.5], [1, 1]]]}}, "with an area"),
        ({"masks": {"yard": [[[0, 0], [1, 1]]]}}, "at least 3"),
        ({"masks": {"yard": []}}, "at least 1"),
        ({"masks": {"yard": [[0, 0, float("nan"), 1]]}}, r"left, top"),
        ({"masks": {"yard": [[-0.1, 0, 1, 1]]}}, "greater than or equal to 0"),
        ({"model_classes": ["face"]}, "say `blur`"),
        ({"blurr": ["person"]}, "did you mean 'blur'"),
        ({"method": "gaussian"}, "black"),
        ({"confidence": 0}, "0.01"),
    ],
)
def test_what_would_hide_the_wrong_place_is_refused(privacy: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read(**privacy)


def test_all_patterns_that_fit_a_source_count() -> None:
    privacy = read(masks={"yard-*": [[0, 0, 1, 0.1]], "yard-1": [[0, 0.9, 1, 1]], "door": [[0, 0, 0.5, 0.5]]})
    assert [len(privacy.masks_of(name)) for name in ("yard-1", "yard-2", "door", "hall")] == [2, 1, 1, 0]


def test_a_source_whose_name_looks_like_a_pattern_is_itself() -> None:
    assert len(read(masks={"cam[1]": [[0, 0, 1, 1]]}).masks_of("cam[1]")) == 1


def test_nothing_is_hidden_unless_something_is_asked() -> None:
    assert not Privacy().is_on
    assert read(blur=["person"]).is_on
    assert read(model="faces.onnx").is_on
    assert read(masks={"*": [[0, 0, 1, 0.1]]}).is_on


def test_the_pages_examples_are_settings() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    read_ = [Settings(yaml.safe_load(one), "privacy.md").read_whole(Read) for one in examples]
    assert [one.privacy.is_on for one in read_] == [True, False]
    assert len(read_[0].privacy.masks_of("front-door")) == 2
    assert read_[1].image.max_side_px


def test_the_page_names_every_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*Privacy.model_fields, *ImageOptions.model_fields) if name not in page] == []
