"""`tallies`: counts over *all* frames of a block of prediction offsets: the N of every estimate.

Promises: `count` is a pure function of the records and of the previous tally, so whoever writes a tally writes the same.
A frame that was predicted twice counts once: `Seen` keeps the highest frame offset and a bitmap of the 1,024 below it.
"""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord
from shared.streams.stream import Message, Stream, json_decoder

BLOCK = 1024
"""Prediction offsets per tally."""
WINDOW = 1024
"""Frame offsets below the highest one that are remembered one by one."""
MINUTE_MS = 60_000


class Seen(BaseModel):
    """Which frame offsets of one partition a reader has met, for one model."""

    model_config = ConfigDict(frozen=True)

    highest: int = -1
    below: int = Field(default=0, description="bit i: offset highest - 1 - i was seen")

    def meet(self, offset: int) -> tuple["Seen", str]:
        """The state after this offset, and what it was: `new`, `seen`, or `late` (below the bitmap: served and counted)."""
        if offset > self.highest:
            shift = offset - self.highest
            moved = ((self.below << 1) | 1) << (shift - 1) if self.highest >= 0 and shift <= WINDOW else 0
            return Seen(highest=offset, below=moved & ((1 << WINDOW) - 1)), "new"
        back = self.highest - offset - 1
        if back < 0 or (back < WINDOW and self.below >> back & 1):
            return self, "seen"
        if back >= WINDOW:
            return self, "late"
        return Seen(highest=self.highest, below=self.below | 1 << back), "new"


class Count(BaseModel):
    """Frames of one source, model version and minute of log time."""

    model_config = ConfigDict(frozen=True)

    source_id: str
    model_id: str
    model_version: str
    minute_ms: int = Field(description="start of the minute of log time, UTC milliseconds")
    frames: int = 0
    frames_without: int = Field(default=0, description="without a detection at or above the product threshold")
    detections: dict[str, int] = Field(default_factory=dict, description="per class, at or above the product threshold")


class Tally(Message):
    """The counts of one block. `up_to` is the next prediction offset: of two tallies of a block the larger wins."""

    partition: int = Field(ge=0)
    block: int = Field(ge=0)
    up_to: int = Field(ge=0)
    counts: tuple[Count, ...] = ()
    seen: dict[str, Seen] = Field(default_factory=dict, description="per model id, at `up_to`")
    repeated: int = Field(
        default=0, description="predictions of frames that had been predicted before; not in the counts"
    )
    late: int = Field(default=0, description="predictions below the bitmap; in the counts")


def count(previous: Tally | None, partition: int, predictions: Iterable[tuple[int, Prediction]]) -> tuple[Tally, ...]:
    """The tallies after these (offset, prediction), in offset order: every finished block, then the open one.

    `previous` is the last tally of the partition. Offsets below its `up_to` are passed over.
    """
    finished: list[Tally] = []
    tally = previous
    for offset, prediction in predictions:
        if tally is not None and offset < tally.up_to:
            continue
        block = offset // BLOCK
        if tally is None or tally.block != block:
            finished.extend([] if tally is None else [tally])
            tally = Tally(partition=partition, block=block, up_to=offset, seen={} if tally is None else tally.seen)
        tally = _add(tally, offset, prediction)
    return (*finished, *([] if tally is None else [tally]))


def _add(tally: Tally, offset: int, prediction: Prediction) -> Tally:
    seen, novelty = tally.seen.get(prediction.model_id, Seen()).meet(prediction.frame.offset)
    counts = tally.counts if novelty == "seen" else _counted(tally.counts, prediction)
    return tally.model_copy(
        update={
            "up_to": offset + 1,
            "counts": counts,
            "seen": {**tally.seen, prediction.model_id: seen},
            "repeated": tally.repeated + (novelty == "seen"),
            "late": tally.late + (novelty == "late"),
        }
    )


def _counted(counts: tuple[Count, ...], prediction: Prediction) -> tuple[Count, ...]:
    fresh = Count(
        source_id=prediction.source_id,
        model_id=prediction.model_id,
        model_version=prediction.model_version,
        minute_ms=prediction.frame.time_ms // MINUTE_MS * MINUTE_MS,
    )
    key = _slice(fresh)
    old = next((c for c in counts if _slice(c) == key), fresh)
    return tuple(sorted((*(c for c in counts if _slice(c) != key), _plus(old, prediction)), key=_slice))


def _slice(counted: Count) -> tuple[str, str, str, int]:
    return counted.source_id, counted.model_id, counted.model_version, counted.minute_ms


def _plus(old: Count, prediction: Prediction) -> Count:
    shown = prediction.above_threshold()
    detections = dict(old.detections)
    for detection in shown:
        detections[detection.class_name] = detections.get(detection.class_name, 0) + 1
    return old.model_copy(
        update={
            "frames": old.frames + 1,
            "frames_without": old.frames_without + (not shown),
            "detections": dict(sorted(detections.items())),
        }
    )


def new_tally(tally: Tally) -> NewRecord:
    return NewRecord(TALLIES.name, str(tally.block).encode(), tally.to_bytes(), tally.partition)


TALLIES = Stream(
    name="tallies",
    about="counts over all frames, per source, model version and minute",
    key="block of 1,024 prediction offsets",
    written_by=("sampler",),
    read_by=("feedback",),
    decode=json_decoder(Tally),
    compacted=True,
)
