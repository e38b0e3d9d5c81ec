"""POST /v1/verdicts: every answer, and that only 202 leaves something in the log."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from shared.streams import ids
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import NewRecord
from shared.streams.references import Reference
from shared.streams.verdicts import Label
from tests.unit.services.feedback.conftest import HOUR_S, Site

PATH = "/v1/verdicts"
JSON = {"Content-Type": "application/json"}
KEY = "a-key-for-tests"


def code(response: Response) -> tuple[int, str, str]:
    """Status, code and `where` of a refusal; its message must say something."""
    error = response.json()["error"]
    assert set(response.json()) == {"error"}
    assert set(error) == {"code", "message", "where"}
    assert len(error["message"]) > 10
    return response.status_code, error["code"], error["where"]


def confirmed(prediction_id: str, **more: Any) -> dict[str, Any]:
    return {"prediction_id": prediction_id, "kind": "confirmed", **more}


def test_a_verdict_is_in_the_log_before_it_is_answered(site: Site, client: TestClient) -> None:
    prediction_id, prediction = site.prediction()
    body = {
        "prediction_id": prediction_id,
        "kind": "rejected",
        "reason": "false_positive",
        "detection_index": 1,
        "reviewer": "Ana Ñandú 🦤",
        "note": "a doormat",
    }
    response = client.post(PATH, json=body, headers={"Idempotency-Key": "one"})
    (verdict,) = site.verdicts()
    assert response.status_code == 202
    assert response.json() == {
        "verdict_id": verdict.verdict_id,
        "prediction_id": prediction_id,
        "frame_id": prediction.frame.frame_id,
    }
    assert verdict.prediction == prediction
    assert (verdict.kind, verdict.reason, verdict.detection_index) == ("rejected", "false_positive", 1)
    assert (verdict.reviewer, verdict.note, verdict.caller) == ("Ana Ñandú 🦤", "a doormat", "local")
    assert verdict.judged_at.endswith("+00:00")


def test_missed_objects_have_boxes(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    body = {"prediction_id": prediction_id, "kind": "missed", "boxes": [[0, -1, 640.5, 480], [1, 2, 3, 4]]}
    assert client.post(PATH, json=body).status_code == 202
    assert site.verdicts()[0].boxes == ((0, -1, 640.5, 480), (1, 2, 3, 4))


def corrected(prediction_id: str, **more: Any) -> dict[str, Any]:
    return {"prediction_id": prediction_id, "kind": "corrected", **more}


def classifiers(site: Site) -> str:
    """Of a frame that a classifier looked at."""
    return site.prediction(task="classify", detections=())[0]


def test_a_correction_says_what_is_right_of_one_detection_or_of_the_whole_frame(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    right = {"class_name": "doormat", "box": [0, -1, 640.5, 480]}
    bodies: list[dict[str, Any]] = [
        {"detection_index": 1, "label": {"class_name": "doormat"}},
        {"detection_index": 1, "label": right},
        {"labels": [right]},
        {"labels": []},
    ]
    answers = [client.post(PATH, json=corrected(prediction_id, **body)) for body in bodies]
    assert [answer.status_code for answer in answers] == [202] * 4
    named, moved, whole, nothing = site.verdicts()
    label = Label(class_name="doormat", box=(0, -1, 640.5, 480))
    assert (named.label, named.detection_index, named.labels) == (Label(class_name="doormat"), 1, None)
    assert (moved.label, whole.label, whole.labels, nothing.labels) == (label, None, (label,), ())
    assert (named.kind, named.reason, named.boxes) == ("corrected", None, ())


def test_a_new_class_is_allowed_and_nobody_can_tell_is_an_answer(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    new = corrected(prediction_id, detection_index=0, label={"class_name": "a class that no model had"})
    unsure = {"prediction_id": prediction_id, "kind": "unsure", "note": "too dark"}
    whole = confirmed(prediction_id, exhaustive=True)
    assert [client.post(PATH, json=body).status_code for body in (new, unsure, whole)] == [202] * 3
    said = site.verdicts()
    assert [(verdict.kind, verdict.exhaustive) for verdict in said] == [
        ("corrected", False),
        ("unsure", False),
        ("confirmed", True),
    ]


def test_a_classifiers_correction_is_a_class(site: Site, client: TestClient) -> None:
    prediction_id = classifiers(site)
    assert client.post(PATH, json=corrected(prediction_id, labels=[{"class_name": "dirty"}])).status_code == 202
    assert site.verdicts()[0].labels == (Label(class_name="dirty"),)
    for labels in ([{"class_name": "a"}, {"class_name": "b"}], [{"class_name": "a", "box": [0, 0, 1, 1]}]):
        response = client.post(PATH, json=corrected(prediction_id, labels=labels))
        assert code(response) == (422, "invalid_request", "labels")


def test_a_verdict_lies_on_its_frames_partition(site: Site, client: TestClient) -> None:
    refs = [site.frame(source_id=f"door-{n}") for n in range(8)]
    assert {ref.partition for ref in refs} == {0, 1}
    for ref in refs:
        assert client.post(PATH, json=confirmed(site.prediction(ref)[0])).status_code == 202
    bounds = site.log.bounds("verdicts")
    for partition in (0, 1):
        assert bounds[partition].end - bounds[partition].start == sum(ref.partition == partition for ref in refs)


class TestRetries:
    def test_the_same_body_is_the_same_verdict(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        first = client.post(PATH, content=f'{{"prediction_id":"{prediction_id}","kind":"confirmed"}}', headers=JSON)
        again = client.post(PATH, content=f'{{"kind": "confirmed", "prediction_id": "{prediction_id}"}} ', headers=JSON)
        other = client.post(PATH, json=confirmed(prediction_id, reviewer="bo"))
        assert first.status_code == again.status_code == other.status_code == 202
        assert first.json() == again.json()
        assert first.json()["verdict_id"] != other.json()["verdict_id"]

    def test_the_same_key_is_the_same_verdict(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        answers = [
            client.post(PATH, json=confirmed(prediction_id), headers={"Idempotency-Key": "door/1?"}) for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()

    def test_the_same_key_with_another_body_is_409(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        headers = {"Idempotency-Key": "once"}
        assert client.post(PATH, json=confirmed(prediction_id), headers=headers).status_code == 202
        response = client.post(PATH, json=confirmed(prediction_id, note="other"), headers=headers)
        assert code(response) == (409, "idempotency_key_reused", "Idempotency-Key")
        assert len(site.verdicts()) == 1

    def test_another_body_under_a_key_that_was_forgotten_is_another_verdict(
        self, site: Site, client: TestClient
    ) -> None:
        """Of two with one id one counts: this one was answered 202, and would be lost."""
        prediction_id, _ = site.prediction()
        headers = {"Idempotency-Key": "once"}
        first = client.post(PATH, json=confirmed(prediction_id), headers=headers)
        site.forget_keys()
        other = client.post(PATH, json=confirmed(prediction_id, note="other"), headers=headers)
        site.forget_keys()
        again = client.post(PATH, json=confirmed(prediction_id), headers=headers)
        assert [one.status_code for one in (first, other, again)] == [202, 202, 202]
        assert first.json() == again.json() != other.json()
        assert len({verdict.verdict_id for verdict in site.verdicts()}) == 2

    def test_another_correction_under_the_same_key_is_409(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        said = corrected(prediction_id, detection_index=0, label={"class_name": "cat"})
        answers = [
            client.post(PATH, json={**said, **more}, headers={"Idempotency-Key": "once"})
            for more in ({}, {}, {"label": {"class_name": "dog"}})
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 409]
        assert answers[0].json() == answers[1].json()
        unkeyed = [client.post(PATH, json={**said, "label": {"class_name": name}}) for name in ("cat", "cat", "dog")]
        assert len({answer.json()["verdict_id"] for answer in unkeyed}) == 2

    def test_a_refused_body_does_not_use_up_its_key(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        headers = {"Idempotency-Key": "once"}
        wrong = confirmed(prediction_id, detection_index=9)
        assert client.post(PATH, json=wrong, headers=headers).status_code == 422
        assert client.post(PATH, json=confirmed(prediction_id), headers=headers).status_code == 202

    def test_two_callers_may_use_one_key(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"a": "key-of-a", "b": "key-of-b"})
        prediction_id, _ = site.prediction()
        answers = [
            client.post(
                PATH, json=confirmed(prediction_id, note=key), headers={"X-API-Key": key, "Idempotency-Key": "1"}
            )
            for key in ("key-of-a", "key-of-b")
        ]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [verdict.caller for verdict in site.verdicts()] == ["a", "b"]
        assert len({verdict.verdict_id for verdict in site.verdicts()}) == 2

    def test_many_at_once_make_one_verdict(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()

        def post(_: int) -> Response:
            answer: Response = client.post(PATH, json=confirmed(prediction_id), headers={"Idempotency-Key": "same"})
            return answer

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(post, range(8)))
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["verdict_id"] for answer in answers}) == 1
        assert len({verdict.verdict_id for verdict in site.verdicts()}) == 1

    @pytest.mark.parametrize("key", ["", "k" * 256])
    def test_a_key_must_have_1_to_255_characters(self, site: Site, client: TestClient, key: str) -> None:
        response = client.post(PATH, json=confirmed(site.prediction()[0]), headers={"Idempotency-Key": key})
        assert code(response)[0] == 422
        assert site.verdicts() == []


class TestWhatIsGone:
    @pytest.mark.parametrize("place", ["0-999999", "1-0", "7-0", "999999999-0", "0-999999999999999999"])
    def test_never_written_is_404(self, site: Site, client: TestClient, place: str) -> None:
        site.prediction(site.frame(source_id="x").model_copy(update={"partition": 0}))
        assert code(client.post(PATH, json=confirmed(f"{place}-deadbeef"))) == (
            404,
            "unknown_prediction",
            "prediction_id",
        )

    def test_a_prediction_past_its_retention_is_410(self, site: Site, client: TestClient) -> None:
        prediction_id, prediction = site.prediction()
        site.remember(prediction)
        site.later(8 * 24 * HOUR_S)
        assert code(client.post(PATH, json=confirmed(prediction_id))) == (410, "prediction_gone", "prediction_id")

    def test_another_checksum_is_410(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        wrong = prediction_id[:-1] + ("0" if prediction_id[-1] != "0" else "1")
        assert code(client.post(PATH, json=confirmed(wrong))) == (410, "prediction_gone", "prediction_id")

    def test_a_record_that_is_no_prediction_is_410(self, site: Site, client: TestClient) -> None:
        record = site.send(NewRecord(PREDICTIONS.name, b"x", b"{garbage", 0))
        assert code(client.post(PATH, json=confirmed(f"0-{record.offset}-deadbeef")))[0] == 410

    def test_a_frame_that_has_expired_and_was_not_chosen_is_410(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        site.later(7 * HOUR_S)
        assert code(client.post(PATH, json=confirmed(prediction_id))) == (410, "prediction_gone", "prediction_id")
        assert site.verdicts() == []

    def test_a_frame_that_has_expired_but_was_chosen_is_202(self, site: Site, client: TestClient) -> None:
        prediction_id, prediction = site.prediction()
        site.remember(prediction)
        site.later(7 * HOUR_S)
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 202

    def test_another_collections_memo_does_not_count(self, site: Site, client: TestClient) -> None:
        prediction_id, prediction = site.prediction()
        site.remember(prediction, collection="other")
        site.later(7 * HOUR_S)
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 410

    @pytest.mark.parametrize("changes", [{"frame_id": "f" * 32}, {"offset": 10**9}])
    def test_a_reference_to_another_frame_is_410_unless_chosen(
        self, site: Site, client: TestClient, changes: dict[str, Any]
    ) -> None:
        ref = site.frame()
        record = site.send(
            NewRecord(
                PREDICTIONS.name,
                b"x",
                site.prediction(ref)[1].model_copy(update={"frame": ref.model_copy(update=changes)}).to_bytes(),
                ref.partition,
            )
        )
        prediction = PREDICTIONS.decode(record)
        prediction_id = ids.prediction_id(record.partition, record.offset, prediction.frame.frame_id)
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 410
        site.remember(prediction)
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 202

    @pytest.mark.parametrize("changes", [{"partition": 99, "offset": 0}, {"stream": "verdicts"}])
    def test_a_record_that_is_no_prediction_of_its_partitions_frames_is_410(
        self, site: Site, client: TestClient, changes: dict[str, Any]
    ) -> None:
        ref = site.frame()
        elsewhere = site.prediction(ref)[1].model_copy(update={"frame": ref.model_copy(update=changes)})
        record = site.send(NewRecord(PREDICTIONS.name, b"x", elsewhere.to_bytes(), ref.partition))
        prediction_id = ids.prediction_id(record.partition, record.offset, ref.frame_id)
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 410


class TestInvalid:
    @pytest.mark.parametrize(
        "prediction_id",
        [
            "",
            "x",
            "1-2",
            "1-2-3",
            "a-b-cccccccc",
            "-1-2-deadbeef",
            "0-01-deadbeef",
            "٣-4-deadbeef",
            "0" * 65,
            "0-0-dead beef",
        ],
    )
    def test_a_malformed_prediction_id(self, client: TestClient, prediction_id: str) -> None:
        assert code(client.post(PATH, json=confirmed(prediction_id))) == (422, "invalid_request", "prediction_id")

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"kind": "maybe"}, "kind"),
            ({"kind": None}, "kind"),
            ({"kind": "rejected"}, "reason"),
            ({"kind": "rejected", "reason": "ugly"}, "reason"),
            ({"reason": "bad_box"}, "reason"),
            ({"kind": "missed", "reason": "bad_box"}, "reason"),
            ({"kind": "missed", "detection_index": 0}, "detection_index"),
            ({"detection_index": 2}, "detection_index"),
            ({"detection_index": -1}, "detection_index"),
            ({"detection_index": "1"}, "detection_index"),
            ({"detection_index": True}, "detection_index"),
            ({"detection_index": 10**30}, "detection_index"),
            ({"boxes": [[0, 0, 1, 1]]}, "boxes"),
            ({"kind": "missed", "boxes": [[5, 0, 1, 1]]}, "boxes"),
            ({"kind": "missed", "boxes": [[0, 0, 642, 1]]}, "boxes.0"),
            ({"kind": "missed", "boxes": [[0, 0, 1, 1], [-2, 0, 1, 1]]}, "boxes.1"),
            ({"kind": "missed", "boxes": [[0, 0, 1, 1]] * 1001}, "boxes"),
            ({"label": {"class_name": "cat"}}, "label"),
            ({"labels": []}, "labels"),
            ({"kind": "corrected"}, "labels"),
            ({"kind": "corrected", "detection_index": 0}, "label"),
            ({"kind": "corrected", "label": {"class_name": "cat"}}, "label"),
            ({"kind": "corrected", "detection_index": 0, "labels": []}, "label"),
            ({"kind": "corrected", "detection_index": 2, "label": {"class_name": "cat"}}, "detection_index"),
            ({"kind": "corrected", "detection_index": 0, "label": {"class_name": "cat"}, "labels": []}, "labels"),
            ({"kind": "corrected", "detection_index": 0, "label": {}}, "label"),
            ({"kind": "corrected", "detection_index": 0, "label": {"class": "cat"}}, "label.class"),
            ({"kind": "corrected", "detection_index": 0, "label": {"class_name": ""}}, "label.class_name"),
            ({"kind": "corrected", "detection_index": 0, "label": {"class_name": 7}}, "label.class_name"),
            ({"kind": "corrected", "detection_index": 0, "label": {"box": [5, 0, 1, 1]}}, "label.box"),
            ({"kind": "corrected", "detection_index": 0, "label": {"box": [0, 0, 642, 1]}}, "label.box"),
            ({"kind": "corrected", "reason": "bad_box", "labels": []}, "reason"),
            ({"kind": "corrected", "boxes": [[0, 0, 1, 1]], "labels": []}, "boxes"),
            ({"kind": "corrected", "labels": [{"class_name": "cat"}]}, "labels"),
            ({"kind": "corrected", "labels": [{"box": [0, 0, 1, 1]}]}, "labels"),
            ({"kind": "corrected", "labels": [{"class_name": "cat", "box": [0, 0, 1, 999]}]}, "labels.0.box"),
            ({"kind": "corrected", "labels": [{"class_name": "cat", "box": [0, 0, 1, 1]}] * 1001}, "labels"),
            ({"reviewer": "r" * 201}, "reviewer"),
            ({"note": "n" * 2001}, "note"),
            ({"note": 5}, "note"),
            ({"detection_idx": 0}, "detection_idx"),
            ({"kind": "affirmed"}, "kind"),
            ({"kind": "shown"}, "kind"),
            ({"silence": {}}, "silence"),
            ({"exhaustive": 1}, "exhaustive"),
            ({"kind": "unsure", "reason": "bad_box"}, "reason"),
        ],
    )
    def test_a_wrong_field_is_named(self, site: Site, client: TestClient, change: dict[str, Any], where: str) -> None:
        response = client.post(PATH, json={**confirmed(site.prediction()[0]), **change})
        assert code(response) == (422, "invalid_request", where)
        assert site.verdicts() == []

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b'"text"',
            b"\xff\xfe\x00garbage",
            b"[" * 5_000,
            b'{"a":' * 5_000,
            b'{"prediction_id": "\\ud800", "kind": "confirmed"}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "missed", "boxes": [[0, 0, NaN, Infinity]]}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "corrected", "labels": [{"class_name": "c", "box": [NaN, 0, 1, 1]}]}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "confirmed", "note": "' + b"\x00" + b'"}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "rejected", "reason": "bad_box", "kind": "confirmed"}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "corrected", "labels": [{"class_name": "a", "class_name": "b"}]}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "confirmed", "detection_index": ' + b"9" * 60_000 + b"}",
            b'{"prediction_id": "0-0-deadbeef", "kind": "confirmed", "note": "\\udfff"}',
            b'{"prediction_id": "0-0-deadbeef", "kind": "missed", "boxes": [[0, 0, 1e999, 1]]}',
            "{}".encode("utf-16"),
            b"\xef\xbb\xbf{}",
        ],
    )
    def test_garbage(self, client: TestClient, body: bytes) -> None:
        assert code(client.post(PATH, content=body, headers=JSON))[:2] == (422, "invalid_request")

    def test_a_prediction_too_large_to_become_a_sample_is_none(self, site: Site, client: TestClient) -> None:
        ref = site.frame()
        large = site.prediction(ref)[1].model_copy(update={"source_id": "s" * 300_000})
        record = site.send(NewRecord(PREDICTIONS.name, b"x", large.to_bytes(), ref.partition))
        prediction_id = ids.prediction_id(record.partition, record.offset, ref.frame_id)
        assert code(client.post(PATH, json=confirmed(prediction_id)))[:2] == (410, "prediction_gone")

    def test_only_json(self, site: Site, client: TestClient) -> None:
        body = json.dumps(confirmed(site.prediction()[0]))
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            response = client.post(PATH, content=body, headers={"Content-Type": kind})
            assert code(response) == (415, "wrong_media_type", "Content-Type")
        assert (
            client.post(PATH, content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"}).status_code
            == 202
        )

    def test_a_large_body_is_413_whether_it_says_so_or_not(self, client_for: Callable[..., TestClient]) -> None:
        client = client_for(max_body_bytes=2_000)

        def pieces() -> Any:
            yield from [b"x" * 500] * 5

        assert code(client.post(PATH, content=b"x" * 2_001, headers=JSON)) == (413, "body_too_large", "body")
        assert code(client.post(PATH, content=pieces(), headers=JSON)) == (413, "body_too_large", "body")
        assert code(client.post(PATH, content=b"x" * 2_000, headers=JSON))[0] == 422


class TestKeys:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    def test_a_key_names_the_caller(self, site: Site, client_for: Callable[..., TestClient], scheme: str) -> None:
        client = client_for(api_keys={"other": "another-key", "porch-app": KEY})
        body = confirmed(site.prediction()[0])
        assert client.post(PATH, json=body, headers={"Authorization": f"{scheme} {KEY}"}).status_code == 202
        assert client.post(PATH, json=body, headers={"X-API-Key": KEY}).status_code == 202
        assert [verdict.caller for verdict in site.verdicts()] == ["porch-app", "porch-app"]

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Bearer "},
            {"Authorization": f"Basic {KEY}"},
            {"Authorization": f"Bearer {KEY}x"},
            {"X-API-Key": ""},
            {"X-API-Key": KEY[:-1]},
            {"X-API-Key": "ключ".encode()},
        ],
    )
    def test_no_or_a_wrong_key_is_401_before_the_body_is_looked_at(
        self, site: Site, client_for: Callable[..., TestClient], headers: dict[str, Any]
    ) -> None:
        response = client_for(api_keys={"porch-app": KEY}).post(PATH, content=b"garbage", headers=headers)
        assert code(response) == (401, "not_authenticated", "Authorization")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert KEY not in response.text
        assert "porch-app" not in response.text

    def test_a_key_may_be_any_text(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"porch-app": "schlüssel-ключ"})
        headers = {"X-API-Key": "schlüssel-ключ".encode()}
        assert client.post(PATH, json=confirmed(site.prediction()[0]), headers=headers).status_code == 202


class TestUnavailable:
    def test_no_log_is_503(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        site.log.close()
        response = client.post(PATH, json=confirmed(prediction_id))
        assert code(response) == (503, "unavailable", "log")
        assert int(response.headers["Retry-After"]) > 0

    def test_a_log_that_closes_between_two_verdicts_is_503(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 202
        site.log.close()
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 503

    def test_no_state_store_is_503_only_where_it_must_be_asked(
        self, site: Site, client_for: Callable[..., TestClient]
    ) -> None:
        client, another = client_for(), client_for()
        prediction_id, _ = site.prediction()
        site.state.close()
        assert client.post(PATH, json=confirmed(prediction_id)).status_code == 202
        keyed = client.post(PATH, json=confirmed(prediction_id), headers={"Idempotency-Key": "k"})
        assert code(keyed) == (503, "unavailable", "state store")
        site.later(7 * HOUR_S)
        assert code(another.post(PATH, json=confirmed(prediction_id))) == (503, "unavailable", "state store")
        assert len(site.verdicts()) == 1


def test_no_refusal_names_the_source(site: Site, client: TestClient) -> None:
    prediction_id, prediction = site.prediction()
    texts = [
        client.post(PATH, json=confirmed(prediction_id, detection_index=9)).text,
        client.post(PATH, json=confirmed(prediction_id[:-8] + "00000000")).text,
    ]
    site.later(7 * HOUR_S)
    texts.append(client.post(PATH, json=confirmed(prediction_id)).text)
    site.log.close()
    texts.append(client.post(PATH, json=confirmed(prediction_id)).text)
    for text in texts:
        assert "secret-door" not in text
        assert prediction.frame.frame_id not in text
        assert str(site.folder) not in text


def reference(site: Site, bucket: str = "cameras") -> Reference:
    image = b"\xff\xd8 pixels"
    site.objects.put(bucket, "1.jpg", image, "image/jpeg")
    return Reference(uri=f"s3://{bucket}/1.jpg", size=len(image), sha256=hashlib.sha256(image).hexdigest())


def test_a_frame_by_reference_is_judged_like_any_other_while_its_object_is_there(
    site: Site, client: TestClient
) -> None:
    prediction_id, _ = site.prediction(site.frame(reference(site)))
    assert client.post(PATH, json=confirmed(prediction_id)).status_code == 202
    (site.folder / "objects" / "cameras" / "1.jpg").unlink()
    assert code(client.post(PATH, json=confirmed(prediction_id))) == (410, "prediction_gone", "prediction_id")


def test_an_object_in_a_bucket_that_may_not_be_read_is_no_image(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction(site.frame(reference(site, "secrets")))
    assert code(client.post(PATH, json=confirmed(prediction_id))) == (410, "prediction_gone", "prediction_id")
