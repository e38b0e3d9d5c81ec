"""Judged: the frames that people judged last, with what they said, and the pixels wherever these still are.

Promises: newest first; only the very bytes that were predicted (by hash), from the log, the image buffer or a dataset folder,
or else the sample's preview, which says so. What cannot be read is counted with its reason. Nothing is written.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.context import has_data
from services.sampler.config import SamplerConfig
from services.uploader.config import UploaderConfig
from services.uploader.destinations.dataset import DatasetOptions, safe_name
from shared import imaging
from shared.bootstrap import OpenBackend, open_backend
from shared.errors import InvalidMessage, RecordGone
from shared.ports.log import Log, Reader
from shared.settings import Settings
from shared.streams import VERDICTS, frames, ids, keys
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.samples import BufferedImage
from shared.streams.verdicts import Verdict

BLOCK = 256
"""Records read at once on the way back from a partition's end."""
LOOK_BACK = 1_000
CONTENT_TYPES = (imaging.JPEG, imaging.PNG, imaging.WEBP)
PREVIEW = "preview"
GONE = "neither the log nor image buffer nor a dataset folder has it any more"


@dataclass(frozen=True, slots=True)
class Pixels:
    """An encoded image and where it was."""

    image: bytes
    place: str


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """One frame, what was predicted when it was judged, and its verdicts, the newest first."""

    prediction: Prediction
    verdicts: tuple[Verdict, ...]
    image: bytes


@dataclass
class Judged:
    """What could be read of the frames that were judged last."""

    asked: int = 0
    frames: list[JudgedFrame] = field(default_factory=list)
    places: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)


def judged(settings: Settings, limit: int) -> Judged:
    """At most `limit` frames. Raises Unavailable, SettingsError."""
    found = Judged()
    if not has_data(settings):
        return found
    with open_backend(settings) as backend, closing(backend.log.reader()) as reader:
        places = Places(settings, backend, reader)
        for verdicts in latest_verdicts(backend.log, reader, limit).values():
            found.asked += 1
            prediction = verdicts[0].prediction
            pixels = places.pixels_of(prediction)
            if pixels is None:
                found.unread[GONE] += 1
                continue
            found.places[pixels.place] += 1
            found.frames.append(JudgedFrame(prediction, tuple(verdicts), pixels.image))
    return found


def latest_verdicts(log: Log, reader: Reader, limit: int) -> dict[str, list[Verdict]]:
    """By frame id, of the `limit` frames that were judged last; each frame's verdicts the newest first.

    What was said of them long before the rest (beyond LOOK_BACK verdicts on other frames) is not looked for.
    """
    found: dict[str, list[Verdict]] = {}
    others = 0
    for verdict in _decoded(newest_first(log, reader, VERDICTS.name)):
        frame_id = verdict.prediction.frame.frame_id
        if frame_id in found or len(found) < limit:
            found.setdefault(frame_id, []).append(verdict)
        elif (others := others + 1) > LOOK_BACK:
            break
    return found


def newest_first(log: Log, reader: Reader, stream: str) -> Iterator[Record]:
    """Every record of a stream from its end to its beginning, by log time; read only as far as somebody asks."""

    def backwards(partition: int, start: int, end: int) -> Iterator[Record]:
        while end > start:
            begin = max(start, end - BLOCK)
            yield from reversed(list(reader.scan(stream, partition, begin, end)))
            end = begin

    partitions = [backwards(number, bounds.start, bounds.end) for number, bounds in log.bounds(stream).items()]
    return heapq.merge(*partitions, key=lambda record: -record.time_ms)


def _decoded(records: Iterable[Record]) -> Iterator[Verdict]:
    for record in records:
        try:
            message = VERDICTS.decode(record)
        except InvalidMessage:
            continue  # a dead letter of its readers, and counted there
        if isinstance(message, Verdict) and message.kind != "affirmed":
            yield message


class Places:
    """Where a frame's pixels may be, in the order in which they are looked for."""

    def __init__(self, settings: Settings, backend: OpenBackend, reader: Reader) -> None:
        self._backend, self._reader = backend, reader
        self._collection = settings.read(SamplerConfig).collection
        destinations = settings.read(UploaderConfig).destinations
        self._folders = [one.folder for one in destinations if isinstance(one, DatasetOptions)]

    def pixels_of(self, prediction: Prediction) -> Pixels | None:
        """Raises Unavailable."""
        return (
            self._in_log(prediction)
            or self._in_buffer(prediction)
            or self._in_datasets(prediction)
            or self._preview(prediction)
        )

    def _in_log(self, prediction: Prediction) -> Pixels | None:
        ref = prediction.frame
        try:
            frame = frames.decode(self._reader.read(ref.stream, ref.partition, ref.offset))
            image = self._backend.pixels.image_if_there(frame) if frame.ref.frame_id == ref.frame_id else None
        except (RecordGone, InvalidMessage):
            return None
        return None if image is None else Pixels(image, "log")

    def _in_buffer(self, prediction: Prediction) -> Pixels | None:
        return next((found for at in self._kept_at(prediction) if (found := self._buffered(at, prediction))), None)

    def _buffered(self, at: BufferedImage, prediction: Prediction) -> Pixels | None:
        image = self._backend.images.get(at.key)
        return Pixels(image, "image buffer") if image is not None and _is_of(image, prediction) else None

    def _in_datasets(self, prediction: Prediction) -> Pixels | None:
        for folder in self._folders:
            for at in self._kept_at(prediction):
                file = folder / "images" / f"{safe_name(self._sample_id(prediction))}{Path(at.key).suffix}"
                if file.is_file() and _is_of(image := file.read_bytes(), prediction):
                    return Pixels(image, "dataset folder")
        return None

    def _preview(self, prediction: Prediction) -> Pixels | None:
        image = self._backend.images.get(next(self._kept_at(prediction)).preview_key)
        return None if image is None else Pixels(image, PREVIEW)

    def _kept_at(self, prediction: Prediction) -> Iterator[BufferedImage]:
        """Where the sampler put the sample's image, if it made one: under each ending that it may have."""
        ref = prediction.frame
        for content_type in CONTENT_TYPES:
            yield keys.buffered_image(
                self._collection,
                self._sample_id(prediction),
                time_ms=ref.time_ms,
                content_type=content_type,
                sha256=ref.sha256,
                size=ref.size,
            )

    def _sample_id(self, prediction: Prediction) -> str:
        return ids.sample_id(self._collection, prediction.frame.frame_id, prediction.model_id)


def _is_of(image: bytes, prediction: Prediction) -> bool:
    return hashlib.sha256(image).hexdigest() == prediction.frame.sha256
