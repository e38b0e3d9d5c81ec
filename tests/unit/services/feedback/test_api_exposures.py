"""POST /v1/exposures: what people were shown, one or many; what is held, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from shared.streams import ids
from shared.streams.verdicts import Shown
from tests.unit.services.feedback.conftest import Site

PATH, BULK = "/v1/exposures", "/v1/exposures/bulk"
ClientFor = Callable[..., TestClient]


def exposures(site: Site) -> list[Shown]:
    return [one for one in site.judged() if isinstance(one, Shown)]


def seen(prediction_id: str, **more: Any) -> dict[str, Any]:
    return {"prediction_id": prediction_id, "visible_ms": 2_000, **more}


def test_an_exposure_is_in_the_log_before_it_is_answered(site: Site, client_for: ClientFor) -> None:
    prediction_id, prediction = site.prediction()
    told = seen(
        prediction_id, surface="door-app", shown_at="2026-11-23T10:00:00Z", viewer="station-3", acted_downstream=True
    )
    response = client_for(silence={"hold": 1.0, "objection_s": 600}).post(
        PATH, json=told, headers={"Idempotency-Key": "one"}
    )
    (shown,) = exposures(site)
    assert response.status_code == 202
    assert response.json() == {
        "exposure_id": shown.exposure_id,
        "prediction_id": prediction_id,
        "frame_id": prediction.frame.frame_id,
        "held": True,
    }
    assert (shown.surface, shown.viewer, shown.acted_downstream, shown.visible_ms) == (
        "door-app",
        "station-3",
        True,
        2_000,
    )
    assert (shown.held, shown.prediction, shown.probability, shown.objection_s) == (True, prediction, 1.0, 600)
    assert (shown.source_id, shown.model_id, shown.partition) == ("secret-door", "packages", prediction.frame.partition)


def test_the_same_again_is_the_same_exposure(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    first, again, other = (client.post(PATH, json=seen(prediction_id, viewer=name)).json() for name in ("a", "a", "b"))
    assert first == again
    assert first["exposure_id"] != other["exposure_id"]


def test_a_glimpse_is_taken_and_holds_nothing(site: Site, client_for: ClientFor) -> None:
    prediction_id, _ = site.prediction()
    response = client_for(silence={"hold": 1.0}).post(PATH, json=seen(prediction_id, visible_ms=999))
    (shown,) = exposures(site)
    assert (response.status_code, shown.held, shown.probability, shown.prediction) == (202, False, 0.0, None)


def test_nothing_is_held_of_a_shadow_or_when_silence_is_off(site: Site, client_for: ClientFor) -> None:
    shadow, _ = site.prediction(role="shadow")
    live, _ = site.prediction()
    assert client_for(silence={"hold": 1.0}).post(PATH, json=seen(shadow)).json()["held"] is False
    assert client_for(silence={"hold": 0.0}).post(PATH, json=seen(live)).json()["held"] is False


def test_every_replica_and_every_exposure_draws_alike(site: Site, client_for: ClientFor) -> None:
    named = [site.prediction()[0] for _ in range(16)]

    def draws(hold: float, viewer: str) -> list[bool]:
        client = client_for(silence={"hold": hold})
        return [client.post(PATH, json=seen(one, viewer=viewer)).json()["held"] for one in named]

    first = draws(0.5, "a")
    assert draws(0.5, "b") == first
    assert 2 <= sum(first) <= 14
    assert all(later for before, later in zip(first, draws(0.8, "c"), strict=True) if before)


@pytest.mark.parametrize(
    ("told", "status", "where"),
    [
        ({"prediction_id": "0-99-00000000"}, 404, "prediction_id"),
        ({"prediction_id": "../etc"}, 422, "prediction_id"),
        ({"visible_ms": -1}, 422, "visible_ms"),
        ({"visible_ms": 1.5}, 422, "visible_ms"),
        ({"visible_ms": "2000"}, 422, "visible_ms"),
        ({"visible_ms": 10**12}, 422, "visible_ms"),
        ({"shown_at": "yesterday"}, 422, "shown_at"),
        ({"shown_at": "2026-11-23T10:00:00"}, 422, "shown_at"),
        ({"surface": "\ud800"}, 422, "surface"),
        ({"viewer": "x" * 201}, 422, "viewer"),
        ({"held": True}, 422, "held"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_nothing(
    site: Site, client: TestClient, told: dict[str, Any], status: int, where: str
) -> None:
    prediction_id, _ = site.prediction()
    body = json.dumps({**seen(prediction_id), **told})
    response = client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]["where"]) == (status, where)
    assert exposures(site) == []


def test_a_prediction_that_has_gone_is_410(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    partition, offset, _ = ids.parse_prediction_id(prediction_id)
    other = ids.prediction_id(partition, offset, "another frame")
    response = client.post(PATH, json=seen(other))
    assert (response.status_code, response.json()["error"]["code"]) == (410, "prediction_gone")


def test_another_body_under_the_same_key_is_refused(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    key = {"Idempotency-Key": "one"}
    assert client.post(PATH, json=seen(prediction_id), headers=key).status_code == 202
    response = client.post(PATH, json=seen(prediction_id, viewer="x"), headers=key)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert len(exposures(site)) == 1


def test_another_body_under_a_key_that_was_forgotten_is_another_exposure(site: Site, client: TestClient) -> None:
    """Of two with one id one counts: this one was answered 202, and would be lost."""
    prediction_id, _ = site.prediction()
    key = {"Idempotency-Key": "one"}
    first = client.post(PATH, json=seen(prediction_id), headers=key)
    site.forget_keys()
    other = client.post(PATH, json=seen(prediction_id, viewer="x"), headers=key)
    assert (first.status_code, other.status_code) == (202, 202)
    assert len({shown.exposure_id for shown in exposures(site)}) == 2


def test_a_key_for_other_sources_learns_nothing(site: Site, client_for: ClientFor) -> None:
    prediction_id, _ = site.prediction()
    client = client_for(api_keys={"app": {"key": "a-key-for-tests", "sources": ["gate*"]}})
    assert client.post(PATH, json=seen(prediction_id)).status_code == 401
    response = client.post(PATH, json=seen(prediction_id), headers={"X-API-Key": "a-key-for-tests"})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_prediction")


def test_one_of_many_that_is_wrong_holds_up_no_other(site: Site, client: TestClient) -> None:
    (first, _), (second, _) = site.prediction(), site.prediction()
    told = [
        seen(first, idempotency_key="a"),
        seen("0-99-00000000"),
        seen(second, viewer=7),
        seen(second),
        seen(second, idempotency_key="a"),
    ]
    response = client.post(BULK, json={"exposures": told})
    assert response.status_code == 207
    results = response.json()["results"]
    assert response.json()["taken"] == 2
    assert [one["status"] for one in results] == [202, 404, 422, 202, 409]
    assert results[2]["error"]["where"] == "exposures.2.viewer"
    assert {shown.exposure_id for shown in exposures(site)} == {results[0]["exposure_id"], results[3]["exposure_id"]}
    assert (
        client.post(PATH, json=seen(first), headers={"Idempotency-Key": "a"}).json()["exposure_id"]
        == results[0]["exposure_id"]
    )


def test_a_thousand_at_once_are_one_answer(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    told = [seen(prediction_id, viewer=f"v{number}") for number in range(1_000)]
    response = client.post(BULK, json={"exposures": told})
    assert (response.status_code, response.json()["taken"]) == (202, 1_000)
    assert len({shown.exposure_id for shown in exposures(site)}) == 1_000


@pytest.mark.parametrize("told", [[], {}, {"exposures": []}, {"exposures": [{}] * 1_001}, {"exposures": {}}])
def test_what_is_no_list_of_exposures_is_refused(client: TestClient, told: Any) -> None:
    response = client.post(BULK, json=told)
    assert (response.status_code, response.json()["error"]["where"]) == (422, "exposures")


def test_while_the_log_is_down_nothing_is_taken(site: Site, client: TestClient) -> None:
    prediction_id, _ = site.prediction()
    site.log.close()
    response = client.post(PATH, json=seen(prediction_id))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert client.post(BULK, json={"exposures": [seen(prediction_id)]}).status_code == 503
