"""Roboflow's inference JSON."""

import json

from services.uploader.annotations import annotate
from services.uploader.formats.roboflow_json import detections_json
from shared.streams.verdicts import Label
from tests.hosts.samples import prediction, revision


def test_boxes_go_by_their_centre() -> None:
    told = json.loads(detections_json("s", annotate(prediction())))
    assert told["image"] == {"width": 96, "height": 64}
    cup = told["predictions"][0]
    assert [cup[key] for key in ("x", "y", "width", "height", "confidence")] == [30, 40, 40, 40, 0.9]
    assert (cup["class"], cup["class_id"]) == ("cup", 0)


def test_every_box_has_an_id_of_its_own_and_always_the_same() -> None:
    first, again = (detections_json("s", annotate(prediction())) for _ in range(2))
    assert first == again
    assert len({box["detection_id"] for box in json.loads(first)["predictions"]}) == 2


def test_no_boxes_is_a_null_image() -> None:
    assert json.loads(detections_json("s", annotate(prediction(detections=()))))["predictions"] == []


def test_the_image_is_the_stored_one_and_so_are_its_boxes() -> None:
    """96 x 64, stored at 48 x 32. The host scales boxes by the size that it is told: it must be told this one."""
    told = json.loads(detections_json("s", annotate(prediction(), (), (48, 32))))
    assert told["image"] == {"width": 48, "height": 32}
    cup = told["predictions"][0]
    assert [cup[key] for key in ("x", "y", "width", "height")] == [15, 20, 20, 20]


def test_a_persons_box_is_sure_and_a_class_that_the_model_does_not_have_has_no_number() -> None:
    labels = tuple(Label(class_name=name, box=(10, 20, 50, 60)) for name in ("plate", "van"))
    said = revision(effect="replace", index=None, labels=labels)
    plate, van = json.loads(detections_json("s", annotate(prediction(), [said], (48, 32))))["predictions"]
    assert [van[key] for key in ("x", "y", "width", "height", "confidence", "class")] == [15, 20, 20, 20, 1.0, "van"]
    assert (plate["class_id"], "class_id" in van) == (2, False)
