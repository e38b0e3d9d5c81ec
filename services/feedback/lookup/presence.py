"""Presence: whether the frame that a prediction is about can still be read, for most of them without reading it.

A source whose frame was read lately, lay there by value and was the one that its prediction meant, is taken at its word for
a minute: its frames are there while their offsets lie in the stream's bounds, and were written no earlier than what the
partition begins with (a stream that was made anew begins later). Whatever is by reference is looked at each time.

Promises: a verdict on a frame that is gone is taken by mistake only in the second in which it went, never refused by mistake.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from services.feedback.lookup.known_bounds import KnownBounds
from services.feedback.lookup.readers import LANES, Found, Readers, done, failed, within
from shared.errors import GleanerError, InvalidMessage, RecordGone, Unavailable
from shared.ports import Bounds, Log
from shared.runtime.pixels import FramePixels
from shared.streams import frames
from shared.streams.frames import FRAMES, FrameRef
from shared.streams.predictions import Prediction

TRUSTED_S = 60.0
MOST_SOURCES = 10_000

IsThere = bool | Unavailable


class Presence:
    """Any thread may ask."""

    def __init__(
        self,
        log: Log,
        readers: Readers,
        pixels: FramePixels,
        timeout_s: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._readers = readers
        self._pixels = pixels
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._bounds = KnownBounds(log, FRAMES.name, now_s)
        self._learning = Lock()
        self._trusted_at_s: OrderedDict[str, float] = OrderedDict()
        self._begins_ms: dict[int, tuple[int, int]] = {}
        self._asking = ThreadPoolExecutor(max_workers=LANES, thread_name_prefix="feedback-objects")

    def of(self, predictions: Sequence[Prediction]) -> list[IsThere]:
        """For each: there, not there, or why nobody can tell now."""
        came_s = self._bounds.now_s()
        down: dict[int, Unavailable] = {}
        found = [self._at_a_glance(prediction, came_s, down) for prediction in predictions]
        unsure = [prediction for prediction, is_there in zip(predictions, found, strict=True) if is_there is None]
        looked_at = iter(self._looked_at(unsure))
        return [next(looked_at) if is_there is None else is_there for is_there in found]

    def of_frame(self, ref: FrameRef) -> bool:
        """By reading it. Raises Unavailable."""
        there, _ = self._begun(ref, self._read([ref])[0])
        return self._ended(there, self._until_s())

    def close(self) -> None:
        self._asking.shutdown()

    def _at_a_glance(self, prediction: Prediction, came_s: float, down: dict[int, Unavailable]) -> IsThere | None:
        """None: it has to be looked at. `down`: partitions that did not answer the one before, who waited for all."""
        ref = prediction.frame
        if ref.partition in down:
            return down[ref.partition]
        try:
            bounds = self._bounds.around(ref.partition, ref.offset, came_s)
            if bounds is None or not bounds.start <= ref.offset < bounds.end:
                return False
            if not self._is_trusted(prediction.source_id):
                return None
            return True if self._is_of_this_log(ref, bounds) else None
        except Unavailable as error:
            down[ref.partition] = error
            return error

    def _is_trusted(self, source_id: str) -> bool:
        return self._now_s() - self._trusted_at_s.get(source_id, float("-inf")) < TRUSTED_S

    def _is_of_this_log(self, ref: FrameRef, bounds: Bounds) -> bool:
        """Whether it was written after the first record that is there. Raises Unavailable."""
        start, begins_ms = self._begins_ms.get(ref.partition, (-1, 0))
        if start != bounds.start:
            try:
                begins_ms = self._readers.read(FRAMES.name, ref.partition, bounds.start).time_ms
            except RecordGone:
                return False  # it went this moment
            self._begins_ms[ref.partition] = bounds.start, begins_ms
        return begins_ms <= ref.time_ms

    def _looked_at(self, predictions: Sequence[Prediction]) -> list[IsThere]:
        """All objects are asked for before the first is waited for."""
        records = self._read([prediction.frame for prediction in predictions])
        begun = [self._begun(prediction.frame, record) for prediction, record in zip(predictions, records, strict=True)]
        until_s = self._until_s()
        return [self._look(one, *looked, until_s) for one, looked in zip(predictions, begun, strict=True)]

    def _look(self, prediction: Prediction, there: "Future[bool]", by_value: bool, until_s: float) -> IsThere:
        try:
            is_there = self._ended(there, until_s)
        except Unavailable as error:
            return error
        self._learn(prediction.source_id, trusted=is_there and by_value)
        return is_there

    def _learn(self, source_id: str, *, trusted: bool) -> None:
        with self._learning:
            self._trusted_at_s.pop(source_id, None)
            if trusted:
                self._trusted_at_s[source_id] = self._now_s()
            if len(self._trusted_at_s) > MOST_SOURCES:
                self._trusted_at_s.popitem(last=False)

    def _begun(self, ref: FrameRef, record: Found) -> tuple["Future[bool]", bool]:
        """Whether this record is that frame and its image is there; and whether it lies there by value."""
        if isinstance(record, Unavailable):
            return failed(record), False
        if isinstance(record, GleanerError):
            return done(False), False
        try:
            frame = frames.decode(record)
        except InvalidMessage:
            return done(False), False
        if frame.ref.frame_id != ref.frame_id or frame.reference is None:
            return done(frame.ref.frame_id == ref.frame_id), frame.reference is None
        return self._asking.submit(self._pixels.is_there, frame), False

    def _ended(self, there: "Future[bool]", until_s: float) -> bool:
        """Raises Unavailable."""
        try:
            return within(max(0.0, until_s - time.monotonic()), "object store", there)
        finally:
            there.cancel()

    def _until_s(self) -> float:
        return time.monotonic() + self._timeout_s

    def _read(self, refs: Sequence[FrameRef]) -> list[Found]:
        wanted: dict[int, list[int]] = {}
        for ref in refs:
            wanted.setdefault(ref.partition, []).append(ref.offset)
        found = self._readers.read_all(FRAMES.name, wanted)
        return [found[ref.partition][ref.offset] for ref in refs]
