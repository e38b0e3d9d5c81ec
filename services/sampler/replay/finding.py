"""Finding: the frame that somebody asks about, by any of the names that people see of it; its predictions and its samples.

Promises: records that do not hold the name are not even decoded. Looks at what the streams still keep, and says what that is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.sampler.replay.span import Span, bounds_of
from shared.errors import GleanerError, InvalidMessage, RecordGone
from shared.ports.log import Log, Reader
from shared.streams import PREDICTIONS, SAMPLES, STREAMS, ids
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.samples import Sample

FEWEST_DIGITS, MOST_NAMED = 8, 5
_HEX = re.compile(r"[0-9a-f]{8,32}")
Met = Callable[[int], None]


class NotFound(GleanerError):
    """Nothing that the streams still keep has this name, or too much has."""


@dataclass(frozen=True, slots=True)
class Named:
    """What is asked about. `source_id`: where `text` is the producer's own id, the source that gave it."""

    text: str
    source_id: str | None = None

    @property
    def needle(self) -> bytes:
        """What stands in a record that may be meant."""
        return self.text.encode()

    @property
    def is_hex(self) -> bool:
        return self.source_id is None and _HEX.fullmatch(self.text) is not None


@dataclass(slots=True)
class Found:
    """One frame: every model's predictions of it, and its samples in every collection, in the order of the log."""

    frame_id: str
    predictions: list[tuple[Record, Prediction]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def take(self, record: Record, message: Prediction | Sample) -> None:
        """One that may be about it."""
        if isinstance(message, Prediction):
            if message.frame.frame_id == self.frame_id:
                self.predictions.append((record, message))
        elif message.prediction.frame.frame_id == self.frame_id:
            self.samples.append(message)


def find(log: Log, named: Named, span: Span, met: Met = lambda records: None) -> Found:
    """Raises NotFound, Unavailable."""
    reader = log.reader()
    try:
        frame_id = _by_place(reader, named) or _by_name(log, reader, named, span, met)
        found = Found(frame_id)
        for stream in (PREDICTIONS.name, SAMPLES.name):
            for record, message in _holding(log, reader, stream, frame_id.encode(), span, met):
                found.take(record, message)
        return found
    finally:
        reader.close()


def _by_place(reader: Reader, named: Named) -> str | None:
    """By a prediction's id: it says where to read. None where it is none."""
    try:
        partition, offset, checksum = ids.parse_prediction_id(named.text)
    except ValueError:
        return None
    try:
        prediction: Prediction = PREDICTIONS.decode(reader.read(PREDICTIONS.name, partition, offset))
    except (RecordGone, InvalidMessage) as error:
        raise NotFound(f"prediction {named.text}: {error}") from error
    if ids.frame_checksum(prediction.frame.frame_id) != checksum:
        raise NotFound(
            f"prediction {named.text}: the one at that place has another checksum; was the stream made anew?"
        )
    return prediction.frame.frame_id


def _by_name(log: Log, reader: Reader, named: Named, span: Span, met: Met) -> str:
    if named.source_id is None and not named.is_hex:
        raise NotFound(
            f"expected a frame, sample or prediction id, or {FEWEST_DIGITS} hex digits of one, got {named.text!r}; "
            "a producer's own frame id needs --source"
        )
    matching: set[str] = set()
    for stream in (SAMPLES.name, PREDICTIONS.name):
        for _, message in _holding(log, reader, stream, named.needle, span, met):
            matching.update(_frame_ids(named, message))
        if matching and named.is_hex and len(named.text) == ids.DIGEST_BYTES * 2:
            break
    return _the_one(named, matching)


def _frame_ids(named: Named, message: Prediction | Sample) -> list[str]:
    prediction = message if isinstance(message, Prediction) else message.prediction
    if named.source_id is not None:
        meant = (prediction.source_id, prediction.producer_frame_id) == (named.source_id, named.text)
    else:
        names = [prediction.frame.frame_id, getattr(message, "sample_id", "")]
        meant = any(name.startswith(named.text) for name in names)
    return [prediction.frame.frame_id] if meant else []


def _the_one(named: Named, matching: set[str]) -> str:
    if not matching:
        where = f" of source {named.source_id}" if named.source_id else ""
        raise NotFound(
            f"nothing is known of {named.text}{where}: searched all predictions (kept "
            f"{(PREDICTIONS.retention_s or 0) // 86_400} days) and all samples (kept for ever) of the time asked for; "
            "is --since long enough, and is this the right data folder or cluster?"
        )
    if len(matching) > 1:
        few = ", ".join(sorted(matching)[:MOST_NAMED])
        raise NotFound(
            f"{named.text} names {len(matching):,} frames, name one: {few}{', …' if len(matching) > MOST_NAMED else ''}"
        )
    return matching.pop()


def _holding(
    log: Log, reader: Reader, stream: str, needle: bytes, span: Span, met: Met
) -> Iterator[tuple[Record, Prediction | Sample]]:
    """Records of the span whose bytes hold it, decoded."""
    for number, bounds in bounds_of(log, reader, stream, span).items():
        for record in reader.scan(stream, number, bounds.start, bounds.end):
            met(1)
            if needle in (record.value or b""):
                yield from _decoded(record)


def _decoded(record: Record) -> Iterator[tuple[Record, Prediction | Sample]]:
    try:
        yield record, STREAMS[record.stream].decode(record)
    except InvalidMessage:
        return
