"""What every prediction pays on its way through the sampler, part by part, beside a bare parse of its JSON in the same run.

Nothing here asserts a time: what is asserted is that the work was done. `docs/performance.md` keeps the figures.
"""

import json
import os
import random
import time
from collections.abc import Callable, Sequence

import pytest

from services.sampler.recent.memory import Recent
from services.sampler.recent.past import Past
from services.sampler.strategies.scene import Scene
from services.sampler.tallying import Tallying
from services.sampler.waiting import WaitingRoom
from shared.runtime.service import Received
from shared.streams.predictions import Detection, decode, new_prediction
from shared.streams.record import Record
from tests.unit.services.sampler.making import prediction

PREDICTIONS, ROUNDS = 500, 15
Work = Callable[[Received], object]


def scene(boxes: int) -> list[Received]:
    """Objects that walk through a picture, their confidences trembling."""
    dice = random.Random(1)
    starts = [(dice.uniform(60, 450), dice.uniform(40, 250)) for _ in range(boxes)]
    return [_received(at, tuple(_seen(dice, x + at * 0.2, y) for x, y in starts)) for at in range(PREDICTIONS)]


def _seen(dice: random.Random, x: float, y: float) -> Detection:
    box = (x + dice.gauss(0, 1), y + dice.gauss(0, 1), x + 60 + dice.gauss(0, 1), y + 50 + dice.gauss(0, 1))
    return Detection(box=box, class_id=0, class_name="package", confidence=0.7 + dice.gauss(0, 0.03))


def _received(at: int, detections: tuple[Detection, ...]) -> Received:
    made = prediction(offset=at, frame_id=f"{at:032x}", detections=detections)
    record = Record("predictions", 0, at, 1_700_000_000_000 + 100 * at, b"door", new_prediction(made).value)
    return Received(record, made)


def parsing() -> Work:
    return lambda received: json.loads(received.record.value or b"")


def decoding() -> Work:
    return lambda received: decode(received.record)


def following() -> Work:
    return Recent().meet


def tallying() -> Work:
    return Tallying().meet


def waiting() -> Work:
    room, past = WaitingRoom(frames=5), Past(True)
    return lambda received: room.add(received, Scene(received.message, past))


def cpu_us(make: Callable[[], Work], batch: Sequence[Received]) -> float:
    """Of one prediction, the best of some rounds: what else this machine does is not what is asked."""
    rounds = []
    for _ in range(ROUNDS):
        work, started_s = make(), time.thread_time()
        for received in batch:
            work(received)
        rounds.append(1e6 * (time.thread_time() - started_s) / len(batch))
    return min(rounds)


@pytest.mark.parametrize("boxes", [0, 8, 50])
def test_parts(boxes: int, capsys: pytest.CaptureFixture[str]) -> None:
    batch = scene(boxes)
    parse_us = cpu_us(parsing, batch)
    assert [decode(received.record) for received in batch] == [received.message for received in batch]
    for name, make in [
        ("decode", decoding),
        ("recent past", following),
        ("tally", tallying),
        ("waiting room", waiting),
    ]:
        part_us = cpu_us(make, batch)
        with capsys.disabled():
            print(
                f"| {name}, {boxes} boxes | {part_us:.1f} µs CPU, {part_us / parse_us:.2f} of a bare json.loads "
                f"| load {os.getloadavg()[0]:.1f} |"
            )
