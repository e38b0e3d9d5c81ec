"""The publisher that waits: pictures → `frames`, none lost, none out of order within its source.

Promises: of each source one frame is in flight, so that a frame which has to be sent again is never overtaken; of many
sources, that many at once. While the log is unavailable it waits and sends again, however long. Memory is bounded.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from services.sources.picture import Picture, Unreadable
from shared.errors import InvalidMessage, Unavailable
from shared.ports.log import Log, Producer
from shared.runtime.retry import Backoff
from shared.streams.record import NewRecord, Record

IN_FLIGHT = 256
ACKNOWLEDGED_WITHIN_S = 60.0
COMPLAINTS = 5


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it. `refitted`: encoded anew to fit into a frame; `complaints`: why the first refused ones were."""

    frames: int = 0
    bytes: int = 0
    seconds: float = 0.0
    refused: int = 0
    refitted: int = 0
    complaints: tuple[str, ...] = ()

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. `waiting_for`: why nothing moves now, None while it does."""

    frames: int
    bytes: int
    waiting_for: str | None = None


OnProgress = Callable[[Progress], None]


def publish(
    log: Log, pictures: Iterable[Picture | Unreadable], fps: float | None = None, on_progress: OnProgress | None = None
) -> Published:
    """Publishes them all, at most `fps` frames a second, and returns when every one is durable or refused."""
    producer = log.producer()
    try:
        publishing = _Publishing(producer, on_progress or (lambda _: None))
        pace = _Pace(fps)
        for picture in pictures:
            pace.wait()
            publishing.take(picture)
        publishing.finish()
        return publishing.published
    finally:
        producer.close()


@dataclass(slots=True)
class _Publishing:
    """One call of `publish`, while it runs."""

    producer: Producer
    on_progress: OnProgress
    frames: int = 0
    bytes: int = 0
    refused: int = 0
    refitted: int = 0
    complaints: list[str] = field(default_factory=list)
    in_flight: "dict[str, tuple[Picture, Future[Record]]]" = field(default_factory=dict)
    started_s: float = field(default_factory=time.monotonic)

    @property
    def published(self) -> Published:
        seconds = time.monotonic() - self.started_s
        return Published(self.frames, self.bytes, seconds, self.refused, self.refitted, tuple(self.complaints))

    def take(self, picture: Picture | Unreadable) -> None:
        if isinstance(picture, Unreadable):
            self._refuse(picture.why)
            return
        if picture.source_id in self.in_flight:
            self._settle(picture.source_id)
        elif len(self.in_flight) >= IN_FLIGHT:
            self._settle(next(iter(self.in_flight)))
        self.in_flight[picture.source_id] = (picture, self._send(picture.as_record()))

    def finish(self) -> None:
        while self.in_flight:
            self._settle(next(iter(self.in_flight)))

    def _settle(self, source_id: str) -> None:
        """Waits until that source's frame is durable, sending it again if need be."""
        picture, future = self.in_flight.pop(source_id)
        try:
            self._await(picture.as_record(), future)
        except InvalidMessage as why:
            self._refuse(f"{picture.producer_frame_id}: {why}")
            return
        self.frames += 1
        self.bytes += len(picture.image)
        self.refitted += picture.refitted
        self.on_progress(Progress(self.frames, self.bytes))

    def _await(self, record: NewRecord, future: "Future[Record]") -> None:
        backoff = Backoff()
        while True:
            try:
                future.result(ACKNOWLEDGED_WITHIN_S)
                return
            except (Unavailable, TimeoutError) as why:
                self._wait(why, backoff)
                future = self._send(record)

    def _send(self, record: NewRecord) -> "Future[Record]":
        backoff = Backoff()
        while True:
            try:
                return self.producer.send(record)
            except Unavailable as why:
                self._wait(why, backoff)

    def _wait(self, why: Exception, backoff: Backoff) -> None:
        said = str(why) or f"no acknowledgement within {ACKNOWLEDGED_WITHIN_S:g} s"
        self.on_progress(Progress(self.frames, self.bytes, waiting_for=said))
        time.sleep(backoff.next_s())

    def _refuse(self, why: str) -> None:
        self.refused += 1
        if len(self.complaints) < COMPLAINTS:
            self.complaints.append(why)


class _Pace:
    """Lets at most `fps` through per second, evenly; None: all of them."""

    def __init__(self, fps: float | None) -> None:
        self._every_s = 1.0 / fps if fps else 0.0
        self._next_s = time.monotonic()

    def wait(self) -> None:
        if not self._every_s:
            return
        now_s = time.monotonic()
        if now_s < self._next_s:
            time.sleep(self._next_s - now_s)
        # After a pause it goes on at its rate: no burst to catch up.
        self._next_s = max(self._next_s, now_s) + self._every_s
