"""The veil that everything goes through which is stored of a frame: hidden first, then scaled and encoded, once.

Promises: with privacy on, what comes out is made of pixels alone (no EXIF, no place, no thumbnail), and the same bytes and
prediction give the same bytes. What cannot be hidden for certain is Withheld. Where nothing is asked for, nothing is changed.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.sampler.privacy.hiding import hide
from services.sampler.privacy.options import Privacy, Size
from services.sampler.privacy.regions import check_same_shape, of_boxes, of_masks
from services.sampler.privacy.withheld import Withheld
from services.sampler.reencoding import ImageOptions, encoded, needs_encoding, scaled
from shared import imaging
from shared.errors import InvalidImage, SettingsError
from shared.imaging import Image
from shared.streams.predictions import Detection, Prediction
from shared.streams.samples import NOTHING_TO_HIDE

if TYPE_CHECKING:
    from services.sampler.privacy.finder import Finder


@dataclass(frozen=True, slots=True)
class Veiled:
    """What may be stored of a frame. `altered`: what was done, in words; empty where the bytes are the frame's own."""

    data: bytes
    content_type: str
    pixels: Image
    """BGR, upright: for the preview. Never the frame's where something is hidden."""
    altered: tuple[str, ...] = ()

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Veil:
    """Used by one thread. Raises SettingsError where the second model cannot work."""

    def __init__(self, privacy: Privacy, image: ImageOptions | None = None) -> None:
        self._privacy = privacy
        self._image = image or ImageOptions()
        self._finder = _finder(privacy)

    def apply(self, data: bytes, prediction: Prediction) -> Veiled:
        """Of a frame's encoded bytes. Raises Withheld, InvalidImage where nothing was to be hidden in what is none."""
        pixels, content_type = self._decoded(data)
        if not self._privacy.is_on and not needs_encoding(data, pixels, self._image):
            return Veiled(data, content_type, pixels)
        hidden = self._hidden(pixels, prediction) if self._privacy.is_on else ()
        size_px = pixels.shape[:2]
        try:
            new, content_type, pixels = encoded(pixels, content_type, self._image)
        except InvalidImage as error:
            raise Withheld(f"what may be seen of the frame cannot be encoded: {error}") from error
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        resized = (f"scaled to {size}",) if pixels.shape[:2] != size_px else ()
        return Veiled(new, content_type, pixels, (*hidden, *resized, f"encoded as {content_type}"))

    def _decoded(self, data: bytes) -> tuple[Image, str]:
        try:
            return imaging.decode(data), imaging.sniff(data) or ""
        except InvalidImage as error:
            if not self._privacy.is_on:
                raise
            raise Withheld(f"the frame cannot be read: {error}") from error

    def _hidden(self, pixels: Image, prediction: Prediction) -> tuple[str, ...]:
        """Hides in the pixels; what, in words. The second model looks first: what is hidden already might mislead it."""
        size_px = (int(pixels.shape[1]), int(pixels.shape[0]))
        boxes, counts = self._finder.find(pixels) if self._finder else ([], Counter[str]())
        polygons = of_boxes(boxes, self._privacy.grow)
        for masks in self._privacy.masks_of(prediction.source_id):
            polygons += of_masks(masks, size_px)
            counts["masked region"] += len(masks.regions)
        for detection in self._of_blurred_classes(prediction, size_px):
            polygons += of_boxes([detection.box], self._privacy.grow)
            counts[detection.class_name] += 1
        for polygon in polygons:
            hide(pixels, polygon, self._privacy.method)
        hidden = tuple(f"{self._privacy.method}: {name} {count}" for name, count in sorted(counts.items()))
        return hidden or (NOTHING_TO_HIDE,)  # said, so that it is not taken for what was kept before there was privacy

    def _of_blurred_classes(self, prediction: Prediction, size_px: Size) -> tuple[Detection, ...]:
        """Whatever their confidence, in the pixels of the frame as it is."""
        if not self._privacy.blur:
            return ()
        if prediction.task == "classify":
            raise Withheld(
                "privacy.blur: the prediction says what the frame shows, not where; `privacy.model` can find it"
            )
        named = [one for one in prediction.detections if one.class_name in self._privacy.blur]
        if not named:
            return ()
        check_same_shape((prediction.width_px, prediction.height_px), size_px, "the prediction is of a picture")
        return scaled(prediction.model_copy(update={"detections": tuple(named)}), *size_px).detections


def _finder(privacy: Privacy) -> "Finder | None":
    """onnxruntime is needed, and loaded, where there is a second model alone."""
    if privacy.model is None:
        return None
    try:
        from services.sampler.privacy.finder import Finder
    except ImportError as error:
        raise SettingsError(
            f"privacy.model: the sampler cannot run {privacy.model} here ({error}): pip install 'gleaner-vision[privacy]'"
        ) from error
    return Finder(privacy)
