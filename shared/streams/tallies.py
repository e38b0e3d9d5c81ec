"""`tallies`: counts over *all* frames of a block of prediction offsets: the N of every estimate.

Promises: `count` is a pure function of the records and of the previous tally, so whoever writes a tally writes the same.
A frame that was predicted twice counts once: `Seen` keeps the highest frame offset and a bitmap of the 1,024 below it.
A shadow's predictions are passed over: they feed comparisons, never the N.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord
from shared.streams.stream import Message, Stream, json_decoder

BLOCK = 1024
"""Prediction offsets per tally."""
WINDOW = 1024
"""Frame offsets below the highest one that are remembered one by one."""
MINUTE_MS = 60_000
_ALL = (1 << WINDOW) - 1


class Seen(BaseModel):
    """Which frame offsets of one partition a reader has met, for one model."""

    model_config = ConfigDict(frozen=True)

    highest: int = Field(default=-1, ge=-1)
    below: int = Field(default=0, ge=0, description="bit i: offset highest - 1 - i was seen")

    def meet(self, offset: int) -> tuple["Seen", str]:
        """The state after this offset, and what it was: `new`, `seen`, or `late` (below the bitmap: served and counted)."""
        highest, below, novelty = _meet(self.highest, self.below, offset)
        return (Seen(highest=highest, below=below) if novelty == "new" else self), novelty


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
    open_block = None if previous is None else _Block.of(previous)
    for offset, prediction in predictions:
        if open_block is not None and offset < open_block.up_to:
            continue
        if open_block is None or open_block.block != offset // BLOCK:
            finished.extend([] if open_block is None else [open_block.tally()])
            # The former block is a message by now, so the two may share what was seen.
            open_block = _Block(partition, offset // BLOCK, {} if open_block is None else open_block.seen)
        open_block.add(offset, prediction)
    return (*finished, *([] if open_block is None else [open_block.tally()]))


_Slice = tuple[str, str, str, int]
"""(source id, model id, model version, minute)."""


@dataclass(slots=True)
class _Counted:
    """A `Count` while it grows."""

    frames: int = 0
    frames_without: int = 0
    detections: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Block:
    """A `Tally` while it grows: changed in place, since a frozen model per prediction costs more than the counting."""

    partition: int
    block: int
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    up_to: int = 0
    counts: dict[_Slice, _Counted] = field(default_factory=dict)
    repeated: int = 0
    late: int = 0

    @classmethod
    def of(cls, tally: Tally) -> "_Block":
        counts = {
            (c.source_id, c.model_id, c.model_version, c.minute_ms): _Counted(
                c.frames, c.frames_without, dict(c.detections)
            )
            for c in tally.counts
        }
        seen = {model_id: (seen.highest, seen.below) for model_id, seen in tally.seen.items()}
        return cls(tally.partition, tally.block, seen, tally.up_to, counts, tally.repeated, tally.late)

    def add(self, offset: int, prediction: Prediction) -> None:
        if prediction.role == "live":
            self._meet(prediction)
        self.up_to = offset + 1

    def _meet(self, prediction: Prediction) -> None:
        highest, below = self.seen.get(prediction.model_id, (-1, 0))
        highest, below, novelty = _meet(highest, below, prediction.frame.offset)
        self.seen[prediction.model_id] = (highest, below)
        self.repeated += novelty == "seen"
        self.late += novelty == "late"
        if novelty != "seen":
            self._count(prediction)

    def _count(self, prediction: Prediction) -> None:
        minute_ms = prediction.frame.time_ms // MINUTE_MS * MINUTE_MS
        key = (prediction.source_id, prediction.model_id, prediction.model_version, minute_ms)
        counted = self.counts.get(key) or self.counts.setdefault(key, _Counted())
        shown = prediction.above_threshold()
        counted.frames += 1
        counted.frames_without += not shown
        for detection in shown:
            counted.detections[detection.class_name] = counted.detections.get(detection.class_name, 0) + 1

    def tally(self) -> Tally:
        """The message; sorted, so that the same counts are the same bytes."""
        return Tally(
            partition=self.partition,
            block=self.block,
            up_to=self.up_to,
            counts=tuple(_frozen(key, self.counts[key]) for key in sorted(self.counts)),
            seen={model_id: Seen(highest=h, below=b) for model_id, (h, b) in sorted(self.seen.items())},
            repeated=self.repeated,
            late=self.late,
        )


def _frozen(key: _Slice, counted: _Counted) -> Count:
    source_id, model_id, model_version, minute_ms = key
    return Count(
        source_id=source_id,
        model_id=model_id,
        model_version=model_version,
        minute_ms=minute_ms,
        frames=counted.frames,
        frames_without=counted.frames_without,
        detections=dict(sorted(counted.detections.items())),
    )


def _meet(highest: int, below: int, offset: int) -> tuple[int, int, str]:
    """`Seen.meet` on bare numbers."""
    if offset > highest:
        shift = offset - highest
        moved = ((below << 1) | 1) << (shift - 1) if highest >= 0 and shift <= WINDOW else 0
        return offset, moved & _ALL, "new"
    back = highest - offset - 1
    if back >= WINDOW:
        return highest, below, "late"
    if back < 0 or below >> back & 1:
        return highest, below, "seen"
    return highest, below | 1 << back, "new"


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
