"""Kept: what was chosen, why, and where it went, counted from the streams and drawn as a table."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from services.cli import counts, flow
from shared.errors import InvalidMessage
from shared.ports.log import Log
from shared.streams import PREDICTIONS, SAMPLES, STREAMS, UPLOADS
from shared.streams.record import Record
from shared.streams.samples import Design, Neighbour, Sample
from shared.streams.uploads import Receipt


@dataclass
class Kept:
    """Distinct samples and what became of them. `unusable`: dead letters, of every stream.

    `neighbours`: ids of what was kept beside samples, and neither drawn nor asked for by a verdict.
    """

    frames: int = 0
    unusable: int = 0
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str], Receipt] = field(default_factory=dict)

    @property
    def with_image(self) -> list[str]:
        """Samples that were kept for their own sake."""
        return [sample_id for sample_id, records in self.samples.items() if any(map(_kept, records))]

    @property
    def neighbours(self) -> list[str]:
        beside = {sample_id for sample_id, records in self.samples.items() if any(one.image for one in records)}
        return sorted(beside - set(self.with_image))

    @property
    def by_strategy(self) -> Counter[str]:
        """Kept samples by the strategies that drew them; one may count for several. `people`: kept by a verdict alone."""
        names = (name for sample_id in self.with_image for name in strategies_of(self.samples[sample_id]))
        return Counter(names)

    @property
    def missing(self) -> Counter[str]:
        """Why drawn frames have no image; of neighbours, which nobody drew, `gleaner status` tells."""
        records = (one for records in self.samples.values() for one in records)
        return Counter(one.missing for one in records if one.missing and not isinstance(one, Neighbour))

    @property
    def delivered(self) -> Counter[str]:
        """Samples that a destination has, by destination."""
        pairs = {(sample, place) for (sample, place, _), receipt in self.receipts.items() if receipt.acknowledged}
        return Counter(place for _, place in pairs)


def _kept(sample: Sample) -> bool:
    return sample.image is not None and not isinstance(sample, Neighbour)


def strategies_of(records: list[Sample]) -> list[str]:
    """The strategies that drew a sample; `people` when only a verdict asked for it."""
    designs = [one for one in records if isinstance(one, Design) and one.image]
    return [reason.strategy for reason in designs[0].reasons] if designs else ["people"]


def read(log: Log) -> Kept:
    """Everything that is in the streams now."""
    kept = Kept(frames=counts.frames(log).frames, unusable=sum(flow.dead_letters(log).values()))
    for _, sample in _messages_of(log, SAMPLES.name):
        kept.samples.setdefault(sample.sample_id, []).append(sample)
    for _, receipt in _messages_of(log, UPLOADS.name):
        kept.receipts[receipt.sample_id, receipt.destination, receipt.revision] = receipt
    return kept


def records_of(log: Log, stream: str) -> Iterator[Record]:
    """Every record of a stream, partition by partition."""
    reader = log.reader()
    try:
        for number, bounds in log.bounds(stream).items():
            yield from reader.scan(stream, number, bounds.start, bounds.end)
    finally:
        reader.close()


def predictions_of(log: Log) -> Iterator[tuple[Record, Any]]:
    """Every prediction of a live model that can be read, with its record."""
    return (one for one in _messages_of(log, PREDICTIONS.name) if one[1].role == "live")


def _messages_of(log: Log, stream: str) -> Iterator[tuple[Record, Any]]:
    for record in records_of(log, stream):
        try:
            yield record, STREAMS[stream].decode(record)
        except InvalidMessage:
            continue  # it is a dead letter of its reader's, and counted there


def table(kept: Kept) -> Table:
    """Frames seen, kept and why, refused and why, delivered where."""
    drawn = Table(show_header=False, box=None, pad_edge=False)
    drawn.add_column(style="dim")
    drawn.add_column(justify="right")
    drawn.add_row("frames seen", f"{kept.frames:,}")
    if kept.unusable:
        drawn.add_row("unusable, see `gleaner dead-letters`", f"[yellow]{kept.unusable:,}[/]")
    drawn.add_row("samples kept", f"[bold]{len(kept.with_image):,}[/]")
    for name, number in kept.by_strategy.most_common():
        drawn.add_row(f"  because of {name}", f"{number:,}")
    if kept.neighbours:
        drawn.add_row("neighbours kept beside them", f"{len(kept.neighbours):,}")
    for reason, number in kept.missing.most_common():
        drawn.add_row(f"drawn, no image: {reason}", f"{number:,}")
    for place, number in kept.delivered.most_common():
        drawn.add_row(f"delivered to {place}", f"{number:,}")
    return drawn
