"""The strategies that stand for themselves: all but the combinations of them."""

from typing import Annotated

from pydantic import Field

from services.sampler.strategies.below_threshold import BelowThreshold
from services.sampler.strategies.blip import Blip
from services.sampler.strategies.class_contains import ClassContains
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.count_change import CountChange
from services.sampler.strategies.detection_count import DetectionCount
from services.sampler.strategies.disagreement import Disagreement
from services.sampler.strategies.entropy import Entropy
from services.sampler.strategies.every_nth import EveryNth
from services.sampler.strategies.flip import Flip
from services.sampler.strategies.gap import Gap
from services.sampler.strategies.ghost import Ghost
from services.sampler.strategies.jump import Jump
from services.sampler.strategies.least_confidence import LeastConfidence
from services.sampler.strategies.lost_track import LostTrack
from services.sampler.strategies.margin import Margin
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.temporal import Temporal
from services.sampler.strategies.uncertain import Uncertain

Single = (
    RandomFraction
    | EveryNth
    | Uncertain
    | Temporal
    | BelowThreshold
    | CloseToThreshold
    | LeastConfidence
    | Margin
    | Entropy
    | ClassContains
    | DetectionCount
    | Ghost
    | LostTrack
    | Gap
    | Blip
    | Flip
    | Jump
    | CountChange
    | Disagreement
)
AnySingle = Annotated[Single, Field(discriminator="type")]
