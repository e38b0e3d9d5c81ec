"""The client against the running service: what it publishes is in the log, and people's words reach it."""

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import supervision
from gleaner import Dropped, Gleaner, GleanerError, Refused, Stats, Unavailable, Unsupported
from PIL import Image

from tests.unit.clients.conftest import Running
from tests.unit.clients.stand_ins import Boxes, Probs, Results
from tests.unit.services.sampler.making import jpeg

WAIT_S = 20.0
BOX = {"box": [1.0, 2.0, 30.0, 40.0], "class_name": "package", "confidence": 0.9}
ClientOf = Callable[..., Gleaner]


def until(done: Callable[[], bool]) -> None:
    """Waits for it, with a deadline."""
    waiting = threading.Event()
    end_s = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end_s, "not in time"
        waiting.wait(0.01)


class TestPublish:
    @pytest.mark.parametrize("kind", ["path", "bytes", "array", "pillow"])
    def test_every_kind_of_image(self, service: Running, client_of: ClientOf, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "x.jpg"
        path.write_bytes(jpeg(1))
        pixels = cv2.imread(str(path))
        images: dict[str, Any] = {"path": path, "bytes": jpeg(1), "array": pixels, "pillow": Image.open(path)}
        ids = client_of(service).publish(images[kind]).wait(WAIT_S)
        (frame,) = service.frames()
        assert ids is not None
        assert (ids.frame_id, ids.prediction_id) == (frame.ref.frame_id, None)
        assert (frame.source_id, frame.predicted_by) == ("door", None)
        assert frame.captured_at is not None

    @pytest.mark.parametrize("kind", ["ultralytics", "supervision", "list", "dict", "nothing"])
    def test_every_kind_of_predictions(self, service: Running, client_of: ClientOf, kind: str) -> None:
        row = [1.0, 2.0, 30.0, 40.0]
        found = supervision.Detections(np.array([row], np.float32), confidence=np.array([0.9]), class_id=np.array([0]))
        said: dict[str, Any] = {
            "ultralytics": [Results(Boxes([[*row, 0.9, 0]]))],
            "supervision": found,
            "list": [BOX],
            "dict": {"detections": [BOX]},
            "nothing": [],
        }
        client = client_of(service, model_id="packages", model_version="7", class_names=["package"])
        published = client.publish(jpeg(1), predictions=said[kind], threshold=0.4)
        assert published.wait(WAIT_S) == published.ids
        assert published.prediction_id is not None
        (prediction,) = service.predictions()
        assert (prediction.model_id, prediction.model_version, prediction.threshold) == ("packages", "7", 0.4)
        seen = [(one.box, one.class_name, one.confidence) for one in prediction.detections]
        assert seen == ([] if kind == "nothing" else [(tuple(row), "package", 0.9)])
        assert service.frames()[0].predicted_by == "packages"

    def test_a_classifier(self, service: Running, client_of: ClientOf) -> None:
        assert client_of(service).publish(jpeg(1), predictions=Results(probs=Probs([0.2, 0.8]))).wait(WAIT_S)
        assert [one.class_name for one in service.predictions()[0].classes] == ["person", "package"]

    @pytest.mark.parametrize(
        ("captured_at", "kept"),
        [
            ("2026-11-20T15:00:00Z", "2026-11-20T15:00:00Z"),
            (datetime(2026, 11, 20, 16, tzinfo=timezone(timedelta(hours=1))), "2026-11-20T15:00:00.000+00:00"),
            (1_795_186_800.25, "2026-11-20T15:00:00.250+00:00"),
        ],
    )
    def test_when_it_was_taken(self, service: Running, client_of: ClientOf, captured_at: Any, kept: str) -> None:
        client = client_of(service)
        assert client.publish(jpeg(1), captured_at=captured_at, frame_index=3, producer_frame_id="a").wait(WAIT_S)
        (frame,) = service.frames()
        assert (frame.captured_at, frame.frame_index, frame.producer_frame_id) == (kept, 3, "a")

    def test_a_sources_frames_stay_in_order(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        for number in range(20):
            client.publish(jpeg(number), frame_index=number)
        assert client.flush(WAIT_S)
        assert [frame.frame_index for frame in service.frames()] == list(range(20))
        assert client.stats() == Stats(published=20)

    def test_what_the_service_refuses_is_said(
        self, service: Running, client_of: ClientOf, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = client_of(service)
        published = client.publish(jpeg(1), predictions=[{**BOX, "box": [0, 0, 500, 500]}])
        with pytest.raises(Refused) as caught:
            published.wait(WAIT_S)
        assert (caught.value.code, caught.value.status) == ("invalid_request", 422)
        assert caught.value.where == "predictions.detections.0.box"
        assert published.error is caught.value
        assert client.flush(WAIT_S)
        assert client.stats() == Stats(refused=1)
        assert "a frame was refused" in caplog.text

    def test_what_cannot_be_read_is_raised_at_once(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        with pytest.raises(Unsupported):
            client.publish(object())
        with pytest.raises(Unsupported):
            client.publish(jpeg(1), predictions=object())
        with pytest.raises(Unsupported):
            client.publish(jpeg(1), predictions={"timings_ms": object()})
        with pytest.raises(ValueError, match="source_id"):
            Gleaner(service.url).publish(jpeg(1))
        assert client.stats() == Stats()


class TestThinning:
    def test_what_is_too_much_is_not_even_encoded(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service, max_fps=0.001)
        first = client.publish(jpeg(1))
        thinned = [client.publish(object()) for _ in range(50)]
        assert first.wait(WAIT_S)
        assert [one.wait(0) for one in thinned] == [None] * 50
        assert all(one.thinned and one.done for one in thinned)
        assert client.publish(jpeg(2), source_id="yard").wait(WAIT_S)
        assert client.stats() == Stats(published=2, thinned=50)


class TestOutage:
    def test_frames_wait_until_the_service_is_there(self, running: Running, client_of: ClientOf) -> None:
        client = client_of(running)
        published = [client.publish(jpeg(number), predictions=[BOX], frame_index=number) for number in range(3)]
        until(lambda: client.stats().retries > 0)
        with pytest.raises(TimeoutError):
            published[0].wait(0.01)
        with running.up():
            assert client.flush(WAIT_S)
        assert [frame.frame_index for frame in running.frames()] == [0, 1, 2]
        assert all(one.prediction_id for one in published)
        assert client.stats().waiting_bytes == 0

    def test_an_answer_that_was_lost_makes_no_second_frame(self, service: Running, client_of: ClientOf) -> None:
        losing = _LosingAnswers(losses=2)
        client = client_of(service, transport=losing)
        assert client.publish(jpeg(1), predictions=[BOX]).wait(WAIT_S)
        assert losing.asked == 3
        assert len(service.frames()) == len(service.predictions()) == 1

    def test_the_pause_is_the_one_that_the_service_asks_for(self, running: Running, client_of: ClientOf) -> None:
        answers = [httpx.Response(429, headers={"Retry-After": "0"}), httpx.Response(503, headers={"Retry-After": "0"})]
        taken = httpx.Response(202, json={"frame_id": "f", "prediction_id": None})
        client = client_of(running, transport=httpx.MockTransport(lambda _: answers.pop() if answers else taken))
        assert client.publish(jpeg(1)).wait(0.4)  # less than the first pause of its own
        assert client.stats() == Stats(published=1, retries=2)

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_somebody_elses_answer(self, running: Running, client_of: ClientOf, status: int) -> None:
        client = client_of(running, transport=httpx.MockTransport(lambda _: httpx.Response(status, text="<html>")))
        with pytest.raises(Refused) as caught:
            client.publish(jpeg(1)).wait(WAIT_S)
        assert caught.value.code == f"http_{status}"

    def test_a_page_that_says_all_is_well(self, running: Running, client_of: ClientOf) -> None:
        for answer in (httpx.Response(200, text="<html>"), httpx.Response(200, json=[])):
            client = client_of(running, transport=httpx.MockTransport(lambda _, answer=answer: answer))
            with pytest.raises(Refused, match="Gleaner's address"):
                client.publish(jpeg(1)).wait(WAIT_S)


class _LosingAnswers(httpx.BaseTransport):
    """The way to the service, on which the first answers get lost."""

    def __init__(self, losses: int) -> None:
        self._real = httpx.HTTPTransport()
        self._losses = losses
        self.asked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        response = self._real.handle_request(request)
        if self.asked <= self._losses:
            response.read()
            response.close()
            raise httpx.ReadError("the connection is gone")
        return response

    def close(self) -> None:
        self._real.close()


class TestBounds:
    def test_what_has_no_room_is_dropped_and_counted(
        self, running: Running, client_of: ClientOf, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = client_of(running, max_bytes=10_000, block_s=0.02)
        image = jpeg(1) + b"\0" * 3_000
        began_s = time.monotonic()
        published = [client.publish(image) for _ in range(20)]
        assert time.monotonic() - began_s < 20 * 0.02 + 2.0
        dropped = [one for one in published if one.error]
        assert 0 < client.stats().waiting_bytes <= 10_000
        assert (client.dropped, client.stats().waiting) == (len(dropped), 20 - len(dropped))
        assert len(dropped) >= 17
        with pytest.raises(Dropped) as caught:
            dropped[0].wait(0)
        assert caught.value.code == "queue_full"
        assert caplog.text.count("no room") == 1

    def test_a_frame_larger_than_the_queue_does_not_wait(self, running: Running, client_of: ClientOf) -> None:
        client = client_of(running, max_bytes=100, block_s=60.0)
        assert isinstance(client.publish(jpeg(1)).error, Dropped)

    def test_it_waits_for_room_as_long_as_it_was_told(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service, max_bytes=3 * len(jpeg(1)), block_s=WAIT_S)
        for number in range(30):
            client.publish(jpeg(number))
        assert client.flush(WAIT_S)
        assert client.stats() == Stats(published=30)


class TestWeakBoxes:
    def test_one_warning_names_the_exporters_setting(
        self, service: Running, client_of: ClientOf, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = client_of(service)
        for number in range(3):
            client.publish(jpeg(number), predictions=[BOX])
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "conf=0.05" in caplog.text

    @pytest.mark.parametrize("said", [[], [BOX, {**BOX, "confidence": 0.1}], {"classes": [BOX | {"box": None}]}])
    def test_none_where_weak_boxes_come(
        self, service: Running, client_of: ClientOf, caplog: pytest.LogCaptureFixture, said: Any
    ) -> None:
        client_of(service).publish(jpeg(1), predictions=said)
        assert caplog.text == ""


class TestPeople:
    def test_a_verdict(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        ids = client.publish(jpeg(1), predictions=[BOX]).wait(WAIT_S)
        assert ids is not None
        assert ids.prediction_id is not None
        verdict_id = client.verdict(
            ids.prediction_id, "rejected", reason="false_positive", detection_index=0, reviewer="ana"
        )
        client.verdict(ids.prediction_id, "missed", boxes=[np.array([1, 2, 3, 4])])
        client.verdict(ids.prediction_id, "corrected", labels=[])
        first, second, third = service.site.verdicts()
        assert (first.verdict_id, first.reason, first.reviewer) == (verdict_id, "false_positive", "ana")
        assert (second.boxes, third.labels) == (((1, 2, 3, 4),), ())

    def test_what_nobody_predicted(self, service: Running, client_of: ClientOf) -> None:
        with pytest.raises(Refused) as caught:
            client_of(service).verdict("0-4711-1f0a9c3e", "confirmed")
        assert (caught.value.code, caught.value.where) == ("unknown_prediction", "prediction_id")

    def test_an_exposure(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        ids = client.publish(jpeg(1), predictions=[BOX]).wait(WAIT_S)
        assert ids is not None
        assert client.exposure(str(ids.prediction_id), 1500, surface="door-app", shown_at="2026-11-20T15:00:00Z")
        (shown,) = service.site.judged()
        assert shown.kind == "shown"
        assert (shown.visible_ms, shown.surface) == (1500, "door-app")

    def test_recent_predictions(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        wanted = [client.publish(jpeg(number), predictions=[BOX]) for number in range(3)]
        client.publish(jpeg(7), source_id="yard", predictions=[])
        assert client.flush(WAIT_S)
        assert [one["prediction_id"] for one in client.predictions(limit=2)] == [
            wanted[2].prediction_id,
            wanted[1].prediction_id,
        ]
        assert len(client.predictions("yard")) == 1

    def test_a_link(self, running: Running, client_of: ClientOf) -> None:
        with running.up(api_keys={"app": "a-key-for-tests-of-the-client"}):
            client = client_of(running, key="a-key-for-tests-of-the-client")
            ids = client.publish(jpeg(1), predictions=[BOX]).wait(WAIT_S)
            assert ids is not None
            link = client.link(str(ids.prediction_id), expires_in_s=60, reviewer="ana")
            guest = client_of(running, key=link["token"])
            assert guest.verdict(str(ids.prediction_id), "confirmed")
            with pytest.raises(Refused) as caught:
                guest.publish(jpeg(1)).wait(WAIT_S)
            assert caught.value.status == 403

    def test_without_a_key_it_is_said(self, running: Running, client_of: ClientOf) -> None:
        with running.up(api_keys={"app": "a-key-for-tests-of-the-client"}), pytest.raises(Refused) as caught:
            client_of(running).publish(jpeg(1)).wait(WAIT_S)
        assert (caught.value.code, caught.value.status) == ("not_authenticated", 401)

    @pytest.mark.parametrize("key", ["from-a-file\n", "two words", "a\0b"])
    def test_a_key_that_no_header_can_hold_is_said_at_once(self, key: str) -> None:
        """Not as a service that does not answer, for which frames would wait."""
        with pytest.raises(ValueError, match="strip"):
            Gleaner("http://127.0.0.1:1", key)

    def test_a_key_may_have_any_letters(self, running: Running, client_of: ClientOf) -> None:
        with running.up(api_keys={"app": "kéy-👩"}):
            assert client_of(running, key="kéy-👩").predictions("door") == []

    def test_an_idempotency_key_that_no_header_can_hold_is_refused(self, service: Running, client_of: ClientOf) -> None:
        for key in ("a\nb", "👩"):
            with pytest.raises(Refused) as caught:
                client_of(service).verdict("0-4711-1f0a9c3e", "confirmed", idempotency_key=key)
            assert caught.value.code == "invalid_request"

    def test_numbers_of_numpy_are_numbers(self, service: Running, client_of: ClientOf) -> None:
        client = client_of(service)
        ids = client.publish(jpeg(1), predictions=[BOX]).wait(WAIT_S)
        assert ids is not None
        box, first = np.array([1, 1, 5, 5]), np.arange(1)
        assert client.verdict(str(ids.prediction_id), "confirmed", detection_index=first[0])
        assert client.verdict(str(ids.prediction_id), "corrected", labels=[{"class_name": "a", "box": box}])

    def test_nobody_there(self, running: Running, client_of: ClientOf) -> None:
        with pytest.raises(Unavailable) as caught:
            client_of(running, timeout_s=0.2).verdict("0-4711-1f0a9c3e", "confirmed")
        assert caught.value.code == "no_answer"


class TestTheEnd:
    def test_a_with_sends_what_waits(self, service: Running) -> None:
        with Gleaner(service.url, source_id="door") as client:
            for number in range(10):
                client.publish(jpeg(number))
        assert len(service.frames()) == 10
        with pytest.raises(GleanerError, match="closed"):
            client.publish(jpeg(1))
        with pytest.raises(GleanerError, match="closed"):
            client.predictions()

    def test_what_still_waits_is_dropped_and_counted(self, running: Running, client_of: ClientOf) -> None:
        client = client_of(running)
        published = [client.publish(jpeg(number)) for number in range(3)]
        client.close(0.0)
        client.close()
        assert [one.error.code for one in published if one.error] == ["closed"] * 3
        assert client.stats() == Stats(dropped=3, retries=client.stats().retries)

    def test_a_client_that_nobody_holds_sends_what_it_has_and_leaves_no_thread(self, service: Running) -> None:
        published = [Gleaner(service.url).publish(jpeg(number), source_id="door") for number in range(3)]
        gc.collect()
        assert all(one.wait(WAIT_S) for one in published)
        until(lambda: not [one for one in threading.enumerate() if one.name == "gleaner"])

    def test_the_end_of_the_process_waits_for_what_was_published(self, service: Running, tmp_path: Path) -> None:
        (tmp_path / "x.jpg").write_bytes(jpeg(1))
        program = "import sys; from gleaner import Gleaner; Gleaner(sys.argv[1]).publish(sys.argv[2], source_id='door')"
        run_python(program, service.url, str(tmp_path / "x.jpg"))
        assert len(service.frames()) == 1

    def test_after_a_fork_both_publish_and_nothing_comes_twice(self, service: Running, tmp_path: Path) -> None:
        (tmp_path / "x.jpg").write_bytes(jpeg(1))
        program = (
            "import os, sys; from gleaner import Gleaner\n"
            "client = Gleaner(sys.argv[1], source_id='parent')\n"
            "for _ in range(5): client.publish(sys.argv[2])\n"
            "child = os.fork()\n"
            "client.publish(sys.argv[2], source_id='after' if child else 'child').wait(10)\n"
            "client.close()\n"
            "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0)\n"
        )
        run_python(program, service.url, str(tmp_path / "x.jpg"))
        assert sorted(frame.source_id for frame in service.frames()) == ["after", "child", *["parent"] * 5]


def run_python(program: str, *arguments: str) -> None:
    clients = Path(__file__).parents[3] / "clients" / "python"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(clients)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_brings_nothing_but_httpx(tmp_path: Path) -> None:
    program = (
        "import sys; import gleaner\n"
        "big = {'numpy', 'cv2', 'PIL', 'ultralytics', 'supervision', 'torch', 'services', 'shared', 'pydantic'}\n"
        "assert not big & set(sys.modules), big & set(sys.modules)"
    )
    run_python(program)


@pytest.mark.parametrize("options", [{"url": "127.0.0.1:8080"}, {"url": "http://x", "max_fps": 0}])
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Gleaner(**options)
