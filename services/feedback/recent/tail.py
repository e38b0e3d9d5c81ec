"""Tail: one thread that follows the ends of `predictions` for everybody who watches, and sleeps when nobody does.

Promises: without a subscriber there is no thread and no question to the log; partitions without one are not read. Clients
at the same offset share one reading; a record is decoded once, and only when somebody wants its key.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.feedback.recent.resuming import event_suffix
from services.feedback.recent.subscription import Event, Subscription
from services.feedback.recent.view import shown
from services.feedback.recent.wanted import Named, read
from services.feedback.refusals import TooMany
from shared.errors import Unavailable
from shared.ports import Log, Reader
from shared.ports.log import Bounds
from shared.runtime.retry import Backoff
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import Record
from shared.telemetry import logs

TICK_S = 0.2
SLICE = 2_000
"""Records that are read for one client, or for several at one offset, before the others have their turn."""
MAX_SUBSCRIBERS = 64
RETRY_AFTER_S = 30.0


class Tail:
    """Who watches, and the thread that reads for them."""

    def __init__(self, log: Log, max_subscribers: int = MAX_SUBSCRIBERS) -> None:
        self._log = log
        self._max_subscribers = max_subscribers
        self._changed = threading.Condition()
        self._subscriptions: list[Subscription] = []
        self._thread: threading.Thread | None = None
        self._ended = False

    @property
    def is_reading(self) -> bool:
        return self._thread is not None

    def join(self, subscription: Subscription) -> None:
        """It is given what comes from its positions on. Raises TooMany."""
        with self._changed:
            if len(self._subscriptions) >= self._max_subscribers:
                raise TooMany("as many live streams are open as this service serves", "stream", RETRY_AFTER_S)
            if self._ended:
                subscription.end()
                return
            self._subscriptions.append(subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feedback-tail", daemon=True)
                self._thread.start()

    def leave(self, subscription: Subscription) -> None:
        """It is given nothing more; nothing happens when it had left before."""
        with self._changed:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
            self._changed.notify_all()

    def end(self) -> None:
        """Every stream ends, and no new one begins."""
        with self._changed:
            self._ended = True
            for subscription in self._subscriptions:
                subscription.end()
            self._changed.notify_all()

    def close(self) -> None:
        self.end()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        """Until nobody watches any more."""
        reader: Reader | None = None
        backoff = Backoff()
        while watching := self._watching():
            try:
                reader = reader or self._log.reader()
                wait_s = 0.0 if self._round(reader, watching) else TICK_S
                backoff.reset()
            except Unavailable as error:
                wait_s = backoff.next_s()
                logs.get().warning("stream.waiting", dependency=error.dependency, wait_s=round(wait_s, 1))
            self._wait(wait_s)
        if reader is not None:
            reader.close()

    def _watching(self) -> list[Subscription]:
        """Who is there; with nobody the thread is over, and says so under the lock."""
        with self._changed:
            if self._ended or not self._subscriptions:
                self._thread = None
                return []
            return list(self._subscriptions)

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if seconds and not self._ended and self._subscriptions:
                self._changed.wait(seconds)

    def _round(self, reader: Reader, watching: Sequence[Subscription]) -> bool:
        """Every watched partition once. Whether there is more to read at once. Raises Unavailable."""
        bounds = self._log.bounds(PREDICTIONS.name)
        more = [self._partition(reader, number, bounds[number], watching) for number in _watched(watching, bounds)]
        return any(more)

    def _partition(self, reader: Reader, number: int, bounds: Bounds, watching: Sequence[Subscription]) -> bool:
        more = False
        for start, together in _at_one_offset(number, bounds, watching):
            end = self._read(reader, number, start, min(start + SLICE, bounds.end), together)
            for subscription in together:
                subscription.positions[number] = end
                if end >= bounds.end:
                    subscription.behind.discard(number)
            more = more or start < end < bounds.end
        return more

    def _read(self, reader: Reader, number: int, start: int, end: int, together: Sequence[Subscription]) -> int:
        """Gives out what lies in [start, end); returns how far it came: who catches up is waited for."""
        if start >= end:
            return start
        suffixes = [event_suffix(number, subscription.positions) for subscription in together]
        came_to = start
        try:
            for record in reader.scan(PREDICTIONS.name, number, start, end):
                if any(one.is_full and one.behind for one in together):
                    return record.offset
                _give(record, together, suffixes)
                came_to = record.offset + 1
        except Unavailable:
            if came_to == start:
                raise
            return came_to  # what was given is not given again
        return end


def _watched(watching: Iterable[Subscription], bounds: Mapping[int, Bounds]) -> list[int]:
    return sorted({number for subscription in watching for number in subscription.positions} & bounds.keys())


def _at_one_offset(
    number: int, bounds: Bounds, watching: Iterable[Subscription]
) -> list[tuple[int, list[Subscription]]]:
    """Who is to be read for together. Those who catch up are on their own: each is read for as fast as it takes."""
    together: dict[tuple[int, int], list[Subscription]] = defaultdict(list)
    for subscription in watching:
        if number not in subscription.positions or (subscription.behind and subscription.is_full):
            continue
        start = subscription.positions[number]
        if start < bounds.start:
            subscription.lost(bounds.start - start)
            subscription.positions[number] = start = bounds.start
        together[start, id(subscription) if subscription.behind else 0].append(subscription)
    return [(start, group) for (start, _), group in together.items()]


def _give(record: Record, together: Sequence[Subscription], suffixes: Sequence[str]) -> None:
    wanting = [(one, suffix) for one, suffix in zip(together, suffixes, strict=True) if one.wanted.by_key(record.key)]
    named = read(record) if wanting else None
    if named is None:
        return
    data = _json(named)
    for subscription, suffix in wanting:
        if subscription.wanted.takes(named.prediction):
            subscription.offer(Event(named.prediction_id + suffix, data))


def _json(named: Named) -> bytes:
    return shown(named.prediction_id, named.prediction).model_dump_json().encode()
