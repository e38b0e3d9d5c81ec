"""How many frames a second a model manages on this machine, decoding included: measured, not reckoned.

Promises: all lanes are busy all the time, as they are in the service; takes about as long as it is told, and never less than
a frame for each lane needs.
"""

import time
from collections import deque
from collections.abc import Iterator

from services.inference.batching import Lanes


def frames_per_s(lanes: Lanes, pictures: Iterator[bytes], measured_s: float) -> float:
    """Encoded pictures through all lanes, after one each that warms them up. What is no image counts as quickly done."""
    for warm in [lanes.submit(next(pictures)) for _ in range(lanes.plan.lanes)]:
        warm.exception()
    began_s = time.monotonic()
    waiting = deque(lanes.submit(next(pictures)) for _ in range(lanes.plan.in_work))
    through = len(waiting)
    while time.monotonic() < began_s + measured_s:
        waiting.popleft().exception()
        waiting.append(lanes.submit(next(pictures)))
        through += 1
    for last in waiting:
        last.exception()
    return through / (time.monotonic() - began_s)
