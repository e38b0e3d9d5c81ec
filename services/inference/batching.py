"""Lanes: encoded images in, what the model saw out, in the same order. A lane decodes, scales, runs and reads.

Promises: each image is decoded once; at most one chunk per lane is in work, so memory is bounded by lanes x batch size.
While one lane waits for its session the other decodes, which hides decoding and suppression behind the model.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from queue import SimpleQueue

import cv2

from services.inference.models.family import Findings, Outputs, Prepared
from services.inference.models.model import Model, Session
from shared.errors import InvalidImage
from shared.imaging import decode


@dataclass(slots=True)
class Seen:
    """What the model saw in one image."""

    width_px: int
    height_px: int
    findings: Findings
    timings_ms: dict[str, float]


Outcome = Seen | InvalidImage


@dataclass(slots=True)
class _Prepared:
    """An image on its way: its size, its tensor, and what that took."""

    width_px: int
    height_px: int
    prepared: Prepared
    decode_ms: float
    preprocess_ms: float


class Lanes:
    """A few threads with a session each."""

    def __init__(self, model: Model, lanes: int, batch_size: int) -> None:
        self._model, self._lanes, self._batch_size = model, lanes, batch_size
        self._free: SimpleQueue[Session] = SimpleQueue()
        for _ in range(lanes):
            self._free.put(model.open_session())
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix="inference-lane")
        cv2.setNumThreads(1)  # the lanes are the parallelism; OpenCV's own threads would only fight them for the cores

    def predict(self, images: Sequence[bytes]) -> Iterator[Outcome]:
        """An outcome per image, in order, as soon as it is known: the caller goes on with it while the lanes work."""
        return chain.from_iterable(self._threads.map(self._lane, self._chunks(images)))

    def close(self) -> None:
        self._threads.shutdown()

    def _chunks(self, images: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """As large as a run may be, and small enough that every lane has something to do."""
        fixed = self._model.family.input.batch
        size = fixed or max(1, min(self._batch_size, len(images) // self._lanes))
        return (images[start : start + size] for start in range(0, len(images), size))

    def _lane(self, images: Sequence[bytes]) -> list[Outcome]:
        session = self._free.get()
        try:
            return self._predict(session, images)
        finally:
            self._free.put(session)

    def _predict(self, session: Session, images: Sequence[bytes]) -> list[Outcome]:
        """Neighbours whose tensors have one size share a run."""
        outcomes: list[Outcome] = []
        for shape, group in groupby(map(self._prepare, images), key=_tensor_shape):
            if shape is None:
                outcomes += [one for one in group if isinstance(one, InvalidImage)]
            else:
                outcomes += self._run(session, [one for one in group if isinstance(one, _Prepared)])
        return outcomes

    def _prepare(self, image: bytes) -> _Prepared | InvalidImage:
        start = time.perf_counter()
        try:
            pixels = decode(image)
        except InvalidImage as refusal:
            return refusal
        decoded = time.perf_counter()
        prepared = self._model.prepare(pixels)
        height_px, width_px = pixels.shape[:2]
        return _Prepared(width_px, height_px, prepared, _ms(start, decoded), _ms(decoded, time.perf_counter()))

    def _run(self, session: Session, prepared: Sequence[_Prepared]) -> list[Seen]:
        start = time.perf_counter()
        outputs = self._model.run(session, [one.prepared for one in prepared])
        run_ms = _ms(start, time.perf_counter()) / len(prepared)
        return [self._read(one, own, run_ms) for one, own in zip(prepared, outputs, strict=True)]

    def _read(self, one: _Prepared, outputs: Outputs, run_ms: float) -> Seen:
        start = time.perf_counter()
        findings = self._model.read(outputs, one.prepared)
        timings = {"decode": one.decode_ms, "preprocess": one.preprocess_ms, "run": run_ms}
        return Seen(one.width_px, one.height_px, findings, {**timings, "postprocess": _ms(start, time.perf_counter())})


def _tensor_shape(one: _Prepared | InvalidImage) -> tuple[int, ...] | None:
    return None if isinstance(one, InvalidImage) else one.prepared.tensor.shape


def _ms(start_s: float, end_s: float) -> float:
    return round((end_s - start_s) * 1000, 3)
