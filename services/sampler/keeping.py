"""Keeping: from a drawn frame to an image in the buffer, read by reference (once more, where the frame is one) and checked.

Promises: the bytes that are stored are the bytes that were predicted (size, sha256 and frame id are compared); image first,
then preview, then sidecar; writing the same sample twice writes the same bytes under the same keys.
"""

from dataclasses import dataclass

from shared import imaging
from shared.errors import InvalidImage, InvalidMessage, RecordGone
from shared.ports.images import Images
from shared.ports.log import Reader
from shared.runtime.pixels import FramePixels
from shared.streams import frames, keys
from shared.streams.frames import Frame, FrameRef
from shared.streams.predictions import Prediction
from shared.streams.samples import BufferedImage, Sample


@dataclass(frozen=True, slots=True)
class Pixels:
    """A frame that was read back: its bytes and the preview made of them; or why there are none."""

    image: bytes = b""
    content_type: str = ""
    preview: bytes = b""
    missing: str | None = None


class Keeper:
    def __init__(self, reader: Reader, frame_pixels: FramePixels, images: Images, preview_px: int) -> None:
        self._reader = reader
        self._frame_pixels = frame_pixels
        self._images = images
        self._preview_px = preview_px

    def read(self, ref: FrameRef) -> Pixels:
        """The frame's pixels, or `expired` / `unreadable`. Raises Unavailable."""
        frame = self._frame(ref)
        if frame is None:
            return Pixels(missing="expired")
        try:
            # Not waited for: it was there when it was predicted.
            image = self._frame_pixels.image_if_there(frame)
        except InvalidMessage:
            return Pixels(missing="unreadable")
        return Pixels(missing="expired") if image is None else self._pixels(image)

    def _frame(self, ref: FrameRef) -> Frame | None:
        try:
            frame = frames.decode(self._reader.read(ref.stream, ref.partition, ref.offset))
        except (RecordGone, InvalidMessage):
            return None
        # Another record at the same place: the stream was made anew, or the log lost its tail.
        # Or somebody wrote another log time into the reference, by which windows and limits would go.
        return frame if frame.ref == ref else None

    def _pixels(self, image: bytes) -> Pixels:
        try:
            preview = imaging.preview(imaging.decode(image), self._preview_px)
        except InvalidImage:
            return Pixels(missing="unreadable")
        return Pixels(image, imaging.sniff(image) or "application/octet-stream", preview)

    def place(self, collection: str, sample_id: str, prediction: Prediction, pixels: Pixels) -> BufferedImage | None:
        """Where the sample's image will lie; None when there is no image."""
        if pixels.missing is not None:
            return None
        ref = prediction.frame
        return keys.buffered_image(
            collection,
            sample_id,
            time_ms=ref.time_ms,
            content_type=pixels.content_type,
            sha256=ref.sha256,
            size=ref.size,
        )

    def put(self, at: BufferedImage, pixels: Pixels, sample: Sample) -> None:
        """Image, then preview, then sidecar: whoever finds a sidecar finds its image."""
        self.put_image(at, pixels)
        self.put_preview(at, pixels)
        self.put_sidecar(at, sample)

    def put_image(self, at: BufferedImage, pixels: Pixels) -> None:
        self._images.put(at.key, pixels.image, at.content_type)

    def put_preview(self, at: BufferedImage, pixels: Pixels) -> None:
        self._images.put(at.preview_key, pixels.preview, "image/jpeg")

    def put_sidecar(self, at: BufferedImage, sample: Sample) -> None:
        """A copy of the sample for whoever looks into the bucket; the truth is the stream."""
        self._images.put(at.sidecar_key, sample.to_bytes(), "application/json")

    def holds(self, at: BufferedImage) -> bool:
        return self._images.stat(at.key) is not None
