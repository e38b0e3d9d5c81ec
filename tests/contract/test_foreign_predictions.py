"""`docs/predictions.md` is run as it stands: its converters on what other programs said, and its table on the models.

Promises under test: each converter's message is the golden one, and our reader takes it; the page's own derivation of the
frame's id agrees with ours; the page has every field, and says of each whether it is needed.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.errors import InvalidMessage
from shared.streams import frames, predictions
from shared.streams.frames import FrameRef, new_frame
from shared.streams.predictions import ClassScore, Detection, Prediction
from shared.streams.record import Record
from shared.streams.references import Reference

PAGE = (Path(__file__).parents[2] / "docs" / "predictions.md").read_text(encoding="utf-8")
FOREIGN = Path(__file__).parent / "foreign"
GOLDENS = Path(__file__).parent / "messages" / "predictions" / "v1"
MODEL = {"model_id": "theirs", "model_version": "7", "threshold": 0.5}
Seen = tuple[int, int, list[dict[str, Any]]]


def told(name: str) -> Any:
    return json.loads((FOREIGN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page() -> SimpleNamespace:
    return names_of_the_page()


def names_of_the_page() -> SimpleNamespace:
    """What the page's Python defines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    exec("\n".join(blocks), names)
    return SimpleNamespace(**names)


def record_of(value: bytes = b"\xff\xd8 pixels", key: bytes | None = b"door", **headers: bytes) -> Record:
    return Record("frames", 3, 4711, 1_700_000_000_123, key, value, tuple(headers.items()))


def fields_of(page: SimpleNamespace, record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = page.frame_of(
        record.partition, record.offset, record.time_ms, record.key, record.value, list(record.headers)
    )
    return fields


def of_ultralytics(page: SimpleNamespace) -> Seen:
    """`Results` as far as the page looks at them; tensors and arrays have the same `tolist`."""
    said = told("ultralytics")
    boxes = SimpleNamespace(**{name: np.array(values) for name, values in said["boxes"].items()})
    names = {int(kind): name for kind, name in said["names"].items()}
    seen: Seen = page.from_ultralytics(SimpleNamespace(orig_shape=said["orig_shape"], boxes=boxes, names=names))
    return seen


def of_supervision(page: SimpleNamespace) -> Seen:
    detections = sv.Detections(
        xyxy=np.array([[412.5, 301.0, 640.25, 512.0], [20.0, 30.0, 220.0, 690.0]]),
        confidence=np.array([0.875, 0.0625]),
        class_id=np.array([0, 1]),
        tracker_id=np.array([9, 4]),
        data={"class_name": np.array(["package", "person"])},
    )
    seen: Seen = page.from_supervision(detections, 1280, 720)
    return seen


def of_triton(page: SimpleNamespace) -> Seen:
    seen: Seen = page.from_triton(told("triton"), 1280, 720, 640, ["package", "person"])
    return seen


PROGRAMS: dict[str, Callable[[SimpleNamespace], Seen]] = {
    "ultralytics": of_ultralytics,
    "supervision": of_supervision,
    "triton": of_triton,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_another_program_saw_is_the_golden_message_and_our_reader_takes_it(
    page: SimpleNamespace, program: str
) -> None:
    record = record_of(producer_frame_id=b"frame-17", captured_at=b"2026-11-23T06:15:00.250Z", frame_index=b"17")
    message = page.message(fields_of(page, record), *PROGRAMS[program](page), **MODEL)
    golden = json.loads((GOLDENS / f"from-{program}.json").read_text(encoding="utf-8"))
    assert json.loads(message) == golden
    prediction = predictions.decode(Record("predictions", 3, 88, 1_700_000_000_456, b"door", message))
    frame = frames.decode(record)
    assert (prediction.frame, prediction.source_id) == (frame.ref, "door")
    assert (prediction.producer_frame_id, prediction.captured_at, prediction.frame_index) == (
        frame.producer_frame_id,
        frame.captured_at,
        frame.frame_index,
    )


def test_every_program_has_boxes_below_the_product_threshold(page: SimpleNamespace) -> None:
    for convert in PROGRAMS.values():
        scores = [one["confidence"] for one in convert(page)[2]]
        assert min(scores) < MODEL["threshold"] < max(scores)


def test_boxes_of_triton_are_those_of_the_original_image(page: SimpleNamespace) -> None:
    """1280x720 into 640x640: half the size, and 140 pixels of ground above and below."""
    *_, first = of_triton(page)
    assert first[0]["box"] == [265.0, 82.5, 524.0, 341.5]
    assert [one["class_name"] for one in first] == ["package", "person", "package"]
    _, _, second = page.from_triton(told("triton"), 1280, 720, 640, ["package", "person"], image=1)
    assert [(one["box"], one["confidence"]) for one in second] == [([400.0, 160.0, 561.0, 320.5], 0.75)]


def test_detections_without_names_and_ids_need_a_list_of_names(page: SimpleNamespace) -> None:
    bare = sv.Detections(xyxy=np.array([[1.0, 2, 3, 4]]), confidence=np.array([0.5]), class_id=np.array([1]))
    *_, found = page.from_supervision(bare, 10, 10, {1: "person"})
    assert found == [{"box": [1.0, 2.0, 3.0, 4.0], "class_id": 1, "class_name": "person", "confidence": 0.5}]
    assert page.from_supervision(sv.Detections.empty(), 10, 10) == (10, 10, [])


@given(
    value=st.binary(min_size=1, max_size=20).filter(lambda value: not value.startswith(b"{")),
    key=st.none() | st.text(min_size=1, max_size=5).map(str.encode),
    own=st.none() | st.text(max_size=5).map(str.encode),
)
def test_the_pages_frame_is_ours(page: SimpleNamespace, value: bytes, key: bytes | None, own: bytes | None) -> None:
    record = record_of(value, key, **({} if own is None else {"producer_frame_id": own}))
    frame, fields = frames.decode(record), fields_of(page, record)
    assert (FrameRef(**fields["frame"]), fields["source_id"]) == (frame.ref, frame.source_id)


def test_the_pages_frame_is_ours_by_reference_too(page: SimpleNamespace) -> None:
    new = new_frame("door", Reference(uri="s3://cameras/a.jpg", size=5, sha256="0" * 64), producer_frame_id="17")
    record = Record("frames", 0, 1, 2, new.key, new.value, new.headers)
    assert FrameRef(**fields_of(page, record)["frame"]) == frames.decode(record).ref


def test_the_pages_answer_goes_to_the_frames_partition(page: SimpleNamespace) -> None:
    sent: list[Any] = []
    record = record_of()
    consumed = SimpleNamespace(**{name: getattr(record, name) for name in ("partition", "offset", "key", "value")})
    consumed.timestamp, consumed.headers = record.time_ms, list(record.headers)
    page.answer(consumed, (64, 48, []), lambda stream, **named: sent.append((stream, named)), **MODEL)
    ((stream, named),) = sent
    assert (stream, named["key"], named["partition"]) == ("predictions", b"door", 3)
    prediction = predictions.decode(Record(stream, named["partition"], 0, 0, named["key"], named["value"]))
    assert (prediction.detections, prediction.frame) == ((), frames.decode(record).ref)


def table(model: type[BaseModel]) -> list[str]:
    """Its fields, and whether they are needed, as the page's rows begin."""
    return [f"| `{name}` | {'yes' if field.is_required() else 'no'} | " for name, field in model.model_fields.items()]


@pytest.mark.parametrize("model", [Prediction, Detection])
def test_the_page_has_every_field(model: type[BaseModel]) -> None:
    for row in table(model):
        assert f"\n{row}" in PAGE


def test_the_page_has_every_field_of_a_frame_and_of_a_class() -> None:
    assert all(f"\n| `{name}` | " in PAGE for name in FrameRef.model_fields)
    assert all(field.is_required() for field in FrameRef.model_fields.values())
    said = next(line for line in PAGE.splitlines() if line.startswith("A member of `classes` has"))
    assert set(re.findall(r"`(\w+)`", said)) == {"classes", *ClassScore.model_fields}


def test_the_page_says_how_large_a_message_may_be() -> None:
    assert f"at most {predictions.MAX_PREDICTION_BYTES:,} bytes" in PAGE
    with pytest.raises(InvalidMessage, match=f"at most {predictions.MAX_PREDICTION_BYTES:,} are taken"):
        predictions.decode(Record("predictions", 0, 0, 0, b"", b" " * (predictions.MAX_PREDICTION_BYTES + 1)))
