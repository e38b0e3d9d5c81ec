"""Keeping: from a drawn frame to an image in the buffer, read by reference (once more, where the frame is one) and checked.

Promises: the bytes that are read are the bytes that were predicted (size, sha256 and frame id are compared); nothing is stored
of them that did not go through the veil (privacy, size); image first, then preview, then sidecar; writing the same sample
twice writes the same bytes under the same keys.
"""

from dataclasses import dataclass

from services.sampler.privacy.veil import Veil, Veiled
from services.sampler.privacy.withheld import Withheld
from shared import imaging
from shared.errors import InvalidImage, InvalidMessage, RecordGone
from shared.ports.images import Images
from shared.ports.log import Reader
from shared.runtime.pixels import FramePixels
from shared.streams import frames, keys
from shared.streams.frames import Frame, FrameRef
from shared.streams.predictions import Prediction
from shared.streams.samples import BufferedImage, Sample
from shared.telemetry import logs

DROPPED = b""
"""The memo of a frame that a gate took away from the only strategies that had drawn it: no sample comes of it."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """A frame that was read back: what may be stored of it and the preview made of that; or why there is nothing.

    `frame`: the frame's own bytes, for the gates alone.
    """

    veiled: Veiled | None = None
    preview: bytes = b""
    frame: bytes = b""
    missing: str | None = None


class Keeper:
    def __init__(self, reader: Reader, frame_pixels: FramePixels, images: Images, preview_px: int, veil: Veil) -> None:
        self._reader = reader
        self._frame_pixels = frame_pixels
        self._images = images
        self._preview_px = preview_px
        self._veil = veil

    def read(self, prediction: Prediction) -> Pixels:
        """The frame's pixels, or `expired`, `unreadable`, `withheld`. Raises Unavailable."""
        frame = self._frame(prediction.frame)
        if frame is None:
            return Pixels(missing="expired")
        try:
            # Not waited for: it was there when it was predicted.
            image = self._frame_pixels.image_if_there(frame)
        except InvalidMessage:
            return Pixels(missing="unreadable")
        return Pixels(missing="expired") if image is None else self._pixels(image, prediction)

    def _frame(self, ref: FrameRef) -> Frame | None:
        try:
            frame = frames.decode(self._reader.read(ref.stream, ref.partition, ref.offset))
        except (RecordGone, InvalidMessage):
            return None
        # Another record at the same place: the stream was made anew, or the log lost its tail.
        # Or somebody wrote another log time into the reference, by which windows and limits would go.
        return frame if frame.ref == ref else None

    def _pixels(self, image: bytes, prediction: Prediction) -> Pixels:
        """Nothing is stored, no preview either, that did not go through the veil."""
        try:
            veiled = self._veil.apply(image, prediction)
        except InvalidImage:
            return Pixels(missing="unreadable")
        except Withheld as why:
            logs.get(service="sampler").warning("image.withheld", source_id=prediction.source_id, why=str(why))
            return Pixels(missing="withheld")
        return Pixels(veiled, imaging.preview(veiled.pixels, self._preview_px), image)

    def place(self, collection: str, sample_id: str, prediction: Prediction, pixels: Pixels) -> BufferedImage | None:
        """Where the sample's image will lie; None when there is no image."""
        veiled, ref = pixels.veiled, prediction.frame
        if veiled is None:
            return None
        own = not veiled.altered
        at = keys.buffered_image(
            collection,
            sample_id,
            time_ms=ref.time_ms,
            content_type=veiled.content_type or "application/octet-stream",
            sha256=ref.sha256 if own else veiled.sha256,
            size=len(veiled.data),
        )
        sizes = {"width_px": veiled.width_px, "height_px": veiled.height_px, "altered": veiled.altered}
        return at if own else at.model_copy(update=sizes)

    def put(self, at: BufferedImage, pixels: Pixels, sample: Sample) -> None:
        """Image, then preview, then sidecar: whoever finds a sidecar finds its image."""
        self.put_image(at, pixels)
        self.put_preview(at, pixels)
        self.put_sidecar(at, sample)

    def put_image(self, at: BufferedImage, pixels: Pixels) -> None:
        assert pixels.veiled is not None, "only what was read is put"
        self._images.put(at.key, pixels.veiled.data, at.content_type)

    def put_preview(self, at: BufferedImage, pixels: Pixels) -> None:
        self._images.put(at.preview_key, pixels.preview, "image/jpeg")

    def put_sidecar(self, at: BufferedImage, sample: Sample) -> None:
        """A copy of the sample for whoever looks into the bucket; the truth is the stream."""
        self._images.put(at.sidecar_key, sample.to_bytes(), "application/json")

    def holds(self, at: BufferedImage) -> bool:
        return self._images.stat(at.key) is not None
