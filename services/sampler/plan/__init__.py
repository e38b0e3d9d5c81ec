"""The plan: weights and budgets in, the scale of each strategy's draws out (SCIENCE A.2). Pure: no port, no clock, no dice."""

from services.sampler.plan.account import Planned
from services.sampler.plan.bins import bin_of
from services.sampler.plan.fuse import fuse

__all__ = ["Planned", "bin_of", "fuse"]
