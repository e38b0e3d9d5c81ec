"""A log that people and applications speak into, at times of the test's choice; and settlers that come, go and are killed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.feedback.sending import Sending
from services.feedback.silence.options import SilenceOptions
from services.feedback.silence.settling import Settling
from shared.streams import ids
from shared.streams.keys import silence_lease_key
from shared.streams.predictions import Detection, Prediction
from shared.streams.record import NewRecord, Record
from shared.streams.samples import new_sample
from shared.streams.verdicts import Shown, Verdict, new_shown, new_verdict
from tests.hosts import samples
from tests.unit.services.feedback.conftest import Site

GRACE_S = 60
DAY_S = 86_400
APP, REVIEW = "door-app", "review"


def prediction(number: int) -> Prediction:
    """One box, of a confidence of its own; on partition 0 or 1."""
    seen = Detection(box=(10, 20, 50, 60), class_id=0, class_name="cup", confidence=0.6 + number % 37 / 100)
    return samples.prediction(number, number % 2, detections=(seen,))


def prediction_id(number: int) -> str:
    frame = prediction(number).frame
    return ids.prediction_id(frame.partition, frame.offset, frame.frame_id)


def shown(number: int, exposure_id: str, objection_s: int = DAY_S, held: bool = True) -> NewRecord:
    seen = prediction(number)
    return new_shown(
        Shown(
            exposure_id=exposure_id,
            prediction_id=prediction_id(number),
            frame_id=seen.frame.frame_id,
            partition=seen.frame.partition,
            source_id=seen.source_id,
            model_id=seen.model_id,
            model_version=seen.model_version,
            visible_ms=2_000,
            caller=APP,
            objection_s=objection_s,
            held=held,
            probability=0.05,
            prediction=seen if held else None,
        )
    )


def said(number: int, kind: str, verdict_id: str, caller: str = APP, **more: Any) -> NewRecord:
    fields: dict[str, Any] = {"reason": "false_positive" if kind == "rejected" else None, "judged_at": "then", **more}
    seen = prediction(number)
    return new_verdict(
        Verdict(
            verdict_id=verdict_id,
            prediction_id=prediction_id(number),
            prediction=seen,
            kind=kind,
            caller=caller,
            **fields,
        )
    )


def audited(number: int) -> NewRecord:
    return said(number, "rejected", f"audit-{number}", REVIEW, exhaustive=True)


def drawn(number: int) -> NewRecord:
    return new_sample(samples.design(number, seen=prediction(number)))


@dataclass
class SiteClock:
    """The log's clock, perhaps a little off."""

    site: Site
    off_ms: int = 0

    def now_ms(self) -> int:
        return self.site.now_ms + self.off_ms

    def monotonic_s(self) -> float:
        return self.now_ms() / 1000

    def wait_s(self, seconds: float) -> None:
        self.site.now_ms += round(seconds * 1000)


class Killed(Exception):
    """The process ends here."""


class CutSending(Sending):
    """Sends the first few of what it is given, and then the process is killed."""

    def __init__(self, site: Site, before_the_cut: int) -> None:
        super().__init__(site.log, 5.0)
        self._left = before_the_cut

    def send_all(self, records: Sequence[NewRecord]) -> list[Record]:
        if len(records) <= self._left:
            self._left -= len(records)
            return super().send_all(records)
        super().send_all(records[: self._left])
        raise Killed


@dataclass
class Settlers:
    """Replicas, each with a file of its own; whoever is asked to work has the lease, or nobody has."""

    site: Site
    off_ms: int = 0
    has_lease: bool = True

    def step(self, replica: str = "a", killed_after: int | None = None) -> int:
        """A process begins, works for a step, and ends, or is killed when it has written so many."""
        sending = Sending(self.site.log, 5.0) if killed_after is None else CutSending(self.site, killed_after)
        settling = Settling(
            self.site.folder / f"silence-{replica}.db",
            self.site.log,
            self.site.state,
            sending,
            SiteClock(self.site, self.off_ms),
            SilenceOptions(grace_s=GRACE_S),
            collection="default",
        )
        owner = settling.name if self.has_lease else "somebody else"
        self.site.state.put(silence_lease_key("default"), owner.encode(), 60)
        try:
            return settling.step()
        except Killed:
            return -1
        finally:
            settling.close()
            sending.close()

    def fresh(self, replica: str) -> None:
        for file in self.site.folder.glob(f"silence-{replica}.db*"):
            file.unlink()


def affirmations(site: Site) -> dict[str, Verdict]:
    """By id. Two with one id say the same, to the byte."""
    found: dict[str, Verdict] = {}
    for one in site.verdicts():
        if one.kind == "affirmed":
            assert found.setdefault(one.verdict_id, one).to_bytes() == one.to_bytes()
    return found
