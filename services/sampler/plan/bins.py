"""Bins: how a plan remembers the weights it met. 64 of them, each 11.6 % wide, from 1e-3 to 1 (SCIENCE A.2). Pure.

Promises: the bins only serve to plan; a draw's probability uses the exact weight. The weight 1 is planned as exactly 1.
"""

from bisect import bisect_left

BINS = 64
LIGHTEST, RATIO = 1e-3, 1.116
_HAIR = 1 + 1e-9
"""A lightest weight that came out of a power still belongs to the first bin."""

EDGES = tuple(LIGHTEST * RATIO**b * _HAIR for b in range(BINS))
"""The upper edge of each bin."""
WEIGHTS = (LIGHTEST, *(LIGHTEST * RATIO ** (b - 0.5) for b in range(1, BINS - 1)), 1.0)
"""What a frame of each bin is planned to weigh: the middle; the ends exactly, for most frames are there."""


def bin_of(weight: float) -> int:
    """The bin of a weight in (0, 1]."""
    return bisect_left(EDGES, weight)
