"""Fuse: the automatic limit on a strategy with a budget, for disasters (SCIENCE A.2, G). Pure.

Promises: windows of log time, so that a redelivery and a replay meet the same one. The floor has none.
"""

from math import ceil

from services.sampler.plan.account import Planned
from services.sampler.plan.horizon import KEEPS
from shared.ports.state import Charge
from shared.streams import keys

BLOWS_AT = 3
"""Times the budget."""
SHORTEST_WINDOW_S = 60


def fuse(planned: Planned, collection: str, time_ms: int, ttl_s: int) -> Charge | None:
    """The counter that a frame kept on this budget is charged to; None where there is none. It lives `ttl_s` longer."""
    if planned.floor or not planned.fused:
        return None
    window_s = max(SHORTEST_WINDOW_S, ceil(KEEPS / planned.per_s))
    window = f"{window_s}s-{time_ms // (window_s * 1000)}"
    name = f"fuse/{planned.label}"
    most = ceil(BLOWS_AT * planned.per_s * window_s)
    return Charge(name, keys.limit_key(collection, name, window), 1, most, window_s + ttl_s)
