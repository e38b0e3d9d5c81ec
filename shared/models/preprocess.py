"""From an image to a model's input: resize, pad or crop, colour, scale, mean and deviation, layout.

Promises: the same numbers as the model families' own code, tested against it; no pixel is copied more often than it changes.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidImage
from shared.imaging import MAX_PIXELS, Image
from shared.models import placement as places
from shared.models.placement import PAD_VALUE, Floats, Placement, Size
from shared.models.resampling import resize_antialiased
from shared.models.sidecar import InputOptions, Three

Tensor = NDArray[Any]
"""(3, H, W) or (H, W, 3) in the type that the model takes; float32 where it takes half precision, until frames are stacked."""

__all__ = ["Floats", "Preparation", "Tensor", "centre_crop", "unit_tensor"]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How one model wants its image. `size_px`, (width, height), is None where the model takes any size."""

    size_px: Size | None
    mode: Literal["letterbox", "stretch", "shortest_edge", "none"] = "letterbox"
    align: Literal["center", "top-left"] = "center"
    rounding: Literal["round", "trunc"] = "round"
    stride: int | None = None
    pad_value: int = PAD_VALUE
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    antialias: bool = False
    shortest_px: int | None = None
    longest_px: int | None = None
    multiple_px: int = 1
    crop_px: int | None = None
    color: Literal["rgb", "bgr"] = "rgb"
    scale: float = 255.0
    mean: Three | None = None
    std: Three | None = None
    channels_last: bool = False
    bytes_in: bool = False
    """The model takes bytes: nothing is scaled."""

    @classmethod
    def of(cls, options: InputOptions, **known: Any) -> "Preparation":
        """What the sidecar says, and what is known of the file."""
        resize = options.resize.model_dump(exclude_none=True)
        own = options.model_dump(include={"color", "scale", "mean", "std"}, exclude_none=True)
        crop = {} if options.center_crop is None else {"crop_px": options.center_crop}
        return cls(**{**known, **resize, **own, **crop})

    def place(self, image_px: Size) -> Placement:
        """Where an image of that size comes to lie."""
        match self.mode:
            case "none":
                return places.as_it_is(image_px)
            case "shortest_edge":
                shortest_px = self.shortest_px or min(self._size())
                return places.shortest_edge(image_px, shortest_px, self.longest_px, self.multiple_px)
            case "stretch":
                return places.stretch(image_px, self._size())
        return places.letterbox(image_px, self._size(), stride=self.stride, align=self.align, rounding=self.rounding)

    def canvas(self, image: Image) -> tuple[Image, Placement]:
        """The image on its canvas, HxWx3 bytes, BGR still."""
        placement = self.place((image.shape[1], image.shape[0]))
        canvas = placement.padded(self._scaled(image, placement.scaled_px), self.pad_value)
        return (canvas if self.crop_px is None else self._middle(canvas, self.crop_px)), placement

    def tensor(self, canvas: Image) -> Tensor:
        """The canvas as the model takes it."""
        if self.bytes_in:
            ordered = canvas[:, :, ::-1] if self.color == "rgb" else canvas
            return np.ascontiguousarray(ordered if self.channels_last else ordered.transpose(2, 0, 1))
        planes = unit_tensor(canvas, self.scale, self.color)
        if self.mean is not None:
            planes -= np.array(self.mean, np.float32)[:, None, None]
        if self.std is not None:
            planes /= np.array(self.std, np.float32)[:, None, None]
        return np.ascontiguousarray(planes.transpose(1, 2, 0)) if self.channels_last else planes

    def _scaled(self, image: Image, size_px: Size) -> Image:
        """Raises InvalidImage where a long strip, its short edge enlarged, would fill the memory."""
        if size_px == (image.shape[1], image.shape[0]):
            return image
        if size_px[0] * size_px[1] > MAX_PIXELS:
            raise InvalidImage(
                f"an image of {image.shape[1]}x{image.shape[0]} pixels would be {size_px[0]}x{size_px[1]} for this model: "
                f"at most {MAX_PIXELS:,} pixels are scaled"
            )
        if self.antialias:
            return resize_antialiased(image, size_px, self.interpolation)
        curve = cv2.INTER_CUBIC if self.interpolation == "bicubic" else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, size_px, interpolation=curve), np.uint8)

    def _middle(self, canvas: Image, side_px: int) -> Image:
        return centre_crop(canvas, (side_px, side_px), self.rounding)

    def _size(self) -> Size:
        assert self.size_px is not None, "a family whose model takes any size must resize by its edges, or not at all"
        return self.size_px


def unit_tensor(image: Image, scale: float = 255.0, color: Literal["rgb", "bgr"] = "rgb") -> Floats:
    """HxWx3 BGR bytes as a (3, H, W) tensor divided by `scale`: 0..1 with 255."""
    planes = np.empty((3, *image.shape[:2]), np.float32)
    channels = cv2.split(image)  # a whole plane divides twice as fast as every third byte of an image
    for plane, channel in zip(planes, channels[::-1] if color == "rgb" else channels, strict=True):
        np.divide(channel, np.float32(scale), out=plane)
    return planes


def centre_crop(image: Image, size_px: Size, rounding: Literal["round", "trunc"] = "round") -> Image:
    """The middle of an image that is at least that large.

    Halves go to the even neighbour (torchvision, `CenterCrop`), or are cut off (transformers, `center_crop`).
    """
    whole = round if rounding == "round" else int
    (width, height), (image_height, image_width) = size_px, image.shape[:2]
    top, left = whole((image_height - height) / 2), whole((image_width - width) / 2)
    return image[top : top + height, left : left + width]
