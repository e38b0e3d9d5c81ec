"""The read model as the routes and the accuracy use it: one thread follows the streams, any thread asks.

Promises: opening asks no server; the file is deleted and built anew when it is missing, damaged or of another making, or
when the streams were made anew. Answers raise Unavailable while the file cannot be read.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from services.feedback.accuracy.review import Outcome, Review, Totals, Window
from services.feedback.read_model import browse, detail, flow, history, reviews, totals
from services.feedback.read_model.answers import (
    Pipeline,
    Rebuilding,
    Reviewers,
    SampleCounts,
    SampleDetail,
    SamplePage,
    VerdictPage,
)
from services.feedback.read_model.browse import Order
from services.feedback.read_model.columns import Columns
from services.feedback.read_model.cursor import parse
from services.feedback.read_model.database import Database
from services.feedback.read_model.filters import Filters, visible
from services.feedback.read_model.follow import Follower
from services.feedback.read_model.history import VerdictFilters
from services.feedback.read_model.progress import Progress
from services.feedback.read_model.reviews import Version
from services.feedback.read_model.tail import Tail
from services.feedback.read_model.taking_tallies import last_tallies
from shared.ports import Clock, Log
from shared.streams import ids

Sees = Callable[[str], bool] | None
"""Whether a caller may see a source; None: all of them."""


class ReadModel:
    """Start it, ask it, close it. `excluded`: reviewers (or keys' names) whose verdicts count nowhere."""

    def __init__(
        self,
        path: Path,
        log: Log,
        clock: Clock,
        salt: bytes,
        *,
        excluded: Collection[str] = (),
        interval_s: float = 0.5,
    ) -> None:
        making = f"{ids.salt_fingerprint(salt)} {sorted(excluded)}"
        self.excluded = frozenset(excluded)
        self._database = Database(path, making)
        self._tail = Tail(log)
        self._columns = Columns()
        self._follower = Follower(self._database, log, clock, salt, self.excluded, interval_s)

    def open(self) -> None:
        """Opens the file now; `start` alone waits for as long as it cannot be. Raises Unavailable."""
        self._follower.open()

    def start(self) -> None:
        """Begins to follow the streams, in a thread of its own."""
        self._follower.start()

    def close(self) -> None:
        """Ends following, within a second."""
        self._follower.close()
        self._tail.close()
        self._database.close()

    def progress(self) -> Progress:
        return self._follower.progress()

    def caught_up(self, timeout_s: float) -> bool:
        """Waits until all that is in the streams now is in the answers, or for so long. False: it is not."""
        return self._follower.caught_up(timeout_s)

    # What accuracy is made of

    def reviews(self, window: Window, collection: str = "default") -> list[Review]:
        """Every design of the window, judged or not, in the order of the frames' log time."""
        with self._database.read() as db:
            return reviews.reviews(db, window, collection)

    def totals(self, window: Window) -> Totals:
        """Of all frames of the window, those after the last tally too, as far as `predictions` is kept."""
        with self._database.read() as db:
            return totals.totals(db, window, self._tail.beyond(last_tallies(db)))

    def totals_by(self, window: Window, by: Literal["source", "day"], timezone: ZoneInfo) -> dict[str, Totals]:
        """Per source id, or per date (2026-11-23) in this time zone; without those that have no frames."""
        with self._database.read() as db:
            beyond = self._tail.beyond(last_tallies(db))
            if by == "source":
                return totals.totals_by_source(db, window, beyond)
            return totals.totals_by_day(db, window, beyond, timezone)

    def totals_per_source_and_day(self, window: Window, timezone: ZoneInfo) -> dict[tuple[str, str], Totals]:
        """Per (source id, date in this time zone); without those that have no frames."""
        with self._database.read() as db:
            return totals.totals_per_source_and_day(db, window, self._tail.beyond(last_tallies(db)), timezone)

    def shown_boxes(self, window: Window, collection: str = "default") -> dict[str, dict[str, int]]:
        """Per sample id of the window's designs, boxes that the product showed, per class."""
        with self._database.read() as db:
            return reviews.shown_boxes(db, window, collection)

    def outcomes(self, model_id: str, model_version: str) -> dict[str, Outcome | None]:
        """Per frame id, what people made of what a model version said, whether the frame was drawn or not."""
        with self._database.read() as db:
            return reviews.outcomes(db, model_id, model_version)

    def versions(self, sees: Sees = None, *, judged: bool = False) -> list[Version]:
        """Model versions of which frames were counted or drawn, of sources that may be seen, oldest first. With `judged`
        those too that were judged alone, as a shadow's are."""
        with self._database.read() as db:
            return reviews.versions(db, None if sees is None else visible(db, sees), judged=judged)

    def thresholds(self, window: Window, sees: Sees = None) -> tuple[str, ...]:
        """Product thresholds in the window, of what was drawn or judged of sources that may be seen, oldest first."""
        with self._database.read() as db:
            return reviews.thresholds(db, window, None if sees is None else visible(db, sees))

    # What the routes answer

    def samples(self, filters: Filters, order: Order, cursor: str | None, limit: int) -> bytes:
        """A `SamplePage` as JSON. Raises InvalidRequest for a cursor that is none."""
        after, currency = parse(cursor, order), self._currency()
        with self._database.read() as db:
            found, following = browse.page(db, filters, order, after, limit)
        page = SamplePage(samples=[], next=None if following is None else following.text(), **currency)
        return b'{"samples":[%b],%b' % (b",".join(found), page.model_dump_json(exclude={"samples"}).encode()[1:])

    def counts(self, filters: Filters) -> SampleCounts:
        currency = self._currency()
        with self._database.read() as db:
            total, found = self._columns.counts(db, filters)
            return SampleCounts(
                total=total,
                models=browse.version_values(db, found["version"]),
                **{name: browse.values(db, facet, found[facet]) for name, facet in _COUNTED.items()},
                **currency,
            )

    def sample(self, sample_id: str, sees: Sees = None) -> SampleDetail | None:
        """None for a sample that is not known, or not the caller's."""
        currency = self._currency()
        with self._database.read() as db:
            found = browse.sample_row(db, sample_id)
            if found is None or (sees is not None and not sees(found[1])):
                return None
            told = detail.detail(db, found[0], self.excluded)
        return told.model_copy(update=currency)

    def verdicts(
        self, filters: VerdictFilters, sources: Collection[str], sees: Sees, cursor: str | None, limit: int
    ) -> VerdictPage:
        """`sources`: names; none: all. Raises InvalidRequest for a cursor that is none."""
        after, currency = parse(cursor, history.NEWEST), self._currency()
        with self._database.read() as db:
            numbers = visible(db, lambda name: _is_wanted(name, sources, sees)) if sources or sees else None
            wanted = replace(filters, sources=numbers)
            told, following = history.page(db, wanted, after, limit, self.excluded)
        return VerdictPage(verdicts=told, next=None if following is None else following.text(), **currency)

    def reviewers(self, sees: Sees = None) -> Reviewers:
        currency = self._currency()
        with self._database.read() as db:
            told = history.reviewers(db, None if sees is None else visible(db, sees), self.excluded)
        return Reviewers(reviewers=told, **currency)

    def pipeline(self, sees: Sees = None) -> Pipeline:
        currency = self._currency()
        with self._database.read() as db:
            told = flow.pipeline(db, None if sees is None else visible(db, sees))
        return told.model_copy(update=currency)

    def _currency(self) -> dict[str, Any]:
        """How current an answer is, which is asked before its rows are read: it never claims too much."""
        told = self.progress()
        rebuilding = Rebuilding(done=told.done, total=told.total) if told.rebuilding else None
        return {"as_of_ms": told.as_of_ms, "rebuilding": rebuilding}


_COUNTED = {
    "collections": "collection",
    "sources": "source",
    "classes": "classes",
    "strategies": "strategies",
    "verdicts": "judged",
    "uploads": "upload",
    "missing": "missing",
}
"""Field of the answer -> facet."""


def _is_wanted(source_id: str, sources: Collection[str], sees: Sees) -> bool:
    return (not sources or source_id in sources) and (sees is None or sees(source_id))
