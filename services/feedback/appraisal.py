"""Appraisal: how good a model version is now, from the read model and the estimators.

Promises: whoever may see some sources alone gets figures of those alone; a collection's are of the frames that it draws from.
Asked again within a moment it answers the same, so that a page that everybody looks at costs one estimate.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.feedback.access.caller import Caller
from services.feedback.accuracy.audit import Refusal, least_floor
from services.feedback.accuracy.figures import Figure, figures
from services.feedback.accuracy.paired import Difference, live_difference
from services.feedback.accuracy.review import Review, Totals, Window
from services.feedback.drawn_from import ALL, DrawnFrom
from services.feedback.read_model import ReadModel
from services.feedback.read_model.reviews import Version
from services.feedback.refusals import NotFound
from shared.ports import Clock

FRESH_S = 5.0
MOST_REMEMBERED = 64
END_OF_TIME_MS = 2**62


@dataclass(frozen=True, slots=True)
class Question:
    """Which figures: of a collection and a model version (None: the newest), in [since_ms, until_ms) of log time."""

    collection: str
    model_id: str | None = None
    model_version: str | None = None
    since_ms: int = 0
    until_ms: int = END_OF_TIME_MS
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Appraisal:
    """The answer. `of`: the version that it is about; `others`: every version that has been seen."""

    of: Version
    others: Sequence[Version]
    window: Window
    figures: Sequence[Figure]
    totals: Mapping[tuple[str, str], Totals]
    as_of_ms: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions on the same frames."""

    a: Version
    b: Version
    difference: Difference | Refusal


class Appraisals:
    """Any thread may ask."""

    def __init__(
        self, model: ReadModel, clock: Clock, timezone: str, drawn_from: Mapping[str, DrawnFrom] | None = None
    ) -> None:
        """`drawn_from`: per collection that does not draw from all sources and models."""
        self._model = model
        self._drawn_from = drawn_from or {}
        self._clock = clock
        self._timezone = ZoneInfo(timezone)
        self._asking = threading.Lock()
        self._remembered: dict[Question, tuple[float, Appraisal]] = {}

    def of(self, question: Question) -> Appraisal:
        """Raises NotFound where no such version was seen, Unavailable while the read model cannot be read."""
        # One at a time: a dozen who ask for the same would each work out the same.
        with self._asking:
            now_s = self._clock.monotonic_s()
            at_s, known = self._remembered.get(question, (-FRESH_S, None))
            if known is not None and now_s - at_s < FRESH_S:
                return known
            appraisal = self._appraised(question)
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[question] = (now_s, appraisal)
            return appraisal

    def compare(self, a: Question, b: Question) -> Comparison:
        """Of the frames that were drawn for `a`. Raises as `of`."""
        versions = self._model.versions(_sees(a), judged=True)
        first, second = _wanted(versions, a, "a"), _wanted(versions, b, "b")
        window = Window(first.model_id, first.model_version, a.since_ms, a.until_ms)
        reviews, totals, _ = self._seen(window, a)
        others = self._model.outcomes(second.model_id, second.model_version)
        frames = sum(one.frames for one in totals.values())
        return Comparison(first, second, live_difference(reviews, others, frames, least_floor(reviews)))

    def notices(self, appraisal: Appraisal) -> list[str]:
        """What one should know before one believes a figure."""
        progress = self._model.progress()
        said = []
        if progress.rebuilding:
            said.append(f"The read model is being built: {progress.done:,} of {progress.total:,} records are in it.")
        seen = {one.source_id for one in appraisal.figures}
        thresholds = self._model.thresholds(appraisal.window, lambda source_id: source_id in seen)
        if len(thresholds) > 1:
            said.append(
                f"The product threshold changed ({', then '.join(thresholds)}): "
                "the figures are of what was shown, under one and the other."
            )
        return said

    def day_of(self, time_ms: int) -> str:
        return datetime.fromtimestamp(time_ms / 1000, self._timezone).date().isoformat()

    def _drawn(self, question: Question) -> DrawnFrom:
        return self._drawn_from.get(question.collection, ALL)

    def _appraised(self, question: Question) -> Appraisal:
        versions = self._model.versions(_sees(question))
        model_id = question.model_id or self._drawn(question).model_id
        version = _wanted(versions, replace(question, model_id=model_id))
        window = Window(version.model_id, version.model_version, question.since_ms, question.until_ms)
        reviews, totals, as_of_ms = self._seen(window, question)
        boxes = self._model.shown_boxes(window, question.collection)
        made = figures(reviews, totals, boxes, self.day_of)
        return Appraisal(version, versions, window, made, totals, as_of_ms)

    def _seen(
        self, window: Window, question: Question
    ) -> tuple[list[Review], dict[tuple[str, str], Totals], int | None]:
        """What may be seen of the drawn frames and of all that could have been, and as of when."""
        caller, drawn_from = Caller("", sources=question.sources), self._drawn(question)
        as_of_ms = self._model.progress().as_of_ms
        drawn = self._model.reviews(window, question.collection)
        totals = self._model.totals_per_source_and_day(window, self._timezone)
        known = {*(one.source_id for one in drawn), *(source for source, _ in totals)}
        meant = {source for source in known if caller.sees(source) and drawn_from.has(source)}
        reviews = [one for one in drawn if one.source_id in meant]
        return reviews, {key: one for key, one in totals.items() if key[0] in meant}, as_of_ms


def _sees(question: Question) -> Callable[[str], bool] | None:
    """Also that a version exists is told to those alone who see a source that had it."""
    return Caller("", sources=question.sources).sees if question.sources else None


def _wanted(versions: Sequence[Version], question: Question, where: str = "model_id") -> Version:
    """The one that is named, or the one that was seen last. `where`: the parameter that names it."""
    named = [
        one
        for one in versions
        if question.model_id in (None, one.model_id) and question.model_version in (None, one.model_version)
    ]
    if not named:
        raise NotFound(
            "no such model version was seen; GET /v1/accuracy/versions lists those that were"
            if versions
            else "no frames were counted yet: the sampler tells them every 1,024 predictions, and when it stops",
            where,
        )
    return max(named, key=lambda one: (one.last_ms, one.first_ms))
