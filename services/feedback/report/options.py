"""Options: what a report is of, and what an hour of labelling costs."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.feedback.drawn_from import ALL, DrawnFrom

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Labelling:
    """What people cost who look at images."""

    price_per_hour: float = 25.0
    currency: str = "EUR"
    seconds_per_image: float = 12.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Frames of a collection in [since_ms, until_ms) of log time; `model`: (id, version), None: the newest in the window.

    `drawn_from`: what the collection draws from; frames of other sources could not be drawn.
    """

    collection: str
    since_ms: int
    until_ms: int
    timezone: ZoneInfo
    labelling: Labelling = Labelling()
    model: tuple[str, str] | None = None
    drawn_from: DrawnFrom = ALL

    @property
    def days(self) -> float:
        return (self.until_ms - self.since_ms) / DAY_MS
