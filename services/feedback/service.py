"""The feedback service without HTTP: judgements in, durable verdicts out, many at a time or one.

Promises: `judge` returns only what the log has; whoever got an error sends the same again and makes the same verdict. However
many are judged together, log and state store are each asked once for all of them, and one that is refused holds up no other.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from services.feedback.access.caller import Caller
from services.feedback.idempotency import KEY_LIFE_S
from services.feedback.lookup.lookup import Lookup, seen_by
from services.feedback.lookup.readers import failed, within
from services.feedback.refusals import KeyReused, PredictionGone
from services.feedback.sending import Sending
from services.feedback.verdicts.case import Answer, Asked, Case
from services.feedback.verdicts.request import VerdictRequest
from services.feedback.verdicts.together import Together
from shared.errors import GleanerError, Unavailable
from shared.ports import Clock, Log, State, Undecided
from shared.streams import ids
from shared.streams.keys import held_key, kept_key, memo_key
from shared.streams.predictions import Prediction
from shared.streams.stream import rfc3339
from shared.streams.verdicts import Verdict, new_verdict
from shared.telemetry import metrics

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
        self._together = Together(self.begin, timeout_s)

    def judge(self, caller: Caller, request: VerdictRequest, idempotency_key: str | None = None) -> Verdict:
        """The verdict, durable. Raises a Refusal (nothing was kept), or Unavailable (send the same again).

        Without a key of the caller's, the content is the key: the same content again is the same verdict.
        """
        (case,) = self.begin([Asked(caller, request, idempotency_key)])
        outcome = case.outcome(self._timeout_s)
        if not isinstance(outcome, Verdict):
            raise outcome
        metrics.VERDICTS.labels(outcome.kind).inc()
        return outcome

    async def judge_all(self, asked: Sequence[Asked]) -> list[Answer]:
        """The same for several, and for the event loop: with whatever else is asked for at the same moment."""
        outcomes = await self._together.judge(asked)
        for outcome in outcomes:
            if isinstance(outcome, Verdict):
                metrics.VERDICTS.labels(outcome.kind).inc()
        return outcomes

    def begin(self, asked: Sequence[Asked]) -> list[Case]:
        """Each judgement refused, or on its way into the log. Raises nothing of what may become of one."""
        cases = [Case(one) for one in asked]
        self._find(cases)  # 1 what is judged, and can it be meant?
        self._need_image(_open(cases))  # 2 is there anything left to learn from?
        self._need_new_key(_open(cases))  # 3 the same key, the same content
        self._send(_open(cases))  # 4 on its way; answered when it is durable
        return cases

    def ready(self) -> None:
        """Raises Unavailable unless log and state store answer soon."""
        timeout_s = min(self._timeout_s, READY_TIMEOUT_S)
        for dependency, ping in (("log", self._log.ping), ("state store", self._state.ping)):
            asked = self._pings.submit(ping)
            try:
                within(timeout_s, dependency, asked)
            finally:
                asked.cancel()  # where it was not begun: an outage would leave one for each probe

    def close(self) -> None:
        self._together.close()
        self._pings.shutdown()

    def _find(self, cases: Sequence[Case]) -> None:
        found = self._lookup.predictions([case.asked.request.prediction_id for case in cases])
        for case, one in zip(cases, found, strict=True):
            caller, request = case.asked.caller, case.asked.request
            with _refused_alone(case):
                caller.check_prediction(request.prediction_id)
                seen = seen_by(caller, one)
                if not isinstance(seen, Prediction):
                    raise seen
                request.check_against(seen)
                case.prediction = seen

    def _need_image(self, cases: Sequence[Case]) -> None:
        """Without the frame in the log a sample can only be revised, if the sampler knows one."""
        there = self._lookup.have_frames([case.prediction for case in cases])
        imageless = [case for case, is_there in zip(cases, there, strict=True) if is_there is False]
        for case, is_there in zip(cases, there, strict=True):
            case.refusal = is_there if isinstance(is_there, Unavailable) else None
        with _refused_together(imageless):
            for case, is_sample in zip(imageless, self._are_samples(imageless), strict=True):
                case.refusal = None if is_sample else _gone()

    def _are_samples(self, cases: Sequence[Case]) -> list[bool]:
        """A draw has left its memo, an earlier verdict has kept the image, or it is held until somebody objects."""
        if not cases:
            return []
        keys = [key for case in cases for key in self._sample_keys(case.prediction)]
        values = self._state.get_many(keys)
        each = len(keys) // len(cases)
        return [any(value is not None for value in values[at : at + each]) for at in range(0, len(values), each)]

    def _sample_keys(self, prediction: Prediction) -> tuple[str, ...]:
        sample_id = ids.sample_id(self._collection, prediction.frame.frame_id, prediction.model_id)
        return tuple(key(self._collection, sample_id) for key in (memo_key, kept_key, held_key))

    def _need_new_key(self, cases: Sequence[Case]) -> None:
        keyed = [case for case in cases if case.asked.key is not None]
        with _refused_together(keyed):
            if not keyed:
                return
            # What decides about frames does for keys, too: whoever came first is remembered, all of them in one round trip.
            first = self._state.decide(
                [Undecided(case.asked.state_key, case.asked.content, KEY_LIFE_S) for case in keyed]
            )
            for case, decided in zip(keyed, first, strict=True):
                if decided.decision != case.asked.content:
                    case.refusal = _reused()

    def _send(self, cases: Sequence[Case]) -> None:
        sent: dict[str, Case] = {}
        down: Unavailable | None = None
        for case in cases:
            case.verdict = verdict = self._verdict(case.asked, case.prediction)
            twin = sent.setdefault(verdict.verdict_id, case)
            if twin is not case:
                case.verdict, case.stored, case.refusal = twin.verdict, twin.stored, twin.refusal
                continue
            try:
                case.stored = self._sending.begin(new_verdict(verdict)) if down is None else failed(down)
            except Unavailable as error:  # it has waited for room, and so would each of the rest
                down, case.refusal = error, error

    def _verdict(self, asked: Asked, prediction: Prediction) -> Verdict:
        return asked.request.as_verdict(
            verdict_id=ids.verdict_id(asked.caller.space, asked.identity),
            prediction=prediction,
            caller=asked.caller.name,
            by_link=asked.caller.is_link,
            judged_at=rfc3339(self._clock.now_ms()),
        )


def _open(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.refusal is None]


@contextmanager
def _refused_alone(case: Case) -> Iterator[None]:
    try:
        yield
    except GleanerError as error:
        case.refusal = error


@contextmanager
def _refused_together(cases: Sequence[Case]) -> Iterator[None]:
    """What was asked for all of them has failed for all of them."""
    try:
        yield
    except Unavailable as error:
        for case in cases:
            case.refusal = error


def _gone() -> PredictionGone:
    return PredictionGone(
        "the image is gone: it is older than what `frames` keeps, and was not chosen", "prediction_id"
    )


def _reused() -> KeyReused:
    return KeyReused("this key came with another body before; expected a new key for a new verdict", "Idempotency-Key")
