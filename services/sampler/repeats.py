"""Repeats: predictions of frames that this sampler has met already (inference died between sending and committing).

Promises: skips only what it has seen, per model and partition; what lies below the bitmap is served. Looking changes
nothing until `settle`, so a batch that is handed in again is not its own repeat.
"""

from shared.streams.tallies import meet_offset

Where = tuple[str, int]
"""(model id, partition of frames)."""
Met = tuple[int, int]
"""(highest offset, bitmap of those below it): `Seen` on bare numbers, since every prediction asks."""
NOTHING: Met = (-1, 0)


class Repeats:
    def __init__(self) -> None:
        self._seen: dict[Where, Met] = {}
        self._pending: dict[Where, Met] = {}

    def begin(self) -> None:
        """A batch begins, perhaps again."""
        self._pending = {}

    def meet(self, model_id: str, partition: int, offset: int) -> str:
        """`new`, `seen` or `late`."""
        where = (model_id, partition)
        met = self._pending.get(where) or self._seen.get(where, NOTHING)
        highest, below, novelty = meet_offset(*met, offset)
        self._pending[where] = highest, below
        return novelty

    def settle(self) -> None:
        """The batch is through."""
        self._seen.update(self._pending)
        self._pending = {}

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go: what was seen of them says nothing about what is delivered next."""
        self._seen = {where: seen for where, seen in self._seen.items() if where[1] not in partitions}
        self._pending = {}
