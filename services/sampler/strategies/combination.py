"""Combination: strategies taken together as one. Pure.

Promises: it needs and waits for what any of its members does; how often it draws is said once, of the whole.
"""

from typing import Any

from pydantic import Field, field_validator

from services.sampler.strategies.singles import AnySingle
from services.sampler.strategies.strategy import Strategy

_OF_THE_WHOLE = ("probability", "budget", "share", "limits", "tags", "gamma")


class Combination(Strategy):
    """The base of any_of and all_of."""

    strategies: tuple[AnySingle, ...] = Field(min_length=2, max_length=16, description="its members, as anywhere else")

    @field_validator("strategies")
    @classmethod
    def _are_members(cls, strategies: tuple[Any, ...]) -> tuple[Any, ...]:
        for one in strategies:
            if one.floor:
                raise ValueError(f"{one.type} draws whatever the model said and has no score to combine")
            given = [name for name in _OF_THE_WHOLE if getattr(one, name) != Strategy.model_fields[name].default]
            if given:
                raise ValueError(f"{one.type}: expected {' and '.join(given)} at the combination, got it at a member")
        return strategies

    @property
    def needs_past(self) -> bool:  # type: ignore[override]
        return any(one.needs_past for one in self.strategies)

    @property
    def waits_frames(self) -> int:  # type: ignore[override]
        return max(one.waits_frames for one in self.strategies)

    @property
    def waits_shadow(self) -> bool:  # type: ignore[override]
        return any(one.waits_shadow for one in self.strategies)
