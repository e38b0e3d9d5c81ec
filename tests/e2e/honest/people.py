"""People: users who object when they notice, reviewers who take the queue in audit order, one who rejects everything, silence.

Promises: a reviewer's last word on a frame is true; what stands before it need not be. Every verdict goes through feedback,
but those that feedback writes by itself (`affirmed`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from services.feedback.access.caller import Caller
from services.feedback.desk import Desk
from services.feedback.refusals import PredictionGone
from services.feedback.verdicts.case import Asked
from services.feedback.verdicts.request import VerdictRequest
from shared.streams.record import NewRecord
from shared.streams.verdicts import Silence, Verdict, affirmed_id, new_verdict
from tests.e2e.honest.site import EXCLUDED, WAIT_S, Frame

NOTICES, GRUMBLES = 0.5, 0.02
"""How likely a user objects to a wrong prediction, and to a right one."""
APP = Caller("app")
Said = tuple[Frame, dict[str, Any]]


def judge(desk: Desk, said: Iterable[Said]) -> int:
    """Sends them in order; how many were refused since their frame is gone and was not kept."""
    gone = 0
    for some in _parts(list(said), 200):
        asked = [_asked(frame, body, number) for number, (frame, body) in some]
        for case in desk.feedback.begin(asked):
            outcome = case.outcome(WAIT_S)
            gone += isinstance(outcome, PredictionGone)
            if not isinstance(outcome, Verdict | PredictionGone):
                raise outcome
    return gone


def _parts(said: Sequence[Said], size: int) -> Iterator[list[tuple[int, Said]]]:
    numbered = list(enumerate(said))
    for at in range(0, len(numbered), size):
        yield numbered[at : at + size]


def _asked(frame: Frame, body: dict[str, Any], number: int) -> Asked:
    """Under a key of its own each time: the same words said again later are a new verdict."""
    request = VerdictRequest.model_validate({"prediction_id": frame.prediction_id, **body})
    return Asked(APP, request, f"{frame.prediction_id} {frame.prediction.frame.offset} {number} {request.fingerprint}")


def users(rng: np.random.Generator, frames: Iterable[Frame]) -> Iterator[Said]:
    """They object to what they notice: how often depends on the outcome, which must not move any figure."""
    for frame in frames:
        if rng.random() < (NOTICES if frame.seen.is_wrong else GRUMBLES):
            yield frame, _objection(frame, rng)


def _objection(frame: Frame, rng: np.random.Generator) -> dict[str, Any]:
    shown = frame.seen.shown
    if frame.seen.false and rng.random() < 0.7:
        return {"kind": "rejected", "reason": "false_positive", "detection_index": next(iter(frame.seen.false))}
    if frame.seen.missed or not shown:
        return {"kind": "missed"}
    if rng.random() < 0.5:
        return {"kind": "rejected", "reason": "false_positive"}
    return {"kind": "rejected", "reason": "false_positive", "detection_index": int(rng.choice(shown))}


def late_users(rng: np.random.Generator, frames: Iterable[Frame]) -> Iterator[Said]:
    """After the reviewers, and right: about single boxes."""
    for frame in frames:
        if frame.seen.false and rng.random() < 0.1:
            index = next(iter(frame.seen.false))
            yield frame, {"kind": "rejected", "reason": "false_positive", "detection_index": index}


def mallory(rng: np.random.Generator, frames: Iterable[Frame]) -> Iterator[Said]:
    """Rejects whatever is there."""
    for frame in frames:
        if rng.random() < 0.1:
            yield frame, {"kind": "rejected", "reason": "false_positive", "reviewer": EXCLUDED}


def reviewers(rng: np.random.Generator, frames: Iterable[Frame]) -> Iterator[Said]:
    """Some frames are judged in haste first, or by somebody unsure; the last word supersedes it. A few stay open."""
    for frame in frames:
        die = rng.random()
        if die < 0.1:
            yield frame, {"kind": "confirmed", "exhaustive": True, "reviewer": "ben"}
        elif die < 0.15:
            yield frame, {"kind": "unsure", "reviewer": "ben"}
        if die < 0.997:
            yield from _last_word(frame, rng)
        else:
            yield frame, {"kind": "unsure", "reviewer": "ana"}


def _last_word(frame: Frame, rng: np.random.Generator) -> Iterator[Said]:
    if not frame.seen.is_wrong:
        yield frame, {"kind": "confirmed", "exhaustive": True, "reviewer": "ana"}
    elif rng.random() < 0.5:
        labels = tuple({"class_name": one.class_name, "box": one.box} for one in frame.seen.labels)
        yield frame, {"kind": "corrected", "labels": labels, "reviewer": "ana"}
    else:
        yield from _box_by_box(frame)


def _box_by_box(frame: Frame) -> Iterator[Said]:
    """What users said of the frame as a whole goes first: `unsure` takes it back, and what follows stands alone."""
    yield frame, {"kind": "unsure", "reviewer": "ana"}
    for index in frame.seen.shown:
        said: dict[str, Any] = {"detection_index": index, "exhaustive": True, "reviewer": "ana"}
        if index not in frame.seen.false:
            yield frame, {**said, "kind": "confirmed"}
        elif (right := frame.seen.false[index]) is None:
            yield frame, {**said, "kind": "rejected", "reason": "false_positive"}
        else:
            yield frame, {**said, "kind": "corrected", "label": {"class_name": right}}
    if frame.seen.missed:
        yield frame, {"kind": "missed", "boxes": tuple(one.box for one in frame.seen.missed), "reviewer": "ana"}


def silence(rng: np.random.Generator, frames: Iterable[Frame]) -> list[NewRecord]:
    """What feedback writes where nobody objected: also on wrong frames, and it counts nowhere."""
    return [new_verdict(_affirmed(frame)) for frame in frames if rng.random() < 0.1]


def _affirmed(frame: Frame) -> Verdict:
    rests_on = Silence(
        exposure_id="shown",
        deadline_ms=frame.ref.time_ms,
        weight=0.5,
        p_correct=0.75,
        p=0.75,
        reject_rate=0.0,
        audited_errors=0,
        probability=0.1,
    )
    return Verdict(
        verdict_id=affirmed_id("default", frame.ref.frame_id, frame.prediction.model_id),
        prediction_id=frame.prediction_id,
        prediction=frame.prediction,
        kind="affirmed",
        silence=rests_on,
        caller="silence",
        judged_at="2025-12-01T18:00:00Z",
    )
