"""Recent predictions: pages of them, live streams of them, and their sources; opened with the desk and closed with it.

Promises: opening asks no server and starts no thread that works; a caller's key sees its own sources only.
"""

import time
from collections.abc import Callable

from services.feedback.access.caller import Caller
from services.feedback.recent.lanes import Lanes
from services.feedback.recent.looking_back import MOST_S, LookingBack, Page
from services.feedback.recent.places import Place, Places
from services.feedback.recent.resuming import positions_after
from services.feedback.recent.subscription import Subscription
from services.feedback.recent.tail import MAX_SUBSCRIBERS, Tail
from services.feedback.recent.wanted import Wanted
from services.feedback.refusals import NotAllowed
from shared.ports import Log
from shared.ports.log import Bounds
from shared.streams.predictions import PREDICTIONS


class Recent:
    """Any thread may ask. `end` first, so that live streams let the server stop; then `close`."""

    def __init__(self, log: Log, timeout_s: float, max_streams: int = MAX_SUBSCRIBERS) -> None:
        self._log = log
        self._lanes = Lanes(log, timeout_s)
        self._places = Places(log, self._lanes)
        self._back = LookingBack(log, self._lanes, self._places)
        self.tail = Tail(log, max_streams)

    def page(self, source_id: str, wanted: Wanted, limit: int, before: str | None) -> Page:
        """Raises NotAllowed, InvalidRequest, Unavailable."""
        _check(wanted)
        return self._back.page(source_id, wanted, limit, before)

    def sources(self, caller: Caller) -> list[Place]:
        """The sources that were met lately and that the caller sees. Raises NotAllowed, Unavailable."""
        _refuse_link(caller)
        return [place for place in self._places.all(time.monotonic() + MOST_S) if caller.sees(place.source_id)]

    def starting(self, wanted: Wanted, last_event_id: str | None) -> Callable[[], Subscription]:
        """What makes the subscription, in the event loop: where it starts is known before. Asks the log.

        Raises NotAllowed, InvalidRequest, Unavailable.
        """
        _check(wanted)
        resumed = {} if last_event_id is None else positions_after(last_event_id)
        bounds = self._log.bounds(PREDICTIONS.name)
        partitions = self._partitions(wanted, len(bounds)) | resumed.keys()
        positions = {number: _start(at, resumed.get(number)) for number, at in bounds.items() if number in partitions}
        behind = {number for number, position in positions.items() if position < bounds[number].end}
        return lambda: Subscription(wanted, positions, behind)

    def end(self) -> None:
        """Live streams end now; everything else goes on."""
        self.tail.end()

    def close(self) -> None:
        self.tail.close()
        self._lanes.close()

    def _partitions(self, wanted: Wanted, partitions: int) -> set[int]:
        """Where its sources lie; a source that was not met yet may come on any."""
        until_s = time.monotonic() + MOST_S
        places = {self._places.of(source_id, until_s) for source_id in wanted.sources}
        known = {place for place in places if place is not None}
        return known if known and len(known) == len(places) else set(range(partitions))


def _start(bounds: Bounds, resumed: int | None) -> int:
    """From now on, or where it broke off; a stream that was made anew is shorter than what came before."""
    return bounds.end if resumed is None else min(resumed, bounds.end)


def _check(wanted: Wanted) -> None:
    _refuse_link(wanted.caller)
    for source_id in wanted.sources:
        wanted.caller.check_source(source_id)


def _refuse_link(caller: Caller) -> None:
    if caller.prediction_id is not None:
        raise NotAllowed("this link is for one prediction", "prediction_id")
