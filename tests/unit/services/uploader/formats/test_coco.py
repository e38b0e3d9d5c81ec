"""COCO fragments and the document made of them."""

import json
import random

from services.uploader.annotations import annotate
from services.uploader.formats import coco
from shared.streams.predictions import ClassScore, Detection
from shared.streams.verdicts import Label
from tests.hosts.samples import BOXES, design, prediction, revision
from tests.unit.services.uploader.making import neighbour
from tests.unit.services.uploader.test_annotations import affirmed


def fragments(count: int) -> list[coco.Fragment]:
    samples = [design(number) for number in range(count)]
    return [coco.fragment(sample, annotate(sample.prediction), f"{sample.sample_id}.jpg") for sample in samples]


def test_boxes_are_top_left_width_height() -> None:
    assert coco.bbox((10, 20, 50, 60.128)) == [10, 20, 40, 40.13]


def test_the_order_of_arrival_changes_nothing() -> None:
    known = fragments(8)
    shuffled = random.Random(1).sample(known, len(known))
    assert coco.document(known) == coco.document(shuffled)


def test_categories_begin_at_one_and_keep_two_names_of_one_number_apart() -> None:
    other = prediction(1, detections=(Detection(box=(0, 0, 9, 9), class_id=0, class_name="bowl", confidence=0.9),))
    sample = design(seen=other)
    document = coco.document([*fragments(1), coco.fragment(sample, annotate(other), "b.jpg")])
    named = [(category["id"], category["class_id"], category["name"]) for category in document["categories"]]
    assert named == [(1, 0, "bowl"), (2, 0, "cup"), (3, 2, "plate")]


def test_names_that_only_people_gave_come_after_the_models_and_others_are_the_models() -> None:
    """`plate` is a class of another frame's model; `van` and `ant` are nobody's."""
    cups = prediction(1, detections=(BOXES[0],))
    labels = tuple(Label(class_name=name, box=(0, 0, 9, 9)) for name in ("van", "plate", "ant", "cup"))
    said = revision(effect="replace", index=None, labels=labels, seen=cups)
    known = [*fragments(1), coco.fragment(said, annotate(cups, [said]), "b.jpg")]
    document = coco.document(json.loads(json.dumps(known)))
    named = {category["id"]: (category["class_id"], category["name"]) for category in document["categories"]}
    assert named == {1: (0, "cup"), 2: (2, "plate"), 3: (None, "ant"), 4: (None, "van")}
    [image] = [one for one in document["images"] if one["file_name"] == "b.jpg"]
    by_people = [one for one in document["annotations"] if one["image_id"] == image["id"]]
    assert [named[one["category_id"]][1] for one in by_people] == ["van", "plate", "ant", "cup"]
    assert {one["confidence"] for one in by_people} == {None}
    assert {tuple(one["flags"]) for one in by_people} == {("verified",)}
    assert image["verdicts"][0]["kind"] == "corrected"


def test_the_same_name_is_one_category_wherever_it_was_corrected() -> None:
    van = Label(class_name="van", box=(0, 0, 9, 9))
    said = [revision(number, effect="replace", index=None, labels=(van,)) for number in range(3)]
    document = coco.document(
        coco.fragment(one, annotate(one.prediction, [one]), f"{one.sample_id}.jpg") for one in said
    )
    assert [one["category_id"] for one in document["annotations"]] == [1, 1, 1]
    assert document["categories"] == [{"id": 1, "name": "van", "supercategory": "", "class_id": None}]


def test_an_image_knows_why_it_is_there() -> None:
    [image] = coco.document(fragments(1))["images"]
    assert (image["id"], image["width"], image["height"], image["probability"]) == (1, 96, 64, 0.01)
    assert image["reasons"][0]["rule"] == "random (1 in 100)"
    assert (image["source_id"], image["model"]) == ("door", "kitchen@3")


def test_annotations_carry_confidence_and_flags() -> None:
    said = revision(effect="flag", index=1)
    fragment = coco.fragment(said, annotate(said.prediction, [said]), "a.jpg")
    cup, plate = coco.document([fragment])["annotations"]
    assert (cup["bbox"], cup["area"], cup["confidence"], cup["flags"]) == ([10, 20, 40, 40], 1600, 0.9, [])
    assert (plate["category_id"], plate["flags"]) == (2, ["wrong_class"])
    assert (fragment["reasons"], fragment["probability"]) == ([], None)
    assert fragment["verdicts"][0]["reason"] == "wrong_class"


def test_a_classified_image_has_a_class_and_no_annotations() -> None:
    scores = (ClassScore(class_id=1, class_name="clean", confidence=0.8),)
    seen = prediction(task="classify", detections=(), classes=scores)
    document = coco.document([coco.fragment(design(seen=seen), annotate(seen), "a.jpg")])
    assert (document["annotations"], document["images"][0]["class"]) == ([], "clean")


def test_everything_is_told_in_pixels_of_the_stored_image() -> None:
    """96 x 64, stored at 192 x 32: boxes and doubts, twice as far right, half as far down."""
    weak = BOXES[2]
    doubted = design().reasons[0].model_copy(update={"score": weak.confidence})
    sample = design().model_copy(update={"reasons": (doubted,)})
    fragment = coco.fragment(sample, annotate(sample.prediction, (), (192, 32)), "a.jpg")
    assert (fragment["width"], fragment["height"]) == (192, 32)
    assert [box["bbox"] for box in fragment["boxes"]] == [[20, 10, 80, 20], [120, 2.5, 60, 20]]
    assert [doubt["bbox"] for doubt in fragment["doubts"]] == [[2, 0.5, 16, 4]]
    [image] = coco.document([fragment])["images"]
    assert (image["width"], image["height"]) == (192, 32)


def test_tags_stand_where_the_reasons_are() -> None:
    sample = design().model_copy(update={"tags": ("night", "yard")})
    [image] = coco.document([coco.fragment(sample, annotate(sample.prediction), "a.jpg")])["images"]
    assert (image["tags"], image["reasons"][0]["strategy"]) == (["night", "yard"], "random")


def test_a_neighbour_has_boxes_and_says_beside_which_sample_it_was_kept() -> None:
    sample = neighbour(0, beside=3, tags=("night",))
    document = coco.document([coco.fragment(sample, annotate(sample.prediction), "a.jpg")])
    [image] = document["images"]
    assert (image["neighbour_of"], image["after_ms"]) == (design(3).sample_id, -600)
    assert (image["reasons"], image["probability"], image["tags"]) == ([], None, ["night"])
    assert [box["bbox"] for box in document["annotations"]] == [[10, 20, 40, 40], [60, 5, 30, 40]]
    [drawn] = coco.document(fragments(1))["images"]
    assert "neighbour_of" not in drawn


def test_a_label_that_rests_on_silence_says_so_and_what_it_weighs() -> None:
    said = affirmed(weight=0.42)
    fragment = coco.fragment(said, annotate(said.prediction, [said]), "a.jpg")
    assert (fragment["label_source"], fragment["weight"], fragment["flags"]) == ("silence", 0.42, ["affirmed"])
    assert (fragment["silence"]["reject_rate"], fragment["silence"]["audited_errors"]) == (0.0, 3)
    [image] = coco.document([fragment])["images"]
    assert (image["label_source"], image["weight"]) == ("silence", 0.42)
    corrected = coco.content(annotate(said.prediction, [said, revision(effect="remove")]))
    assert (corrected["label_source"], corrected["weight"], corrected["silence"]) == (None, None, None)
