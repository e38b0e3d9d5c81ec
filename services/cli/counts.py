"""The counts: frames (the N of every estimate), verdicts, exposures, samples, the ledger equation, read from the streams.

Promises: needs the log alone. Streams through: what stays in memory are the counts, the last ids of each partition against
repeats, and for the ledger one partition of `samples` at a time. Records that make no sense are counted, not hidden.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from services.uploader.ledger import Ledger, Placed, ledger
from shared.errors import InvalidMessage
from shared.ports.log import Log, Reader
from shared.streams import PREDICTIONS, SAMPLES, STREAMS, UPLOADS, VERDICTS, tallies
from shared.streams.record import Record
from shared.streams.samples import Design, Neighbour, Sample
from shared.streams.tallies import Tally
from shared.streams.verdicts import Shown

CHUNK = 256
REMEMBERED = 65_536
"""Ids per partition that are remembered against repeats: a redelivery repeats what came shortly before."""
UPLOADER = "uploader"


@dataclass(slots=True)
class SourceCount:
    """`frames_without`: without a detection at or above the product threshold."""

    frames: int = 0
    frames_without: int = 0
    detections: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Frames:
    """Distinct frames that have a prediction, as far as `predictions` reaches back. The N."""

    frames: int = 0
    frames_without: int = 0
    repeated: int = 0
    late: int = 0
    by_source: dict[str, SourceCount] = field(default_factory=dict)


@dataclass(slots=True)
class Samples:
    """Designs that have an image, and those that have none by reason; a design counts for each strategy that drew it.

    Neighbours, which nobody drew, are counted apart: `neighbours` by whether they were kept or why not.
    """

    designs: int = 0
    kept: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    kept_by_strategy: Counter[str] = field(default_factory=Counter)
    revisions: Counter[str] = field(default_factory=Counter)
    neighbours: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Judged:
    """What lies in `verdicts`: verdicts by kind, and exposures by whether their image is held for silence."""

    verdicts: Counter[str] = field(default_factory=Counter)
    exposures: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Counts:
    frames: Frames
    verdicts: Counter[str]
    exposures: Counter[str]
    samples: Samples
    ledger: Ledger
    invalid: Counter[str]


def counts(log: Log) -> Counts:
    """Reads the streams once. Raises Unavailable."""
    with closing(log.reader()) as reader:
        return _Reading(log, reader).counts()


def frames(log: Log) -> Frames:
    """The N alone. Raises Unavailable."""
    with closing(log.reader()) as reader:
        return _Reading(log, reader).frames()


class _Repeats:
    """Has this id come before, lately?"""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, None] = OrderedDict()

    def meet(self, id_: str) -> bool:
        if id_ in self._recent:
            return True
        self._recent[id_] = None
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return False


class _Reading:
    """One reading of the streams."""

    def __init__(self, log: Log, reader: Reader) -> None:
        self._log = log
        self._reader = reader
        self._invalid: Counter[str] = Counter()

    def counts(self) -> Counts:
        # Commits first, then samples, then receipts: what was committed then has its receipt now, or is lost.
        committed = self._log.committed(UPLOADER, SAMPLES.name)
        said, frames = self._judged(), self.frames()
        return Counts(frames, said.verdicts, said.exposures, self._samples(), self._ledger(committed), self._invalid)

    def frames(self) -> Frames:
        frames = Frames()
        for partition in self._log.bounds(PREDICTIONS.name):
            for tally in _tallies(partition, self._messages(PREDICTIONS.name, partition)):
                _add(frames, tally)
        return frames

    def _judged(self) -> Judged:
        judged = Judged()
        for partition in self._log.bounds(VERDICTS.name):
            repeats = _Repeats()
            for _, message in self._messages(VERDICTS.name, partition):
                if isinstance(message, Shown):
                    judged.exposures["held" if message.held else "not held"] += not repeats.meet(message.exposure_id)
                else:
                    judged.verdicts[message.kind] += not repeats.meet(message.verdict_id)
        return judged

    def _samples(self) -> Samples:
        samples = Samples()
        for partition in self._log.bounds(SAMPLES.name):
            repeats = _Repeats()
            for _, sample in self._messages(SAMPLES.name, partition):
                # By kind, too: a frame may be drawn after it had been kept as a neighbour.
                if not repeats.meet(f"{sample.kind}/{sample.sample_id}/{sample.revision}"):
                    _count_sample(samples, sample)
        return samples

    def _ledger(self, committed: Mapping[int, int]) -> Ledger:
        """By partition, as a sample and its receipts share theirs."""
        total = Ledger(0, 0, 0, 0, 0, 0, 0)
        there = self._log.bounds(UPLOADS.name)
        for partition in self._log.bounds(SAMPLES.name):
            placed = [
                Placed(partition, record.offset, _slim(sample))
                for record, sample in self._messages(SAMPLES.name, partition)
            ]
            receipts = self._messages(UPLOADS.name, partition) if partition in there else []
            total = _plus(total, ledger(placed, (receipt for _, receipt in receipts), committed))
        return total

    def _messages(self, stream: str, partition: int) -> Iterator[tuple[Record, Any]]:
        at = self._log.bounds(stream)[partition]
        for record in self._reader.scan(stream, partition, at.start, at.end):
            try:
                yield record, STREAMS[stream].decode(record)
            except InvalidMessage:
                self._invalid[stream] += 1


def _tallies(partition: int, messages: Iterable[tuple[Record, Any]]) -> Iterator[Tally]:
    """The partition's tallies, each once and finished, with no more than a chunk of predictions in memory."""
    rest = iter(messages)
    last: Tally | None = None
    while chunk := list(islice(rest, CHUNK)):
        found = [(record.offset, message) for record, message in chunk]
        *finished, last = tallies.count(last, partition, found) or (last,)
        yield from (tally for tally in finished if tally is not None)
    if last is not None:
        yield last


def _add(frames: Frames, tally: Tally) -> None:
    frames.repeated += tally.repeated
    frames.late += tally.late
    for count in tally.counts:
        source = frames.by_source.setdefault(count.source_id, SourceCount())
        for total in (frames, source):
            total.frames += count.frames
            total.frames_without += count.frames_without
        source.detections.update(count.detections)


def _count_sample(samples: Samples, sample: Sample) -> None:
    if isinstance(sample, Neighbour):
        samples.neighbours["kept" if sample.image else sample.missing or "unknown"] += 1
        return
    if not isinstance(sample, Design):
        samples.revisions[sample.effect] += 1
        return
    samples.designs += 1
    if sample.image is None:
        samples.missing[sample.missing or "unknown"] += 1
        return
    samples.kept += 1
    samples.kept_by_strategy.update({reason.strategy for reason in sample.reasons})


def _slim(sample: Sample) -> Sample:
    """What the ledger looks at; a prediction can be a thousand times larger."""
    light = sample.prediction.model_copy(update={"detections": (), "classes": (), "timings_ms": {}, "source_id": ""})
    return sample.model_copy(update={"prediction": light})


def _plus(one: Ledger, other: Ledger) -> Ledger:
    return Ledger(
        accepted=one.accepted + other.accepted,
        acknowledged=one.acknowledged + other.acknowledged,
        pending=one.pending + other.pending,
        dead_lettered=one.dead_lettered + other.dead_lettered,
        evicted=one.evicted + other.evicted,
        missing=one.missing + other.missing,
        withdrawn=one.withdrawn + other.withdrawn,
        breakers=(*one.breakers, *other.breakers),
    )
