"""Lookup: the prediction that an id names, and whether the frame that it is about can still be read.

Promises: another record is never mistaken for the one that is meant: ids carry a checksum, frames a hash.
"""

from concurrent.futures import ThreadPoolExecutor

from services.feedback.readers import LANES, Readers, within
from services.feedback.refusals import InvalidRequest, PredictionGone, UnknownPrediction
from shared.errors import InvalidMessage, NeverWritten, RecordGone
from shared.ports import Log
from shared.runtime.pixels import FramePixels
from shared.streams import frames, ids
from shared.streams.frames import FRAMES, Frame, FrameRef
from shared.streams.predictions import PREDICTIONS, Prediction

_WHERE = "prediction_id"


class Lookup:
    """Random reads in `predictions` and `frames`. Any thread may ask."""

    def __init__(self, log: Log, pixels: FramePixels, timeout_s: float) -> None:
        self._readers = Readers(log, timeout_s)
        self._pixels = pixels
        self._timeout_s = timeout_s
        self._asking = ThreadPoolExecutor(max_workers=LANES, thread_name_prefix="feedback-objects")

    def prediction(self, prediction_id: str) -> Prediction:
        """Raises InvalidRequest (no such form), UnknownPrediction, PredictionGone, Unavailable."""
        partition, offset = _place(prediction_id)
        try:
            prediction: Prediction = PREDICTIONS.decode(self._readers.read(PREDICTIONS.name, partition, offset))
        except NeverWritten as error:
            raise UnknownPrediction(
                "no prediction was ever written there; look at where the id comes from", _WHERE
            ) from error
        except (RecordGone, InvalidMessage) as error:
            raise PredictionGone("the prediction is gone: it is older than what `predictions` keeps", _WHERE) from error
        if ids.prediction_id(partition, offset, prediction.frame.frame_id) != prediction_id:
            raise PredictionGone("another prediction lies there now: the stream was made anew since", _WHERE)
        return prediction

    def has_frame(self, ref: FrameRef) -> bool:
        """Whether the very frame that the prediction is about can still be read. Raises Unavailable."""
        if ref.stream != FRAMES.name:
            return False
        try:
            frame = frames.decode(self._readers.read(ref.stream, ref.partition, ref.offset))
        except (RecordGone, InvalidMessage):
            return False
        return frame.ref.frame_id == ref.frame_id and self._has_image(frame)

    def close(self) -> None:
        self._readers.close()
        self._asking.shutdown()

    def _has_image(self, frame: Frame) -> bool:
        if frame.reference is None:
            return True
        return within(self._timeout_s, "object store", self._asking.submit(self._pixels.is_there, frame))


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
