"""Recent: batches that come again, frames that come late, partitions that come and go, more sources than there is room for."""

from typing import Any

from services.sampler.recent.memory import Recent
from services.sampler.recent.past import UNKNOWN, Lost, Past
from services.sampler.recent.tracker import WARM_FRAMES
from shared.runtime.service import Received
from shared.streams.predictions import Detection
from shared.streams.record import Record
from tests.unit.services.sampler.making import prediction

HERE = (200.0, 100.0, 260.0, 150.0)


def received(at: int, there: bool = True, partition: int = 0, **more: Any) -> Received:
    boxes = (Detection(box=HERE, class_id=0, class_name="package", confidence=0.9),) if there else ()
    made = prediction(detections=boxes, **{"offset": at, **more})
    return Received(Record("predictions", partition, at, made.frame.time_ms, b"door", b""), made)


def warmed(recent: Recent, **more: Any) -> Recent:
    for offset in range(WARM_FRAMES):
        recent.meet(received(offset, **more))
    recent.settle()
    return recent


GONE = Past(True, 0, (1, 1, 1), lost=(Lost("package", 0.9, 8, 1),))


def test_a_batch_that_is_handed_in_again_is_told_the_same_and_moves_nothing() -> None:
    recent = warmed(Recent())
    batch = [received(8, there=False), received(9, there=False)]
    first = [recent.meet(one) for one in batch]
    assert [recent.meet(one) for one in batch] == first
    recent.settle()
    assert first[0] == GONE
    assert recent.meet(received(10, there=False)).lost[0].missed == 3


def test_a_late_frame_is_told_nothing_and_moves_nothing() -> None:
    recent = warmed(Recent())
    assert recent.meet(received(20, there=False, offset=3)) is UNKNOWN
    assert recent.meet(received(21, there=False, offset=8)) == GONE


def test_sources_models_and_partitions_are_apart() -> None:
    recent = warmed(Recent())
    assert recent.meet(received(8, there=False, source_id="gate")) == Past()
    assert recent.meet(received(9, there=False, model_id="other")) == Past()
    assert recent.meet(received(8, there=False, partition=1)) == Past()
    assert recent.meet(received(10, there=False)) == GONE


def test_a_partition_that_comes_again_begins_anew() -> None:
    recent = warmed(warmed(Recent()), partition=1)
    recent.meet(received(8, there=False))
    recent.forget({0})
    assert recent.meet(received(8, there=False)) == Past()
    assert recent.meet(received(8, there=False, partition=1)) == GONE


def test_what_is_read_back_warms_the_source() -> None:
    recent = Recent()
    for offset in range(WARM_FRAMES):
        recent.read_back(received(offset))
    recent.read_back(received(99, role="shadow"))
    assert recent.meet(received(WARM_FRAMES, there=False)) == GONE


def test_the_source_that_was_quiet_longest_is_forgotten_first() -> None:
    recent = Recent(most_sources=2)
    warmed(warmed(recent), source_id="gate")
    recent.meet(received(8))
    recent.meet(received(0, source_id="dock", offset=0, partition=0))
    assert recent.meet(received(9, there=False)).warm
    assert not recent.meet(received(10, there=False, source_id="gate", offset=8)).warm
