"""Wanted: which predictions somebody asks for, told by a record's key before any of its JSON is read.

Promises: nothing passes of a source that the caller's key does not see, whatever a producer wrote as key.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.feedback.access.caller import Caller
from shared.errors import InvalidMessage
from shared.streams import predictions
from shared.streams.predictions import Prediction
from shared.streams.record import Record


@dataclass(frozen=True, slots=True)
class Named:
    """A prediction and its id."""

    prediction_id: str
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Wanted:
    """`sources`: their ids, none: all that the caller sees. `model_id` and `role`: None for any."""

    caller: Caller
    sources: frozenset[str] = frozenset()
    model_id: str | None = None
    role: str | None = None

    def by_key(self, key: bytes | None) -> bool:
        """Whether a record of this key may be meant."""
        source_id = source_of(key)
        if source_id is None or (self.sources and source_id not in self.sources):
            return False
        return self.caller.sees(source_id)

    def takes(self, prediction: Prediction) -> bool:
        """Whether the prediction is meant; its key was asked before."""
        return self.model_id in (None, prediction.model_id) and self.role in (None, prediction.role)


def source_of(key: bytes | None) -> str | None:
    """The source id that a key is, None for a key that is none."""
    try:
        return key.decode() if key else None
    except UnicodeDecodeError:
        return None


def read(record: Record) -> Named | None:
    """The prediction of a record; None for one that is invalid, or whose key is another source's than its own."""
    try:
        prediction = predictions.decode(record)
    except InvalidMessage:
        return None
    if prediction.source_id != source_of(record.key):
        return None
    return Named(predictions.prediction_id(record, prediction), prediction)


def first_of(records: Iterable[Record], wanted: Wanted, most: int) -> list[Named]:
    """Those that are meant, in the order given, and no more than `most` of them."""
    found: list[Named] = []
    for record in records:
        named = read(record) if wanted.by_key(record.key) else None
        if named is not None and wanted.takes(named.prediction):
            found.append(named)
        if len(found) == most:
            break
    return found
