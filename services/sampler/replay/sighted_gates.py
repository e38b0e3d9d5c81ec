"""Sighted gates: the sampler's gates, told how a frame looks instead of looking at it themselves."""

from collections.abc import Sequence

from services.sampler.drawing import Draw
from services.sampler.gates import OPEN, Gated, Gates
from services.sampler.looking import Appearance, Met
from services.sampler.replay.sights import Sight


class SightedGates(Gates):
    @property
    def are_open(self) -> bool:
        """Nothing is ever taken away."""
        return not self._near.enabled and not self._quality.enabled

    def told(self, draws: Sequence[Draw], sights: Sequence[Sight]) -> list[Gated]:
        """For each of a batch, in order. Raises Unavailable."""
        if self.are_open:
            return [OPEN] * len(draws)
        now = self._sharp_enough.are_poor([_met(*pair) for pair in zip(draws, sights, strict=True)])
        return [self._told(*three) for three in zip(draws, sights, now, strict=True)]

    def _told(self, draw: Draw, sight: Sight, poor_now: bool) -> Gated:
        if sight.phash is None:
            return OPEN
        poor = poor_now or (sight.poor and self._quality.enabled)
        return self._gated(draw, Appearance(sight.phash, sight.sharpness or 0.0), poor)


def _met(draw: Draw, sight: Sight) -> Met:
    prediction = draw.prediction
    return Met(prediction.source_id, prediction.frame.frame_id, sight.sharpness)
