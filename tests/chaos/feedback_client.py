"""An application that never gives up: frames, verdicts and exposures over HTTP, each under a key, until it reads 202.

Promises: whatever broke in between (a connection, an outage, a killed service), the same is sent again under the same key;
every id that a 202 named is remembered, and a key that was ever answered with two ids fails.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.hosts.samples import jpeg

PATIENCE_S = 60.0
AGAIN_S = 0.1
MODEL = {"model_id": "kitchen", "model_version": "1", "threshold": 0.5}
BOX = {"box": [10, 10, 60, 50], "class_name": "cup", "confidence": 0.9}
AGAIN = {429, 503}


@dataclass(frozen=True)
class Frame:
    """A frame that was taken, with its prediction."""

    frame_id: str
    prediction_id: str


@dataclass
class Application:
    """`taken`: per kind of thing, key -> the id of a 202; `unknown_ends`: requests of which nobody knew what became."""

    url: str
    name: str
    taken: dict[str, dict[str, str]] = field(default_factory=lambda: {"frame": {}, "verdict": {}, "exposure": {}})
    judged: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    predictions: dict[str, str] = field(default_factory=dict)
    unknown_ends: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _failed: list[BaseException] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(ids) for ids in self.taken.values())

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Does one thing after the other in a thread of its own. What it began is finished before the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(PATIENCE_S + 10)
        assert not thread.is_alive(), "it still waits for an answer"
        if self._failed:
            raise self._failed[0]

    def _run(self) -> None:
        number = 0
        try:
            while not self._stop.is_set():
                self.one_round(number)
                number += 1
        except BaseException as error:  # noqa: BLE001  told where the block ends
            self._failed.append(error)

    def one_round(self, number: int) -> None:
        """A frame: every other one is judged and then shown, the others are only shown."""
        frame = self.publish(f"{number}")
        if number % 2 == 0:
            self.judge(frame, f"{number}")
            self.judge_many(frame, f"{number}")
        self.expose(frame, f"{number}")
        self.expose_many(frame, f"{number}")
        if number % 5 == 0:  # a retry of what was answered long ago
            assert self.publish(f"{number}") == frame

    # What is told, until it is taken

    def publish(self, key: str) -> Frame:
        answer = self._taken(lambda: self.publishing(key))
        self._remember("frame", self._key(key), answer["frame_id"])
        self.predictions[answer["frame_id"]] = answer["prediction_id"]
        return Frame(answer["frame_id"], answer["prediction_id"])

    def judge(self, frame: Frame, key: str, kind: str = "rejected") -> str:
        answer = self._taken(lambda: self.judging(frame, key, kind))
        self._remember("verdict", self._key(key), answer["verdict_id"])
        self.judged.add(frame.frame_id)
        return str(answer["verdict_id"])

    def expose(self, frame: Frame, key: str) -> str:
        answer = self._taken(lambda: self.exposing(frame, key))
        self._remember("exposure", self._key(key), answer["exposure_id"])
        self.shown.add(frame.frame_id)
        return str(answer["exposure_id"])

    def judge_many(self, frame: Frame, key: str) -> None:
        kinds: list[dict[str, Any]] = [{"kind": "unsure"}, {"kind": "missed"}, {"kind": "confirmed"}]
        self._bulk("verdict", [{"prediction_id": frame.prediction_id, **kind} for kind in kinds], key)
        self.judged.add(frame.frame_id)

    def expose_many(self, frame: Frame, key: str) -> None:
        shown = [{"prediction_id": frame.prediction_id, "visible_ms": 2_000, "surface": name} for name in ("a", "b")]
        self._bulk("exposure", shown, key)

    # One request, whatever comes of it

    def publishing(self, key: str) -> httpx.Response:
        about = {"source_id": f"door-{int(key) % 3}", "predictions": {**MODEL, "detections": [BOX]}}
        parts = {"image": ("image.jpg", jpeg(int(key)), "image/jpeg"), "about": (None, json.dumps(about))}
        return self._post("/v1/frames", key, files=parts)

    def judging(self, frame: Frame, key: str | None, kind: str = "rejected") -> httpx.Response:
        reason = {"reason": "false_positive"} if kind == "rejected" else {}
        body = {"prediction_id": frame.prediction_id, "kind": kind, **reason}
        return self._post("/v1/verdicts", key, json=body)

    def exposing(self, frame: Frame, key: str) -> httpx.Response:
        body = {"prediction_id": frame.prediction_id, "visible_ms": 2_000, "surface": "door"}
        return self._post("/v1/exposures", key, json=body)

    def _post(self, path: str, key: str | None, **request: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": self._key(key)}
        return httpx.post(f"{self.url}{path}", headers=headers, timeout=15, **request)

    # How it is sent again

    def _bulk(self, kind: str, told: list[dict[str, Any]], key: str) -> None:
        keyed = [{**one, "idempotency_key": self._key(f"{key}/{number}")} for number, one in enumerate(told)]
        for answer in self._until({202, 207}, lambda: self._post(f"/v1/{kind}s/bulk", None, json={f"{kind}s": keyed})):
            results = answer.json()["results"]
            assert {one["status"] for one in results} <= {202, *AGAIN}, answer.text
            for one, result in zip(keyed, results, strict=True):
                if result["status"] == 202:
                    self._remember(kind, one["idempotency_key"], result[f"{kind}_id"])
            if answer.status_code == 202:
                return

    def _taken(self, send: Callable[[], httpx.Response]) -> Mapping[str, Any]:
        told: Mapping[str, Any] = next(self._until({202}, send)).json()
        return told

    def _until(self, wanted: set[int], send: Callable[[], httpx.Response]) -> Iterator[httpx.Response]:
        """Answers with these statuses, for as long as somebody wants another."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            answer = self._once(send)
            if answer is not None and answer.status_code in wanted:
                yield answer
            threading.Event().wait(AGAIN_S)
        raise AssertionError(f"expected {wanted} within {PATIENCE_S} s, got {dict(self.answers)}")

    def _once(self, send: Callable[[], httpx.Response]) -> httpx.Response | None:
        try:
            answer = send()
        except httpx.TransportError:
            self.unknown_ends += 1
            return None
        self.answers[answer.status_code] += 1
        assert answer.status_code in {202, 207, *AGAIN}, answer.text
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return answer

    def _key(self, key: str) -> str:
        return f"{self.name}/{key}"

    def _remember(self, kind: str, key: str, found: str) -> None:
        assert self.taken[kind].setdefault(key, found) == found, f"{key} was answered with two ids"
