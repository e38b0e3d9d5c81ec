"""The read model as the routes and the accuracy use it: one thread follows the streams, any thread asks.

Promises: opening asks no server; the file is deleted and built anew when it is missing, damaged or of another making, or
when the streams were made anew. Answers raise Unavailable while the file cannot be read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from services.feedback.accuracy.review import Review, Totals, Window
from services.feedback.read_model.progress import Progress
from shared.ports import Clock, Log


@dataclass(frozen=True, slots=True)
class Version:
    """A model version, the log time of its first and last counted minute, and the thresholds seen, oldest first."""

    model_id: str
    model_version: str
    first_ms: int
    last_ms: int
    thresholds: tuple[str, ...]


class ReadModel:
    """Start it, ask it, close it. `excluded`: reviewers (or keys' names) whose verdicts count nowhere."""

    def __init__(
        self, path: Path, log: Log, clock: Clock, salt: bytes, *, excluded: Collection[str] = (), interval_s: float = 0.5
    ) -> None: ...

    def start(self) -> None:
        """Begins to follow the streams, in a thread of its own."""

    def close(self) -> None:
        """Ends following, within a second."""

    def progress(self) -> Progress: ...  # type: ignore[empty-body]

    def caught_up(self, timeout_s: float) -> bool:  # type: ignore[empty-body]
        """Waits until all that is in the streams now is in the answers, or for so long. False: it is not."""

    def reviews(self, window: Window, collection: str = "default") -> list[Review]: ...  # type: ignore[empty-body]

    def totals(self, window: Window) -> Totals: ...  # type: ignore[empty-body]

    def totals_by(  # type: ignore[empty-body]
        self, window: Window, by: Literal["source", "day"], timezone: ZoneInfo
    ) -> dict[str, Totals]: ...

    def versions(self) -> list[Version]: ...  # type: ignore[empty-body]
