"""The local dataset: loads in training tools, survives crashes, says what is wrong with the disk."""

import json
from pathlib import Path

import pytest
import supervision

from services.uploader.annotations import annotate
from services.uploader.destinations import Delivery, NotNow, Refused
from services.uploader.destinations.dataset import ANNOTATIONS, DatasetFolder, DatasetOptions, safe_name
from shared.errors import SettingsError
from shared.streams.samples import Sample
from tests.hosts.samples import BOXES, design, jpeg, prediction, revision
from tests.unit.services.uploader.making import neighbour


def folder(path: Path) -> DatasetFolder:
    return DatasetFolder(DatasetOptions(folder=path))


def delivery(sample: Sample) -> Delivery:
    return Delivery(sample, annotate(sample.prediction), jpeg(sample.prediction.frame.offset))


def fill(path: Path, numbers: list[int]) -> bytes:
    dataset = folder(path)
    for number in numbers:
        dataset.deliver(delivery(design(number)))
    dataset.close()
    return (path / ANNOTATIONS).read_bytes()


def test_supervision_loads_it_with_its_boxes(tmp_path: Path) -> None:
    fill(tmp_path, [0, 1, 2])
    loaded = supervision.DetectionDataset.from_coco(str(tmp_path / "images"), str(tmp_path / ANNOTATIONS))
    assert loaded.classes == ["cup", "plate"]
    assert len(loaded) == 3
    for _, image, detections in loaded:
        assert image.shape == (64, 96, 3)
        assert detections.xyxy.tolist() == [list(BOXES[0].box), list(BOXES[1].box)]
        assert detections.class_id.tolist() == [0, 1]


def test_the_order_of_arrival_changes_no_byte(tmp_path: Path) -> None:
    assert fill(tmp_path / "a", [0, 1, 2]) == fill(tmp_path / "b", [2, 0, 1])


def test_a_crash_before_the_rebuild_is_repaired_at_the_next_start(tmp_path: Path) -> None:
    dataset = folder(tmp_path)
    dataset.deliver(delivery(design()))
    assert not (tmp_path / ANNOTATIONS).exists()
    folder(tmp_path).flush(idle=True)
    assert len(json.loads((tmp_path / ANNOTATIONS).read_text())["images"]) == 1


def test_a_crash_between_image_and_fragment_leaves_no_sample(tmp_path: Path) -> None:
    sample = design()
    (tmp_path / "images").mkdir(parents=True)
    (tmp_path / "images" / f"{sample.sample_id}.jpg").write_bytes(b"whole, but nobody knows")
    dataset = folder(tmp_path)
    assert dataset.ask(sample.sample_id) is None
    assert dataset.deliver(delivery(sample)).outcome == "accepted"
    assert (tmp_path / "images" / f"{sample.sample_id}.jpg").read_bytes() == jpeg()


def test_busy_it_rebuilds_now_and_then_only(tmp_path: Path) -> None:
    dataset = folder(tmp_path)
    dataset.deliver(delivery(design(0)))
    dataset.flush(idle=False)
    dataset.deliver(delivery(design(1)))
    dataset.flush(idle=False)
    assert len(json.loads((tmp_path / ANNOTATIONS).read_text())["images"]) == 1


@pytest.mark.parametrize("sample_id", ["../../etc/x", "a/b", "", ".", "..", "ü", "x" * 300, "a\0b"])
def test_no_sample_id_leaves_the_folder(sample_id: str) -> None:
    name = safe_name(sample_id)
    assert Path(name).name == name
    assert name.isascii()
    assert 0 < len(name) <= 100


def test_sources_may_have_any_name(tmp_path: Path) -> None:
    name = "../küche/\u202ecam 1\n'\""
    dataset = folder(tmp_path)
    dataset.deliver(delivery(design(seen=prediction(source_id=name))))
    dataset.close()
    [image] = json.loads((tmp_path / ANNOTATIONS).read_text())["images"]
    assert image["source_id"] == name


def test_a_folder_that_cannot_be_written_is_said_in_words_and_tried_again(tmp_path: Path) -> None:
    opened = folder(tmp_path / "taken")
    (tmp_path / "taken").write_text("a file, no folder, since it was opened")
    with pytest.raises(NotNow, match=r"cannot .* in the dataset folder .*taken: Not a directory"):
        opened.deliver(delivery(design()))


def test_a_place_that_can_never_be_a_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    for place in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(SettingsError, match=r"cannot be made: .*taken is a file"):
            folder(place)


def test_a_sample_that_somebody_took_out_is_refused_and_not_tried_for_ever(tmp_path: Path) -> None:
    opened = folder(tmp_path / "dataset")
    delivered = opened.deliver(delivery(design()))
    (tmp_path / "dataset" / "samples" / f"{delivered.host_id}.json").unlink()
    with pytest.raises(Refused, match="took it out"):
        opened.update(delivery(design()), delivered.host_id or "")


def test_a_file_that_is_no_fragment_stops_nothing(tmp_path: Path) -> None:
    opened = folder(tmp_path / "dataset")
    opened.deliver(delivery(design()))
    for name, garbage in {"half": '{"half', "list": "[]", "empty": "{}"}.items():
        (tmp_path / "dataset" / "samples" / f"{name}.json").write_text(garbage)
    opened.close()
    document = json.loads((tmp_path / "dataset" / ANNOTATIONS).read_bytes())
    assert len(document["images"]) == 1


def test_a_verdict_keeps_the_reasons_of_the_design(tmp_path: Path) -> None:
    sample, said = design(), revision(effect="verify", index=None)
    dataset = folder(tmp_path)
    dataset.deliver(delivery(sample))
    dataset.update(Delivery(said, annotate(said.prediction, [said])), sample.sample_id)
    fragment = json.loads((tmp_path / "samples" / f"{sample.sample_id}.json").read_text())
    assert (fragment["reasons"][0]["strategy"], fragment["flags"]) == ("random", ["verified"])


def test_where_nothing_was_delivered_nothing_is_written(tmp_path: Path) -> None:
    dataset = folder(tmp_path / "dataset")
    dataset.flush(idle=True)
    dataset.close()
    assert not (tmp_path / "dataset").exists()


def test_a_neighbour_that_was_drawn_after_all_says_why(tmp_path: Path) -> None:
    beside, drawn = neighbour(0, beside=1), design(0)
    dataset = folder(tmp_path)
    dataset.deliver(delivery(beside))
    dataset.update(Delivery(drawn, annotate(drawn.prediction)), drawn.sample_id)
    fragment = json.loads((tmp_path / "samples" / f"{drawn.sample_id}.json").read_text())
    assert (fragment["reasons"][0]["strategy"], fragment["probability"]) == ("random", 0.01)
    assert not fragment.keys() & {"neighbour_of", "after_ms"}
