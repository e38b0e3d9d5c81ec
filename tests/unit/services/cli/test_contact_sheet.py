"""The picture of what was chosen."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from services.cli.contact_sheet import TILE_WIDTH_PX, contact_sheet, sheet, strategy_of, varied, why
from services.uploader.annotations import annotate
from services.uploader.destinations import Delivery
from services.uploader.destinations.dataset import DatasetFolder, DatasetOptions
from services.uploader.formats import coco
from shared.errors import GleanerError
from shared.streams.samples import Sample
from tests.hosts.samples import design, jpeg, revision
from tests.unit.services.uploader.making import neighbour

STRATEGIES = ("random", "margin", "random", "random", "lost_track", "random")


def fragments() -> list[coco.Fragment]:
    samples = [design(number, strategy=strategy) for number, strategy in enumerate(STRATEGIES)]
    return [coco.fragment(sample, annotate(sample.prediction), "a.jpg") for sample in samples]


def dataset(folder: Path, *samples: Sample) -> Path:
    there = DatasetFolder(DatasetOptions(folder=folder))
    for sample in samples:
        there.deliver(Delivery(sample, annotate(sample.prediction), jpeg(sample.prediction.frame.offset)))
    return folder


def test_every_strategy_is_seen_before_one_is_seen_twice() -> None:
    order = [strategy_of(fragment) for fragment in varied(fragments())]
    assert order == ["lost_track", "margin", "random", "random", "random", "random"]


def test_the_particular_reason_counts_before_the_random_one() -> None:
    both = {"reasons": [{"strategy": "random"}, {"strategy": "margin"}]}
    assert strategy_of(both) == "margin"


def test_reasons_and_verdicts_are_told_in_words() -> None:
    said = revision(effect="flag", index=1)
    assert why(coco.fragment(said, annotate(said.prediction, [said]), "a.jpg")) == "a person said: wrong class"
    assert why(fragments()[0]) == "random (1 in 100)"


def test_silence_is_nobodys_word() -> None:
    assert why({"reasons": [], "verdicts": [{"kind": "affirmed", "reason": None}]}) == "nobody objected"


def test_the_sheet_is_a_picture_and_always_the_same(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "dataset", *(design(number) for number in range(5)))
    first = contact_sheet(folder, tmp_path / "a.png").read_bytes()
    assert first == contact_sheet(folder, tmp_path / "b.png").read_bytes()
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape[1] > 4 * TILE_WIDTH_PX


def test_a_badge_is_drawn_where_there_is_one() -> None:
    pixels = np.full((64, 96, 3), 128, np.uint8)
    plain, badged = ({**fragments()[0], **more} for more in ({}, {"badge": "would be kept"}))
    assert sheet([(pixels, plain)], "one", "frame") != sheet([(pixels, badged)], "one", "frame")
    assert sheet([(pixels, plain)], "one", "frame") == sheet([(pixels, plain)], "one", "frame")


def test_most_is_the_most_and_a_broken_image_is_left_out(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "dataset", *(design(number) for number in range(3)))
    (folder / "images" / f"{design(0).sample_id}.jpg").write_bytes(b"no image")
    one, two = contact_sheet(folder, tmp_path / "1.png", most=1), contact_sheet(folder, tmp_path / "9.png", most=9)
    widths = [picture.shape[1] for path in (one, two) if (picture := cv2.imread(str(path))) is not None]
    assert widths == [TILE_WIDTH_PX + 32, 2 * (TILE_WIDTH_PX + 16) + 16]


def test_an_empty_dataset_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(GleanerError, match="no image to show"):
        contact_sheet(tmp_path, tmp_path / "out.png")


def test_a_neighbour_is_told_apart_and_says_when_it_was() -> None:
    before, after = (neighbour(number, beside=3) for number in (0, 4))
    told = [coco.fragment(one, annotate(one.prediction), "a.jpg") for one in (before, after)]
    kept = before.of[:8]
    assert [why(one) for one in told] == [f"0.6 s before sample {kept}", f"0.2 s after sample {kept}"]
    assert [strategy_of(one) for one in told] == ["neighbour", "neighbour"]
