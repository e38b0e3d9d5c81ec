"""Exposures: what people were really shown, on its way into the log; and the draw that holds some of it.

Promises: gives back only what the log has; the same request again is the same exposure. Whether a prediction is held is a
keyed draw of its frame, so every replica, and every exposure of it, draws alike.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future

from services.feedback.access.caller import Caller
from services.feedback.exposures.request import ExposureRequest, Told
from services.feedback.idempotency import KEY_LIFE_S
from services.feedback.lookup.lookup import Looked, Lookup, seen_by
from services.feedback.lookup.readers import failed, within
from services.feedback.refusals import InvalidRequest, KeyReused, Refusal
from services.feedback.sending import Sending
from services.feedback.silence.options import SilenceOptions
from shared.errors import GleanerError, InvalidMessage, Unavailable
from shared.ports import State, Undecided
from shared.streams import ids
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.verdicts import Shown, new_shown

Taken = Shown | GleanerError
"""The exposure that the log has, or why it has none."""

TOGETHER = 100
"""Looked up at once: a prediction may have two megabytes in memory, an exposure has not unless it is held."""


class Exposures:
    """Takes them. Any thread may call."""

    def __init__(
        self,
        lookup: Lookup,
        sending: Sending,
        state: State,
        options: SilenceOptions,
        *,
        salt: bytes,
        collection: str,
        timeout_s: float,
    ) -> None:
        self._timeout_s = timeout_s
        self._lookup = lookup
        self._sending = sending
        self._state = state
        self._options = options
        self._draw = ids.Dice(salt, "hold", collection, "silence")

    def take(self, caller: Caller, told: Told) -> Shown:
        """The exposure, durable. Raises a Refusal (nothing was kept), or Unavailable (send the same again)."""
        (taken,) = self.take_all(caller, [told])
        if isinstance(taken, GleanerError):
            raise taken
        return taken

    def take_all(self, caller: Caller, told: Sequence[Told]) -> list[Taken]:
        """Each of them, or why it was not taken; log and state store are asked once for all. Raises Unavailable."""
        made: list[Taken] = []
        for at in range(0, len(told), TOGETHER):
            some = told[at : at + TOGETHER]
            found = self._lookup.predictions([one.request.prediction_id for one in some])
            made += [self._made(caller, one, seen_by(caller, seen)) for one, seen in zip(some, found, strict=True)]
            if (down := _down(made[at:])) is not None:  # the rest would wait as long for the same answer
                made += [down] * (len(told) - len(made))
                break
        return self._sent(self._without_reused(caller, told, made))

    def _made(self, caller: Caller, told: Told, seen: Looked) -> Taken:
        try:
            caller.check_prediction(told.request.prediction_id)
        except Refusal as refused:
            return refused
        return self._shown(caller, told, seen) if isinstance(seen, Prediction) else seen

    def _shown(self, caller: Caller, told: Told, seen: Prediction) -> Shown:
        request, frame = told.request, seen.frame
        probability = self._probability(request, seen)
        held = self._draw(frame.frame_id) < probability
        return Shown(
            **request.model_dump(),
            exposure_id=ids.make_id("exposure", caller.space, told.identity),
            frame_id=frame.frame_id,
            partition=frame.partition,
            source_id=seen.source_id,
            model_id=seen.model_id,
            model_version=seen.model_version,
            caller=caller.name,
            objection_s=self._options.objection_s,
            held=held,
            probability=probability,
            prediction=seen if held else None,
        )

    def _probability(self, request: ExposureRequest, seen: Prediction) -> float:
        """0 for a glimpse, which nobody may have seen, and for a shadow, which nobody is shown."""
        if request.visible_ms < self._options.min_visible_ms or seen.role == "shadow":
            return 0.0
        return self._options.hold

    def _without_reused(self, caller: Caller, told: Sequence[Told], made: Sequence[Taken]) -> list[Taken]:
        """The same key must come with the same content."""
        asked = {
            number: Undecided(_key_of(caller, one.key), one.request.fingerprint.encode(), KEY_LIFE_S)
            for number, (one, shown) in enumerate(zip(told, made, strict=True))
            if one.key is not None and isinstance(shown, Shown)
        }
        decided = self._state.decide(list(asked.values())) if asked else ()
        checked = list(made)
        for number, one in zip(asked, decided, strict=True):
            if one.decision != asked[number].decision:
                checked[number] = KeyReused(
                    "this key came with another body before; expected a new key for a new exposure", "Idempotency-Key"
                )
        return checked

    def _sent(self, made: Sequence[Taken]) -> list[Taken]:
        """All on their way first, then waited for, no longer than for one."""
        begun = self._begun(made)
        deadline_s = time.monotonic() + self._timeout_s
        return [
            self._ended(one, future, deadline_s) if isinstance(one, Shown) and future is not None else one
            for one, future in zip(made, begun, strict=True)
        ]

    def _begun(self, made: Sequence[Taken]) -> list["Future[Record] | None"]:
        begun: list[Future[Record] | None] = []
        down: Unavailable | None = None
        for one in made:
            try:
                sent = self._sending.begin(new_shown(one)) if isinstance(one, Shown) and down is None else None
            except Unavailable as error:  # it has waited for room, and so would each of the rest
                down, sent = error, None
            begun.append(failed(down) if down is not None else sent)
        return begun

    def _ended(self, shown: Shown, future: "Future[Record]", deadline_s: float) -> Taken:
        try:
            within(max(0.0, deadline_s - time.monotonic()), "log", future)
        except InvalidMessage:
            return InvalidRequest("the log cannot keep it: together with its prediction it is too large", "body")
        except Unavailable as error:
            return error
        return shown


def _down(made: Sequence[Taken]) -> Unavailable | None:
    """Why none of them was found, where that is because nobody answered."""
    if any(isinstance(one, Shown) for one in made):
        return None
    return next((one for one in made if isinstance(one, Unavailable)), None)


def _key_of(caller: Caller, key: str | None) -> str:
    """All of one caller's under one hash tag: a batch is asked for in one round trip."""
    return f"idem-shown:{{{ids.make_id('caller', caller.space)}}}:{ids.make_id('key', key or '')}"
