"""Strategies: pure rules. A prediction in; out comes how likely this rule was to draw the frame, and whether it did.

To add one: its file, its line here, its test. A strategy imports no port, no clock, no dice.
"""

from typing import Annotated

from pydantic import Field

from services.sampler.strategies.below_threshold import BelowThreshold
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.every_nth import EveryNth
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.strategy import NOTHING, Dice, Look, Strategy

AnyStrategy = Annotated[RandomFraction | EveryNth | BelowThreshold | CloseToThreshold, Field(discriminator="type")]
REGISTRY: dict[str, type[Strategy]] = {
    "random": RandomFraction,
    "every_nth": EveryNth,
    "below_threshold": BelowThreshold,
    "close_to_threshold": CloseToThreshold,
}

__all__ = ["NOTHING", "REGISTRY", "AnyStrategy", "Dice", "Look", "Strategy"]
