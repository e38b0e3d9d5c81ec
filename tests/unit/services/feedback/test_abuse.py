"""A hostile user of the API: whatever is sent, the answer is a refusal that tells nothing, and nothing is kept."""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.feedback.accuracy.judging import judge
from services.feedback.api import create_app
from services.feedback.api.verdicts import TOGETHER
from services.feedback.desk import Desk
from services.feedback.pictures import Pictures
from services.feedback.read_model.standing import standing
from services.feedback.refusals import PredictionGone
from services.feedback.verdicts.case import Asked
from shared.streams.predictions import Detection
from shared.streams.samples import NOTHING_TO_HIDE, new_sample
from shared.streams.tallies import Chain, new_tally
from shared.streams.verdicts import new_shown, new_verdict
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.read_model.making import design_of, shown_of, verdict_of
from tests.unit.services.feedback.test_api_images import keep, picture, predicted
from tests.unit.services.feedback.test_server import served

JSON = {"Content-Type": "application/json"}
KEY = "kept-secret-by-all-who-know-it"
SCOPES = {
    "POST /v1/verdicts": "judge",
    "POST /v1/verdicts/bulk": "judge",
    "POST /v1/exposures": "judge",
    "POST /v1/exposures/bulk": "judge",
    "POST /v1/frames": "judge",
    "POST /v1/links": "judge",
    "GET /v1/verdicts": "read",
    "GET /v1/reviewers": "read",
    "GET /v1/predictions": "read",
    "GET /v1/predictions/stream": "read",
    "GET /v1/predictions/{prediction_id}": "read",
    "GET /v1/predictions/{prediction_id}/image": "read",
    "GET /v1/sources": "read",
    "GET /v1/samples": "read",
    "GET /v1/samples/counts": "read",
    "GET /v1/samples/{sample_id}": "read",
    "GET /v1/pipeline": "read",
    "GET /v1/accuracy": "read",
    "GET /v1/accuracy/versions": "read",
    "GET /v1/accuracy/compare": "read",
}
"""Every route under /v1 and the scope that it asks for. A new one is to be written down here, too."""
OPEN = {"/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/gleaner-verdict.js"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path) of everything that is answered."""
    for route in app.routes:
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, getattr(route, "path", "")


class TestScopes:
    """Behaviour, not declarations: each route is asked as somebody who may not."""

    @pytest.fixture
    def app(self, desk_for: Callable[..., Desk]) -> FastAPI:
        keys = {scope: {"key": f"key-to-{scope}", "scopes": [scope]} for scope in ("judge", "read")}
        return create_app(desk_for(api_keys=keys, max_per_s=0))

    def test_every_route_is_known_here(self, app: FastAPI) -> None:
        found = {f"{method} {path}" for method, path in routes(app) if path.startswith("/v1/")}
        assert found == set(SCOPES)
        others = {path for _, path in routes(app) if not path.startswith("/v1/")}
        assert {path for path in others if not path.startswith("/examples/")} == OPEN

    @pytest.mark.parametrize(("route", "scope"), SCOPES.items())
    def test_each_asks_for_its_scope(self, app: FastAPI, route: str, scope: str) -> None:
        client = TestClient(app, raise_server_exceptions=False)
        method, path = route.split()
        other = "read" if scope == "judge" else "judge"
        assert code(client.request(method, path)) == (401, "not_authenticated")
        assert code(client.request(method, path, headers=bearer("wrong"))) == (401, "not_authenticated")
        assert code(client.request(method, path, headers=bearer(f"key-to-{other}"))) == (403, "not_allowed")
        if not path.endswith("/stream"):  # it would answer, and go on
            assert client.request(method, path, headers=bearer(f"key-to-{scope}")).status_code not in (401, 403)


# Each stands for a whole body; WHOLE and FIELDS become a right one of the route, and its fields.
HOSTILE = {
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "deep, never closed": b'{"a":' * 13_000,
    "a million nested": b"[" * 1_000_000,
    "10 MB": b'{"note":"' + b"x" * 10_000_000 + b'"}',
    "a byte order mark": b"\xef\xbb\xbfWHOLE",
    "UTF-16": '{"prediction_id":"0-0-00000000"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"prediction_id":"0-0-00000000"}'.encode("utf-16-le"),
    "no UTF-8": b'{"prediction_id":"\xff"}',
    "an overlong NUL": b'{"prediction_id":"\xc0\x80"}',
    "NaN": b'{FIELDS,"x":NaN}',
    "-Infinity": b'{FIELDS,"visible_ms":-Infinity}',
    "an endless number": b'{FIELDS,"visible_ms":1e999}',
    "5,000 digits": b'{FIELDS,"visible_ms":' + b"9" * 5_000 + b"}",
    "half a character": b'{FIELDS,"reviewer":"\\ud800"}',
    "half a character as a name": b'{FIELDS,"\\udfff":1}',
    "one field twice": b'{FIELDS,"prediction_id":"0-0-00000000"}',
    "a field from nowhere": b'{FIELDS,"__proto__":{"admin":true}}',
    "an id that is a list": b'{"prediction_id":["0-0-00000000"]}',
    "an id that is a path": b'{"prediction_id":"../../etc/passwd"}',
    "an id with NUL": b'{"prediction_id":"0-0-0000000\\u0000"}',
    "an id in other digits": '{"prediction_id":"٠-٠-00000000"}'.encode(),
    "nothing": b"",
    "null": b"null",
    "two": b"{}{}",
}
"""Bodies, or in bulk what stands in the list."""
ROUTES_WITH_JSON = {
    "/v1/verdicts": ('"kind":"confirmed"', None),
    "/v1/verdicts/bulk": ('"kind":"confirmed"', "verdicts"),
    "/v1/exposures": ('"surface":"door"', None),
    "/v1/exposures/bulk": ('"surface":"door"', "exposures"),
    "/v1/links": ('"expires_in_s":60', None),
}
"""What a right body has beside `prediction_id`, and the list that it stands in."""


class TestBodies:
    """JSON that is none, means two things, or wants to be too much."""

    @pytest.mark.parametrize("name", HOSTILE)
    def test_is_refused_and_nothing_is_kept(self, site: Site, client: TestClient, name: str) -> None:
        prediction_id, _ = site.prediction()
        for path, (more, each) in ROUTES_WITH_JSON.items():
            whole = f'"prediction_id":"{prediction_id}",{more}'.encode()
            body = HOSTILE[name].replace(b"WHOLE", b"{%b}" % whole).replace(b"FIELDS", whole)
            answer = client.post(path, content=b'{"%b":[%b]}' % (each.encode(), body) if each else body, headers=JSON)
            if answer.status_code == 207:
                told = answer.json()
                assert told["taken"] == 0
                assert all(one["status"] in (404, 422) for one in told["results"])
            else:
                assert answer.status_code in (413, 422), (path, answer.text)
                assert set(answer.json()["error"]) == {"code", "message", "where"}
            assert len(answer.content) < 1_000
        assert site.judged() == []

    def test_a_bulk_of_what_is_no_verdict_is_answered_for_each(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()
        right = {"prediction_id": prediction_id, "kind": "confirmed"}
        wrong: list[Any] = [
            None,
            7,
            "x",
            [],
            {},
            {**right, "idempotency_key": 3},
            {**right, "idempotency_key": "k" * 256},
        ]
        told = client.post("/v1/verdicts/bulk", json={"verdicts": [*wrong, right]}).json()
        assert [one["status"] for one in told["results"]] == [422] * len(wrong) + [202]
        assert len(site.verdicts()) == 1

    def test_of_a_large_bulk_a_part_at_a_time_is_in_memory(
        self, site: Site, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk, sizes = desk_for(), list[int]()
        judge_all = desk.feedback.judge_all

        async def watched(asked: Sequence[Asked]) -> list[Any]:
            sizes.append(len(asked))
            return list(await judge_all(asked))

        monkeypatch.setattr(desk.feedback, "judge_all", watched)
        predictions = [site.prediction()[0] for _ in range(3)]
        bodies = [{"prediction_id": predictions[n % 3], "kind": "confirmed", "note": str(n // 2)} for n in range(250)]
        bodies[7]["kind"] = "nothing"
        told = TestClient(create_app(desk)).post("/v1/verdicts/bulk", json={"verdicts": bodies}).json()
        assert sizes == [TOGETHER, TOGETHER, 49]
        assert [one.get("prediction_id") for one in told["results"]] == [
            None if n == 7 else one["prediction_id"] for n, one in enumerate(bodies)
        ]
        assert told["taken"] == 249

    def test_boxes_outside_of_the_image_and_detections_that_are_none(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction()  # of 640 x 480, with two detections
        about = {"prediction_id": prediction_id}
        wrong: list[dict[str, Any]] = [
            {"kind": "missed", "boxes": [[-5, 0, 10, 10]]},
            {"kind": "missed", "boxes": [[0, 0, 642, 10]]},
            {"kind": "missed", "boxes": [[10, 10, 10, 20]]},
            {"kind": "missed", "boxes": [[0, 0, 1e300, 1e300]]},
            {"kind": "missed", "boxes": [[0, 0, 10]]},
            {"kind": "missed", "boxes": [[0, 0, 10, 10]] * 1_001},
            {"kind": "missed", "detection_index": 0},
            {"kind": "rejected", "reason": "false_positive", "detection_index": 2},
            {"kind": "rejected", "reason": "false_positive", "detection_index": -1},
            {"kind": "rejected", "reason": "false_positive", "detection_index": True},
            {"kind": "corrected", "labels": [{"class_name": "x"}]},
            {"kind": "corrected", "labels": [{"class_name": "x", "box": [0, 0, 9_999, 9]}]},
            {"kind": "corrected", "detection_index": 0, "label": {"class_name": ""}},
            {"kind": "corrected", "detection_index": 0, "label": {"class_name": "x" * 201}},
            {"kind": "affirmed"},
            {"kind": "shown"},
        ]
        for one in wrong:
            assert client.post("/v1/verdicts", json={**about, **one}).status_code == 422, one
        assert site.judged() == []


class TestPaths:
    """What stands in an address never reaches a disk, another record, or a header."""

    TRICKS = (
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "%ff%fe",
        "%ed%a0%80",
        "0-1-%00%00%00%00%00%00%00%00",
        "%d9%a0-%d9%a0-12345678",
        "0-999999999999999999-12345678",
        "999999999-0-12345678",
        "00-0-12345678",
        "-1-0-12345678",
        "0-0-%3Cscript%3E",
        "0-0-12345678%0d%0aX-Evil:%201",
        "x" * 60_000,
    )

    @pytest.mark.parametrize("trick", TRICKS)
    def test_ids_are_ids(self, site: Site, client: TestClient, trick: str) -> None:
        site.prediction()
        for path in ("predictions/{}", "predictions/{}/image", "samples/{}"):
            answer = client.get("/v1/" + path.format(trick))
            assert answer.status_code in (404, 410, 422), (path, answer.text)
            assert answer.headers["content-type"] == "application/json"
            assert "x-evil" not in answer.headers
            assert len(answer.content) < 1_000
        for path in ("/examples/{}", "/{}", "/docs/{}"):
            assert code(client.get(path.format(trick))) == (404, "no_such_route")

    @pytest.mark.parametrize(
        "query",
        [
            "limit=99999999999999999999999",
            "limit=-1",
            "limit=1e3",
            "limit=",
            "since=yesterday",
            "since=2026-11-23T00:00:00",
            "source=" + "&source=".join(map(str, range(101))),
            "source=" + "x" * 5_000,
            "cursor=",
            "cursor=%25",
            "cursor=" + "x" * 5_000,
        ],
    )
    def test_queries_are_bounded(self, client: TestClient, query: str) -> None:
        for path in ("/v1/samples", "/v1/verdicts"):
            assert code(client.get(f"{path}?{query}")) == (422, "invalid_request")

    @pytest.mark.parametrize("order", ["newest", "audit", "verdicts"])
    def test_a_cursor_that_was_made_by_hand(self, client: TestClient, order: str) -> None:
        """Refused, or it is a place as any other: it never is a condition of a question to the database."""
        for key, row in (
            (1, "\ud800"),
            (float("nan"), "x"),
            (1e308, "x"),
            (True, "x"),
            (1, None),
            (1, "' OR 1=1 --"),
            ([], {}),
        ):
            raw = base64.urlsafe_b64encode(json.dumps([order, key, row]).encode()).decode().rstrip("=")
            for path in ("/v1/samples", "/v1/samples?order=audit", "/v1/verdicts"):
                answer = client.get(path, params={"cursor": raw, **({"order": "audit"} if "audit" in path else {})})
                assert answer.status_code == 422 or answer.json()["next"] is None, answer.text


class TestHeaders:
    def test_a_credential_is_bytes_of_any_kind(self, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"app": KEY})
        deep = base64.urlsafe_b64encode(b"[" * 1_400).decode().rstrip("=")
        given = [b"", b"Bearer", b"Bearer ", b"Basic eDp5", b"Bearer \xff\xfe", b"Bearer link.", b"Bearer link.e30.e30"]
        given += [f"Bearer link.{deep}.{deep}".encode(), b"Bearer link." + b"x" * 30_000, b"Bearer " + b"k" * 30_000]
        for one in given:
            answer = client.get("/v1/sources", headers={"Authorization": one})
            assert code(answer) == (401, "not_authenticated")
            assert answer.headers["www-authenticate"] == "Bearer"

    def test_a_key_is_no_key_in_an_address(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"app": KEY})
        prediction_id, _ = site.prediction()
        for name in ("token", "key", "api_key", "X-API-Key", "access_token"):
            assert client.get(f"/v1/predictions/{prediction_id}/image?{name}={KEY}").status_code == 401
            assert client.get("/v1/sources", cookies={name: KEY}).status_code == 401

    def test_one_callers_idempotency_key_is_nothing_to_another(
        self, site: Site, client_for: Callable[..., TestClient]
    ) -> None:
        client = client_for(api_keys={"one": "key-of-one", "two": "key-of-two"})
        prediction_id, _ = site.prediction()
        answers = [
            client.post(
                "/v1/verdicts",
                json={"prediction_id": prediction_id, "kind": "confirmed", "note": note},
                headers={**bearer(key), "Idempotency-Key": "the same"},
            )
            for key, note in (("key-of-one", "a"), ("key-of-two", "b"), ("key-of-two", "b"), ("key-of-one", "b"))
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 409]
        assert len({answer.json()["verdict_id"] for answer in answers[:3]}) == 2
        assert {verdict.caller for verdict in site.verdicts()} == {"one", "two"}


class TestOrigins:
    @pytest.mark.parametrize(
        "origin", ["null", "https://evil.example", "https://app.example.com.evil.example", "file://"]
    )
    def test_only_what_is_listed(self, client_for: Callable[..., TestClient], origin: str) -> None:
        client = client_for(origins=["https://app.example.com"])
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for answer in (client.options("/v1/verdicts", headers=asked), client.get("/livez", headers=asked)):
            assert "access-control-allow-origin" not in answer.headers
            assert "access-control-allow-credentials" not in answer.headers


class TestOtherSources:
    """A key for the yard's camera, beside a door whose name, model, class, reviewer and places are nobody's business."""

    SECRETS = ("secret-door", "secret-model", "secret-class", "secret-version", "secret-person", "secret-surface")

    @pytest.fixture
    def asked(self, site: Site, client_for: Callable[..., TestClient]) -> Callable[[str], httpx.Response]:
        keys = {"yard": {"key": KEY, "scopes": ["admin"], "sources": ["yard*"]}}
        client = client_for(api_keys=keys, max_per_s=0)
        return lambda path: client.get(path, headers=bearer(KEY))

    @pytest.fixture
    def secret(self, site: Site) -> dict[str, str]:
        """What there is of the door: a drawn frame, judged, shown and counted."""
        box = Detection(box=(1, 1, 9, 9), class_id=0, class_name="secret-class", confidence=0.9)
        prediction_id, made = site.prediction(
            model_id="secret-model", model_version="secret-version", detections=(box,)
        )
        design = design_of(made, prediction_id)
        site.send(new_sample(design))
        site.send(new_verdict(verdict_of(made, "rejected", reviewer="secret-person", prediction_id=prediction_id)))
        site.send(new_shown(shown_of(made, "e1").model_copy(update={"surface": "secret-surface"})))
        chain = Chain(made.frame.partition)
        chain.meet(int(prediction_id.split("-")[1]), made)
        tally = chain.tally()
        assert tally is not None
        site.send(new_tally(tally, finished=False))
        return {"prediction": prediction_id, "sample": design.sample_id, "frame": made.frame.frame_id}

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/verdicts?wait=1",
            "/v1/verdicts?wait=1&source=secret-door",
            "/v1/verdicts?wait=1&reviewer=secret-person",
            "/v1/verdicts?wait=1&prediction_id={prediction}",
            "/v1/reviewers?wait=1",
            "/v1/sources",
            "/v1/samples?wait=1",
            "/v1/samples?wait=1&order=audit&source=secret-door",
            "/v1/samples?wait=1&model_id=secret-model",
            "/v1/samples/counts?wait=1",
            "/v1/samples/counts?wait=1&source=secret-door",
            "/v1/samples/{sample}?wait=1",
            "/v1/pipeline?wait=1",
            "/v1/predictions?source_id=yard",
            "/v1/predictions/{prediction}",
            "/v1/predictions/{prediction}/image",
            "/v1/accuracy",
            "/v1/accuracy?model_id=secret-model",
            "/v1/accuracy/versions",
            "/v1/accuracy/compare?a=secret-model@secret-version&b=secret-model@secret-version",
        ],
    )
    def test_nothing_of_it_is_told(
        self, asked: Callable[[str], httpx.Response], secret: dict[str, str], path: str
    ) -> None:
        asked("/v1/pipeline?wait=1")
        answer = asked(path.format(**secret))
        assert answer.status_code in (200, 404), answer.text
        told = answer.text + str(answer.headers)
        assert [one for one in (*self.SECRETS, secret["frame"], secret["sample"]) if one in told] == []

    def test_nor_can_it_be_counted(self, asked: Callable[[str], httpx.Response], secret: dict[str, str]) -> None:
        assert asked("/v1/samples/counts?wait=1").json()["total"] == 0
        pipeline = asked("/v1/pipeline?wait=1").json()
        assert (pipeline["frames"], pipeline["drawn"], pipeline["kept_bytes"]) == (0, 0, 0)
        assert asked("/v1/reviewers?wait=1").json()["reviewers"] == []

    def test_nor_judged_shown_linked_or_published(
        self, site: Site, client_for: Callable[..., TestClient], secret: dict[str, str]
    ) -> None:
        client = client_for(api_keys={"yard": {"key": KEY, "scopes": ["admin"], "sources": ["yard*"]}})
        about = {"prediction_id": secret["prediction"]}
        before = len(site.judged())
        for path, body in (
            ("/v1/verdicts", {**about, "kind": "confirmed"}),
            ("/v1/exposures", {**about, "visible_ms": 5}),
            ("/v1/links", {**about, "expires_in_s": 60}),
        ):
            answer = client.post(path, json=body, headers=bearer(KEY))
            assert code(answer) == (404, "unknown_prediction")
            never = {**body, "prediction_id": "0-999999-00000000"}
            assert client.post(path, json=never, headers=bearer(KEY)).json() == answer.json()
        for path, name, body in (
            ("/v1/verdicts/bulk", "verdicts", {**about, "kind": "confirmed"}),
            ("/v1/exposures/bulk", "exposures", {**about, "visible_ms": 5}),
        ):
            told = client.post(path, json={name: [body]}, headers=bearer(KEY)).json()
            assert (told["taken"], told["results"][0]["status"]) == (0, 404)
        frame = client.post(
            "/v1/frames?source_id=secret-door", content=b"x", headers={**bearer(KEY), "Content-Type": "image/jpeg"}
        )
        assert code(frame) == (403, "not_allowed")
        assert len(site.judged()) == before


class TestPrivacy:
    def test_what_was_only_scaled_before_there_was_privacy_stays_unseen(self, site: Site) -> None:
        """Scaled and encoded anew, it is not the frame's own bytes any more; veiled it is not."""
        (_, before), (_, since) = predicted(site), predicted(site)
        keep(site, before, picture(64, 48), altered=("scaled to 64x48", "encoded as image/jpeg"))
        keep(site, since, picture(64, 48), altered=(NOTHING_TO_HIDE, "encoded as image/jpeg"))
        only_veiled = Pictures(
            site.log, site.state, site.images, site.pixels, 5.0, collections=("default",), raw_images=False
        )
        with closing(only_veiled) as pictures:
            with pytest.raises(PredictionGone, match="privacy"):
                pictures.find(before)
            assert pictures.find(since).data == picture(64, 48)


class TestRejectsEverything:
    """One key, another name for each of its reviewers: it is excluded by the key's name, whatever it calls them."""

    def test_it_is_seen_and_excluded_by_its_keys_name(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        keys = {"app": "key-of-app", "vandal": "key-of-vandal"}
        predictions = [site.prediction()[0] for _ in range(4)]
        client = client_for(api_keys=keys, max_per_s=0, accuracy={"exclude_reviewers": ["vandal"]})
        for number, prediction_id in enumerate(predictions):
            rejected = {"prediction_id": prediction_id, "kind": "rejected", "reason": "false_positive"}
            as_whom = {"reviewer": f"somebody-{number}"} if number else {}
            assert (
                client.post("/v1/verdicts", json={**rejected, **as_whom}, headers=bearer("key-of-vandal")).status_code
                == 202
            )
        answer = client.get("/v1/verdicts?wait=1", headers=bearer("key-of-app"))
        assert answer.status_code == 200, answer.text
        told = answer.json()["verdicts"]
        assert [(one["caller"], one["excluded"]) for one in told] == [("vandal", True)] * 4
        reviewers = client.get("/v1/reviewers?wait=1", headers=bearer("key-of-app")).json()["reviewers"]
        assert {one["reviewer"]: one["rejected_share"] for one in reviewers}["vandal"] == 1.0

    def test_neither_the_estimates_nor_what_stands_count_it(self, site: Site) -> None:
        _, made = site.prediction()
        right = verdict_of(made, "confirmed", verdict_id="right", caller="app")
        wrong = verdict_of(made, "rejected", verdict_id="wrong", caller="vandal", reviewer="somebody")
        assert judge(made, [right, wrong], ["vandal"]) == judge(made, [right])
        assert standing([right, wrong], ["vandal"]) == [right]


class TestLinks:
    """A link is for one prediction, one while, and what it says."""

    def test_it_opens_no_route_that_reads(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        app = client_for(api_keys={"app": {"key": KEY, "scopes": ["admin"]}}, max_per_s=0)
        wanted = {"prediction_id": site.prediction()[0], "expires_in_s": 60, "may": ["judge", "expose", "image"]}
        given = set()
        for route in SCOPES:
            token = app.post("/v1/links", json=wanted, headers=bearer(KEY)).json()["token"]
            method, path = route.split()
            answer = app.request(method, path.format(**wanted, sample_id="s"), headers=bearer(token))
            if answer.status_code not in (401, 403):
                given.add(route)
        assert given == {"POST /v1/verdicts", "POST /v1/exposures", "GET /v1/predictions/{prediction_id}/image"}

    def test_a_token_that_was_changed_is_none(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        client = client_for(api_keys={"app": {"key": KEY, "scopes": ["admin"]}}, max_per_s=0)
        (mine, _), (other, _) = site.prediction(), site.prediction()
        token = client.post("/v1/links", json={"prediction_id": mine, "expires_in_s": 60}, headers=bearer(KEY)).json()[
            "token"
        ]
        _, text, mac = token.split(".")
        grant = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        forged = [
            encoded({**grant, **change})
            for change in (
                {"prediction_id": other},
                {"expires_ms": 2**52},
                {"by": "nobody"},
                {"may": ["image"]},
                {"reviewer": "x"},
            )
        ]
        tokens = [f"link.{one}.{mac}" for one in forged]
        tokens += [
            token[:-1],
            token[:-8],
            f"link.{text}.",
            f"link..{mac}",
            token + "=",
            token + ".x",
            token.replace(".", ".."),
        ]
        tokens += [token[:-1] + ("A" if token[-1] != "A" else "B"), f"link.{text}.{encoded('')}", "link." + token]
        for one in tokens:
            answer = client.post("/v1/verdicts", json={"prediction_id": mine, "kind": "confirmed"}, headers=bearer(one))
            assert code(answer) == (401, "not_authenticated"), one
        assert site.judged() == []


class TestSecrets:
    def test_no_key_token_or_path_is_told_or_written_down(
        self, site: Site, client_for: Callable[..., TestClient], capfd: pytest.CaptureFixture[str]
    ) -> None:
        client = client_for(
            api_keys={"app": {"key": KEY, "scopes": ["admin"]}, "other-team": "key-of-others"}, max_per_s=0
        )
        prediction_id = site.prediction()[0]
        link = client.post(
            "/v1/links", json={"prediction_id": prediction_id, "expires_in_s": 60}, headers=bearer(KEY)
        ).json()
        told = ""
        for credential in (KEY, KEY[:-1], link["token"], link["token"][:-2], f"{KEY} {KEY}"):
            for route in SCOPES:
                method, path = route.split()
                if not path.endswith("/stream"):
                    given = {**bearer(credential), "X-API-Key": credential, "Idempotency-Key": "k"}
                    answer = client.request(method, path, headers=given)
                    told += answer.text + str(answer.headers)
        site.log.close()  # from now on nothing works any more
        failed = [client.get("/v1/predictions?source_id=x", headers=bearer(KEY)), client.get("/readyz")]
        assert {answer.status_code for answer in failed} == {503}
        told += "".join(answer.text for answer in failed) + "".join(capfd.readouterr())
        for secret in (
            KEY[:-1],
            link["token"][:40],
            "key-of-others",
            "other-team",
            str(site.folder),
            "Traceback",
            ".py",
        ):
            assert secret not in told

    def test_metrics_name_nobody(self, site: Site, client_for: Callable[..., TestClient]) -> None:
        """Whoever reaches the port reads them, without a key."""
        client = client_for(api_keys={"app": KEY})
        client.post(
            "/v1/verdicts", json={"prediction_id": site.prediction()[0], "kind": "confirmed"}, headers=bearer(KEY)
        )
        for secret in (KEY, "secret-door", 'caller="', "packages"):
            assert secret not in client.get("/metrics").text


class TestPages:
    """What a browser shows: nothing that somebody named runs."""

    SCRIPT = "</style></script><img src=x onerror=alert(1)>\"'`{{7*7}}$\\frac{\u202e"

    def test_every_page_is_strict(self, client: TestClient) -> None:
        for path in (
            "/docs",
            "/examples/pill-counter",
            "/examples/pill-counter.js",
            "/examples/pill-counter.css",
            "/gleaner-verdict.js",
        ):
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["x-content-type-options"] == "nosniff"
            policy = answer.headers.get("content-security-policy", "")
            assert "unsafe" not in policy
            if answer.headers["content-type"].startswith("text/html"):
                assert "default-src 'none'" in policy
                assert not re.search(r"\son\w+=|javascript:|<script(?![^>]*\ssrc=)", answer.text)

    def test_a_class_of_markup_is_drawn_as_letters(self, site: Site, client: TestClient) -> None:
        box = Detection(box=(1, 1, 60, 40), class_id=0, class_name=self.SCRIPT, confidence=0.9)
        prediction_id, _ = predicted(site, picture(64, 48), width_px=64, height_px=48, detections=(box,))
        answer = client.get(f"/v1/predictions/{prediction_id}/image?boxes=true")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert b"onerror" not in answer.content

    def test_json_is_json_whatever_it_names(self, site: Site, client: TestClient) -> None:
        prediction_id, _ = site.prediction(model_id=self.SCRIPT, source_id="x")
        note = {"prediction_id": prediction_id, "kind": "confirmed", "note": self.SCRIPT, "reviewer": self.SCRIPT[:200]}
        assert client.post("/v1/verdicts", json=note).status_code == 202
        for path in ("/v1/verdicts?wait=1", "/v1/reviewers?wait=1", f"/v1/predictions/{prediction_id}"):
            answer = client.get(path)
            assert answer.headers["content-type"] == "application/json"
            assert self.SCRIPT[:200] in values(answer.json())


class TestServer:
    """The real one, on a socket."""

    def test_a_body_without_end_is_cut_off_and_others_are_served(self, site: Site) -> None:
        head = b"POST /v1/verdicts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        with served(site) as (address, _, _), ExitStack() as stack:
            parts = urlsplit(address)
            where = (parts.hostname, parts.port)
            silent = [stack.enter_context(socket.create_connection(where, timeout=10)) for _ in range(200)]
            for one in silent[:100]:
                one.sendall(b"POST /v1/verdicts HTTP/1.1\r\nHost:")  # and never the rest
            endless = stack.enter_context(socket.create_connection(where, timeout=10))
            endless.sendall(head)
            with suppress(OSError):  # it hangs up while we are still sending
                for _ in range(200):
                    endless.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
            assert endless.recv(1000).startswith(b"HTTP/1.1 413 ")
            body = {"prediction_id": site.prediction()[0], "kind": "confirmed"}
            assert httpx.post(f"{address}/v1/verdicts", json=body, timeout=10).status_code == 202

    def test_what_is_no_http_is_no_answer_of_ours(self, site: Site) -> None:
        with served(site) as (address, _, _):
            parts = urlsplit(address)
            for raw in (
                b"\x00\x01\x02\r\n\r\n",
                b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"GET " + b"/" * 200_000,
            ):
                connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
                with connection, suppress(OSError):
                    connection.sendall(raw)
                    connection.shutdown(socket.SHUT_WR)
                    assert not connection.recv(1000).startswith(b"HTTP/1.1 200")
            assert httpx.get(f"{address}/livez", timeout=10).status_code == 200


def encoded(what: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")


def values(told: Any) -> list[Any]:
    """Everything that stands in it, at whatever depth."""
    if isinstance(told, dict | list):
        inner = told.values() if isinstance(told, dict) else told
        return [value for one in inner for value in values(one)]
    return [told]
