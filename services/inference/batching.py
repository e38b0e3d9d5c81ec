"""Lanes: encoded images in, what the model saw out. A lane is a thread with a session: it decodes, scales, runs and reads.

Promises: each image is decoded once; frames whose tensors have one size share a run, up to the batch size; decoded images
are bounded by what the lanes have in work. While one lane's model runs another lane decodes, or, where the model is not on
the CPU, a pool of threads beside them does. An image on which the model fails is refused; the others of its run are not.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from threading import Thread

import cv2

from services.inference.gathering import Gathering
from services.inference.plan import Plan
from shared.errors import InvalidImage, InvalidMessage
from shared.imaging import decode, sniff
from shared.models.families.family import Findings, Outputs, Prepared
from shared.models.model import Model, Session


@dataclass(slots=True)
class Seen:
    """What the model saw in one image."""

    width_px: int
    height_px: int
    content_type: str | None
    findings: Findings
    timings_ms: dict[str, float]


Outcome = Seen | InvalidImage


@dataclass(slots=True)
class _Task:
    """An image on its way, and whoever waits for what is seen in it."""

    image: bytes
    future: "Future[Seen]" = field(default_factory=Future)


@dataclass(slots=True)
class _Prepared:
    """A task whose image is decoded: its size, its tensor, and what that took."""

    task: _Task
    width_px: int
    height_px: int
    prepared: Prepared
    timings_ms: dict[str, float]


class Lanes:
    """A few threads with a session each, and, if the plan wants them, some that decode for all of them."""

    def __init__(self, model: Model, plan: Plan) -> None:
        self.plan = plan
        self._model = model
        self._fixed = model.family.input.batch
        self._arrived: Gathering[_Task] = Gathering()
        self._decoded: Gathering[_Prepared] = Gathering(_tensor_shape, most=plan.in_work)
        sessions = [model.open_session() for _ in range(plan.lanes)]
        work = self._of_decoded if plan.decode_threads else self._of_arrived
        self._threads = [self._start("lane", lambda session=session: work(session)) for session in sessions]  # type: ignore[misc]
        self._threads += [self._start("decode", self._decode) for _ in range(plan.decode_threads)]
        cv2.setNumThreads(1)  # the lanes are the parallelism; OpenCV's own threads would only fight them for the cores

    def submit(self, image: bytes, future: "Future[Seen] | None" = None) -> "Future[Seen]":
        """What the model sees in an encoded image, later; InvalidImage when it is none. Who submits bounds how many."""
        task = _Task(image, future or Future())
        if not self._arrived.put(task):
            _drop(task)
        return task.future

    def predict(self, images: Sequence[bytes]) -> Iterator[Outcome]:
        """An outcome per image, in order, as soon as it is known: the caller goes on with it while the lanes work."""
        return map(_outcome, [self.submit(image) for image in images])

    def close(self) -> None:
        """What waits is cancelled; what runs ends."""
        for task in (*self._arrived.close(), *(one.task for one in self._decoded.close())):
            _drop(task)
        for thread in self._threads:
            thread.join()

    def _start(self, name: str, work: Callable[[], None]) -> Thread:
        thread = Thread(target=work, name=f"inference-{name}", daemon=True)
        thread.start()
        return thread

    def _of_arrived(self, session: Session) -> None:
        """A lane that decodes its own images."""
        while tasks := self._arrived.take(*self._share()):
            prepared = [one for task in tasks if (one := self._prepare(task)) is not None]
            for shape in dict.fromkeys(map(_tensor_shape, prepared)):
                self._run(session, [one for one in prepared if _tensor_shape(one) == shape])

    def _of_decoded(self, session: Session) -> None:
        """A lane that is handed tensors."""
        while prepared := self._decoded.take(*self._share()):
            self._run(session, prepared)

    def _decode(self) -> None:
        """One of the threads that decode for all lanes."""
        while tasks := self._arrived.take(1):
            prepared = self._prepare(tasks[0])
            if prepared is not None and not self._decoded.put(prepared):
                _drop(tasks[0])

    def _share(self) -> tuple[int, int, float]:
        """As large as a run may be, and small enough that every lane has something to do.

        Not where a batch is fixed (it costs what it costs) or worth waiting for.
        """
        lone = self._fixed is not None or self.plan.max_wait_s > 0
        return self._fixed or self.plan.batch_size, 1 if lone else self.plan.lanes, self.plan.max_wait_s

    def _prepare(self, task: _Task) -> _Prepared | None:
        """None for what is no image (whoever waits for it knows already), or what nobody waits for any more."""
        if not task.future.set_running_or_notify_cancel():
            return None
        start = time.perf_counter()
        try:
            pixels = decode(task.image)
            decoded = time.perf_counter()
            prepared = self._model.prepare(pixels)
        except Exception as error:  # noqa: BLE001  raised again where the result is asked for
            task.future.set_exception(_refused(error, "be prepared for the model"))
            return None
        height_px, width_px = pixels.shape[:2]
        timings = {"decode": _ms(start, decoded), "preprocess": _ms(decoded, time.perf_counter())}
        return _Prepared(task, width_px, height_px, prepared, timings)

    def _run(self, session: Session, prepared: Sequence[_Prepared]) -> None:
        start = time.perf_counter()
        try:
            outputs = self._model.run(session, [one.prepared for one in prepared])
        except Exception as error:  # noqa: BLE001  raised again where the results are asked for
            self._failed(session, prepared, error)
            return
        run_ms = _ms(start, time.perf_counter()) / len(prepared)
        for one, own in zip(prepared, outputs, strict=True):
            self._read(one, own, round(run_ms, 3))

    def _failed(self, session: Session, prepared: Sequence[_Prepared], error: Exception) -> None:
        """Each of them alone; of one alone it is the image's fault where a blank one still runs, else the machine's."""
        if len(prepared) > 1:
            for one in prepared:
                self._run(session, [one])
            return
        fault = _refused(error, "be run through the model") if self._model.still_runs(session) else error
        prepared[0].task.future.set_exception(fault)

    def _read(self, one: _Prepared, outputs: Outputs, run_ms: float) -> None:
        start = time.perf_counter()
        try:
            findings = self._model.read(outputs, one.prepared)
        except Exception as error:  # noqa: BLE001  raised again where the result is asked for
            one.task.future.set_exception(_refused(error, "be read in what the model gives"))
            return
        timings = {**one.timings_ms, "run": run_ms, "postprocess": _ms(start, time.perf_counter())}
        one.task.future.set_result(Seen(one.width_px, one.height_px, sniff(one.task.image), findings, timings))


def _tensor_shape(one: _Prepared) -> tuple[int, ...]:
    return one.prepared.tensor.shape


def _refused(error: Exception, what: str) -> InvalidMessage:
    """Of no use to try again: every service that got this image would end."""
    if isinstance(error, InvalidMessage):
        return error
    refusal = InvalidImage(f"this image cannot {what}: {type(error).__name__}: {' '.join(str(error).split())[:1000]}")
    refusal.__cause__ = error
    return refusal


def _outcome(future: "Future[Seen]") -> Outcome:
    try:
        return future.result()
    except InvalidImage as refusal:
        return refusal


def _drop(task: _Task) -> None:
    """Nobody will see to it: whoever waits for it learns that."""
    if not task.future.cancel():
        task.future.set_exception(CancelledError())


def _ms(start_s: float, end_s: float) -> float:
    return round((end_s - start_s) * 1000, 3)
