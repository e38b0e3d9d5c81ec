"""What can be set: the model (which file, how its outputs are read) and how hard this machine works on it.

Promises: every value is bounded and described; what cannot work together is refused at start.
"""

import os
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from services.inference.sidecar import FamilyName, Names, Share, Sidecar
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


class ShadowConfig(ModelConfig):
    """A second model on the same frames, whose predictions feed comparisons alone."""

    role: Literal["live", "shadow"] = "shadow"


class InferenceOptions(Config):
    """How hard this machine works. What is 0 or auto follows from the machine and the execution provider."""

    provider: Provider = Field(
        default="auto", description="what runs the model; auto: CUDA, OpenVINO, or the CPU, the first that works"
    )
    lanes: int = Field(default=0, ge=0, le=64, description="runs at once, a session each; 0: as the provider likes it")
    threads_per_lane: int = Field(
        default=0, ge=0, le=256, description="a session's own threads; 0: the cores, shared among the lanes"
    )
    decode_threads: int = Field(
        default=0, ge=0, le=256, description="threads that decode beside the lanes; 0: as the provider likes it"
    )
    batch_size: int = Field(
        default=0,
        ge=0,
        le=256,
        description="frames in one run at most, where the batch axis is free; 0: as the provider",
    )
    max_wait_ms: float = Field(
        default=0.0, ge=0, le=1000, description="how long a run that could hold more frames waits for them"
    )
    max_records: int = Field(default=32, ge=1, le=1000, description="frames taken from the log at once")
    max_age_s: float | None = Field(
        default=None,
        gt=0,
        description="frames older than this are skipped up to the newest, counted per source; none: every frame is predicted",
    )


class InferenceConfig(Config):
    """What the inference service reads of the settings."""

    model: ModelConfig | None = Field(description="none: frames pass with empty predictions, until there is a model")
    inference: InferenceOptions = InferenceOptions()

    @property
    def local_model(self) -> ModelConfig | None:
        """The model where its files lie on this machine; None where there is none, or only a release in the bucket."""
        return self.model if self.model is not None and self.model.path is not None else None

    @field_validator("model", mode="before")
    @classmethod
    def _none_is_a_word(cls, value: Any) -> Any:
        """`model: none` is meant; a `model:` with nothing below it is a mistake."""
        if value is None:
            raise ValueError("nothing stands below it; expected settings, or the word none")
        return None if value == "none" else value


class ShadowsConfig(Config):
    """What a process that runs the shadow reads of the settings."""

    shadow: ShadowConfig | None = Field(
        default=None, description="a second model on the same frames, for comparison alone; none: there is no such"
    )
    inference: InferenceOptions = InferenceOptions()

    @field_validator("shadow")
    @classmethod
    def _stays_a_shadow(cls, shadow: ShadowConfig | None) -> ShadowConfig | None:
        if shadow is not None and shadow.role == "live":
            raise ValueError("role: expected shadow, got live; the live model stands below `model`")
        return shadow


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: those it may run on, and no more than its container's share (cgroup v2)."""
    allowed = len(os.sched_getaffinity(0))
    try:
        share_us, period_us = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return allowed
    return allowed if share_us == "max" else max(1, min(allowed, int(share_us) // int(period_us)))
