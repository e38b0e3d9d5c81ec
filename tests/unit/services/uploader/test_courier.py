"""One attempt at one delivery, with hosts that can do less than ours."""

from pathlib import Path
from typing import ClassVar

import pytest

from services.uploader.annotations import annotate
from services.uploader.courier import MAYBE_TWICE, End, Errand, run_errand
from services.uploader.destinations.dataset import DatasetFolder, DatasetOptions
from services.uploader.outbox import Pair
from shared.adapters.embedded.file_images import FileImages
from shared.streams.samples import Sample
from tests.hosts.samples import design, put_image, revision


class Blind(DatasetFolder):
    """A host that can neither be asked nor deduplicates."""

    can_be_asked: ClassVar[bool] = False
    deduplicates: ClassVar[bool] = False


class ReadOnly(DatasetFolder):
    can_update: ClassVar[bool] = False


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    return FileImages(tmp_path / "images")


def run(
    images: FileImages,
    folder: Path,
    sample: Sample,
    kind: type[DatasetFolder] = DatasetFolder,
    uncertain: bool = False,
    host_id: str | None = None,
) -> End:
    pair = Pair(sample.sample_id, "dataset", sample.revision, 0, uncertain, attempts=0)
    errand = Errand(pair, sample, annotate(sample.prediction), host_id)
    return run_errand(errand, kind(DatasetOptions(folder=folder / "dataset")), images)


def test_what_is_uncertain_is_asked_for_and_not_sent(images: FileImages, tmp_path: Path) -> None:
    put_image(images, design())
    assert run(images, tmp_path, design()).outcome == "accepted"
    written = next((tmp_path / "dataset" / "images").iterdir()).stat().st_mtime_ns
    assert run(images, tmp_path, design(), uncertain=True).outcome == "already_there"
    assert next((tmp_path / "dataset" / "images").iterdir()).stat().st_mtime_ns == written


def test_a_blind_host_may_have_it_twice_and_the_receipt_says_so(images: FileImages, tmp_path: Path) -> None:
    put_image(images, design())
    assert run(images, tmp_path, design(), Blind).outcome == "accepted"
    end = run(images, tmp_path, design(), Blind, uncertain=True)
    assert (end.outcome, end.detail) == ("uncertain", MAYBE_TWICE)


def test_a_host_that_cannot_update_has_the_image_and_the_receipt_says_what_is_missing(
    images: FileImages, tmp_path: Path
) -> None:
    end = run(images, tmp_path, revision(), ReadOnly, host_id="there")
    assert (end.outcome, end.detail) == ("already_there", "this host cannot update an annotation")
    assert run(images, tmp_path, design(), ReadOnly, host_id="there").detail is None


def test_no_image_ever_and_nobody_who_has_it_is_no_delivery(images: FileImages, tmp_path: Path) -> None:
    assert run(images, tmp_path, revision(missing="expired")) == End(None)
