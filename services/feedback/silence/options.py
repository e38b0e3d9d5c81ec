"""The settings under `feedback.silence`: which predictions wait for an objection, and for how long."""

from pydantic import Field

from shared.settings import Config
from shared.streams.stream import DAY_S


class SilenceOptions(Config):
    """What is made of predictions that people were shown and did not object to."""

    hold: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="share of the predictions that people were shown whose image is held until nobody objected; 0: none",
    )
    min_visible_ms: int = Field(
        default=1_000,
        ge=0,
        le=3_600_000,
        description="an exposure that was visible for less is kept, and holds nothing",
    )
    objection_s: int = Field(
        default=7 * DAY_S, ge=1, le=366 * DAY_S, description="how long an objection counts, seconds of log time"
    )
    grace_s: int = Field(
        default=60,
        ge=0,
        le=DAY_S,
        description="a deadline is settled this many seconds later: so far may the clocks of log and service be apart",
    )
