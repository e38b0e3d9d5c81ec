"""`gleaner known`: add, status, clear."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.unit.services.cli.conftest import Gleaner, as_json


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three images, one of which cannot be read."""
    folder = tmp_path / "dataset" / "train" / "images"
    folder.mkdir(parents=True)
    for seed in range(2):
        patches = np.random.default_rng(seed).integers(0, 255, (5, 8, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{seed}.jpg"), cv2.resize(patches, (160, 90)))
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "dataset"


def test_a_dataset_becomes_known_once(gleaner: Gleaner, dataset: Path) -> None:
    result = gleaner("known", "add", dataset)
    assert result.exit_code == 0, result.output
    assert result.stdout == "2 images looked at, 2 new, 1 unreadable; 2 are known in collection default\n"
    assert "cut.jpg" in result.stderr
    again = as_json(gleaner("known", "add", dataset, "--json"))
    assert {name: again[name] for name in ("collection", "images", "new", "known")} == {
        "collection": "default",
        "images": 2,
        "new": 0,
        "known": 2,
    }
    assert len(again["unreadable"]) == 1
    assert gleaner("known", "status").stdout == "2 images are known in collection default\n"


def test_status_makes_no_data_folder(gleaner: Gleaner, tmp_path: Path) -> None:
    assert as_json(gleaner("known", "status", "--json")) == {"collection": "default", "known": 0}
    assert list(tmp_path.iterdir()) == []


def test_clear_asks_and_forgets(gleaner: Gleaner, dataset: Path) -> None:
    gleaner("known", "add", dataset)
    assert gleaner("known", "clear").exit_code == 1, "nobody said yes"
    assert as_json(gleaner("known", "status", "--json"))["known"] == 2
    assert as_json(gleaner("known", "clear", "--yes", "--json")) == {"collection": "default", "forgotten": 2}
    assert as_json(gleaner("known", "status", "--json"))["known"] == 0


def test_each_collection_knows_its_own(gleaner: Gleaner, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "gleaner.yaml").write_text("collections: {night: {}}\n")
    gleaner("known", "add", dataset, "--collection", "night")
    assert as_json(gleaner("known", "status", "--collection", "night", "--json"))["known"] == 2
    assert as_json(gleaner("known", "status", "--json"))["known"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "nowhere"], "expected a folder of images or an image, got nowhere"),
        (["add", "empty"], "no images (JPEG, PNG, WebP, BMP, TIFF) in empty"),
        (["add", "broken"], "none of 1 images could be read"),
        (["status", "--collection", "day"], "expected one of the settings (default), got 'day'"),
        (["clear", "--yes"], "no data yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    gleaner: Gleaner, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "image.png").write_bytes(b"no image")
    result = gleaner("known", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
