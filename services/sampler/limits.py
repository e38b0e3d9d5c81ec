"""Limits: hard caps per minute, hour and day, in windows of log time aligned in the settings' time zone. Pure.

Promises: the window depends on the frame's log time alone, so a redelivery, a catch-up and a replay charge the same one.
A frame that the floor drew is charged to the collection's global limits only (DESIGN 3.3, docs/decisions/0005).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.sampler.limit_options import Limit
from services.sampler.strategies.strategy import Strategy
from shared.ports.state import Charge
from shared.streams import keys
from shared.streams.predictions import Prediction

WINDOW_S = {"minute": 60, "hour": 3600, "day": 90_000}
"""At most this long (a day of 25 hours, when the clocks go back)."""
_FORMS = {"minute": "%Y-%m-%dT%H:%M%z", "hour": "%Y-%m-%dT%H%z", "day": "%Y-%m-%d"}


class Drawn(Protocol):
    """What limits look at: a prediction and the strategies that drew it."""

    @property
    def prediction(self) -> Prediction: ...

    @property
    def fired(self) -> Sequence[Strategy]: ...


class Limits:
    """Which counters of a collection a drawn frame is charged to."""

    def __init__(self, collection: str, limits: Sequence[Limit], timezone: str, memo_s: int) -> None:
        self._collection = collection
        self._limits = limits
        self._zone = ZoneInfo(timezone)
        self._memo_s = memo_s

    def charges(self, draw: Drawn, size: int, fuses: Mapping[str, Charge] | None = None) -> tuple[Charge, ...]:
        """What keeping `size` bytes of it is charged to. `fuses`: by strategy, what it is charged to beside its limits."""
        if any(strategy.floor for strategy in draw.fired):
            return self.charges_global(draw, size)
        own = self._of_strategies(draw, size, fuses or {})
        return _each_once([*self._of("all", "all", self._limits, draw, size), *own])

    def charges_global(self, draw: Drawn, size: int) -> tuple[Charge, ...]:
        """The same where the floor draws it: alone, or after a gate took away what others drew."""
        return _each_once(self._of("all", "all", [one for one in self._limits if one.is_global], draw, size))

    def _of_strategies(self, draw: Drawn, size: int, fuses: Mapping[str, Charge]) -> list[Charge]:
        """Empty where a strategy drew it that nothing limits: another one's limit must not veto it."""
        charges: list[Charge] = []
        for strategy in draw.fired:
            # The mark keeps a strategy that somebody named "all" away from the global counter.
            own = list(self._of(f"s-{strategy.label}", strategy.label, strategy.limits, draw, size))
            fuse = fuses.get(strategy.label)
            if not own and fuse is None:
                return []
            charges += [*own, *([fuse] if fuse else [])]
        return charges

    def _of(self, rule: str, label: str, limits: Iterable[Limit], draw: Drawn, size: int) -> Iterator[Charge]:
        prediction = draw.prediction
        for limit in limits:
            name = f"{label}/{called(limit)}"
            for counter in counters(limit, prediction):
                yield self._charge(f"{rule}/{called(limit)}{counter}", name, limit, prediction, size)

    def _charge(self, rule: str, name: str, limit: Limit, prediction: Prediction, size: int) -> Charge:
        key = keys.limit_key(self._collection, rule, self.window(limit.per, prediction.frame.time_ms))
        amount = size if limit.of == "bytes" else 1
        return Charge(name, key, amount, limit.most, WINDOW_S[limit.per] + self._memo_s)

    def window(self, per: str, time_ms: int) -> str:
        """The window's name: `2026-11-22`, `2026-11-22T14+0100`. The offset keeps the two hours apart when clocks go back."""
        local = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self._zone)
        return local.strftime(_FORMS[per]).replace(":", "")


def called(limit: Limit) -> str:
    """`day`, `hour of bytes`, `day each source`, `day with car, truck`: names the counter, whatever its most is."""
    parts: list[str] = [limit.per]
    if limit.of == "bytes":
        parts.append("of bytes")
    if limit.each:
        parts.append(f"each {limit.each}")
    if limit.sources:
        parts.append(f"at {', '.join(limit.sources)}")
    if limit.classes:
        parts.append(f"with {', '.join(limit.classes)}")
    return " ".join(parts)


def counters(limit: Limit, prediction: Prediction) -> list[str]:
    """What tells the limit's counters for this frame apart; none where it does not look at the frame."""
    if not limit.admits(prediction.source_id):
        return []
    shown: list[str] = []
    if limit.classes is not None or limit.each == "class":
        shown = [name for name in _shown(prediction) if limit.classes is None or name in limit.classes]
        if not shown:
            return []
    if limit.each == "class":
        return [f"={name}" for name in shown]
    return [f"={prediction.source_id}"] if limit.each == "source" else [""]


def _shown(prediction: Prediction) -> list[str]:
    """The classes that the product shows on this frame, in order; a classifier's best one if it is sure enough."""
    if prediction.task == "classify":
        best = prediction.classes[:1]
        return [one.class_name for one in best if one.confidence >= prediction.threshold_for(one.class_name)]
    return sorted({one.class_name for one in prediction.above_threshold()})


def _each_once(charges: Iterable[Charge]) -> tuple[Charge, ...]:
    """Of two limits on one counter the lower one holds: a frame is counted once."""
    least: dict[str, Charge] = {}
    for charge in charges:
        known = least.get(charge.key)
        if known is None or charge.most < known.most:
            least[charge.key] = charge
    return tuple(least.values())
