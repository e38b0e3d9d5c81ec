"""Frames by reference, and predictions of another program: all the way to the dataset, in both modes, services as processes."""

import hashlib
import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from shared.bootstrap import open_objects
from shared.streams import FRAMES
from shared.streams.frames import Frame, new_frame
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.references import Reference
from shared.streams.samples import Design
from tests.contract.test_foreign_predictions import MODEL, PROGRAMS, names_of_the_page
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

BUCKET = f"test-{uuid.uuid4().hex[:12]}"
SETTINGS: dict[str, Any] = {
    "strategies": [{"type": "random", "fraction": 1.0}],
    "references": {"buckets": [BUCKET], "wait_s": 3},
}
SEEDS = range(12)
THEIRS = str(MODEL["model_id"])


def reference(world: World, seed: int, bucket: str = BUCKET, **changes: Any) -> Reference:
    described = {"size": len(jpeg(seed)), "sha256": hashlib.sha256(jpeg(seed)).hexdigest(), **changes}
    return Reference(uri=f"s3://{bucket}/{world.folder.name}/{seed}.jpg", **described)


def put(world: World, reference: Reference, image: bytes) -> None:
    with open_objects(world.settings) as objects:
        objects.put(reference.bucket, reference.key, image, "image/jpeg")


def referring(world: World, seed: int, **changes: Any) -> NewRecord:
    """A frame that refers to an object which is there."""
    put(world, reference(world, seed), jpeg(seed))
    return new_frame("yard", reference(world, seed, **changes), producer_frame_id=f"frame-{seed}", frame_index=seed)


def in_dataset(world: World, design: Design) -> bytes:
    name = str(world.fragments()[design.sample_id]["file_name"])
    return (world.dataset / "images" / name).read_bytes()


def designs_of(world: World, records: list[Record]) -> list[Design]:
    """Of each record the design that was made of its frame."""
    found = {one.prediction.frame.frame_id: one for one in world.records("samples") if isinstance(one, Design)}
    return [found[FRAMES.decode(record).ref.frame_id] for record in records]


def test_a_frame_by_reference_goes_all_the_way(world: World) -> None:
    records = world.send(*(referring(world, seed) for seed in SEEDS))
    world.drain()
    for seed, record, design in zip(SEEDS, records, designs_of(world, records), strict=True):
        frame: Frame = FRAMES.decode(record)
        assert frame.image == b""
        assert design.prediction.frame == frame.ref
        assert (design.prediction.width_px, design.prediction.content_type) == (64, "image/jpeg")
        assert design.image is not None
        assert design.image.key.endswith(".jpg")
        assert in_dataset(world, design) == jpeg(seed)


def test_an_object_that_comes_after_its_reference_is_waited_for(world: World) -> None:
    records = world.send(new_frame("yard", reference(world, 100), producer_frame_id="frame-100"))
    put(world, reference(world, 100), jpeg(100))
    world.drain()
    (design,) = designs_of(world, records)
    assert in_dataset(world, design) == jpeg(100)


def test_a_reference_that_leads_nowhere_is_a_dead_letter_that_says_why(world: World) -> None:
    elsewhere = new_frame("yard", reference(world, 200, bucket="somebody-elses"))
    absent = new_frame("yard", reference(world, 201))
    other_bytes = referring(world, 202, sha256="0" * 64)
    good = referring(world, 203)
    *bad, after = world.send(elsewhere, absent, other_bytes, good)
    world.drain()
    said = {_cause(letter, "offset"): _cause(letter, "exception.message") for letter in world.raw("frames.dlq")}
    why = [said[str(record.offset)] for record in bad]
    assert "not in the setting references.buckets" in why[0]
    assert "is not there, also not after 3 s" in why[1]
    assert "expected bytes with sha256 0000" in why[2]
    assert in_dataset(world, designs_of(world, [after])[0]) == jpeg(203)


@pytest.fixture(scope="module")
def page() -> SimpleNamespace:
    return names_of_the_page()


@pytest.fixture(scope="module")
def predicted(world: World, page: SimpleNamespace) -> Mapping[str, tuple[Record, bytes]]:
    """By program: a frame that it answers, with what `docs/predictions.md` makes of what it saw. One frame is a reference."""
    made = {}
    for number, (program, convert) in enumerate(PROGRAMS.items()):
        width_px, height_px, detections = convert(page)
        image = jpeg(300 + number, width_px, height_px)
        pixels: bytes | Reference = image
        if program == "triton":
            pixels = reference(world, 300 + number, size=len(image), sha256=hashlib.sha256(image).hexdigest())
            put(world, pixels, image)
        (record,) = world.send(new_frame(program, pixels, producer_frame_id=program, predicted_by=THEIRS))
        fields = page.frame_of(
            record.partition, record.offset, record.time_ms, record.key, record.value, list(record.headers)
        )
        answer = page.message(fields, width_px, height_px, detections, **MODEL)
        world.send(NewRecord("predictions", fields["source_id"].encode(), answer, fields["frame"]["partition"]))
        made[program] = (record, image)
    world.drain()
    return made


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_another_program_saw_is_served_like_our_own(
    world: World, page: SimpleNamespace, predicted: Mapping[str, tuple[Record, bytes]], program: str
) -> None:
    record, image = predicted[program]
    (design,) = designs_of(world, [record])
    assert (design.prediction.model_id, design.prediction.model_version) == (THEIRS, "7")
    assert design.probability == 1.0
    assert in_dataset(world, design) == image
    fragment = world.fragments()[design.sample_id]
    _, _, detections = PROGRAMS[program](page)
    shown = [one["class_name"] for one in detections if one["confidence"] >= MODEL["threshold"]]
    assert fragment["model"] == f"{THEIRS}@7"
    assert [one.class_name for one in design.prediction.above_threshold()] == shown
    assert [one["class_name"] for one in fragment["boxes"]] == shown
    assert len(shown) < len(detections)


def test_a_frame_that_says_who_predicts_it_is_left_alone(
    world: World, predicted: Mapping[str, tuple[Record, bytes]]
) -> None:
    frames = {FRAMES.decode(record).ref.frame_id for record, _ in predicted.values()}
    found = [one for one in world.records("predictions") if one.frame.frame_id in frames]
    assert [one.model_id for one in found] == [THEIRS] * len(PROGRAMS)


def test_a_shadow_is_carried_and_nothing_else(world: World, predicted: Mapping[str, tuple[Record, bytes]]) -> None:
    before, counts = world.kept(), world.counts()
    (live, *_) = [one for one in world.records("predictions") if one.model_id == THEIRS]
    for changes in ({"model_id": "next"}, {"model_version": "8"}):
        shadow: Prediction = live.model_copy(update={"role": "shadow", **changes})
        world.send(NewRecord("predictions", b"door", shadow.to_bytes(), live.frame.partition))
    world.drain()
    assert world.kept().samples.keys() == before.samples.keys()
    assert world.counts().frames == counts.frames
    assert {one.model_id for one in world.records("predictions")} >= {"next", THEIRS}


def _cause(letter: Record, name: str) -> str:
    return letter.header(f"__connect.errors.{name}") or ""
