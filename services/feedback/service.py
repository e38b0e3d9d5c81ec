"""The feedback service without HTTP: a judgement in, a durable verdict out.

Promises: `judge` returns only what the log has; whoever got an error sends the same again and makes the same verdict.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from services.feedback.access.caller import Caller
from services.feedback.lookup import Lookup
from services.feedback.readers import within
from services.feedback.refusals import InvalidRequest, KeyReused, PredictionGone
from services.feedback.request import VerdictRequest
from services.feedback.sending import Sending
from shared.errors import InvalidMessage
from shared.ports import Clock, Log, State
from shared.streams import ids
from shared.streams.keys import kept_key, memo_key
from shared.streams.predictions import Prediction
from shared.streams.stream import DAY_S
from shared.streams.verdicts import Verdict, new_verdict
from shared.telemetry import metrics

KEY_LIFE_S = DAY_S
READY_TIMEOUT_S = 2.0


class Feedback:
    """Takes verdicts. Any thread may call; close it when no call is left."""

    def __init__(
        self,
        log: Log,
        state: State,
        lookup: Lookup,
        sending: Sending,
        clock: Clock,
        *,
        collection: str = "default",
        timeout_s: float = 10.0,
    ) -> None:
        self._log = log
        self._state = state
        self._clock = clock
        self._collection = collection
        self._timeout_s = timeout_s
        self._lookup = lookup
        self._sending = sending
        self._pings = ThreadPoolExecutor(max_workers=2, thread_name_prefix="feedback-ready")

    def judge(self, caller: Caller, request: VerdictRequest, idempotency_key: str | None = None) -> Verdict:
        """The verdict, durable. Raises a Refusal (nothing was kept), or Unavailable (send the same again).

        Without a key of the caller's, the content is the key: the same content again is the same verdict.
        """
        caller.check_prediction(request.prediction_id)
        prediction = self._lookup.prediction(request.prediction_id)  # 1 what is judged?
        caller.check_source(prediction.source_id)
        request.check_against(prediction)  # 2 can it be meant?
        self._refuse_without_image(prediction)  # 3 is there anything left to learn from?
        if idempotency_key is not None:  # 4 the same key, the same content
            self._refuse_reused(caller.name, idempotency_key, request)
        verdict = self._verdict(caller.name, request, prediction, idempotency_key or request.fingerprint)
        self._keep(verdict)  # 5 durable, then answered
        metrics.VERDICTS.labels(verdict.kind).inc()
        return verdict

    def ready(self) -> None:
        """Raises Unavailable unless log and state store answer soon."""
        timeout_s = min(self._timeout_s, READY_TIMEOUT_S)
        for dependency, ping in (("log", self._log.ping), ("state store", self._state.ping)):
            within(timeout_s, dependency, self._pings.submit(ping))

    def close(self) -> None:
        self._pings.shutdown()

    def _refuse_without_image(self, prediction: Prediction) -> None:
        """Without the frame in the log a sample can only be revised, if the sampler knows one."""
        if not self._lookup.has_frame(prediction.frame) and not self._is_sample(prediction):
            raise PredictionGone(
                "the image is gone: it is older than what `frames` keeps, and was not chosen", "prediction_id"
            )

    def _is_sample(self, prediction: Prediction) -> bool:
        """A draw has left its memo, or an earlier verdict has kept the image."""
        sample_id = ids.sample_id(self._collection, prediction.frame.frame_id, prediction.model_id)
        if self._state.memo(memo_key(self._collection, sample_id)) is not None:
            return True
        return self._state.get(kept_key(self._collection, sample_id)) is not None

    def _refuse_reused(self, caller: str, key: str, request: VerdictRequest) -> None:
        ours = request.fingerprint.encode()
        state_key = f"idem:{ids.make_id('caller', caller)}:{ids.make_id('key', key)}"
        if self._state.put_if_absent(state_key, ours, KEY_LIFE_S) != ours:
            raise KeyReused(
                "this key came with another body before; expected a new key for a new verdict", "Idempotency-Key"
            )

    def _verdict(self, caller: str, request: VerdictRequest, prediction: Prediction, key: str) -> Verdict:
        return Verdict(
            **request.model_dump(),
            verdict_id=ids.verdict_id(caller, key),
            prediction=prediction,
            caller=caller,
            judged_at=_rfc3339(self._clock.now_ms()),
        )

    def _keep(self, verdict: Verdict) -> None:
        try:
            self._sending.send(new_verdict(verdict))
        except InvalidMessage as error:
            raise InvalidRequest(
                "the log cannot keep it: together with its prediction it is too large; shorten note or boxes", "body"
            ) from error


def _rfc3339(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
