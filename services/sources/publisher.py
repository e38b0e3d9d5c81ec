"""The publisher that waits: pictures → `frames`, none lost, none out of order within its source.

Promises: of each source one frame is in flight, so that a frame which has to be sent again is never overtaken; of many
sources, that many at once. While the log is unavailable it waits and sends again, however long, or until it is told to stop.
Memory is bounded.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Event

from services.sources.picture import Picture, Unreadable
from shared.errors import GleanerError, InvalidMessage, Unavailable
from shared.ports.log import Log, Producer
from shared.runtime.retry import Backoff
from shared.streams.record import NewRecord, Record

IN_FLIGHT = 256
ACKNOWLEDGED_WITHIN_S = 60.0
STOP_WITHIN_S = 3.0
"""What is in flight when it is told to stop gets so long to become durable."""
_QUIET_S = 5.0
"""A log that has not acknowledged for so long is waited for, and that is told."""
_LOOK_EVERY_S = 0.25
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
OnSettled = Callable[[Picture, GleanerError | None], None]
"""Is told of each picture: None, it is durable; InvalidMessage, it never will be; Unavailable, it was given up after `stop`."""


class _Stopped(Exception):
    """It was told to stop, and the log does not answer."""


def publish(
    log: Log,
    pictures: Iterable[Picture | Unreadable | None],
    fps: float | None = None,
    on_progress: OnProgress | None = None,
    on_settled: OnSettled | None = None,
    stop: Event | None = None,
) -> Published:
    """Publishes them all, at most `fps` frames a second, and returns when every one is durable or refused.

    A None among the pictures says that there is none now: what is in flight is looked after. After `stop` a log that does
    not answer is waited for no longer than STOP_WITHIN_S; what was in flight is then given up.
    """
    producer = log.producer()
    try:
        publishing = _Publishing(
            producer, on_progress or (lambda _: None), on_settled or (lambda *_: None), stop or Event()
        )
        pace = _Pace(fps)
        try:
            for picture in pictures:
                pace.wait()
                publishing.take(picture)
            publishing.finish()
        except _Stopped:
            publishing.give_up()
        return publishing.published
    finally:
        producer.close()


@dataclass(slots=True)
class _Publishing:
    """One call of `publish`, while it runs."""

    producer: Producer
    on_progress: OnProgress
    on_settled: OnSettled
    stop: Event
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

    def take(self, picture: Picture | Unreadable | None) -> None:
        if picture is None:
            self._settle_done()
            return
        if isinstance(picture, Unreadable):
            self._refuse(picture.why)
            return
        try:
            self._make_room(picture.source_id)
        except _Stopped:
            self._lose(picture)
            raise
        self._launch(picture)

    def _make_room(self, source_id: str) -> None:
        """For one more frame of that source: its former one is durable, and not too many others are in flight."""
        if source_id in self.in_flight:
            self._settle(source_id)
        elif len(self.in_flight) >= IN_FLIGHT:
            self._settle(next(iter(self.in_flight)))

    def finish(self) -> None:
        while self.in_flight:
            self._settle(next(iter(self.in_flight)))

    def give_up(self) -> None:
        for picture, _ in self.in_flight.values():
            self._lose(picture)
        self.in_flight.clear()

    def _lose(self, picture: Picture) -> None:
        self.on_settled(picture, Unavailable("log", "it did not answer before the end"))

    def _launch(self, picture: Picture) -> None:
        """In flight from before it is sent: whoever gives up in between knows of it."""
        self.in_flight[picture.source_id] = (picture, Future())
        self.in_flight[picture.source_id] = (picture, self._send(picture.as_record()))

    def _settle_done(self) -> None:
        for source_id in [one for one, (_, future) in self.in_flight.items() if future.done()]:
            self._settle(source_id)

    def _settle(self, source_id: str) -> None:
        """Waits until that source's frame is durable, sending it again if need be."""
        picture, future = self.in_flight[source_id]
        try:
            self._await(picture.as_record(), future)
        except InvalidMessage as why:
            del self.in_flight[source_id]
            self._refuse(f"{picture.producer_frame_id}: {why}")
            self.on_settled(picture, why)
            return
        del self.in_flight[source_id]
        self.frames += 1
        self.bytes += picture.size
        self.refitted += picture.refitted
        self.on_settled(picture, None)
        self.on_progress(Progress(self.frames, self.bytes))

    def _await(self, record: NewRecord, future: "Future[Record]") -> None:
        backoff = Backoff()
        while True:
            try:
                self._outcome(future)
                return
            except (Unavailable, TimeoutError) as why:
                self._wait(why, backoff)
                future = self._send(record)

    def _outcome(self, future: "Future[Record]") -> None:
        """Returns once it is durable. Raises what the log says, TimeoutError when it says nothing."""
        began_s = time.monotonic()
        until_s, told = began_s + ACKNOWLEDGED_WITHIN_S, False
        while not future.done():
            if not told and time.monotonic() - began_s >= _QUIET_S:
                told = True
                self._tell_waiting(f"no acknowledgement for {_QUIET_S:g} s")
            if self.stop.is_set():
                until_s = min(until_s, time.monotonic() + STOP_WITHIN_S)
            wait([future], min(_LOOK_EVERY_S, max(0.0, until_s - time.monotonic())))
            if time.monotonic() >= until_s and not future.done():
                raise TimeoutError
        future.result()

    def _send(self, record: NewRecord) -> "Future[Record]":
        backoff = Backoff()
        while True:
            try:
                return self.producer.send(record)
            except Unavailable as why:
                self._wait(why, backoff)

    def _wait(self, why: Exception, backoff: Backoff) -> None:
        self._tell_waiting(str(why) or "no acknowledgement in time")
        if self.stop.wait(backoff.next_s()):
            raise _Stopped

    def _tell_waiting(self, why: str) -> None:
        self.on_progress(Progress(self.frames, self.bytes, waiting_for=why))

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
