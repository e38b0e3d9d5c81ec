"""What can be set: the model (which file, how its outputs are read) and how hard this machine works on it.

Promises: every value is bounded and described; what cannot work together is refused at start.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from shared.settings import Config

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class ModelConfig(Config):
    """One exported ONNX model."""

    path: Path = Field(description="the .onnx file")
    id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="name in predictions and samples; empty: the file's name without its ending",
    )
    family: Literal["auto", "ultralytics", "classify"] = Field(
        default="auto", description="layout of inputs and outputs; auto: read from the file"
    )
    names: tuple[str, ...] | dict[int, str] | None = Field(
        default=None, description="class names, a list or id: name; none: those in the file"
    )
    threshold: Share = Field(
        default=0.5, description="product threshold: confidence from which the product shows a box"
    )
    class_thresholds: dict[str, Share] = Field(
        default_factory=dict, description="product threshold per class name, where it differs"
    )
    lowest_confidence: Share = Field(
        default=0.05, description="boxes above it are carried, since weak ones tell what the model misses"
    )
    iou: Share = Field(default=0.7, description="overlap above which the weaker of two boxes of a class is dropped")
    max_detections: int = Field(default=300, ge=1, le=3000, description="boxes carried per frame, the surest first")

    @model_validator(mode="after")
    def _carries_what_the_product_shows(self) -> "ModelConfig":
        smallest = min([self.threshold, *self.class_thresholds.values()])
        if self.lowest_confidence > smallest:
            raise ValueError(f"lowest_confidence {self.lowest_confidence} is above the product threshold {smallest}")
        return self

    @field_validator("names")
    @classmethod
    def _not_empty(cls, names: tuple[str, ...] | dict[int, str] | None) -> tuple[str, ...] | dict[int, str] | None:
        if names is not None and len(names) == 0:
            raise ValueError("expected at least one class name, or no `names` at all")
        return names

    @property
    def model_id(self) -> str:
        return self.id or re.sub(r"[^A-Za-z0-9._-]", "-", self.path.stem)[:64] or "model"


class InferenceOptions(Config):
    """How hard this machine works. The defaults suit a CPU."""

    lanes: int = Field(
        default=0, ge=0, le=64, description="frames worked on at once, a session each; 0: 2, or 1 on one core"
    )
    threads_per_lane: int = Field(
        default=0, ge=0, le=256, description="a session's own threads; 0: the cores, shared among the lanes"
    )
    batch_size: int = Field(
        default=8, ge=1, le=256, description="frames in one run at most, where the model's batch axis is free"
    )
    max_records: int = Field(default=32, ge=1, le=1000, description="frames taken from the log at once")

    def effective_lanes(self) -> int:
        return self.lanes or min(2, cores())

    def effective_threads(self) -> int:
        return self.threads_per_lane or max(1, cores() // self.effective_lanes())


class InferenceConfig(Config):
    """What the inference service reads of the settings."""

    model: ModelConfig
    inference: InferenceOptions = InferenceOptions()


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: those it may run on, and no more than its container's share (cgroup v2)."""
    allowed = len(os.sched_getaffinity(0))
    try:
        share_us, period_us = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return allowed
    return allowed if share_us == "max" else max(1, min(allowed, int(share_us) // int(period_us)))
