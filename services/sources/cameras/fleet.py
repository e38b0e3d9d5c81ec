"""The fleet: all cameras of the settings in one process, a thread for each, and one loop that publishes.

Promises: no camera waits for another, nor for the log; memory is bounded while the log is down. `run` ends within seconds of
`stop`, whatever a camera's thread is stuck in. A source has one frame in flight, so order is kept.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

from services.sources.cameras.camera import Camera
from services.sources.cameras.handover import Handover
from services.sources.cameras.report import CameraReport, State
from services.sources.config import CameraOptions
from services.sources.picture import Picture
from services.sources.publisher import Progress, publish
from shared.errors import GleanerError, InvalidMessage, SettingsError
from shared.ports.log import Log
from shared.runtime.health import Health
from shared.telemetry import logs, metrics

STATES: tuple[State, ...] = get_args(State)
_APART_S, _ALL_WITHIN_S = 0.05, 4.0
"""Forty connections at one moment are more than a switch or a recorder likes."""
_TICK_S = 0.2
_LEAVE_WITHIN_S = 2.0


@dataclass(slots=True)
class Fleet:
    """Raises SettingsError for an address that cannot be one, and names the camera. `health` is the publishing loop's."""

    cameras: Mapping[str, CameraOptions]
    health: Health = field(default_factory=Health, init=False)
    _crew: dict[str, Camera] = field(default_factory=dict, init=False)
    _handover: Handover = field(default_factory=Handover, init=False)
    _waiting_for: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for source_id, options in self.cameras.items():
            try:
                self._crew[source_id] = Camera(source_id, options, self._hand_over)
            except SettingsError as error:
                raise SettingsError(f"sources.{source_id}: {error}") from None

    def run(self, log: Log, stop: threading.Event) -> None:
        """Publishes until `stop`. Blocks. Call it once."""
        over = threading.Event()
        for state in STATES:
            metrics.SOURCES.labels(state).set_function(partial(self._in, state))
        threads = [
            threading.Thread(target=self._start, args=(camera, number, over), name=f"camera {source_id}", daemon=True)
            for number, (source_id, camera) in enumerate(self._crew.items())
        ]
        for thread in threads:
            thread.start()
        try:
            publish(log, self._pictures(stop, over), None, self._progress, self._settled, stop)
        finally:
            over.set()
            _join(threads)
            self._drop_rest()

    def reports(self) -> list[CameraReport]:
        """Of every camera, in the order of the settings. From any thread, at any time."""
        return [camera.record.report() for camera in self._crew.values()]

    @property
    def finished(self) -> bool:
        """Whether nothing will ever come again: all were files, all are at their end, and the last was given to the log."""
        return all(report.state == "ended" for report in self.reports()) and self._handover.empty

    @property
    def waiting_for(self) -> str | None:
        """Why nothing can be published now; None while it can."""
        return self._waiting_for

    def _in(self, state: str) -> int:
        return sum(report.state == state for report in self.reports())

    def _start(self, camera: Camera, number: int, over: threading.Event) -> None:
        apart_s = min(_APART_S, _ALL_WITHIN_S / len(self._crew))
        if not over.wait(number * apart_s):
            camera.run(over)

    def _pictures(self, stop: threading.Event, over: threading.Event) -> Iterator[Picture | None]:
        """None: nothing new for a moment, look after what is in flight. After `stop` what is held goes out too."""
        while not stop.is_set():
            self.health.tick()
            yield self._handover.take(_TICK_S)
        over.set()
        while (picture := self._handover.take(0.0)) is not None:
            yield picture

    def _hand_over(self, picture: Picture) -> None:
        for _ in range(self._handover.put(picture)):
            self._crew[picture.source_id].record.dropped()

    def _drop_rest(self) -> None:
        while (picture := self._handover.take(0.0)) is not None:
            self._crew[picture.source_id].record.dropped()

    def _settled(self, picture: Picture, why_not: GleanerError | None) -> None:
        record = self._crew[picture.source_id].record
        if why_not is None:
            record.published()
        elif isinstance(why_not, InvalidMessage):
            record.unpublishable(str(why_not))
        else:
            record.dropped()

    def _progress(self, progress: Progress) -> None:
        if (self._waiting_for is None) != (progress.waiting_for is None):
            event = "sources.waiting" if progress.waiting_for else "sources.going_on"
            logs.get().warning(event, why=progress.waiting_for)
        self._waiting_for = progress.waiting_for
        self.health.tick()
        self.health.waiting_for(None if progress.waiting_for is None else "log")


def _join(threads: list[threading.Thread]) -> None:
    """Those that are stuck are left behind: they are daemons, and hold nothing that anybody needs."""
    until_s = time.monotonic() + _LEAVE_WITHIN_S
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    stuck = [thread.name for thread in threads if thread.is_alive()]
    if stuck:
        logs.get().warning("sources.stuck", threads=stuck)
