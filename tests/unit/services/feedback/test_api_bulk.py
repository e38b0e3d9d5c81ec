"""POST /v1/verdicts/bulk: each verdict is taken or refused alone, and in order."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from services.feedback.verdicts.bulk import MOST
from tests.unit.services.feedback.conftest import HOUR_S, Site
from tests.unit.services.feedback.test_api_verdicts import JSON, code, confirmed

PATH = "/v1/verdicts/bulk"


def post(client: TestClient, *verdicts: Any) -> Response:
    answer: Response = client.post(PATH, content=json.dumps({"verdicts": list(verdicts)}), headers=JSON)
    return answer


def test_all_of_them_are_in_the_log_before_they_are_answered(site: Site, client: TestClient) -> None:
    judged = [site.prediction() for _ in range(40)]
    answer = post(client, *[confirmed(id_, idempotency_key=f"k{n}") for n, (id_, _) in enumerate(judged)])
    assert (answer.status_code, answer.json()["taken"]) == (202, 40)
    results = answer.json()["results"]
    assert [one["prediction_id"] for one in results] == [id_ for id_, _ in judged]
    told = {verdict.prediction_id: verdict.verdict_id for verdict in site.verdicts()}
    assert [one["verdict_id"] for one in results] == [told[id_] for id_, _ in judged]
    assert len(set(told.values())) == 40


def test_each_is_refused_alone_and_says_where(site: Site, client: TestClient) -> None:
    good, _ = site.prediction()
    answer = post(
        client,
        confirmed(good),
        confirmed("0-999999-deadbeef"),
        {"prediction_id": good, "kind": "rejected"},
        "no verdict",
        confirmed(good, detection_index=9),
        confirmed(good, idempotency_key=""),
        confirmed(good, note="\ud800"),
        confirmed(good, note="last"),
    )
    results = answer.json()["results"]
    assert (answer.status_code, answer.json()["taken"]) == (207, 2)
    assert [one["status"] for one in results] == [202, 404, 422, 422, 422, 422, 422, 202]
    assert [one["error"]["where"] for one in results if "error" in one] == [
        "prediction_id",
        "verdicts.2.reason",
        "verdicts.3",
        "detection_index",
        "verdicts.5.idempotency_key",
        "verdicts.6",
    ]
    assert [verdict.note for verdict in site.verdicts()] == [None, "last"]


def test_all_of_it_again_is_the_same_verdicts(site: Site, client: TestClient) -> None:
    verdicts = [confirmed(site.prediction()[0], idempotency_key=f"k{n}") for n in range(5)]
    assert post(client, *verdicts).json() == post(client, *verdicts).json()
    assert len({verdict.verdict_id for verdict in site.verdicts()}) == 5


def test_one_key_with_two_contents_is_a_conflict_also_within_one_body(site: Site, client: TestClient) -> None:
    id_, _ = site.prediction()
    said = [confirmed(id_, idempotency_key="k", note=note) for note in ("a", "a", "b")]
    results = post(client, *said).json()["results"]
    assert [one["status"] for one in results] == [202, 202, 409]
    assert results[0] == results[1]
    assert len(site.verdicts()) == 1
    alone = client.post("/v1/verdicts", json=confirmed(id_, note="c"), headers={"Idempotency-Key": "k"})
    assert code(alone) == (409, "idempotency_key_reused", "Idempotency-Key")


def test_gone_and_chosen_frames_side_by_side(site: Site, client: TestClient) -> None:
    (gone, _), (chosen, prediction) = site.prediction(), site.prediction()
    site.remember(prediction)
    site.later(7 * HOUR_S)
    fresh, _ = site.prediction()
    results = post(client, confirmed(gone), confirmed(chosen), confirmed(fresh)).json()["results"]
    assert [one["status"] for one in results] == [410, 202, 202]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"verdicts": []}',
        b'{"verdicts": {}}',
        b'{"verdicts": [], "more": 1}',
        b'{"verdicts": [' + b"1," * MOST + b"1]}",
        b'{"verdicts": [{}], "verdicts": [{}]}',
        b'{"verdicts": [{"kind": "confirmed", "kind": "confirmed"}]}',
        b'{"verdicts": [NaN]}',
        b'{"verdicts": ' + b"[" * 1_000_000,
        b'{"verdicts": [' + b'{"a":' * 500_000,
        b'{"verdicts": [' + b"9" * 3_000_000 + b"]}",
        b"\xff" * 1_000_000,
    ],
)
def test_what_is_no_list_of_verdicts_is_refused_as_a_whole_and_soon(
    site: Site, client: TestClient, body: bytes
) -> None:
    began_s = time.monotonic()
    answer = client.post(PATH, content=body, headers=JSON)
    assert code(answer)[:2] == (422, "invalid_request")
    assert time.monotonic() - began_s < 5
    assert site.verdicts() == []


def test_ten_megabytes_are_too_many(client: TestClient) -> None:
    body = json.dumps({"verdicts": ["x" * 10_000_000]})
    assert code(client.post(PATH, content=body, headers=JSON)) == (413, "body_too_large", "body")


def test_an_outage_is_told_as_one(site: Site, client: TestClient) -> None:
    id_, _ = site.prediction()
    site.log.close()
    assert code(post(client, confirmed(id_), confirmed("x"))) == (503, "unavailable", "log")


def test_what_was_durable_before_an_outage_is_told(site: Site, client: TestClient) -> None:
    """The state store is away: what needs it waits, what does not is kept."""
    id_, _ = site.prediction()
    site.state.close()
    results = post(client, confirmed(id_), confirmed(id_, idempotency_key="k")).json()["results"]
    assert [one["status"] for one in results] == [202, 503]
    assert results[1]["error"]["code"] == "unavailable"
    assert len(site.verdicts()) == 1


def test_a_link_judges_no_bulk(site: Site, client: TestClient) -> None:
    id_, _ = site.prediction()
    token = client.post("/v1/links", json={"prediction_id": id_, "expires_in_s": 60}).json()["token"]
    answer = client.post(PATH, json={"verdicts": [confirmed(id_)]}, headers={"Authorization": f"Bearer {token}"})
    assert code(answer) == (403, "not_allowed", "Authorization")


def test_a_key_of_other_sources_learns_nothing(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys={"porch": {"key": "k", "sources": ["porch*"]}})
    theirs, _ = site.prediction(source_id="secret-door")
    ours, _ = site.prediction(source_id="porch-1")
    wrong = theirs[:-1] + ("0" if theirs[-1] != "0" else "1")
    judged = [theirs, wrong, "0-999999-deadbeef", ours]
    headers = {"X-API-Key": "k"}
    results = client.post(PATH, json={"verdicts": [confirmed(one) for one in judged]}, headers=headers).json()[
        "results"
    ]
    assert [one["status"] for one in results] == [404, 404, 404, 202]
    assert results[0] == results[1] == results[2]
