"""Records into rows: one batch, within one transaction.

Promises: the same records in the same order of each partition make the same answers, whatever the batches were.
"""

from collections.abc import Callable, Collection
from typing import Any

from services.feedback.read_model.database import Connection
from services.feedback.read_model.judged import Frame, fold
from services.feedback.read_model.names import Names
from services.feedback.read_model.taking_samples import settle, take_receipt, take_sample
from services.feedback.read_model.taking_tallies import Sums, take_tally
from services.feedback.read_model.taking_verdicts import take_shown, take_verdict
from shared.streams import SAMPLES, TALLIES, UPLOADS, VERDICTS, Stream
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.samples import Sample
from shared.streams.tallies import Tally
from shared.streams.uploads import Receipt
from shared.streams.verdicts import Shown, Verdict

FOLLOWED: tuple[Stream, ...] = (TALLIES, SAMPLES, VERDICTS, UPLOADS)


class Taking:
    """Take every message of a batch, then finish: what has to be worked out anew is worked out once."""

    def __init__(self, db: Connection, salt: bytes, excluded: Collection[str]) -> None:
        self._db = db
        self._salt = salt
        self._excluded = excluded
        self._names = Names(db)
        self._sums = Sums(self._names)
        self._frames: set[Frame] = set()
        self._samples: set[str] = set()
        self._take: dict[str, Callable[[Record, Any], None]] = {
            SAMPLES.name: self._take_sample,
            VERDICTS.name: self._take_judged,
            UPLOADS.name: self._take_receipt,
            TALLIES.name: self._take_tally,
        }

    def take(self, record: Record, message: object) -> None:
        self._take[record.stream](record, message)

    def finish(self) -> None:
        self._sums.write(self._db)
        for frame in sorted(self._frames):
            fold(self._db, frame, self._names, self._excluded)
        for sample_id in sorted(self._samples):
            settle(self._db, sample_id, self._names)

    def _take_sample(self, _: Record, sample: Sample) -> None:
        take_sample(self._db, sample, self._names, self._salt)
        self._frames.add((sample.prediction.frame.frame_id, self._met(sample.prediction)))
        self._samples.add(sample.sample_id)

    def _take_judged(self, record: Record, judged: Verdict | Shown) -> None:
        if isinstance(judged, Shown):
            take_shown(self._db, record, judged, self._names)
        elif (frame := take_verdict(self._db, record, judged, self._names)) is not None:
            self._met(judged.prediction)
            self._frames.add(frame)

    def _take_receipt(self, _: Record, receipt: Receipt) -> None:
        take_receipt(self._db, receipt)
        self._samples.add(receipt.sample_id)

    def _take_tally(self, _: Record, tally: Tally) -> None:
        take_tally(self._db, tally, self._sums)

    def _met(self, prediction: Prediction) -> int:
        """The number of its version, whose threshold is remembered."""
        version = self._names.version(prediction.model_id, prediction.model_version)
        by_class = "".join(f", {name} {value:g}" for name, value in sorted(prediction.class_thresholds.items()))
        time_ms = prediction.frame.time_ms
        source = self._names.number("source", prediction.source_id)
        row = (version, source, f"{prediction.threshold:g}{by_class}", time_ms, time_ms)
        self._db.execute(
            "INSERT INTO thresholds VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " first_ms = MIN(first_ms, excluded.first_ms), last_ms = MAX(last_ms, excluded.last_ms)",
            row,
        )
        return version
