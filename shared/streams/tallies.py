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
OPEN_KEY = b"open"
"""Key of a tally whose block may still grow: one per partition, the finished ones have their block's number."""
_ALL = (1 << WINDOW) - 1


class Seen(BaseModel):
    """Which frame offsets of one partition a reader has met, for one model."""

    model_config = ConfigDict(frozen=True)

    highest: int = Field(default=-1, ge=-1)
    below: int = Field(default=0, ge=0, description="bit i: offset highest - 1 - i was seen")

    def meet(self, offset: int) -> tuple["Seen", str]:
        """The state after this offset, and what it was: `new`, `seen`, or `late` (below the bitmap: served and counted)."""
        highest, below, novelty = meet_offset(self.highest, self.below, offset)
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
    detections: dict[str, int] = Field(
        default_factory=dict,
        description="per class, at or above the product threshold; of a classifier its most probable class",
    )


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
    chain = Chain(partition, previous)
    finished = [tally for at in predictions if (tally := chain.meet(*at)) is not None]
    still_open = chain.tally()
    return (*finished, *([] if still_open is None else [still_open]))


class Chain:
    """The tallies of one partition while its predictions come: `count`, for whoever meets them one by one.

    `up_to`: the next offset that counts; those below are passed over, so that delivering some of them again does no harm.
    """

    __slots__ = ("_open", "partition", "up_to")

    def __init__(self, partition: int, previous: Tally | None = None, start: int = 0) -> None:
        self.partition = partition
        self._open = None if previous is None else _Block.of(previous)
        self.up_to = start if previous is None else previous.up_to

    def meet(self, offset: int, prediction: Prediction) -> Tally | None:
        """The tally of the block that ended before this offset, where one did."""
        if offset < self.up_to:
            return None
        finished = self._enter(offset // BLOCK) if self._open is None or offset // BLOCK != self._open.block else None
        self.up_to = offset + 1
        if prediction.role == "live":
            self._open.meet(prediction)  # type: ignore[union-attr]  # entered just now
        return finished

    def tally(self) -> Tally | None:
        """Of the block that is open, as far as it goes."""
        return None if self._open is None else self._open.tally(self.up_to)

    def _enter(self, block: int) -> Tally | None:
        finished = self.tally()
        # The former block is a message by now, so the two may share what was seen.
        self._open = _Block(self.partition, block, {} if self._open is None else self._open.seen)
        return finished


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
    counts: dict[_Slice, _Counted] = field(default_factory=dict)
    repeated: int = 0
    late: int = 0

    @classmethod
    def of(cls, tally: Tally) -> "_Block":
        counts = {
            (c.source_id, c.model_id, c.model_version, c.minute_ms // MINUTE_MS): _Counted(
                c.frames, c.frames_without, dict(c.detections)
            )
            for c in tally.counts
        }
        seen = {model_id: (seen.highest, seen.below) for model_id, seen in tally.seen.items()}
        return cls(tally.partition, tally.block, seen, counts, tally.repeated, tally.late)

    def meet(self, prediction: Prediction) -> None:
        model_id, frame = prediction.model_id, prediction.frame
        highest, below = self.seen.get(model_id, (-1, 0))
        highest, below, novelty = meet_offset(highest, below, frame.offset)
        if novelty == "seen":
            self.repeated += 1
            return
        self.late += novelty == "late"
        self.seen[model_id] = (highest, below)
        key = (prediction.source_id, model_id, prediction.model_version, frame.time_ms // MINUTE_MS)
        counted = self.counts.get(key)
        if counted is None:
            counted = self.counts[key] = _Counted()
        counted.frames += 1
        counted.frames_without += not _add_shown(counted.detections, prediction)

    def tally(self, up_to: int) -> Tally:
        """The message; sorted, so that the same counts are the same bytes."""
        return Tally(
            partition=self.partition,
            block=self.block,
            up_to=up_to,
            counts=tuple(_frozen(key, self.counts[key]) for key in sorted(self.counts)),
            seen={model_id: Seen(highest=h, below=b) for model_id, (h, b) in sorted(self.seen.items())},
            repeated=self.repeated,
            late=self.late,
        )


def _add_shown(detections: dict[str, int], prediction: Prediction) -> bool:
    """Counts what the product shows, per class: detections at or above their threshold, or a classifier's best class.

    `prediction.above_threshold()`, with the threshold looked up once: every prediction of the stream pays for this.
    """
    threshold, by_class = prediction.threshold, prediction.class_thresholds
    shown = prediction.detections if prediction.task == "detect" else prediction.classes[:1]
    found = False
    for one in shown:
        name = one.class_name
        if one.confidence >= (by_class.get(name, threshold) if by_class else threshold):
            detections[name] = detections.get(name, 0) + 1
            found = True
    return found


def _frozen(key: _Slice, counted: _Counted) -> Count:
    source_id, model_id, model_version, minute = key
    return Count(
        source_id=source_id,
        model_id=model_id,
        model_version=model_version,
        minute_ms=minute * MINUTE_MS,
        frames=counted.frames,
        frames_without=counted.frames_without,
        detections=dict(sorted(counted.detections.items())),
    )


def meet_offset(highest: int, below: int, offset: int) -> tuple[int, int, str]:
    """`Seen.meet` on bare numbers, for those who meet every prediction of a stream."""
    if offset > highest:
        shift = offset - highest
        if shift == 1 and highest >= 0:
            return offset, (below << 1 | 1) & _ALL, "new"
        moved = ((below << 1) | 1) << (shift - 1) if highest >= 0 and shift <= WINDOW else 0
        return offset, moved & _ALL, "new"
    back = highest - offset - 1
    if back >= WINDOW:
        return highest, below, "late"
    if back < 0 or below >> back & 1:
        return highest, below, "seen"
    return highest, below | 1 << back, "new"


def newest(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """Of each block the tally that reaches furthest: a block may be told several times before it is full."""
    furthest: dict[tuple[int, int], Tally] = {}
    for tally in tallies:
        key = tally.partition, tally.block
        if key not in furthest or tally.up_to > furthest[key].up_to:
            furthest[key] = tally
    return tuple(furthest[key] for key in sorted(furthest))


@dataclass(slots=True)
class Total:
    """What one model version showed of one source: `Count`s together."""

    frames: int = 0
    frames_without: int = 0
    detections: dict[str, int] = field(default_factory=dict)

    def add(self, counted: Count) -> None:
        self.frames += counted.frames
        self.frames_without += counted.frames_without
        for class_name, detections in counted.detections.items():
            self.detections[class_name] = self.detections.get(class_name, 0) + detections


def totals(
    tallies: Iterable[Tally], since_ms: int = 0, until_ms: int | None = None
) -> dict[tuple[str, str, str], Total]:
    """Per (source id, model id, model version), over the minutes that begin in [since_ms, until_ms) of log time.

    Takes tallies as they lie in the stream. What came after the last `up_to` of a partition is added with `count`.
    """
    by_version: dict[tuple[str, str, str], Total] = {}
    for tally in newest(tallies):
        for counted in tally.counts:
            if since_ms <= counted.minute_ms and (until_ms is None or counted.minute_ms < until_ms):
                key = counted.source_id, counted.model_id, counted.model_version
                by_version.setdefault(key, Total()).add(counted)
    return by_version


def new_tally(tally: Tally, finished: bool = True) -> NewRecord:
    """Of a finished block under its number; of one that may still grow under `open`.

    Compaction keeps the last record of a key, not the one that reaches furthest: a writer who has lost the partition without
    knowing it can take the place of another's open block, which its readers count anyhow, never that of a finished one.
    """
    key = str(tally.block).encode() if finished else OPEN_KEY
    return NewRecord(TALLIES.name, key, tally.to_bytes(), tally.partition)


TALLIES = Stream(
    name="tallies",
    about="counts over all frames, per source, model version and minute",
    key="block of 1,024 prediction offsets",
    written_by=("sampler",),
    read_by=("feedback",),
    decode=json_decoder(Tally),
    compacted=True,
)
