"""Facts: what was decided live about the frames of a span: designs, which `samples` keeps, and memos while they live.

Promises: of several designs with one id the first in the log counts. Only what is compared is held, not the messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.sampler.keeping import DROPPED
from services.sampler.replay.span import Span, first_at
from shared.errors import InvalidMessage
from shared.ports.log import Bounds, Log, Reader
from shared.ports.state import State
from shared.streams import SAMPLES, ids, keys
from shared.streams.record import Record
from shared.streams.samples import Design


@dataclass(frozen=True, slots=True)
class Fact:
    """One design. `size`: bytes of its image, 0 where there is none; `place`: partition and offset of its prediction."""

    collection: str
    sample_id: str
    frame_id: str
    place: tuple[int, int]
    source_id: str
    time_ms: int
    fired: tuple[str, ...]
    probabilities: Mapping[str, float]
    probability: float
    settings_version: str
    salt_fingerprint: str
    epoch_ms: int | None
    gate: str | None
    phash: str | None
    missing: str | None
    size: int


class Facts:
    """Of the predictions at these offsets, per partition. `version`: of the settings that decided last, if any did."""

    def __init__(self, log: Log, state: State, inside: Mapping[int, Bounds], span: Span) -> None:
        self._state, self._inside = state, inside
        self._by_sample: dict[str, Fact] = {}
        self._by_frame: dict[str, Fact] = {}
        reader = log.reader()
        try:
            for number, bounds in log.bounds(SAMPLES.name).items():
                self._read(reader, number, bounds, span)
        finally:
            reader.close()

    def all(self) -> list[Fact]:
        return list(self._by_sample.values())

    def of(self, sample_id: str) -> Fact | None:
        return self._by_sample.get(sample_id)

    def of_frame(self, frame_id: str) -> Fact | None:
        """What a design of any collection says of the frame's pixels."""
        return self._by_frame.get(frame_id)

    def taken_by(self, collection: str, sample_id: str) -> str | None:
        """The gate that took away a drawn frame, of which no sample came; None where no memo says so (any more)."""
        memo = self._state.memo(keys.memo_key(collection, sample_id))
        if memo is None or memo.decision != DROPPED:
            return None
        return "quality" if memo.distance is None else "near_duplicate"

    def _read(self, reader: Reader, partition: int, bounds: Bounds, span: Span) -> None:
        # A design is written after its prediction, so nothing that matters lies before the span.
        start = first_at(reader, SAMPLES.name, partition, bounds, span.start_ms)
        for record in reader.scan(SAMPLES.name, partition, start, bounds.end):
            fact = _fact(record)
            if fact is not None and self._is_inside(fact.place):
                self._by_sample.setdefault(fact.sample_id, fact)
                known = self._by_frame.get(fact.frame_id)
                if known is None or known.phash is None:
                    self._by_frame[fact.frame_id] = fact

    def _is_inside(self, place: tuple[int, int]) -> bool:
        bounds = self._inside.get(place[0])
        return bounds is not None and bounds.start <= place[1] < bounds.end


def _fact(record: Record) -> Fact | None:
    try:
        design = SAMPLES.decode(record)
        partition, offset, _ = ids.parse_prediction_id(design.prediction_id)
    except (InvalidMessage, ValueError):
        return None
    if not isinstance(design, Design):
        return None
    return Fact(
        collection=design.collection,
        sample_id=design.sample_id,
        frame_id=design.prediction.frame.frame_id,
        place=(partition, offset),
        source_id=design.prediction.source_id,
        time_ms=design.prediction.frame.time_ms,
        fired=tuple(reason.strategy for reason in design.reasons),
        probabilities=design.probabilities,
        probability=design.probability,
        settings_version=design.settings_version,
        salt_fingerprint=design.salt_fingerprint,
        epoch_ms=design.epoch_ms,
        gate=design.gate,
        phash=design.phash,
        missing=design.missing,
        size=design.image.size if design.image else 0,
    )
