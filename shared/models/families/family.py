"""What every model family promises: it says whether a file is one of its own, makes the input, and reads the outputs.

Promises: a family is pure. It holds no session; it knows its file by its signature and what is said beside it. Boxes come
back as xyxy in pixels of the original image, clipped to it, the surest first.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.imaging import MAX_PIXELS, Image
from shared.models.families.metadata import class_names, image_size_px, stride_px
from shared.models.placement import Floats, Placement, Size
from shared.models.preprocess import Preparation
from shared.models.preprocess import Tensor as Pixels
from shared.models.sidecar import Sidecar

Outputs = Mapping[str, NDArray[Any]]
"""By name, as the runtime gives them: of a run with a frames axis first, or, after `split`, of one frame."""

MOST_DETECTIONS = 300
DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output as the file declares it; an axis that is free has a name, or None, for its size."""

    name: str
    shape: tuple[int | str | None, ...]
    type: str

    @property
    def plain_name(self) -> str:
        """Without the `:0` that TensorFlow's names may end with."""
        return self.name.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} {self.type}"


@dataclass(frozen=True, slots=True)
class Signature:
    """All that a file says of itself."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def output(self, name: str) -> Tensor | None:
        """The output of that name, a `:0` behind it or not."""
        return next((one for one in self.outputs if one.plain_name == name), None)

    def input(self, name: str) -> Tensor | None:
        return next((one for one in self.inputs if one.plain_name == name), None)

    def __str__(self) -> str:
        return f"inputs: {_few(self.inputs)}; outputs: {_few(self.outputs)}"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The input that takes the pixels. `batch`: how many frames a run must have, None where it is free."""

    name: str
    batch: int | None
    size_px: Size
    free_size: bool
    dtype: type[np.generic]
    channels_last: bool = False
    batched: bool = True
    """False: the input is one image, [3, H, W], without a frames axis."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One frame, ready to run: its tensor, and where its image lies on it."""

    tensor: Pixels
    placement: Placement


@dataclass(frozen=True, slots=True)
class Findings:
    """What a model saw in one frame, the surest first. A classifier has no boxes."""

    class_ids: NDArray[np.intp]
    confidences: Floats
    boxes: Floats | None = None
    keypoints: Floats | None = None
    """(N, K, 3): x, y in pixels of the original image, confidence (1 where the model gives none)."""

    def sane(self) -> "Findings":
        """Without what says nothing: a class before the first, a confidence or a box that is no number."""
        says = (self.class_ids >= 0) & np.isfinite(self.confidences)
        if self.boxes is not None:
            says &= np.isfinite(self.boxes).all(axis=1)
        if says.all():
            return self
        boxes = None if self.boxes is None else self.boxes[says]
        points = None if self.keypoints is None else self.keypoints[says]
        return Findings(self.class_ids[says], self.confidences[says], boxes, points)


class Family(ABC):
    """One layout of inputs and outputs. Raises SettingsError when the file does not have it."""

    name: ClassVar[str]
    task: Literal["detect", "classify"] = "detect"
    habits: ClassVar[Sidecar] = Sidecar()
    """What the family's own code does; the file, a sidecar and the settings may say otherwise."""
    other_inputs: ClassVar[frozenset[str]] = frozenset()
    """Names of the inputs beside the image that this family feeds."""

    def __init__(self, signature: Signature, said: Sidecar, lowest_confidence: float = 0.05) -> None:
        """`said`: what sidecar and settings say of this file."""
        self.signature = signature
        self.said = said.over(self.habits)
        self.lowest_confidence = lowest_confidence
        self.input = image_input(signature, self.said, self.other_inputs)
        self.preparation = self.prepares()
        self.names = self.named()

    @classmethod
    @abstractmethod
    def objection(cls, signature: Signature) -> str | None:
        """Why `family: auto` may not take the file for one of these; None when it may, without guessing."""

    @abstractmethod
    def classes(self, signature: Signature) -> int | None:
        """How many classes the output has, None where it does not show. Raises SettingsError for another layout."""

    @abstractmethod
    def check(self, outputs: Outputs, prepared: Prepared) -> None:
        """Looks, at start, at what a blank image gives (one frame's outputs). Settles what only a run can tell.

        Raises SettingsError when it is not what the family writes.
        """

    @abstractmethod
    def read(self, outputs: Outputs, placement: Placement) -> Findings:
        """One frame's outputs as findings in its image. Must not fail, whatever the numbers."""

    def prepares(self) -> Preparation:
        """How the image becomes the input."""
        return Preparation.of(self.said.input, **self.known_of_input())

    def known_of_input(self) -> dict[str, Any]:
        """What the file says of its input, as options of `Preparation`."""
        return {
            "size_px": self.input.size_px,
            "channels_last": self.input.channels_last,
            "bytes_in": self.input.dtype is np.uint8,
        }

    def named(self) -> tuple[str, ...]:
        """A name for each class."""
        return class_names(self.signature.metadata, self.said.names, self.classes(self.signature), self.said.class_base)

    def prepare(self, image: Image) -> Prepared:
        """A BGR image, HxWx3, as the model takes it."""
        canvas, placement = self.preparation.canvas(image)
        return Prepared(self.preparation.tensor(canvas), placement)

    def feeds(self, prepared: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
        """What goes into a run of these frames, whose tensors have one shape."""
        if not self.input.batched:
            return {self.input.name: prepared[0].tensor.astype(self.input.dtype, copy=False)}
        if len(prepared) == 1:  # no copy where there is nothing to stack
            return {self.input.name: prepared[0].tensor[None].astype(self.input.dtype, copy=False)}
        return {self.input.name: np.stack([one.tensor for one in prepared]).astype(self.input.dtype, copy=False)}

    def split(self, outputs: Outputs, frames: int) -> list[dict[str, NDArray[Any]]]:
        """Each frame's own outputs, without the frames axis."""
        return [{name: array[number] for name, array in outputs.items()} for number in range(frames)]

    @property
    def most(self) -> int:
        """Boxes kept per frame."""
        return self.said.max_det or MOST_DETECTIONS

    def only_output(self, outputs: Outputs) -> NDArray[Any]:
        """The first output, of families that have one that matters."""
        return np.asarray(outputs[self.signature.outputs[0].name])


def image_input(signature: Signature, said: Sidecar, others: frozenset[str] = frozenset()) -> ImageInput:
    """Raises SettingsError unless one input takes pixels: rank 4 (or one image, rank 3), three channels, floats or bytes."""
    images = [one for one in signature.inputs if one.plain_name not in others]
    if len(images) != 1 or len(images[0].shape) not in (3, 4):
        raise SettingsError(f"expected a model with one image input of rank 4, got {signature}")
    tensor = images[0]
    batched = len(tensor.shape) == 4
    batch, *rest = tensor.shape if batched else (1, *tensor.shape)
    channels_last = _is_channels_last(rest)
    height, width = rest[:2] if channels_last else rest[1:]
    channels = rest[2] if channels_last else rest[0]
    if isinstance(channels, int) and channels != 3:
        raise SettingsError(f"expected an input [batch, 3, height, width] or [batch, height, width, 3], got {tensor}")
    if tensor.type not in DTYPES:
        raise SettingsError(f"expected an input of float32, float16 or uint8, got {tensor}")
    declared = said.input.size[::-1] if said.input.size else image_size_px(signature.metadata)
    size = (width if isinstance(width, int) else declared[0], height if isinstance(height, int) else declared[1])
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise SettingsError(
            f"expected an input of 1 to {MAX_PIXELS:,} pixels, got {size[0]}x{size[1]} (width x height); {tensor}"
        )
    free = not (isinstance(width, int) and isinstance(height, int))
    fixed = batch if isinstance(batch, int) else None
    return ImageInput(tensor.name, fixed, size, free, DTYPES[tensor.type], channels_last, batched)


def _few(tensors: Sequence[Tensor], most: int = 12) -> str:
    more = f" and {len(tensors) - most:,} more" if len(tensors) > most else ""
    return ", ".join(map(str, tensors[:most])) + more


def _is_channels_last(rest: Sequence[int | str | None]) -> bool:
    """ONNX.md 2: when the last axis has the channels and the first has not."""
    return rest[-1] == 3 and rest[0] != 3


def free_stride(family: Family) -> int | None:
    """The stride whose smallest rectangle a model with free axes gets (Ultralytics: `rect`); None for a fixed size."""
    return stride_px(family.signature.metadata) if family.input.free_size else None
