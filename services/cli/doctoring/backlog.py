"""Backlog: what nobody could process, what was not read in time, and what still waits to be delivered.

Promises: reads a few records; changes nothing.
"""

import time
from collections.abc import Iterator

from services.cli import flow
from services.cli.doctoring.finding import Finding, ok, warning
from services.cli.doctoring.log import opened
from shared.ports.log import Log
from shared.settings import Settings
from shared.streams import SAMPLES

LONG_S = 3600.0
"""A sample that waits longer is worth a look, though it is safe."""


def backlog(settings: Settings) -> Iterator[Finding]:
    """Nothing without a log."""
    with opened(settings) as log:
        if log is None:
            return
        yield _dead_letters(flow.dead_letters(log))
        yield from _expired(log)
        yield _undelivered(log)


def _dead_letters(streams: dict[str, int]) -> Finding:
    filled = ", ".join(f"{name} {count:,}" for name, count in streams.items() if count)
    if filled:
        return warning("dead letters", filled, "`gleaner dead-letters` says why; mend that, then `redrive` them")
    return ok("dead letters", "none")


def _expired(log: Log) -> Iterator[Finding]:
    for stream in flow.flow(log):
        for lag in stream.lags:
            if lag.expired_unread:
                found = f"{lag.group} never read {lag.expired_unread:,} records of {stream.stream}: they expired before"
                yield warning("too slow", found, "lower `fps` of the cameras, or start more of that service")


def _undelivered(log: Log) -> Finding:
    """By the uploader's committed offset: that of the oldest sample that is not finished."""
    committed, reader = log.committed("uploader", SAMPLES.name), log.reader()
    try:
        waiting = [
            (at.end - start, next((one.time_ms for one in reader.scan(SAMPLES.name, partition, start, at.end)), None))
            for partition, at in log.bounds(SAMPLES.name).items()
            for start in [max(at.start, committed.get(partition, 0))]
        ]
    finally:
        reader.close()
    oldest_ms = min((time_ms for _, time_ms in waiting if time_ms is not None), default=None)
    if oldest_ms is None:
        return ok("delivery", "nothing waits")
    age_s, records = time.time() - oldest_ms / 1000, sum(count for count, _ in waiting)
    said = f"{records:,} samples and revisions wait, the oldest for {_duration(age_s)}"
    if age_s < LONG_S:
        return ok("delivery", said)
    return warning(
        "delivery", said, "they are safe; is `gleaner run` (or the uploader) running, do the destinations answer?"
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= LONG_S else f"{max(0.0, seconds):,.0f} s"
