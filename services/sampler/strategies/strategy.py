"""What a strategy is: options, and one pure look at a scene. A score comes out: how much would this frame teach?

Promises: the same score for the same scene and settings, in every process, for ever. How a score becomes a probability is the
plan's business; a strategy imports no port, no clock, no dice.
"""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field, model_validator

from services.sampler.limit_options import Limit
from services.sampler.rates import Rate
from services.sampler.strategies.scene import Scene
from shared.settings import Config
from shared.streams.predictions import ClassScore, Detection, Prediction

Dice = Callable[..., float]
"""`dice(*what)`: the uniform number in [0, 1) that salt, collection and strategy give to this; no dice at all."""


class Strategy(Config):
    """The base of every strategy: its options are its fields.

    A frame of weight `w = score ** gamma` is drawn with probability `min(1, c * w)` (SCIENCE A.2). With `probability` c is that
    number; with `budget` or `share` the plan finds the c that meets it.
    """

    floor: ClassVar[bool] = False
    """A random slice: no gate and no limit but the global one may refuse what it draws."""
    needs_past: ClassVar[bool] = False
    """It looks at `scene.past`."""
    waits_frames: ClassVar[int] = 0
    """Frames of the source that must have come after this one before it can be scored."""
    waits_shadow: ClassVar[bool] = False
    """It looks at `scene.shadow`."""

    type: str
    name: str = Field(
        default="", max_length=64, description="how reasons, limits and metrics call it; default: its type"
    )
    probability: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="fixed: how likely a frame of score 1 is drawn; 1 where no budget or share is given",
    )
    budget: Rate | None = Field(default=None, description="samples it should keep, such as 300/day, instead")
    share: float | None = Field(default=None, gt=0, le=1, description="its part of the collection's `review`, instead")
    gamma: float = Field(default=2.0, ge=0, le=16, description="weight is score to this power; more: only the best")
    tags: tuple[str, ...] = Field(default=(), description="given to the samples that it draws")
    limits: tuple[Limit, ...] = Field(default=(), description="hard caps on what it keeps by itself")

    @property
    def label(self) -> str:
        return self.name or self.type

    @property
    def fixed(self) -> float | None:
        """The scale c of its draws where no plan is needed."""
        return None if self.budget or self.share else self.probability or 1.0

    @model_validator(mode="after")
    def _one_way(self) -> "Strategy":
        given = [name for name in ("probability", "budget", "share") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of probability, budget and share, got {' and '.join(given)}")
        return self

    def score(self, scene: Scene) -> float:
        """How much this frame interests, in (0, 1]; 0: not at all. Asked for every frame: it makes no text."""
        raise NotImplementedError(f"{type(self).__name__}.score")

    def rule(self, scene: Scene) -> str:
        """Why it was interesting, in words for people. Asked for drawn frames alone."""
        raise NotImplementedError(f"{type(self).__name__}.rule")

    def looked_at(self, scene: Scene) -> float | None:
        """The confidence that the rule speaks of; None where it speaks of no single one. Asked for drawn frames alone."""
        return None

    def fires(self, scene: Scene, dice: Dice, probability: float) -> bool:
        """The draw: by default a number that the frame's id gives."""
        return dice(scene.prediction.frame.frame_id) < probability


class ClassesStrategy(Strategy):
    """A strategy that can be told to look at some classes alone."""

    selected_class_names: tuple[str, ...] | None = Field(default=None, description="only these classes; default: all")

    def selected(
        self, prediction: Prediction
    ) -> "tuple[Detection, ...] | tuple[ClassScore, ...] | list[Detection | ClassScore]":
        """The detections or class scores that the rule may look at; the prediction's own where it may look at all."""
        of = prediction.classes if prediction.task == "classify" else prediction.detections
        names = self.selected_class_names
        return of if names is None else [one for one in of if one.class_name in names]
