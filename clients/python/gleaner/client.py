"""The client: an application's frames to Gleaner, and what people say of its predictions.

Promises: `publish` returns within `block_s` and the time that encoding takes, whatever the network does. Safe to use from
several threads, after a fork, and at the end of the process.
"""

import json
import logging
import os
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from operator import index
from types import TracebackType
from typing import Any

import httpx

from gleaner import predictions as said_by
from gleaner.asking import Asking
from gleaner.errors import GleanerError, Unsupported
from gleaner.images import encoded
from gleaner.published import Published
from gleaner.queue import Waiting
from gleaner.sender import Sender
from gleaner.stats import Stats
from gleaner.thinning import Thinning

log = logging.getLogger("gleaner")
STRONG = 0.2
"""A model whose weakest box is that sure drops the weak ones."""

Box = Iterable[float]
Label = Mapping[str, Any]


class Gleaner:
    """One service, by its address, as `gleaner run` prints it (http://127.0.0.1:8080). Close it, or use it in a `with`.

    `source_id`, `model_id`, `model_version`, `threshold`: of frames for which `publish` is told nothing else. `class_names`:
    of detections that carry numbers alone. `max_fps`: per source, what is more is left out before it is encoded. `max_bytes`:
    of frames that wait. `block_s`: how long `publish` may wait for room. `timeout_s`: of one request, and how long `verdict`
    and its like try. `transport`: httpx's, for proxies and certificates of your own.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        source_id: str | None = None,
        model_id: str = "application",
        model_version: str = "unversioned",
        threshold: float = 0.5,
        class_names: said_by.Names | None = None,
        max_fps: float | None = None,
        max_bytes: int = 64 * 1024 * 1024,
        block_s: float = 0.05,
        timeout_s: float = 10.0,
        jpeg_quality: int = 90,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if max_fps is not None and not max_fps > 0:
            raise ValueError(f"max_fps: expected more than 0, or None for all frames, got {max_fps}")
        self._source_id = source_id
        self._model = {"model_id": model_id, "model_version": model_version, "threshold": threshold}
        self._class_names = class_names
        self._thinning = Thinning(max_fps) if max_fps is not None else None
        self._block_s, self._timeout_s, self._jpeg_quality = block_s, timeout_s, jpeg_quality
        self._asking = Asking(url, key, timeout_s, transport)
        self._sender = Sender(self._asking, max_bytes)
        self._lock = threading.Lock()
        self._thinned = 0
        self._weak_looked_at = self._closed = False
        _clients.add(self)
        # A client that nobody holds any more has its frames sent, and leaves no thread.
        weakref.finalize(self, self._sender.retire).atexit = False

    # Frames

    def publish(
        self,
        image: object,
        source_id: str | None = None,
        *,
        predictions: object = None,
        captured_at: datetime | float | str | None = None,
        frame_index: int | None = None,
        producer_frame_id: str | None = None,
        model_id: str | None = None,
        model_version: str | None = None,
        threshold: float | None = None,
    ) -> Published:
        """Sends a frame in the background, with what your model saw in it if you say so.

        image: a path, bytes of a JPEG, PNG or WebP, a numpy array (HxWx3, uint8, BGR) or a PIL image. predictions:
        Ultralytics `Results`, `supervision.Detections`, a list of {"box": xyxy in pixels, "class_name", "confidence"}, or a
        dict in the form of the service; None: Gleaner's inference predicts. captured_at: a datetime, seconds since 1970, or
        RFC 3339; left out: now. Raises Unsupported for an image or predictions that cannot be read.
        """
        source = source_id or self._source_id
        if not source:
            raise ValueError("source_id: expected the name of the camera, here or where Gleaner() is made")
        if self._closed:
            raise GleanerError("closed", "this client was closed; expected frames before that", "publish")
        if not self._takes(source):
            return Published(thinned=True)
        about: dict[str, Any] = {"source_id": source, "captured_at": _rfc3339(captured_at)}
        if frame_index is not None:
            about["frame_index"] = int(frame_index)
        if producer_frame_id is not None:
            about["producer_frame_id"] = producer_frame_id
        if predictions is not None:
            told = {"model_id": model_id, "model_version": model_version, "threshold": threshold}
            about["predictions"] = self._predictions(predictions, told)
        return self._put(encoded(image, self._jpeg_quality), about)

    @property
    def dropped(self) -> int:
        """Frames that were not sent, because there was no room or the client was closed."""
        return self._sender.counts["dropped"]

    def stats(self) -> Stats:
        waiting, waiting_bytes = self._sender.waiting()
        counts = self._sender.counts
        return Stats(
            published=counts["published"],
            thinned=self._thinned,
            dropped=counts["dropped"],
            refused=counts["refused"],
            waiting=waiting,
            waiting_bytes=waiting_bytes,
            retries=counts["retries"],
        )

    def flush(self, timeout_s: float | None = None) -> bool:
        """Waits until all frames are settled, or for that long. Whether they are."""
        return self._sender.flush(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """Flushes, for `timeout_s` of the client at most unless told otherwise; then drops what still waits, and counts it."""
        if self._closed:
            return
        self._closed = True
        self._sender.flush(self._timeout_s if timeout_s is None else timeout_s)
        self._sender.close()

    def __enter__(self) -> "Gleaner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # People

    def verdict(
        self,
        prediction_id: str,
        kind: str,
        *,
        reason: str | None = None,
        detection_index: int | None = None,
        boxes: Sequence[Box] | None = None,
        label: Label | None = None,
        labels: Sequence[Label] | None = None,
        exhaustive: bool | None = None,
        reviewer: str | None = None,
        note: str | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """What a person says of a prediction: `confirmed`, `rejected` (with a reason: `false_positive`, `wrong_class`,
        `bad_box`), `missed`, `corrected` or `unsure`. Returns the verdict's id, once the log has it. Each call is a verdict;
        calls with the same `idempotency_key` are one. Raises Refused (`code` unknown_prediction, prediction_gone, ...),
        Unavailable.
        """
        body = {
            "prediction_id": prediction_id,
            "kind": kind,
            "reason": reason,
            "detection_index": None if detection_index is None else index(detection_index),
            "boxes": None if boxes is None else [_box(box) for box in boxes],
            "label": None if label is None else _label(label),
            "labels": None if labels is None else [_label(one) for one in labels],
            "exhaustive": exhaustive,
            "reviewer": reviewer,
            "note": note,
        }
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}  # A, then B, then A again is three verdicts
        return str(self._post("/v1/verdicts", body, headers)["verdict_id"])

    def exposure(
        self,
        prediction_id: str,
        visible_ms: int,
        *,
        surface: str | None = None,
        shown_at: datetime | float | str | None = None,
        viewer: str | None = None,
        acted_downstream: bool | None = None,
    ) -> str:
        """Says that somebody was really shown a prediction, for how long and where. Returns the exposure's id."""
        body = {
            "prediction_id": prediction_id,
            "visible_ms": int(visible_ms),
            "surface": surface,
            "shown_at": None if shown_at is None else _rfc3339(shown_at),
            "viewer": viewer,
            "acted_downstream": acted_downstream,
        }
        return str(self._post("/v1/exposures", body, {"Idempotency-Key": uuid.uuid4().hex})["exposure_id"])

    def predictions(self, source_id: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The newest predictions of a source, the newest first."""
        source = source_id or self._source_id
        if not source:
            raise ValueError("source_id: expected the name of the camera, here or where Gleaner() is made")
        answer = self._asking.ask_patiently(
            "GET", "/v1/predictions", self._timeout_s, params={"source_id": source, "limit": limit}
        )
        return list(answer["predictions"])

    def link(
        self,
        prediction_id: str,
        *,
        expires_in_s: int = 86_400,
        reviewer: str | None = None,
        may: Sequence[str] = ("judge",),
    ) -> Mapping[str, Any]:
        """A signed link with which a page without a key may judge this one prediction: `token`, `url`, `expires_at`.

        may: judge, expose (tell that it was shown), image (see it; for keys with the scope read).
        """
        body = {
            "prediction_id": prediction_id,
            "expires_in_s": expires_in_s,
            "reviewer": reviewer,
            "may": list(may),
        }
        answer: Mapping[str, Any] = self._post("/v1/links", body, {})
        return answer

    # Inside

    def _takes(self, source: str) -> bool:
        if self._thinning is None:
            return True
        with self._lock:
            taken = self._thinning.takes(source, time.monotonic())
            self._thinned += not taken
        return taken

    def _predictions(self, predictions: object, told: Mapping[str, Any]) -> dict[str, Any]:
        said = said_by.described(predictions, self._class_names)
        self._look_for_weak(said)
        return {**self._model, **said, **{name: value for name, value in told.items() if value is not None}}

    def _look_for_weak(self, said: Mapping[str, Any]) -> None:
        """Once: a weak box says that they come, a strong weakest one that they may not."""
        lowest = None if self._weak_looked_at else said_by.lowest(dict(said))
        if lowest is None:
            return
        self._weak_looked_at = True
        if lowest >= STRONG:
            log.warning(
                "the weakest box of a prediction has confidence %.2f: if your model leaves out weaker ones, let it give them, "
                "down to 0.05 (Ultralytics: model.predict(image, conf=0.05), its default is 0.25; Roboflow inference: "
                "confidence=0.05; supervision: no filter on confidence before publish). They tell what the model misses; "
                "what your product shows is set by threshold=, here %.2f",
                lowest,
                self._model["threshold"],
            )

    def _put(self, image: bytes, about: Mapping[str, Any]) -> Published:
        try:
            text = json.dumps(about).encode()
        except (TypeError, ValueError) as error:
            raise Unsupported(
                "unsupported_predictions", f"cannot be written as JSON: {error}", "predictions"
            ) from error
        published = Published()
        self._sender.put(Waiting(image, text, uuid.uuid4().hex, published), self._block_s)
        return published

    def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        known = {name: value for name, value in body.items() if value is not None}
        return self._asking.ask_patiently("POST", path, self._timeout_s, json=known, headers=dict(headers))

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._sender.after_fork()


def _label(label: Label) -> dict[str, Any]:
    """Its box may be an array, as `boxes` may."""
    known = dict(label)
    return known if known.get("box") is None else {**known, "box": _box(known["box"])}


def _box(box: Box) -> list[float]:
    return [float(edge) for edge in box]


def _rfc3339(at: "datetime | float | str | None") -> str:
    """A datetime without a time zone is in this machine's."""
    if isinstance(at, str):
        return at
    if at is None or not isinstance(at, datetime):
        at = datetime.now(timezone.utc) if at is None else datetime.fromtimestamp(float(at), timezone.utc)
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds")


_clients: "weakref.WeakSet[Gleaner]" = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
