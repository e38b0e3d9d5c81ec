"""POST /v1/frames on a real log and state store: what is taken, what is refused, and what a crash leaves behind."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.feedback.access.caller import Caller
from services.feedback.api import create_app, frames, multipart
from services.feedback.desk import Desk
from services.feedback.frames.publishing import Publishing
from services.feedback.frames.request import EXAMPLES, parse
from services.feedback.refusals import InvalidRequest, NotAllowed, Refusal, TooMany
from services.feedback.sending import Sending
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.errors import Unavailable
from shared.streams import FRAMES, PREDICTIONS, ids
from shared.streams.frames import MAX_FRAME_BYTES, Frame
from shared.streams.predictions import Prediction
from shared.streams.record import NewRecord, Record
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.sampler.making import jpeg

PATH = "/v1/frames"
IMAGE = jpeg(1)
"""64 x 48 pixels."""
JPEG = {"Content-Type": "image/jpeg"}
BOX = {"box": [1.0, 2.0, 30.0, 40.0], "class_name": "package", "confidence": 0.9}
WEAK = {"box": [1.0, 2.0, 30.0, 40.0], "class_name": "parcel", "class_id": 3, "confidence": 0.1, "tracker_id": -7}


@pytest.fixture
def client(desk_for: Callable[..., Desk]) -> TestClient:
    return client_of(desk_for())


def client_of(desk: Desk) -> TestClient:
    app = create_app(desk)
    if PATH not in app.openapi()["paths"]:
        frames.add(app, desk)
        app.openapi_schema = None
    return TestClient(app, raise_server_exceptions=False)


def predictions(**changes: Any) -> dict[str, Any]:
    return {"model_id": "packages", "model_version": "7", "detections": [BOX, WEAK], **changes}


def post(client: TestClient, about: Any, image: bytes = IMAGE, key: str | None = None) -> Any:
    text = about if isinstance(about, str) else json.dumps(about)
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(PATH, files={"image": ("x.jpg", image), "about": (None, text)}, headers=headers)


def code(response: Any) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["where"]


def records(site: Site, stream: str) -> list[Record]:
    reader = site.log.reader()
    bounds = site.log.bounds(stream)
    found = [one for number, b in bounds.items() for one in reader.scan(stream, number, b.start, b.end)]
    reader.close()
    return found


def taken_frames(site: Site) -> list[Frame]:
    return [FRAMES.decode(record) for record in records(site, "frames")]


def taken_predictions(site: Site) -> list[Prediction]:
    return [PREDICTIONS.decode(record) for record in records(site, "predictions")]


class TestRaw:
    def test_a_frame_without_predictions_is_inferences(self, site: Site, client: TestClient) -> None:
        query = {
            "source_id": "door",
            "captured_at": "2026-11-20T15:00:00.5+01:00",
            "frame_index": 42,
            "producer_frame_id": "a",
        }
        response = client.post(PATH, params=query, content=IMAGE, headers=JPEG)
        assert response.status_code == 202, response.text
        (frame,) = taken_frames(site)
        assert (frame.image, frame.predicted_by, frame.content_type) == (IMAGE, None, "image/jpeg")
        assert {name: getattr(frame, name) for name in query} == query
        answer = response.json()
        assert (answer["frame_id"], answer["prediction_id"]) == (frame.ref.frame_id, None)
        assert (answer["partition"], answer["offset"]) == (frame.ref.partition, frame.ref.offset)
        assert answer["time"].endswith("+00:00")
        assert taken_predictions(site) == []

    def test_what_it_is_stands_in_its_bytes(self, site: Site, client: TestClient) -> None:
        assert client.post(PATH, params={"source_id": "x"}, content=IMAGE, headers={"Content-Type": "image/PNG"})
        assert taken_frames(site)[0].content_type == "image/jpeg"

    @pytest.mark.parametrize(
        ("query", "where"),
        [
            ({}, "source_id"),
            ({"source_id": ""}, "source_id"),
            ({"source_id": "a\nb"}, "source_id"),
            ({"source_id": "x" * 201}, "source_id"),
            ({"source_id": "x", "frame_index": "-1"}, "frame_index"),
            ({"source_id": "x", "frame_index": "1.5"}, "frame_index"),
            ({"source_id": "x", "captured_at": "yesterday"}, "captured_at"),
            ({"source_id": "x", "captured_at": "2026-11-20T15:00:00"}, "captured_at"),
            ({"source_id": "x", "captured_at": "2026-02-30T15:00:00Z"}, "captured_at"),
            ({"source_id": "x", "sorce": "y"}, "sorce"),
        ],
    )
    def test_a_wrong_address_names_the_field(
        self, site: Site, client: TestClient, query: dict[str, str], where: str
    ) -> None:
        response = client.post(PATH, params=query, content=IMAGE, headers=JPEG)
        assert code(response) == (422, "invalid_request", where)
        assert taken_frames(site) == []

    @pytest.mark.parametrize("image", [b"", b"no image", IMAGE[:40], b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + b"\0" * 9])
    def test_garbage(self, site: Site, client: TestClient, image: bytes) -> None:
        response = client.post(PATH, params={"source_id": "x"}, content=image, headers=JPEG)
        assert code(response) == (422, "invalid_request", "image")
        assert taken_frames(site) == []

    @pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "image/gif", "multipart/mixed; boundary=x"])
    def test_only_images(self, client: TestClient, kind: str) -> None:
        response = client.post(PATH, params={"source_id": "x"}, content=IMAGE, headers={"Content-Type": kind})
        assert response.status_code == 415
        assert code(response)[2] == "Content-Type"

    def test_a_large_image_is_413_whether_it_says_so_or_not(self, client: TestClient) -> None:
        def pieces() -> Any:
            yield from [b"x" * 500_000] * 5

        for content in (b"x" * (MAX_FRAME_BYTES + 1), pieces()):
            response = client.post(PATH, params={"source_id": "x"}, content=content, headers=JPEG)
            assert code(response) == (413, "body_too_large", "body")


class TestWithPredictions:
    def test_both_are_in_the_log(self, site: Site, client: TestClient) -> None:
        response = post(client, {"source_id": "door", "frame_index": 3, "predictions": predictions()})
        assert response.status_code == 202, response.text
        (frame,) = taken_frames(site)
        (prediction,) = taken_predictions(site)
        (record,) = records(site, "predictions")
        assert frame.predicted_by == "packages"
        assert prediction.frame == frame.ref
        assert record.partition == frame.ref.partition
        assert (prediction.width_px, prediction.height_px, prediction.threshold) == (64, 48, 0.5)
        assert (prediction.source_id, prediction.frame_index, prediction.role) == ("door", 3, "live")
        strong, weak = prediction.detections
        assert (strong.weak, weak.weak, weak.tracker_id, weak.class_id) == (False, True, -7, 3)
        assert response.json()["prediction_id"] == ids.prediction_id(
            record.partition, record.offset, frame.ref.frame_id
        )

    def test_its_prediction_is_judged_like_any_other(self, site: Site, client: TestClient) -> None:
        prediction_id = post(client, {"source_id": "door", "predictions": predictions()}).json()["prediction_id"]
        body = {"prediction_id": prediction_id, "kind": "rejected", "reason": "bad_box", "detection_index": 0}
        assert client.post("/v1/verdicts", json=body).status_code == 202
        assert [one.prediction_id for one in site.verdicts()] == [prediction_id]

    def test_a_model_that_saw_nothing_is_a_prediction_too(self, site: Site, client: TestClient) -> None:
        said = {"model_id": "m", "model_version": "1"}
        assert post(client, {"source_id": "door", "predictions": said}).json()["prediction_id"]
        assert taken_predictions(site)[0].detections == ()

    def test_a_class_without_a_number_keeps_the_one_it_was_given(self, site: Site, client: TestClient) -> None:
        for _ in range(2):
            post(client, {"source_id": "door", "predictions": predictions(detections=[BOX])})
        first, second = (one.detections[0].class_id for one in taken_predictions(site))
        assert first == second > 0

    def test_a_classifier(self, site: Site, client: TestClient) -> None:
        classes = [{"class_name": "torn", "confidence": 0.1}, {"class_name": "ok", "confidence": 0.9}]
        said = predictions(task="classify", detections=[], classes=classes, class_thresholds={"ok": 0.7})
        assert post(client, {"source_id": "line", "predictions": said}).status_code == 202
        assert [one.class_name for one in taken_predictions(site)[0].classes] == ["ok", "torn"]

    def test_a_box_that_reaches_a_little_over_the_border_is_clipped(self, site: Site, client: TestClient) -> None:
        box = {**BOX, "box": [-2.0, -1.5, 66.0, 49.0]}
        assert post(client, {"source_id": "x", "predictions": predictions(detections=[box])}).status_code == 202
        assert taken_predictions(site)[0].detections[0].box == (0, 0, 64, 48)

    @pytest.mark.parametrize(
        ("changes", "where"),
        [
            ({"detections": [{**BOX, "box": [0, 0, 300, 40]}]}, "predictions.detections.0.box"),
            ({"detections": [BOX, {**BOX, "box": [65, 1, 66, 2]}]}, "predictions.detections.1.box"),
            ({"detections": [{**BOX, "box": [0, -1e300, 30, 40]}]}, "predictions.detections.0.box"),
            ({"detections": [{**BOX, "box": [30, 0, 3, 40]}]}, "predictions.detections.0.box"),
            ({"detections": [{**BOX, "box": [0, 0, float("nan"), 40]}]}, "predictions.detections.0.box.2"),
            ({"detections": [{**BOX, "box": [0, 0, float("inf"), 40]}]}, "predictions.detections.0.box.2"),
            ({"detections": [{**BOX, "box": [0, 0, 3]}]}, "predictions.detections.0.box.3"),
            ({"detections": [{**BOX, "box": [0, 0, 3, "4"]}]}, "predictions.detections.0.box.3"),
            ({"detections": [{**BOX, "confidence": 1.1}]}, "predictions.detections.0.confidence"),
            ({"detections": [{**BOX, "confidence": float("nan")}]}, "predictions.detections.0.confidence"),
            ({"detections": [{**BOX, "class_name": "a\x00b"}]}, "predictions.detections.0.class_name"),
            ({"detections": [{**BOX, "class_name": ""}]}, "predictions.detections.0.class_name"),
            ({"detections": [{**BOX, "class_id": -1}]}, "predictions.detections.0.class_id"),
            ({"detections": [{**BOX, "colour": "red"}]}, "predictions.detections.0.colour"),
            ({"detections": [BOX] * 3_000}, "predictions"),
            ({"detections": [BOX] * 10_000}, "predictions.detections"),
            ({"task": "classify"}, "predictions"),
            ({"classes": [{"class_name": "a", "confidence": 0.1}]}, "predictions"),
            ({"threshold": 7}, "predictions.threshold"),
            ({"threshold": "0.5"}, "predictions.threshold"),
            ({"model_version": ""}, "predictions.model_version"),
            ({"role": "shadow"}, "predictions.role"),
            ({"timings_ms": {"model": -1}}, "predictions.timings_ms.model"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(
        self, site: Site, client: TestClient, changes: dict[str, Any], where: str
    ) -> None:
        response = post(client, {"source_id": "x", "predictions": predictions(**changes)})
        assert code(response) == (422, "invalid_request", where)
        assert taken_frames(site) == []

    @pytest.mark.parametrize(
        ("about", "where"),
        [
            ("", "about"),
            ("[]", "about"),
            ('{"source_id": "\\ud800"}', "about"),
            ("{}", "source_id"),
            ('{"source_id": "x", "source_id": "y"}', "body"),
            ({"source_id": "x", "model": "y"}, "model"),
            ({"source_id": 7}, "source_id"),
            ({"source_id": "x", "frame_index": 2**70}, "frame_index"),
        ],
    )
    def test_what_is_said_is_looked_at_strictly(self, client: TestClient, about: Any, where: str) -> None:
        assert code(post(client, about)) == (422, "invalid_request", where)

    def test_parts(self, client: TestClient) -> None:
        image, about = ("x.jpg", IMAGE), (None, '{"source_id": "x"}')
        for files, where in (
            ({"about": about}, "image"),
            ({"image": image}, "about"),
            ({"image": image, "about": about, "more": (None, "x")}, "body"),
            ([("image", image), ("image", image), ("about", about)], "image"),
        ):
            assert code(client.post(PATH, files=files)) == (422, "invalid_request", where)
        twice = client.post(PATH, params={"source_id": "y"}, files={"image": image, "about": about})
        assert code(twice) == (422, "invalid_request", "source_id")
        assert client.post(PATH, files={"image": image, "about": about}).status_code == 202

    def test_each_part_has_its_limit(self, client: TestClient) -> None:
        assert code(post(client, {"source_id": "x"}, b"x" * (MAX_FRAME_BYTES + 1))) == (413, "body_too_large", "image")
        assert code(post(client, " " * (frames.MAX_ABOUT_BYTES + 1))) == (413, "body_too_large", "about")
        assert code(post(client, " ", b"x" * 5_000_000)) == (413, "body_too_large", "body")


class TestIdempotency:
    ABOUT = {"source_id": "door", "predictions": predictions()}  # noqa: RUF012

    def test_the_same_again_is_the_same_answer_and_no_second_frame(self, site: Site, client: TestClient) -> None:
        first, again = (post(client, self.ABOUT, key="k") for _ in range(2))
        assert (first.status_code, again.status_code) == (202, 202)
        assert again.json() == first.json()
        assert len(taken_frames(site)) == len(taken_predictions(site)) == 1

    def test_a_raw_frame_too(self, site: Site, client: TestClient) -> None:
        first, again = (
            client.post(PATH, params={"source_id": "x"}, content=IMAGE, headers={**JPEG, "Idempotency-Key": "k"})
            for _ in range(2)
        )
        assert again.json() == first.json()
        assert len(taken_frames(site)) == 1

    def test_another_frame_under_the_key_is_409(self, client: TestClient) -> None:
        assert post(client, self.ABOUT, key="k").status_code == 202
        for response in (post(client, self.ABOUT, jpeg(2), key="k"), post(client, {"source_id": "x"}, key="k")):
            assert code(response) == (409, "idempotency_key_reused", "Idempotency-Key")

    def test_another_frame_under_a_key_that_was_forgotten_is_another_frame(
        self, site: Site, client: TestClient
    ) -> None:
        """Of two records of one frame id one counts: this one was answered 202, and would be lost."""
        first = post(client, self.ABOUT, key="k").json()
        site.forget_keys()
        again = post(client, self.ABOUT, key="k").json()
        site.forget_keys()
        other = post(client, self.ABOUT, jpeg(2), key="k").json()
        assert first["frame_id"] == again["frame_id"] != other["frame_id"]

    def test_without_a_key_it_is_another_frame(self, site: Site, client: TestClient) -> None:
        first, again = (post(client, self.ABOUT).json() for _ in range(2))
        assert first["frame_id"] != again["frame_id"]
        assert len(taken_frames(site)) == 2

    @pytest.mark.parametrize(("before", "step"), [("frames", ""), ("", "frame"), ("predictions", ""), ("", "answer")])
    def test_after_a_crash_the_retry_ends_with_one_prediction_for_readers(
        self, site: Site, desk_for: Callable[..., Desk], step: str, before: str
    ) -> None:
        """A crash before each record and before each thing that is remembered."""
        desk, request = desk_for(), parse(json.dumps(self.ABOUT).encode())
        with closing(_State(site, step)) as state, pytest.raises(_Crash):
            Publishing(_Sending(desk, before), state).publish(Caller("app"), request, IMAGE, "k")
        published = Publishing(desk.sending, site.state).publish(Caller("app"), request, IMAGE, "k")
        found = taken_predictions(site)
        assert published.prediction_id is not None
        assert {one.frame.offset for one in found} == {published.ref.offset}  # equal for every reader: one
        assert {one.ref.frame_id for one in taken_frames(site)} == {published.ref.frame_id}
        assert Publishing(desk.sending, site.state).publish(Caller("app"), request, IMAGE, "k") == published

    def test_many_at_once_get_one_answer(self, site: Site, client: TestClient) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: post(client, self.ABOUT, key="k").json(), range(16)))
        assert all(answer == answers[0] for answer in answers)
        place = {(one.frame.partition, one.frame.offset) for one in taken_predictions(site)}
        assert place == {(answers[0]["partition"], answers[0]["offset"])}  # equal for every reader: one
        assert {one.ref.frame_id for one in taken_frames(site)} == {answers[0]["frame_id"]}

    def test_no_state_store_is_503_only_with_a_key(self, site: Site, client: TestClient) -> None:
        site.state.close()
        assert post(client, self.ABOUT).status_code == 202
        assert code(post(client, self.ABOUT, key="k")) == (503, "unavailable", "state store")

    def test_no_log_is_503_and_the_key_is_still_good(self, site: Site, desk_for: Callable[..., Desk]) -> None:
        desk = desk_for()
        with pytest.raises(Unavailable):
            Publishing(_Sending(desk, "frames", Unavailable("log", "down")), site.state).publish(
                Caller("app"), parse(b'{"source_id": "x"}'), IMAGE, "k"
            )
        assert Publishing(desk.sending, site.state).publish(Caller("app"), parse(b'{"source_id": "x"}'), IMAGE, "k")


class _Crash(BaseException):
    """The process is gone."""


class _Sending(Sending):
    """The desk's sending, in which the process dies before a record of this stream."""

    def __init__(self, desk: Desk, stream: str, error: BaseException | None = None) -> None:
        self._desk, self._stream, self._error = desk, stream, error or _Crash()

    def send(self, record: NewRecord) -> Record:
        if record.stream == self._stream:
            raise self._error
        return self._desk.sending.send(record)


class _State(SqliteState):
    """The site's state store, in which the process dies before this is remembered."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__(site.folder / "state.db")
        self._dies_before = name

    def fix(self, key: str, fields: Mapping[str, bytes], ttl_s: int) -> Mapping[str, bytes]:
        if self._dies_before in fields:
            raise _Crash
        return super().fix(key, fields, ttl_s)


class TestAccess:
    def test_other_sources_are_403(self, desk_for: Callable[..., Desk]) -> None:
        desk = desk_for()
        publishing = Publishing(desk.sending, desk.backend.state)
        request = parse(b'{"source_id": "yard-1"}')
        assert publishing.publish(Caller("app", sources=("yard-*",)), request, IMAGE)
        for caller in (Caller("app", sources=("door-*",)), Caller("link", prediction_id="0-0-00000000")):
            with pytest.raises(NotAllowed):
                publishing.publish(caller, request, IMAGE)

    def test_no_key_is_401_before_the_body_is_looked_at(self, desk_for: Callable[..., Desk]) -> None:
        client = client_of(desk_for(api_keys={"app": "a-key-for-tests-of-the-api"}))
        assert client.post(PATH, content=b"x", headers=JPEG).status_code == 401
        headers = {**JPEG, "Authorization": "Bearer a-key-for-tests-of-the-api"}
        assert client.post(PATH, params={"source_id": "x"}, content=IMAGE, headers=headers).status_code == 202


def test_bodies_in_memory_are_bounded_in_number() -> None:
    body = frames._body(1_000, timeout_s=5.0)
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"image/jpeg")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def scenario() -> None:
        held = [body(Request(scope, receive)) for _ in range(frames.AT_ONCE)]
        for one in held:
            assert (await anext(one)).data == b"x"
        with pytest.raises(TooMany):
            await anext(body(Request(scope, receive)))
        await held[0].aclose()
        assert await anext(body(Request(scope, receive)))

    asyncio.run(scenario())


def test_the_documentation_has_both_forms(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"][PATH]["post"]["requestBody"]["content"]
    assert set(body) == {"image/jpeg", "image/png", "image/webp", "multipart/form-data"}
    assert set(body["multipart/form-data"]["examples"]) == set(EXAMPLES)
    for example in EXAMPLES.values():
        assert parse(json.dumps(example).encode()).source_id


@given(st.binary(max_size=400), st.sampled_from(["", "x", "--", "a" * 300]))
def test_any_body_is_parts_or_a_refusal(body: bytes, boundary: str) -> None:
    try:
        found = multipart.parts(body, f"multipart/form-data; boundary={boundary}", {"image": 100, "about": 100})
    except Refusal as refusal:
        assert refusal.where in ("image", "about", "body")  # noqa: PT017
    else:
        assert set(found) <= {"image", "about"}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), st.lists))
def test_any_json_is_a_request_or_names_a_place(value: Any) -> None:
    body = json.dumps({"source_id": "x", "predictions": value}).encode()
    if value is None:
        assert parse(body).predictions is None
        return
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert caught.value.where
