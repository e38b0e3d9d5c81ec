"""Lookup: the prediction that an id names, and whether the frame that it is about can still be read.

Promises: another record is never mistaken for the one that is meant: ids carry a checksum. A caller who may see some sources
alone learns nothing of others, not even that a prediction is there.
"""

from collections.abc import Sequence

from services.feedback.access.caller import Caller
from services.feedback.lookup.known_bounds import KnownBounds
from services.feedback.lookup.presence import IsThere, Presence
from services.feedback.lookup.readers import Found, Readers
from services.feedback.lookup.remembered import Remembered
from services.feedback.refusals import InvalidRequest, PredictionGone, Refusal, UnknownPrediction
from shared.errors import GleanerError, InvalidMessage, NeverWritten, Unavailable
from shared.ports import Log
from shared.runtime.pixels import FramePixels
from shared.streams import ids
from shared.streams.frames import FrameRef
from shared.streams.predictions import PREDICTIONS, Prediction
from shared.streams.record import Record

MOST_BYTES = 8_000_000
"""Of predictions as they lie in the log."""
_WHERE = "prediction_id"

Looked = Prediction | Refusal | Unavailable


class Lookup:
    """Random reads in `predictions` and `frames`. Any thread may ask."""

    def __init__(self, log: Log, pixels: FramePixels, timeout_s: float) -> None:
        self._readers = Readers(log, timeout_s)
        self._presence = Presence(log, self._readers, pixels, timeout_s)
        self._bounds = KnownBounds(log, PREDICTIONS.name)
        self._records: Remembered[tuple[int, int], Record] = Remembered(MOST_BYTES)

    def prediction(self, prediction_id: str) -> Prediction:
        """Raises InvalidRequest (no such form), UnknownPrediction, PredictionGone, Unavailable."""
        return _or_raised(self.predictions([prediction_id])[0])

    def prediction_for(self, caller: Caller, prediction_id: str) -> Prediction:
        """The same, if this caller may see it. Raises NotAllowed (a link for another one), too."""
        caller.check_prediction(prediction_id)
        return _or_raised(seen_by(caller, self.predictions([prediction_id])[0]))

    def predictions(self, prediction_ids: Sequence[str]) -> list[Looked]:
        """Each prediction, or why there is none; those that are not remembered are read together."""
        found = {prediction_id: self._remembered(prediction_id) for prediction_id in prediction_ids}
        found.update(self._read([prediction_id for prediction_id, one in found.items() if one is None]))
        return [one for prediction_id in prediction_ids if (one := found[prediction_id]) is not None]

    def has_frame(self, ref: FrameRef) -> bool:
        """Whether the very frame that the prediction is about can still be read. Raises Unavailable."""
        return self._presence.of_frame(ref)

    def have_frames(self, predictions: Sequence[Prediction]) -> list[IsThere]:
        """The same for several, for most of them without reading the frame."""
        return self._presence.of(predictions)

    def close(self) -> None:
        self._readers.close()
        self._presence.close()

    def _remembered(self, prediction_id: str) -> Looked | None:
        try:
            place = _place(prediction_id)
        except InvalidRequest as error:
            return error
        record = self._records.get(place)
        if record is None:
            return None
        found = _meant(prediction_id, record)
        return found if isinstance(found, Prediction) else None  # perhaps the stream was made anew: read it again

    def _read(self, prediction_ids: Sequence[str]) -> dict[str, Looked]:
        places = {prediction_id: _place(prediction_id) for prediction_id in prediction_ids}
        came_s = self._bounds.now_s()
        refused = {one: why for one, at in places.items() if (why := self._never_written(*at, came_s))}
        wanted: dict[int, list[int]] = {}
        for prediction_id, (partition, offset) in places.items():
            if prediction_id not in refused:
                wanted.setdefault(partition, []).append(offset)
        found = self._readers.read_all(PREDICTIONS.name, wanted)
        self._remember(found)
        meant = {one: _meant(one, found[at[0]][at[1]]) for one, at in places.items() if one not in refused}
        return {**refused, **meant}

    def _never_written(self, partition: int, offset: int, came_s: float) -> Refusal | Unavailable | None:
        """Kafka's client needs long to find out that nothing is there."""
        try:
            bounds = self._bounds.around(partition, offset, came_s)
        except Unavailable as error:
            return error
        return _unknown() if bounds is None or offset >= bounds.end else None

    def _remember(self, found: dict[int, dict[int, Found]]) -> None:
        for partition, records in found.items():
            for offset, record in records.items():
                if isinstance(record, Record):
                    self._records.put((partition, offset), record, len(record.value or b""))


def seen_by(caller: Caller, found: Looked) -> Looked:
    """What this caller is told: of sources that are not its own the same as of what never was, or is not any more."""
    if not caller.sources or isinstance(found, Unavailable | InvalidRequest):
        return found
    if isinstance(found, Prediction) and caller.sees(found.source_id):
        return found
    return UnknownPrediction("no prediction of this key's sources is there; look at where the id comes from", _WHERE)


def _or_raised(found: Looked) -> Prediction:
    if isinstance(found, Prediction):
        return found
    raise found


def _meant(prediction_id: str, record: Found) -> Looked:
    """The record as the prediction that this id names, or why it is none."""
    if isinstance(record, NeverWritten):
        return _unknown()
    if isinstance(record, Unavailable):
        return record
    if isinstance(record, GleanerError):
        return _expired()
    try:
        prediction: Prediction = PREDICTIONS.decode(record)
    except InvalidMessage:
        return _expired()
    if ids.prediction_id(record.partition, record.offset, prediction.frame.frame_id) != prediction_id:
        return PredictionGone("another prediction lies there now: the stream was made anew since", _WHERE)
    return prediction


def _unknown() -> UnknownPrediction:
    return UnknownPrediction("no prediction was ever written there; look at where the id comes from", _WHERE)


def _expired() -> PredictionGone:
    return PredictionGone("the prediction is gone: it is older than what `predictions` keeps", _WHERE)


def _place(prediction_id: str) -> tuple[int, int]:
    try:
        partition, offset, checksum = ids.parse_prediction_id(prediction_id)
    except ValueError as error:
        raise _malformed(prediction_id) from error
    if f"{partition}-{offset}-{checksum}" != prediction_id:  # leading zeros would give one prediction several names
        raise _malformed(prediction_id)
    return partition, offset


def _malformed(prediction_id: str) -> InvalidRequest:
    return InvalidRequest(f"prediction_id: expected PARTITION-OFFSET-CHECKSUM, got {prediction_id!r}", _WHERE)
