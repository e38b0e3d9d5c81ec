"""Gather: a report from a read model that has read everything, and the log that it was read from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services.feedback.accuracy import words as accuracy_words
from services.feedback.accuracy.figures import Figure, add
from services.feedback.accuracy.review import Review, Totals, Window
from services.feedback.alerts import AlertOptions, passed
from services.feedback.appraisal import END_OF_TIME_MS, Appraisal, Appraisals, Question
from services.feedback.read_model import ReadModel, Version
from services.feedback.report import telling, words
from services.feedback.report.content import Compared, Report, Reviewer, VersionTold
from services.feedback.report.cost import cost
from services.feedback.report.flow import flow
from services.feedback.report.options import Asked
from services.feedback.report.silence import silence
from services.feedback.report.trend import trend
from shared.errors import SettingsError
from shared.ports import Clock, Log
from shared.streams.tallies import MINUTE_MS


class Gathering:
    """Of one window. `limits`: of the settings' alerts."""

    def __init__(
        self, model: ReadModel, log: Log, clock: Clock, asked: Asked, limits: Sequence[AlertOptions] = ()
    ) -> None:
        self._model = model
        self._log = log
        self._clock = clock
        self._asked = asked
        self._limits = limits
        self._appraisals = Appraisals(model, clock, asked.timezone.key, {asked.collection: asked.drawn_from})
        self._versions = [one for one in model.versions() if asked.drawn_from.model_id in (None, one.model_id)]

    def report(self) -> Report:
        """Raises SettingsError where a model was asked for that was never seen."""
        of = self._wanted(self._asked)
        if of is None:
            return self._bare(words.NOTHING_COUNTED, Totals(0))
        seen = [self._appraise(one, self._asked) for one in self._seen(self._asked)]
        appraisal = self._appraise(of, self._asked)
        classes = add(add(one.totals.values()) for one in seen).detections
        headline = _headline(appraisal)
        return self._bare(accuracy_words.says(headline), _seen_by_one(seen)).model_copy(
            update={
                "of": telling.version(of),
                "before": self._before(),
                "notices": tuple(self._appraisals.notices(appraisal)),
                "alerts": tuple(_alerts(appraisal, self._limits)),
                "figures": tuple(telling.figure(one) for one in appraisal.figures if one.day is None),
                "trend": trend(self._reviews(of), appraisal.totals, self._asked.timezone),
                "versions": tuple(_told(one) for one in seen),
                "comparisons": tuple(self._comparisons(of)),
                "silence": silence(
                    self._log, telling.version(of), self._all_reviews(of), self._clock.now_ms(), self._asked.drawn_from
                ),
                "says_not": accuracy_words.says_not(headline),
                "sources": tuple(sorted({source for one in seen for source, _ in one.totals})),
                "classes": tuple(sorted(classes)),
            }
        )

    def appraisal(self) -> Appraisal | None:
        """Of the version that the report is about."""
        of = self._wanted(self._asked)
        return None if of is None else self._appraise(of, self._asked)

    def _bare(self, headline: str, frames: Totals) -> Report:
        """What there is to say of any window."""
        asked = self._asked
        counted = flow(self._model, asked, frames)
        return Report(
            made_at=self._rfc3339(self._clock.now_ms()),
            since=self._rfc3339(asked.since_ms),
            until=self._rfc3339(asked.until_ms),
            timezone=asked.timezone.key,
            collection=asked.collection,
            headline=headline,
            flow=counted,
            cost=cost(counted.kept, frames.frames, asked.labelling),
            reviewers=tuple(self._reviewers()),
        )

    # Which versions

    def _seen(self, asked: Asked) -> list[Version]:
        """In the window, the newest first."""
        met = [
            one for one in self._versions if one.first_ms < asked.until_ms and one.last_ms + MINUTE_MS > asked.since_ms
        ]
        ran = [one for one in met if self._ran(one, asked)]
        return sorted(ran, key=lambda one: (one.last_ms, one.first_ms), reverse=True)

    def _ran(self, of: Version, asked: Asked) -> bool:
        """Not before and after the window alone, as one does that is gone back to."""
        window = Window(of.model_id, of.model_version, asked.since_ms, asked.until_ms)
        counted = filter(asked.drawn_from.has, self._model.totals_by(window, "source", asked.timezone))
        return any(counted) or bool(self._drawn(window))

    def _wanted(self, asked: Asked) -> Version | None:
        if asked.model is None:
            return next(iter(self._seen(asked)), None)
        for one in self._versions:
            if f"{one.model_id}@{one.model_version}" == "@".join(asked.model):  # either may have an @ of its own
                return one
        known = ", ".join(f"{one.model_id}@{one.model_version}" for one in self._versions) or "none"
        raise SettingsError(f"--model: no frames of {'@'.join(asked.model)} were counted; known: {known}")

    # What there is of one

    def _appraise(self, of: Version, asked: Asked) -> Appraisal:
        return self._appraisals.of(_question(of, asked))

    def _reviews(self, of: Version) -> list[Review]:
        return self._drawn(Window(of.model_id, of.model_version, self._asked.since_ms, self._asked.until_ms))

    def _all_reviews(self, of: Version) -> list[Review]:
        return self._drawn(Window(of.model_id, of.model_version, 0, END_OF_TIME_MS))

    def _drawn(self, window: Window) -> list[Review]:
        drawn = self._model.reviews(window, self._asked.collection)
        return [one for one in drawn if self._asked.drawn_from.has(one.source_id)]

    def _before(self) -> str | None:
        """The sentence of as long a time before, of the version that saw most then."""
        asked = self._asked
        since_ms = asked.since_ms - (asked.until_ms - asked.since_ms)
        if since_ms <= 0:
            return None
        earlier = replace(asked, since_ms=since_ms, until_ms=asked.since_ms)
        ran = [self._appraise(one, earlier) for one in self._seen(earlier)]
        if not ran:
            return None
        most = max(ran, key=_frames)
        return words.before(words.span(asked.days), telling.version(most.of), accuracy_words.says(_headline(most)))

    def _comparisons(self, of: Version) -> Iterator[Compared]:
        """Each other version, a shadow's too, on the frames that were drawn for this one; those that nobody judged on both
        say nothing."""
        first = _question(of, self._asked)
        for other in self._model.versions(judged=True):
            if (other.model_id, other.model_version) != (of.model_id, of.model_version):
                told = telling.comparison(self._appraisals.compare(first, _question(other, self._asked)))
                if told.refused is None:
                    yield told

    def _reviewers(self) -> Iterator[Reviewer]:
        for one in self._model.reviewers().reviewers:
            yield Reviewer.model_validate(one.model_dump())

    def _rfc3339(self, time_ms: int) -> str:
        return (
            datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(self._asked.timezone).isoformat(timespec="seconds")
        )


def _question(of: Version, asked: Asked) -> Question:
    return Question(asked.collection, of.model_id, of.model_version, asked.since_ms, asked.until_ms)


def _headline(appraisal: Appraisal) -> Figure:
    return next(one for one in appraisal.figures if one.metric == "frame_error_rate" and one.source_id is None)


def _told(appraisal: Appraisal) -> VersionTold:
    """Of all sources together."""
    whole = [one for one in appraisal.figures if (one.source_id, one.class_name, one.day) == (None, None, None)]
    told = tuple(telling.figure(one) for one in whole)
    return VersionTold(version=telling.version(appraisal.of), frames=_frames(appraisal), figures=told)


def _seen_by_one(appraisals: Sequence[Appraisal]) -> Totals:
    """Each frame once: several models may have seen the same ones, so the model counts that saw most."""
    of: dict[str, list[Totals]] = defaultdict(list)
    for one in appraisals:
        of[one.of.model_id] += one.totals.values()
    return max(map(add, of.values()), key=lambda totals: totals.frames, default=Totals(0))


def _frames(appraisal: Appraisal) -> int:
    return add(appraisal.totals.values()).frames


def _alerts(appraisal: Appraisal, limits: Sequence[AlertOptions]) -> Iterator[str]:
    for alert in passed(appraisal.figures, limits):
        yield words.alert(alert.options.rate, alert.options.limit, accuracy_words.says(alert.figure))
