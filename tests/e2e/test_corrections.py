"""Corrections all the way: what a person says is right is in the dataset in the place of what the model said, whatever
became of the frame before: drawn, drawn by nobody, dropped by a gate, refused by a limit. Nothing of it counts as drawn.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shared.streams.samples import Design, Revision
from tests.e2e.checks import check_tidy, sample_id_of
from tests.e2e.told import BOX, Shown, Told, tell
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

SETTINGS: dict[str, Any] = {
    "strategies": [{"type": "below_threshold", "threshold": 0.9, "name": "doubt"}],
    "limits": [{"most": 2, "per": "day"}],
}
SHOWN = {
    "drawn": Shown(1, 0.55),
    "gated": Shown(1, 0.55),
    "nobody's": Shown(2, 0.95),
    "whole": Shown(3, 0.6),
    "refused": Shown(4, 0.6),
}
DRAWN = {"drawn", "whole"}
VAN: dict[str, Any] = {"class_name": "van", "box": [2.0, 4.0, 30.0, 40.0]}
VAN_XYWH = [2.0, 4.0, 28.0, 36.0]
BOX_XYWH = [BOX[0], BOX[1], BOX[2] - BOX[0], BOX[3] - BOX[1]]


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, Told]:
    """Five frames, by what became of them."""
    found = dict(zip(SHOWN, tell(world, "door", list(SHOWN.values())), strict=True))
    world.drain()
    designs = {one.sample_id: one.missing for one in world.records("samples") if isinstance(one, Design)}
    assert designs == {
        **{sample_id_of(found[name].prediction): None for name in DRAWN},
        sample_id_of(found["refused"].prediction): "limit:all/day",
    }
    return found


def correct(world: World, told: Told, **right: Any) -> str:
    """Says what is right; gives the sample's id."""
    answer = world.judge({"prediction_id": told.prediction_id, "kind": "corrected", **right})
    assert answer.status_code == 202, answer.text
    return sample_id_of(told.prediction)


def in_coco(world: World, sample_id: str, so: Callable[[dict[str, Any], list[dict[str, Any]]], bool]) -> None:
    """Waits until the COCO file says so of the image and its annotations, each with the name of its category."""

    def found() -> bool:
        document = world.coco()
        names = {one["id"]: one["name"] for one in document["categories"]}
        images = [one for one in document["images"] if one["sample_id"] == sample_id]
        own = [
            {**one, "name": names[one["category_id"]]}
            for one in document["annotations"]
            if images and one["image_id"] == images[0]["id"]
        ]
        return bool(images) and so(images[0], own)

    world.wait(found, f"the COCO file has {sample_id} as it should be")


def said_by_a_person(one: dict[str, Any], name: str, xywh: list[float]) -> bool:
    return (one["name"], one["bbox"], one["confidence"], one["flags"]) == (name, xywh, None, ["verified"])


@pytest.mark.parametrize("name", ["drawn", "gated", "nobody's", "refused"])
def test_a_corrected_detection_takes_the_place_of_the_models(world: World, told: dict[str, Told], name: str) -> None:
    sample_id = correct(world, told[name], detection_index=0, label=VAN)
    in_coco(world, sample_id, lambda _, own: len(own) == 1 and said_by_a_person(own[0], "van", VAN_XYWH))
    image = world.dataset / "images" / world.fragments()[sample_id]["file_name"]
    assert image.read_bytes() == jpeg(SHOWN[name].seed)


def test_a_corrected_frame_is_what_a_person_says_and_the_later_word_wins(world: World, told: dict[str, Told]) -> None:
    package = {"class_name": "package", "box": list(BOX)}
    sample_id = correct(world, told["whole"], labels=[VAN, package])
    in_coco(
        world,
        sample_id,
        lambda image, own: (
            len(own) == 2
            and said_by_a_person(own[0], "van", VAN_XYWH)
            and said_by_a_person(own[1], "package", BOX_XYWH)
            and image["flags"] == ["verified"]
        ),
    )
    correct(world, told["whole"], labels=[])
    in_coco(world, sample_id, lambda image, own: (own, image["flags"]) == ([], ["verified"]))


def test_what_cannot_be_right_is_refused_with_the_place(world: World, told: dict[str, Told]) -> None:
    before = len(world.raw("verdicts"))
    wrong = {"kind": "corrected", "labels": [{**VAN, "box": [0, 0, 640, 480]}]}
    answer = world.judge({"prediction_id": told["drawn"].prediction_id, **wrong})
    assert (answer.status_code, answer.json()["error"]["where"]) == (422, "labels.0.box")
    assert "expected pixels within 64 x 48, got [0.0, 0.0, 640.0, 480.0]" in answer.json()["error"]["message"]
    assert len(world.raw("verdicts")) == before


def test_corrections_are_counted_apart_and_nothing_is_open(world: World, told: dict[str, Told]) -> None:
    world.drain()
    counts, found = world.counts(), world.kept()
    revisions = [one for one in world.records("samples") if isinstance(one, Revision)]
    assert {one.effect for one in revisions} == {"replace"}
    assert (counts.verdicts, counts.samples.revisions) == ({"corrected": 6}, {"replace": 6})
    assert (counts.samples.designs, counts.samples.kept) == (3, 2)
    assert counts.samples.kept_by_strategy == {"doubt": 2}
    assert found.by_strategy == {"doubt": 2, "people": 3}
    check_tidy(world, [sample_id_of(one.prediction) for one in told.values()])
