"""Limits: hard caps per minute, hour and day, in windows of log time aligned in the settings' time zone. Pure.

Promises: the window depends on the frame's log time alone, so a redelivery, a catch-up and a replay charge the same one.
A frame that the floor drew is charged to the global limits only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.sampler.config import GlobalLimit
from services.sampler.drawing import Draw
from services.sampler.strategies.strategy import StrategyLimit
from shared.ports.state import Charge
from shared.streams import keys

WINDOW_S = {"minute": 60, "hour": 3600, "day": 90_000}
"""At most this long (a day of 25 hours, when the clocks go back)."""
_FORMS = {"minute": "%Y-%m-%dT%H:%M%z", "hour": "%Y-%m-%dT%H%z", "day": "%Y-%m-%d"}


class Limits:
    """Which counters a drawn frame is charged to."""

    def __init__(self, collection: str, limits: Sequence[GlobalLimit], timezone: str, memo_s: int) -> None:
        self._collection = collection
        self._limits = limits
        self._zone = ZoneInfo(timezone)
        self._memo_s = memo_s

    def charges(self, draw: Draw) -> tuple[Charge, ...]:
        time_ms = draw.prediction.frame.time_ms
        charges = [self._charge("all", "all", limit, time_ms) for limit in self._limits]
        # A strategy without a limit of its own keeps what it drew: another one's limit must not veto it. Like the floor.
        if not draw.on_floor and all(s.limits for s in draw.fired):
            # The mark keeps a strategy that somebody named "all" away from the global counter.
            charges += [self._charge(f"s-{s.label}", s.label, limit, time_ms) for s in draw.fired for limit in s.limits]
        return tuple(charges)

    def _charge(self, rule: str, label: str, limit: GlobalLimit | StrategyLimit, time_ms: int) -> Charge:
        key = keys.limit_key(self._collection, f"{rule}/{limit.per}", self.window(limit.per, time_ms))
        return Charge(f"{label}/{limit.per}", key, 1, limit.most, WINDOW_S[limit.per] + self._memo_s)

    def window(self, per: str, time_ms: int) -> str:
        """The window's name: `2026-11-22`, `2026-11-22T14+0100`. The offset keeps the two hours apart when clocks go back."""
        local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self._zone)
        return local.strftime(_FORMS[per]).replace(":", "")
