"""A judgement on its way: who asks for it, and what became of it.

Promises: `outcome` gives a verdict only when the log has it.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field

from services.feedback.access.caller import Caller
from services.feedback.idempotency import identity
from services.feedback.lookup.readers import within
from services.feedback.refusals import InvalidRequest
from services.feedback.verdicts.request import VerdictRequest
from shared.errors import GleanerError, InvalidMessage, Unavailable
from shared.streams import ids
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.verdicts import Verdict

Answer = Verdict | GleanerError


@dataclass(frozen=True, slots=True)
class Asked:
    """One judgement, by whom, and under which idempotency key; `None`: the content is the key."""

    caller: Caller
    request: VerdictRequest
    key: str | None = None

    @property
    def state_key(self) -> str:
        """Where its idempotency key is remembered."""
        return f"idem:{{key}}:{ids.make_id('caller', self.caller.space)}:{ids.make_id('key', self.key or '')}"

    @property
    def identity(self) -> str:
        """What its id is made of, beside the caller."""
        return identity(self.key, self.request.fingerprint)

    @property
    def content(self) -> bytes:
        """What a later request under the same key must say, too."""
        return self.request.fingerprint.encode()


@dataclass(slots=True, eq=False)
class Case:
    """A judgement on its way: `refusal` says why there is no verdict, `stored` is done when the log has it."""

    asked: Asked
    refusal: GleanerError | None = None
    verdict: Verdict | None = None
    stored: "Future[Record]" = field(default_factory=Future)
    _prediction: Prediction | None = None

    @property
    def prediction(self) -> Prediction:
        assert self._prediction is not None, "a case that is not refused has its prediction after the first step"
        return self._prediction

    @prediction.setter
    def prediction(self, found: Prediction) -> None:
        self._prediction = found

    def outcome(self, timeout_s: float) -> Answer:
        """The verdict, once the log has it; or why there is none. Waits for the log, no longer than this."""
        if self.refusal is not None or self.verdict is None:
            return self.refusal or Unavailable("log", "nothing was sent")
        try:
            within(timeout_s, "log", self.stored)
        except InvalidMessage:
            return InvalidRequest(
                "the log cannot keep it: together with its prediction it is too large; shorten note or boxes", "body"
            )
        except GleanerError as error:
            return error
        return self.verdict
