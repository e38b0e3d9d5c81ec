"""Publishing: an application's frame, and what its own model saw there, into the log.

Promises: returns only what the log has. With an Idempotency-Key the same again is the same answer: what a crash left half
done is finished, on the frame that is there, so that readers meet one prediction of it. Nothing is sent before all is checked.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from services.feedback.access.caller import Caller
from services.feedback.frames.request import FrameRequest, prediction_of
from services.feedback.idempotency import KEY_LIFE_S
from services.feedback.refusals import InvalidRequest, KeyReused, NotAllowed
from services.feedback.sending import Sending
from shared.errors import InvalidImage
from shared.imaging import dimensions, sniff
from shared.ports import State
from shared.streams import frames, ids
from shared.streams.frames import MAX_TIME_MS, FrameRef
from shared.streams.predictions import Prediction, new_prediction


class Published(BaseModel):
    """A frame in the log; with `prediction_id`, what its application saw in it, too."""

    ref: FrameRef
    prediction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image whose header makes sense; its pixels were not looked at."""

    image: bytes
    sha256: str
    content_type: str
    size_px: tuple[int, int]


class Publishing:
    """Takes frames. Any thread may call."""

    def __init__(self, sending: Sending, state: State) -> None:
        self._sending = sending
        self._state = state

    def publish(self, caller: Caller, request: FrameRequest, image: bytes, key: str | None = None) -> Published:
        """Raises a Refusal (nothing was kept), or Unavailable (send the same again, under the same key)."""
        _check_allowed(caller, request.source_id)  # 1 may they?
        picture = _picture(image)
        _said(request, picture, _SOMEWHERE)  # 2 can all of it be meant? Asked before anything is sent
        if key is None:
            return self._predicted(request, picture, self._frame(request, picture))
        memory = _Memory(self._state, caller.name, key)
        known = memory.begin(request.fingerprint(picture.sha256))  # 3 the same key, the same content
        if "answer" in known:
            return Published.model_validate_json(known["answer"])
        return self._remembered(_named(request, caller.name, key), picture, memory, known)

    def _remembered(
        self, request: FrameRequest, picture: Picture, memory: "_Memory", known: Mapping[str, bytes]
    ) -> Published:
        """Each step is remembered once it is durable: whoever asks again goes on from there."""
        begun = known.get("frame")
        if begun is None:
            begun = memory.first("frame", self._frame(request, picture).model_dump_json())
        published = self._predicted(request, picture, FrameRef.model_validate_json(begun))
        return Published.model_validate_json(memory.first("answer", published.model_dump_json()))

    def _frame(self, request: FrameRequest, picture: Picture) -> FrameRef:
        record = frames.new_frame(
            request.source_id,
            picture.image,
            producer_frame_id=request.producer_frame_id,
            captured_at=request.captured_at,
            frame_index=request.frame_index,
            content_type=picture.content_type,
            # Inference leaves it alone from the first moment, although the prediction comes a moment later.
            predicted_by=request.predictions.model_id if request.predictions else None,
        )
        return frames.decode(self._sending.send(record)).ref

    def _predicted(self, request: FrameRequest, picture: Picture, ref: FrameRef) -> Published:
        said = _said(request, picture, ref)
        if said is None:
            return Published(ref=ref)
        record = self._sending.send(new_prediction(said))
        return Published(ref=ref, prediction_id=ids.prediction_id(record.partition, record.offset, ref.frame_id))


class _Memory:
    """How far a request of this Idempotency-Key came, for a day (state store)."""

    def __init__(self, state: State, caller: str, key: str) -> None:
        self._state = state
        self._key = f"pub:{ids.make_id('caller', caller)}:{ids.make_id('key', key)}"

    def begin(self, fingerprint: str) -> Mapping[str, bytes]:
        """What is known of it, nothing where it is new. Raises KeyReused."""
        ours = f"{fingerprint} {uuid.uuid4().hex}".encode()  # whose attempt was first shows without another question
        first = self._state.fix(self._key, {"body": ours}, KEY_LIFE_S)["body"]
        if first == ours:
            return {}
        if first.split()[0].decode() != fingerprint:
            raise KeyReused(
                "this key came with another frame before; expected a new key for a new frame", "Idempotency-Key"
            )
        return self._state.fields(self._key)

    def first(self, name: str, value: str) -> bytes:
        """Remembers it, and gives what came first: of two at once, both answer the same."""
        return self._state.fix(self._key, {name: value.encode()}, KEY_LIFE_S)[name]


_SOMEWHERE = FrameRef(
    stream="frames",
    partition=2**31 - 1,
    offset=2**63 - 2,
    time_ms=MAX_TIME_MS - 1,
    frame_id="f" * 32,
    sha256="f" * 64,
    size=frames.MAX_FRAME_BYTES,
)
"""Longer in JSON than any other: what fits with it fits with each."""


def _check_allowed(caller: Caller, source_id: str) -> None:
    if caller.prediction_id is not None:
        raise NotAllowed("this link is for a verdict; expected an API key", "Authorization")
    caller.check_source(source_id)


def _picture(image: bytes) -> Picture:
    try:
        size_px = dimensions(image)
    except InvalidImage as error:
        raise InvalidRequest(f"image: {error}", "image") from error
    return Picture(image, hashlib.sha256(image).hexdigest(), sniff(image) or "", size_px)


def _said(request: FrameRequest, picture: Picture, ref: FrameRef) -> Prediction | None:
    if request.predictions is None:
        return None
    return prediction_of(request, request.predictions, ref, picture.size_px, picture.content_type)


def _named(request: FrameRequest, caller: str, key: str) -> FrameRequest:
    """A frame without a name of its own gets one of its key: a second record of it is the same frame."""
    if request.producer_frame_id is not None:
        return request
    return request.model_copy(update={"producer_frame_id": f"key-{ids.make_id('key', caller, key)}"})
