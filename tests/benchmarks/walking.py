"""Predictions as cameras give them: objects that walk slowly through many pictures, some sure, one in doubt, some weak.

Promises: the same predictions for the same numbers. Their frames are not there: whoever draws one finds nothing to read.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as counting

from shared.streams import ids
from shared.streams.record import NewRecord
from tests.benchmarks.inputs import SIZE_PX

FIRST_MS = 1_790_000_000_000
SHA256 = "0" * 64
SURE, IN_DOUBT, WEAK = (0.93, 0.88, 0.85, 0.8, 0.72), (0.5,), (0.18, 0.08)
"""Confidences of the eight boxes, around which they tremble; the product threshold is 0.5."""
BOX_PX = (120.0, 90.0)
_LAST_PX = (SIZE_PX[0] - BOX_PX[0], SIZE_PX[1] - BOX_PX[1])


@dataclass(slots=True)
class Walker:
    """One object: where it is, where it goes, how sure the model is of it."""

    x: float
    y: float
    dx: float
    dy: float
    confidence: float

    def step(self, dice: random.Random) -> str:
        """Its next detection as JSON, with the digits that inference writes."""
        self.x, self.dx = _within(self.x + self.dx, self.dx, _LAST_PX[0])
        self.y, self.dy = _within(self.y + self.dy, self.dy, _LAST_PX[1])
        left, top = self.x + dice.uniform(-1, 1), self.y + dice.uniform(-1, 1)
        sure = min(0.999, max(0.05, self.confidence + dice.uniform(-0.06, 0.06)))
        box = f"[{left:.3f},{top:.3f},{left + BOX_PX[0]:.3f},{top + BOX_PX[1]:.3f}]"
        return f'{{"box":{box},"class_id":0,"class_name":"package","confidence":{sure:.6f}}}'


def _within(at: float, speed: float, last: float) -> tuple[float, float]:
    return (at, speed) if 0.0 <= at <= last else (min(max(at, 0.0), last), -speed)


@dataclass
class Source:
    """A camera's picture with eight objects."""

    name: str
    dice: random.Random
    walkers: list[Walker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.walkers = [self._walker(confidence) for confidence in (*SURE, *IN_DOUBT, *WEAK)]

    def detections(self) -> str:
        return ",".join([walker.step(self.dice) for walker in self.walkers])

    def _walker(self, confidence: float) -> Walker:
        along, down = self.dice.uniform, self.dice.uniform
        return Walker(along(0, _LAST_PX[0]), down(0, _LAST_PX[1]), along(-6, 6), down(-4, 4), confidence)


def predictions(
    count: int, partitions: int = 1, sources: int = 100, every_ms: int = 10, first: int = 0
) -> Iterator[NewRecord]:
    """The sources take turns; each lies in one partition. `every_ms`: log time between two frames of them all."""
    pictures = [Source(f"camera-{number}", random.Random(number)) for number in range(sources)]
    offsets = [counting() for _ in range(partitions)]
    for number in range(first, first + count):
        at = number % sources
        partition = at % partitions
        value = _value(number, partition, next(offsets[partition]), FIRST_MS + every_ms * number, pictures[at])
        yield NewRecord("predictions", pictures[at].name.encode(), value.encode(), partition)


def _value(number: int, partition: int, offset: int, time_ms: int, source: Source) -> str:
    """As `new_prediction` writes it."""
    return (
        f'{{"version":1,"frame":{{"stream":"frames","partition":{partition},"offset":{offset},"time_ms":{time_ms},'
        f'"frame_id":"{ids.make_id("frame", str(number))}","sha256":"{SHA256}","size":98304}},'
        f'"source_id":"{source.name}","frame_index":{number},"content_type":"image/jpeg",'
        f'"width_px":{SIZE_PX[0]},"height_px":{SIZE_PX[1]},"model_id":"walking","model_version":"{SHA256[:12]}",'
        f'"role":"live","task":"detect","threshold":0.5,"class_thresholds":{{}},'
        f'"detections":[{source.detections()}],"classes":[],'
        f'"timings_ms":{{"decode":5.125,"preprocess":2.25,"run":20.517,"postprocess":0.468}}}}'
    )
