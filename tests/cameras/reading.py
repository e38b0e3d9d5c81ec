"""A fleet that reads cameras into the embedded log of a folder, while a test looks on."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from services.sources.cameras.fleet import Fleet
from services.sources.cameras.report import CameraReport
from services.sources.config import CameraOptions
from shared.adapters.embedded.segment_log import SegmentLog
from shared.ports.log import Log
from shared.streams import frames
from shared.streams.frames import Frame

_LOOKS_EVERY_S = 0.05
_STOPS_WITHIN_S = 30.0


class Reading:
    """What is known of each camera, and what of it lies in the log."""

    def __init__(self, fleet: Fleet, log: Log) -> None:
        self.fleet = fleet
        self.log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=fleet.run, args=(log, self._stop), name="fleet")
        self._thread.start()

    def stop(self) -> None:
        """Returns when the fleet has ended; its reports and the log can still be read."""
        self._stop.set()
        self._thread.join(_STOPS_WITHIN_S)
        assert not self._thread.is_alive(), "the fleet did not stop"

    def report(self, name: str) -> CameraReport:
        return self.reports()[name]

    def reports(self) -> dict[str, CameraReport]:
        return {report.source_id: report for report in self.fleet.reports()}

    def wait(self, name: str, until: Callable[[CameraReport], bool], deadline_s: float = 30.0) -> CameraReport:
        """The report that fulfils it. Fails past the deadline, and says what there is instead."""
        return self.wait_for_all({name: until}, deadline_s)[name]

    def wait_for_all(
        self, until: Mapping[str, Callable[[CameraReport], bool]], deadline_s: float = 60.0
    ) -> dict[str, CameraReport]:
        """For each camera its first report that fulfils its condition."""
        met: dict[str, CameraReport] = {}
        until_s = time.monotonic() + deadline_s
        while True:
            now = self.reports()
            met |= {name: now[name] for name, fits in until.items() if name not in met and fits(now[name])}
            if len(met) == len(until):
                return met
            missing = [now[name] for name in until if name not in met]
            assert time.monotonic() < until_s, f"not within {deadline_s:g} s: {missing}"
            time.sleep(_LOOKS_EVERY_S)

    def frames(self) -> dict[str, list[Frame]]:
        """All that were published, by source, in the order of the log."""
        found: dict[str, list[Frame]] = defaultdict(list)
        with closing(self.log.reader()) as reader:
            for partition, bounds in self.log.bounds("frames").items():
                for record in reader.scan("frames", partition, bounds.start, bounds.end):
                    frame = frames.decode(record)
                    found[frame.source_id].append(frame)
        return found


@contextmanager
def reading(folder: Path, cameras: Mapping[str, CameraOptions]) -> Iterator[Reading]:
    """Reads them until the block ends."""
    with closing(SegmentLog(folder)) as log:
        log.apply()
        started = Reading(Fleet(cameras), log)
        try:
            yield started
        finally:
            started.stop()
