"""Recent: what each model has lately shown of each source. One tracker for each of them, bounded, in memory alone.

Promises: a batch that is handed in again moves no tracker twice; a frame that comes late moves none. After an assignment
the past is unknown until `services.sampler.warming` has read it back.
"""

from collections import OrderedDict

from services.sampler.recent.past import UNKNOWN, Past
from services.sampler.recent.tracker import Tracker
from shared.runtime.service import Received
from shared.streams.predictions import Prediction

MOST_SOURCES = 4096
"""Whose past was not asked for longest is forgotten first."""


class _Followed(Tracker):
    """A tracker, and the highest offset of its source's frames that it has met."""

    __slots__ = ("highest",)

    def __init__(self) -> None:
        super().__init__()
        self.highest = -1


Where = tuple[int, str, str]
"""(partition, source id, model id)."""


class Recent:
    def __init__(self, most_sources: int = MOST_SOURCES) -> None:
        self._most_sources = most_sources
        self._followed: OrderedDict[Where, _Followed] = OrderedDict()
        self._told: dict[tuple[int, int], Past] = {}

    def meet(self, received: Received) -> Past:
        """The events of this prediction's frame. The same again, until `settle`, when its batch is handed in again."""
        record = received.record
        place = record.partition, record.offset
        past = self._told.get(place)
        if past is None:
            past = self._told[place] = self._next(record.partition, received.message)
        return past

    def read_back(self, received: Received) -> None:
        """A prediction that was handled before the partition came here: its source begins warm."""
        if received.message.role == "live":
            self._next(received.record.partition, received.message)

    def settle(self) -> None:
        """The batch is through."""
        self._told = {}

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go."""
        self._followed = OrderedDict((at, one) for at, one in self._followed.items() if at[0] not in partitions)
        self._told = {place: past for place, past in self._told.items() if place[0] not in partitions}

    def _next(self, partition: int, prediction: Prediction) -> Past:
        where = partition, prediction.source_id, prediction.model_id
        followed = self._followed.get(where)
        if followed is None:
            followed = self._begin(where)
        else:
            self._followed.move_to_end(where)
        offset = prediction.frame.offset
        if offset <= followed.highest:
            return UNKNOWN
        followed.highest = offset
        return followed.meet(prediction)

    def _begin(self, where: Where) -> _Followed:
        if len(self._followed) >= self._most_sources:
            self._followed.popitem(last=False)
        followed = self._followed[where] = _Followed()
        return followed
