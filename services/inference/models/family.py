"""What every model family promises: it says whether a file is one of its own, makes the input, and reads the output.

Promises: a family is pure. It holds no session; it knows its file by its signature alone. Boxes come back in pixels of
the original image.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from services.inference.config import ModelConfig
from services.inference.models.metadata import class_names, image_size_px
from services.inference.preprocess import Floats
from shared.errors import SettingsError
from shared.imaging import Image

_FLOATS: Mapping[str, type[np.float32] | type[np.float16]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output as the file declares it; an axis that is free has a name, or None, for its size."""

    name: str
    shape: tuple[int | str | None, ...]
    type: str

    def __str__(self) -> str:
        return f"{self.name} {list(self.shape)} {self.type}"


@dataclass(frozen=True, slots=True)
class Signature:
    """All that a file says of itself."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"inputs: {', '.join(map(str, self.inputs))}; outputs: {', '.join(map(str, self.outputs))}"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a family that takes one image tensor, NCHW. Sizes are (width, height)."""

    name: str
    batch: int | None
    size_px: tuple[int, int]
    free_size: bool
    dtype: type[np.float32] | type[np.float16]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a model saw in one frame, the surest first. A classifier has no boxes."""

    class_ids: NDArray[np.intp]
    confidences: Floats
    boxes: Floats | None = None


class Family(ABC):
    """One layout of inputs and outputs. Raises SettingsError when the file does not have it."""

    name: ClassVar[str]
    task: ClassVar[Literal["detect", "classify"]]

    def __init__(self, signature: Signature, config: ModelConfig) -> None:
        self.input = image_input(signature)
        self.config = config
        self.names = class_names(signature.metadata, config.names, self.classes(signature))

    @classmethod
    @abstractmethod
    def objection(cls, signature: Signature) -> str | None:
        """Why `family: auto` may not take the file for one of these; None when it may, without guessing."""

    @abstractmethod
    def classes(self, signature: Signature) -> int:
        """How many classes the output has. Raises SettingsError when the output is not laid out as the family's."""

    @abstractmethod
    def prepare(self, image: Image) -> Floats:
        """The (3, H, W) tensor of one BGR image."""

    @abstractmethod
    def check(self, output: Floats) -> None:
        """Looks, at start, at what a blank image gives. Raises SettingsError when it is not what the family writes."""

    @abstractmethod
    def read(self, output: Floats, width_px: int, height_px: int) -> Findings:
        """One frame's first output, without its batch axis, as findings in an image of that size."""


def image_input(signature: Signature) -> ImageInput:
    """Raises SettingsError unless there is exactly one input: float NCHW with three channels."""
    if len(signature.inputs) != 1 or len(signature.inputs[0].shape) != 4:
        raise SettingsError(f"expected a model with one image input of rank 4, got {signature}")
    tensor = signature.inputs[0]
    batch, channels, height, width = tensor.shape
    if isinstance(channels, int) and channels != 3:
        raise SettingsError(f"expected an input [batch, 3, height, width], got {tensor}")
    if tensor.type not in _FLOATS:
        raise SettingsError(f"expected an input of float32 or float16, got {tensor}")
    declared = image_size_px(signature.metadata)
    size = (width if isinstance(width, int) else declared[0], height if isinstance(height, int) else declared[1])
    free = not (isinstance(width, int) and isinstance(height, int))
    return ImageInput(tensor.name, batch if isinstance(batch, int) else None, size, free, _FLOATS[tensor.type])
