"""What can be set: the model (which file, how its outputs are read) and how hard this machine works on it.

Promises: every value is bounded and described; what cannot work together is refused at start.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from shared.models.config import ModelConfig, Provider
from shared.settings import Config


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
