"""The log as the doctor sees it: open for looking, or not there yet.

Promises: makes no data folder; works beside a running gleaner.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.bootstrap import open_log
from shared.ports.log import Log
from shared.settings import EmbeddedBackend, Settings

LOOK_BACK = (64, 4096)
"""Offsets to look back for the newest record: the last ones may be gaps."""
TIMED = ("frames", "predictions", "samples")


def has_log(settings: Settings) -> bool:
    """Whether there is one to look at. A cluster's is always there, or should be."""
    at = settings.common.backend
    return not isinstance(at, EmbeddedBackend) or (at.folder / "log" / "log.db").is_file()


@contextmanager
def opened(settings: Settings) -> Iterator[Log | None]:
    """None where nothing was ever written. Raises SettingsError, Unavailable."""
    if not has_log(settings):
        yield None
        return
    with open_log(settings) as log:
        yield log


def newest_ms(log: Log) -> int | None:
    """Log time of the newest record of the streams whose times decide something; None while they are empty."""
    times = [time_ms for stream in TIMED for time_ms in _newest_of(log, stream)]
    return max(times, default=None)


def _newest_of(log: Log, stream: str) -> Iterator[int]:
    reader = log.reader()
    try:
        for partition, at in log.bounds(stream).items():
            for back in LOOK_BACK:
                times = [one.time_ms for one in reader.scan(stream, partition, max(at.start, at.end - back), at.end)]
                if times:
                    yield max(times)
                    break
    finally:
        reader.close()
