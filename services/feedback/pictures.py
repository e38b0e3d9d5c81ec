"""Pictures: the image that a prediction is about, as it is or with its boxes drawn.

Promises: what is given out is that very frame's (the log's bytes by their hash, the buffer's by the sample's id), is JPEG, PNG
or WebP by its content, and small enough; where the settings hide parts of images, only what was kept after that is shown.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from services.feedback.lookup.readers import Readers, within
from services.feedback.recent import drawing
from services.feedback.refusals import PredictionGone
from shared import imaging
from shared.errors import InvalidImage, InvalidMessage, RecordGone
from shared.ports import Images, Log, State
from shared.runtime.pixels import FramePixels
from shared.streams import frames, ids, keys
from shared.streams.predictions import Prediction
from shared.streams.samples import BufferedImage

MAX_BYTES = 20_000_000
READING, DRAWING = 8, 2
"""Images in memory at once: encoded ones, and decoded ones, which may have 150 MB each."""
JPEG_QUALITY = 90
_WHERE = "prediction_id"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded image. `sha256`: of its bytes."""

    data: bytes
    content_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Look:
    """How it is wanted: with boxes, with those below the product threshold too, its longer side no longer than that."""

    boxes: bool = False
    weak: bool = False
    max_side_px: int | None = None

    @property
    def name(self) -> str:
        return f"{'b' if self.boxes else ''}{'w' if self.boxes and self.weak else ''}{self.max_side_px or ''}"


class _Remembered(BaseModel):
    """What is read of a memo, be it a design's or a neighbour's."""

    image: BufferedImage | None = None


class Pictures:
    """Any thread may ask. `raw_images`: False where the settings have `privacy`; `collections`: whose samples to look for."""

    def __init__(
        self,
        log: Log,
        state: State,
        images: Images,
        pixels: FramePixels,
        timeout_s: float,
        *,
        collections: Sequence[str],
        raw_images: bool = True,
    ) -> None:
        self._state = state
        self._images = images
        self._pixels = pixels
        self._timeout_s = timeout_s
        self._collections = tuple(collections)
        self._raw_images = raw_images
        self._readers = Readers(log, timeout_s)
        self._reading = ThreadPoolExecutor(READING, thread_name_prefix="feedback-images")
        self._drawing = ThreadPoolExecutor(DRAWING, thread_name_prefix="feedback-drawing")

    def find(self, prediction: Prediction) -> Picture:
        """The image: the frame's own, else the one that a sample has. Raises PredictionGone, Unavailable."""
        data = self._in_time("log", self._reading.submit(self._frame, prediction)) if self._raw_images else None
        if data is None:
            data = self._in_time("image buffer", self._reading.submit(self._kept, prediction))
        if data is None:
            raise PredictionGone(_why_gone(self._raw_images), _WHERE)
        return _picture(data)

    def render(self, picture: Picture, prediction: Prediction, look: Look) -> Picture:
        """The image as it is wanted. Raises PredictionGone (its pixels cannot be read), Unavailable."""
        if not look.boxes and _fits(picture, look):
            return picture
        return self._in_time("image drawing", self._drawing.submit(_rendered, picture, prediction, look))

    def close(self) -> None:
        self._drawing.shutdown()
        self._reading.shutdown()
        self._readers.close()

    def _frame(self, prediction: Prediction) -> bytes | None:
        ref = prediction.frame
        try:
            frame = frames.decode(self._readers.read(ref.stream, ref.partition, ref.offset))
            if frame.ref != ref or ref.size > MAX_BYTES:
                return None
            return self._pixels.image_if_there(frame)
        except (RecordGone, InvalidMessage):
            return None

    def _kept(self, prediction: Prediction) -> bytes | None:
        """The sample's image, or its preview, which stays when the image has been delivered."""
        for image in self._samples_images(prediction):
            if not self._raw_images and not image.is_veiled:  # kept before the settings hid anything
                continue
            data = self._images.get(image.key)
            if data is not None and hashlib.sha256(data).hexdigest() == image.sha256:
                return data
            preview = None if image.preview_key == image.key else self._images.get(image.preview_key)
            if preview is not None:
                return preview
        return None

    def _samples_images(self, prediction: Prediction) -> Iterator[BufferedImage]:
        """As draws, verdicts and exposures left them in the state store."""
        for collection in self._collections:
            sample_id = ids.sample_id(collection, prediction.frame.frame_id, prediction.model_id)
            memo = self._state.memo(keys.memo_key(collection, sample_id))
            if memo is not None and memo.decision and memo.refused_by is None:
                remembered = _Remembered.model_validate_json(memo.decision)
                if remembered.image is not None:
                    yield remembered.image
            by_people = [keys.kept_key(collection, sample_id), keys.held_key(collection, sample_id)]
            yield from (BufferedImage.model_validate_json(one) for one in self._state.get_many(by_people) if one)

    def _in_time(self, dependency: str, future: "Future[T]") -> T:
        try:
            return within(self._timeout_s, dependency, future)
        finally:
            future.cancel()


def _why_gone(raw_images: bool) -> str:
    if raw_images:
        return "the image is gone: it is older than what `frames` keeps, and was not chosen, or not kept any more"
    return (
        "the settings hide parts of images (privacy), so only images that were kept are shown: this one was not chosen, "
        "or is not kept any more"
    )


def _picture(data: bytes) -> Picture:
    content_type = imaging.sniff(data)
    if content_type is None or len(data) > MAX_BYTES:
        raise PredictionGone("the frame is no JPEG, PNG or WebP image, or is too large to be shown", _WHERE)
    return Picture(data, content_type, hashlib.sha256(data).hexdigest())


def _fits(picture: Picture, look: Look) -> bool:
    """Whether it is small enough as it is, told by its header."""
    if look.max_side_px is None:
        return True
    return _readable(lambda: max(imaging.dimensions(picture.data))) <= look.max_side_px


def _rendered(picture: Picture, prediction: Prediction, look: Look) -> Picture:
    image = _readable(lambda: imaging.decode(picture.data))
    if look.max_side_px is not None:
        image = drawing.shrunk(image, look.max_side_px)
    if look.boxes:
        drawing.draw(image, prediction, weak=look.weak)
    data = _readable(lambda: imaging.encode_jpeg(image, JPEG_QUALITY))
    return Picture(data, imaging.JPEG, hashlib.sha256(data).hexdigest())


def _readable(read: Callable[[], T]) -> T:
    try:
        return read()
    except InvalidImage as error:
        raise PredictionGone(
            "the image cannot be read: its bytes are damaged, or it has too many pixels", _WHERE
        ) from error
