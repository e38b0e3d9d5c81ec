"""The loop, arrow by arrow (the drawing in `services/__init__.py`), for one frame that is followed by its id; then people's
verdicts, each to the dataset. In both modes, all services as processes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from services.cli.counts import Counts
from shared.streams import FRAMES, PREDICTIONS, SAMPLES, UPLOADS, ids
from shared.streams.frames import Frame, FrameRef
from shared.streams.predictions import Prediction, new_prediction, prediction_id
from shared.streams.samples import Design
from tests.e2e.checks import check_tidy, drawn
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

SEEDS = range(24)
SETTINGS: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 0.5}]}


@dataclass(frozen=True)
class Judged:
    """A prediction, as the application knows it, and where its sample would be."""

    prediction_id: str
    prediction: Prediction
    sample_id: str


@pytest.fixture(scope="module")
def flowed(world: World) -> World:
    """After some frames have gone all the way through."""
    world.publish(SEEDS)
    world.drain()
    return world


@pytest.fixture(scope="module")
def followed(flowed: World) -> Design:
    """The design of one drawn frame, by which its way is followed."""
    designs = [one for one in flowed.records("samples") if isinstance(one, Design)]
    assert {one.sample_id for one in designs} == drawn(flowed)
    return designs[0]


def frame_of(world: World, followed: Design) -> Frame:
    frames = [FRAMES.decode(record) for record in world.raw("frames")]
    (found,) = [one for one in frames if one.ref.frame_id == followed.prediction.frame.frame_id]
    assert isinstance(found, Frame)
    return found


def test_sources_to_frames(flowed: World, followed: Design) -> None:
    frame = frame_of(flowed, followed)
    seed = frame.frame_index or 0
    assert frame.image == jpeg(seed)
    assert frame.ref.frame_id == ids.frame_id(
        frame.source_id, f"frame-{seed}", hashlib.sha256(jpeg(seed)).hexdigest(), time_ms=0, partition=0, offset=0
    )


def test_frames_to_predictions(flowed: World, followed: Design) -> None:
    """One prediction a frame, on its partition number, in its order, with a reference by which its record is found."""
    predictions = flowed.raw("predictions")
    decoded = [PREDICTIONS.decode(record) for record in predictions]
    assert sorted(one.frame_index for one in decoded) == list(SEEDS)
    assert [record.partition for record in predictions] == [one.frame.partition for one in decoded]
    for number in {record.partition for record in predictions}:
        offsets = [one.frame.offset for one in decoded if one.frame.partition == number]
        assert offsets == sorted(offsets)
    (mine,) = [one for one in decoded if one.frame.frame_id == followed.prediction.frame.frame_id]
    assert mine.frame == frame_of(flowed, followed).ref
    assert (mine.width_px, mine.height_px, mine.model_id) == (64, 48, "tested")


def test_predictions_to_samples(flowed: World, followed: Design) -> None:
    assert followed.sample_id == ids.sample_id("default", followed.prediction.frame.frame_id, "tested")
    assert followed.probability == 0.5
    assert [reason.strategy for reason in followed.reasons] == ["random"]
    assert followed.prediction in flowed.records("predictions")


def test_frames_to_the_image_buffer_by_reference(flowed: World, followed: Design) -> None:
    """The original has left when the host had it; what remains of it is the preview."""
    assert followed.image is not None
    frame = frame_of(flowed, followed)
    assert (followed.image.sha256, followed.image.size) == (frame.ref.sha256, frame.ref.size)
    assert followed.image.preview_key in flowed.buffered("previews/")
    assert flowed.buffered("samples/") == []


def test_samples_to_the_dataset(flowed: World, followed: Design) -> None:
    fragment = flowed.fragments()[followed.sample_id]
    assert (flowed.dataset / "images" / fragment["file_name"]).read_bytes() == frame_of(flowed, followed).image
    assert fragment["frame_id"] == followed.prediction.frame.frame_id
    assert set(flowed.fragments()) == drawn(flowed)


def test_samples_to_uploads(flowed: World, followed: Design) -> None:
    (receipt,) = [one for one in flowed.records("uploads") if one.sample_id == followed.sample_id]
    assert (receipt.destination, receipt.revision, receipt.outcome) == ("dataset", "", "accepted")
    partitions = {UPLOADS.decode(record).sample_id: record.partition for record in flowed.raw("uploads")}
    assert partitions == {SAMPLES.decode(record).sample_id: record.partition for record in flowed.raw("samples")}


def judgeable(world: World, kept: bool, boxes: bool, nth: int = 0) -> Judged:
    """The nth prediction that was (or was not) drawn and has (or has not) a box that the product shows."""
    found = []
    ours = drawn(world)
    for record in world.raw("predictions"):
        prediction = PREDICTIONS.decode(record)
        sample_id = ids.sample_id("default", prediction.frame.frame_id, prediction.model_id)
        if (sample_id in ours) == kept and bool(prediction.above_threshold()) >= boxes:
            found.append(Judged(prediction_id(record, prediction), prediction, sample_id))
    return found[nth]


def judge(world: World, judged: Judged, kind: str, **more: Any) -> str:
    """The verdict's id."""
    answer = world.judge({"prediction_id": judged.prediction_id, "kind": kind, **more})
    assert answer.status_code == 202, answer.text
    assert answer.json()["frame_id"] == judged.prediction.frame.frame_id
    return str(answer.json()["verdict_id"])


def in_coco(world: World, sample_id: str, so: Callable[[dict[str, Any], int], bool]) -> None:
    """Waits until the COCO file says so of (image, number of its boxes)."""

    def found() -> bool:
        document = world.coco()
        images = [one for one in document["images"] if one["sample_id"] == sample_id]
        return bool(images) and so(images[0], sum(a["image_id"] == images[0]["id"] for a in document["annotations"]))

    world.wait(found, f"the COCO file has {sample_id} as it should be")


def test_a_rejection_makes_a_sample_of_a_frame_that_was_not_drawn(flowed: World) -> None:
    judged = judgeable(flowed, kept=False, boxes=False)
    assert judged.sample_id not in flowed.fragments()
    verdict_id = judge(flowed, judged, "rejected", reason="bad_box", reviewer="ana")
    in_coco(flowed, judged.sample_id, lambda image, _: image["verdicts"][0]["verdict_id"] == verdict_id)
    image = flowed.dataset / "images" / flowed.fragments()[judged.sample_id]["file_name"]
    assert image.read_bytes() == jpeg(judged.prediction.frame_index or 0)


def test_a_false_positive_leaves_the_coco_file(flowed: World) -> None:
    judged = judgeable(flowed, kept=True, boxes=True)
    shown = judged.prediction.above_threshold()
    index = judged.prediction.detections.index(shown[0])
    in_coco(flowed, judged.sample_id, lambda _, boxes: boxes == len(shown))
    judge(flowed, judged, "rejected", reason="false_positive", detection_index=index)
    in_coco(flowed, judged.sample_id, lambda _, boxes: boxes == len(shown) - 1)


def test_a_missed_object_flags_the_image(flowed: World) -> None:
    judged = judgeable(flowed, kept=True, boxes=False, nth=1)
    judge(flowed, judged, "missed", boxes=[[1.0, 2.0, 20.0, 30.0]])
    in_coco(
        flowed,
        judged.sample_id,
        lambda image, _: image["flags"] == ["incomplete"] and image["missed_boxes"] == [[1.0, 2.0, 19.0, 28.0]],
    )


def test_a_confirmation_marks_the_image_verified(flowed: World) -> None:
    judged = judgeable(flowed, kept=True, boxes=False, nth=2)
    judge(flowed, judged, "confirmed")
    in_coco(flowed, judged.sample_id, lambda image, _: image["flags"] == ["verified"])


def test_a_confirmation_makes_no_sample(flowed: World) -> None:
    judged = judgeable(flowed, kept=False, boxes=False, nth=1)
    judge(flowed, judged, "confirmed")
    flowed.drain()
    assert judged.sample_id not in {one.sample_id for one in flowed.records("samples")}


def test_a_prediction_that_was_never_written_is_not_found(flowed: World) -> None:
    answer = flowed.judge({"prediction_id": "0-999999-00000000", "kind": "confirmed"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_prediction")


def test_another_record_in_its_place_is_gone(flowed: World) -> None:
    partition, offset, checksum = judgeable(flowed, kept=True, boxes=False).prediction_id.split("-")
    wrong = "".join("0" if digit != "0" else "1" for digit in checksum)
    answer = flowed.judge({"prediction_id": f"{partition}-{offset}-{wrong}", "kind": "confirmed"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "prediction_gone")


def test_a_frame_that_is_gone_and_was_not_kept_is_gone(flowed: World) -> None:
    """Another program's prediction of a frame that the log no longer has; the draw did not want it."""
    judged = judgeable(flowed, kept=False, boxes=False)
    ref = judged.prediction.frame
    gone = FrameRef(**{**ref.model_dump(), "frame_id": _undrawn(flowed), "sha256": "0" * 64})
    theirs = {
        "frame": gone,
        "source_id": "a camera of theirs",
    }  # of sources whose frames were seen lately one is believed
    (record,) = flowed.send(new_prediction(judged.prediction.model_copy(update=theirs)))
    answer = flowed.judge(
        {"prediction_id": ids.prediction_id(record.partition, record.offset, gone.frame_id), "kind": "confirmed"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "prediction_gone")


def _undrawn(world: World) -> str:
    """A frame id that no strategy draws."""
    salt = str(world.values["salt"]).encode()
    names = (ids.make_id("frame", str(number)) for number in range(100))
    return next(name for name in names if ids.draw(salt, "draw", "default", "random", name) >= 0.5)


def test_at_the_end_the_ledger_balances(flowed: World) -> None:
    flowed.drain()
    counted: Counts = flowed.counts()
    samples = {one.sample_id for one in flowed.records("samples")}
    assert counted.ledger.accepted == counted.ledger.acknowledged == len(flowed.raw("samples"))
    assert set(flowed.fragments()) == samples
    check_tidy(flowed, list(samples))
