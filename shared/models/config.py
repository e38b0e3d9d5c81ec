"""What can be said in the settings of one exported model: where its file is, how it is read, what of its answers counts.

Promises: every value is bounded and described; what cannot work together is refused at start.
"""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from shared.models.sidecar import FamilyName, Names, Share, Sidecar
from shared.settings import Config

Provider = Literal["auto", "cpu", "cuda", "tensorrt", "openvino"]


class ModelConfig(Config):
    """One exported ONNX model: from a file, from a folder, or the newest release that was pushed under its id."""

    path: Path | None = Field(
        default=None, description="the .onnx file, or the folder that holds it; none: the release pushed under `id`"
    )
    id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="name in predictions and samples; empty: the file's name without its ending",
    )
    role: Literal["live", "shadow"] = Field(
        default="live", description="shadow: predictions are marked, and feed comparisons alone"
    )
    fraction: float = Field(
        default=1.0, gt=0, le=1, description="share of the frames that a shadow predicts, by a hash of the frame's id"
    )
    check_every_s: float = Field(
        default=10.0, ge=0.1, le=3600, description="how often it is looked whether there is another version"
    )
    sidecar: Path | None = Field(
        default=None, description="what the file does not say of itself; none: `<model>.gleaner.yaml` beside it"
    )
    family: FamilyName = Field(default="auto", description="layout of inputs and outputs; auto: read from the file")
    names: Names | None = Field(default=None, description="class names, a list or id: name; none: those in the file")
    threshold: Share = Field(
        default=0.5, description="product threshold: confidence from which the product shows a box"
    )
    class_thresholds: dict[str, Share] = Field(
        default_factory=dict, description="product threshold per class name, where it differs"
    )
    lowest_confidence: Share = Field(
        default=0.05, description="boxes above it are carried, since weak ones tell what the model misses"
    )
    iou: Share | None = Field(
        default=None,
        description="overlap above which the weaker of two boxes of a class is dropped; none: as the family does (0.7, 0.45)",
    )
    max_detections: int | None = Field(
        default=None, ge=1, le=3000, description="boxes carried per frame, the surest first; none: 300"
    )

    @model_validator(mode="after")
    def _carries_what_the_product_shows(self) -> "ModelConfig":
        smallest = min([self.threshold, *self.class_thresholds.values()])
        if self.lowest_confidence > smallest:
            raise ValueError(f"lowest_confidence {self.lowest_confidence} is above the product threshold {smallest}")
        return self

    @model_validator(mode="after")
    def _is_to_be_found(self) -> "ModelConfig":
        if self.path is None and not self.id:
            raise ValueError("expected `path` (a file or folder), or `id` alone for the release pushed under it")
        return self

    @model_validator(mode="after")
    def _a_share_is_a_shadows(self) -> "ModelConfig":
        if self.fraction < 1 and self.role == "live":
            raise ValueError(f"fraction {self.fraction} is for `role: shadow`; a live model predicts every frame")
        return self

    @property
    def model_id(self) -> str:
        return self.id or (re.sub(r"[^A-Za-z0-9._-]", "-", self.path.stem)[:64] if self.path else "") or "model"

    def said(self) -> Sidecar:
        """What the settings say of the file itself, as a sidecar: it wins over any other."""
        said = {"names": self.names, "max_det": self.max_detections, "nms": {"iou": self.iou}}
        family = None if self.family == "auto" else self.family
        return Sidecar.model_validate({"family": family, **said})
