"""Strategies: pure rules. A prediction and its moment in; out comes how much the frame would teach, 0 to 1.

To add one: its file, its two lines in singles.py, its test, its page and its picture. A strategy imports no port, no clock,
no dice.
"""

from typing import Annotated, get_args

from pydantic import Field

from services.sampler.strategies.all_of import AllOf
from services.sampler.strategies.any_of import AnyOf
from services.sampler.strategies.singles import Single
from services.sampler.strategies.strategy import Dice, Strategy

AnyStrategy = Annotated[Single | AnyOf | AllOf, Field(discriminator="type")]
REGISTRY: dict[str, type[Strategy]] = {
    model.model_fields["type"].default: model for model in (*get_args(Single), AnyOf, AllOf)
}
"""By type, in the order of the pages."""

__all__ = ["REGISTRY", "AnyStrategy", "Dice", "Strategy"]
