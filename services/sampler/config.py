"""What can be set of the sampler, and its defaults. A typo is refused at start."""

from typing import Any, Literal

from pydantic import Field, field_validator

from services.sampler.strategies import AnyStrategy
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.strategy import StrategyLimit
from shared.settings import Config

DAY_S = 86_400


class GlobalLimit(Config):
    """A hard cap on what is kept in all. It alone may refuse a floor draw."""

    most: int = Field(ge=1, description="samples per window")
    per: Literal["minute", "hour", "day"] = Field(description="window, aligned in the settings' timezone, by log time")


class SamplerOptions(Config):
    memo_s: int = Field(
        default=7 * DAY_S,
        ge=3600,
        description="life of a decision's memo, seconds: a late redelivery or verdict finds it",
    )
    preview_px: int = Field(default=640, ge=64, le=4096, description="longest side of previews, pixels")


class SamplerConfig(Config):
    """Strategies, limits, and the names of the destinations that samples of this collection go to."""

    collection: str = Field(default="default", min_length=1, max_length=128)
    strategies: tuple[AnyStrategy, ...] = Field(
        default=(
            RandomFraction(fraction=0.01),
            CloseToThreshold(epsilon=0.15, probability=0.2, limits=(StrategyLimit(most=300, per="day"),)),
        ),
        min_length=1,
    )
    limits: tuple[GlobalLimit, ...] = (GlobalLimit(most=1000, per="day"),)
    destinations: tuple[str, ...] = ("dataset",)
    sampler: SamplerOptions = SamplerOptions()

    @field_validator("destinations", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """The settings describe destinations in full; the sampler needs their names."""
        if not isinstance(value, list | tuple):
            return value
        return tuple(one.get("name") or one.get("type") if isinstance(one, dict) else one for one in value)

    @field_validator("strategies")
    @classmethod
    def _distinct(cls, strategies: tuple[AnyStrategy, ...]) -> tuple[AnyStrategy, ...]:
        labels = [strategy.label for strategy in strategies]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(
                f"strategies need distinct names, {', '.join(twice)} stands more than once: give them a `name`"
            )
        return strategies
