"""Silence: how many predictions people saw without a word, and how often the silent are right (SCIENCE F).

Promises: of one model version since its first frame: an exposure does not say when its frame was, so that a window of frames
cannot be cut out of exposures. A user's word counts as in `silence.audit`: in time, and not by whoever searched the frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from services.feedback.accuracy.audit import least_floor
from services.feedback.accuracy.estimates import Estimate
from services.feedback.accuracy.review import Review
from services.feedback.drawn_from import ALL, DrawnFrom
from services.feedback.report import telling
from services.feedback.report.content import ModelVersion, Silence
from services.feedback.silence.audit import WRONG
from services.feedback.silence.estimate import right_when_silent
from shared.errors import InvalidMessage
from shared.ports import Log
from shared.streams.verdicts import VERDICTS, Shown, Verdict


@dataclass(slots=True)
class _Exposed:
    """A prediction: until when and through whom an objection counts, and what was said of it as a rejection."""

    until_ms: int | None = None
    callers: set[str] = field(default_factory=set)
    objections: list[tuple[int, str]] = field(default_factory=list)

    @property
    def was_rejected(self) -> bool:
        until_ms = self.until_ms or 0
        return any(at_ms <= until_ms and caller in self.callers for at_ms, caller in self.objections)


@dataclass(slots=True)
class _Heard:
    of: ModelVersion
    drawn_from: DrawnFrom
    affirmed: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    exposed: dict[str, _Exposed] = field(default_factory=dict)

    def hear(self, message: Verdict | Shown, at_ms: int) -> None:
        if isinstance(message, Shown):
            if message.probability > 0 and self._is_of(message.model_id, message.model_version, message.source_id):
                self._was_shown(message, at_ms)
        else:
            said = message.prediction
            if self._is_of(said.model_id, said.model_version, said.source_id):
                self._was_judged(message, at_ms)

    def _is_of(self, model_id: str, model_version: str, source_id: str) -> bool:
        of = (model_id, model_version) == (self.of.model_id, self.of.model_version)
        return of and self.drawn_from.has(source_id)

    def _was_shown(self, shown: Shown, at_ms: int) -> None:
        """A glimpse is no exposure: it could not have been held. The first one says until when an objection counts."""
        one = self.exposed.setdefault(shown.frame_id, _Exposed())
        if one.until_ms is None:
            one.until_ms = at_ms + shown.objection_s * 1000
        if at_ms <= one.until_ms:
            one.callers.add(shown.caller)

    def _was_judged(self, verdict: Verdict, at_ms: int) -> None:
        frame_id = verdict.prediction.frame.frame_id
        if verdict.kind == "affirmed":
            self.affirmed.add(frame_id)
            return
        self.judged.add(frame_id)
        if verdict.kind in WRONG and not verdict.exhaustive:
            self.exposed.setdefault(frame_id, _Exposed()).objections.append((at_ms, verdict.caller))


def silence(
    log: Log, of: ModelVersion, reviews: list[Review], now_ms: int, drawn_from: DrawnFrom = ALL
) -> Silence | None:
    """`reviews`: every design of the version, whenever it was; `drawn_from`: of which sources.

    None: nobody was shown anything, or their time is not over.
    """
    heard = _Heard(of, drawn_from)
    for message, at_ms in _verdicts(log):
        heard.hear(message, at_ms)
    over = {name: one for name, one in heard.exposed.items() if one.until_ms is not None and one.until_ms < now_ms}
    if not over:
        return None
    silent = {(frame_id, of.model_id) for frame_id, one in over.items() if not one.was_rejected}
    made = right_when_silent(reviews, silent, least_floor(reviews))
    if isinstance(made, Estimate):
        made = replace(made, rate=made.rate.complement())  # as an error rate, like every other one of frames
    return Silence(
        shown=len(over),
        objected=len(over) - len(silent),
        affirmed=len(heard.affirmed),
        judged=len(heard.judged),
        wrong=telling.estimate("frame_error_rate", made, len(silent)),
    )


def _verdicts(log: Log) -> Iterator[tuple[Verdict | Shown, int]]:
    """All that can be read, with their log times."""
    reader = log.reader()
    try:
        for number, bounds in log.bounds(VERDICTS.name).items():
            for record in reader.scan(VERDICTS.name, number, bounds.start, bounds.end):
                try:
                    yield VERDICTS.decode(record), record.time_ms
                except InvalidMessage:
                    continue  # a dead letter of its reader's, and counted there
    finally:
        reader.close()
