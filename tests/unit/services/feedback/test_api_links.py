"""POST /v1/links: what a link allows, and how it ends."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.feedback.access.links import Grant, Links
from services.feedback.desk import Desk
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.test_api_verdicts import code, confirmed

PATH = "/v1/links"
VERDICTS = "/v1/verdicts"
KEYS = {"app": "key-of-app", "viewer": {"key": "key-of-viewer", "scopes": ["read"]}}
AS_APP = {"Authorization": "Bearer key-of-app"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def link(client: TestClient, prediction_id: str, **more: Any) -> dict[str, Any]:
    wanted = {"prediction_id": prediction_id, "expires_in_s": 60, **more}
    answer = client.post(PATH, json=wanted, headers=AS_APP)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_link_judges_its_prediction_in_its_makers_name(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=KEYS)
    prediction_id, _ = site.prediction()
    told = link(client, prediction_id, reviewer="ana")
    answer = client.post(VERDICTS, json=confirmed(prediction_id, reviewer="bo"), headers=bearer(told["token"]))
    assert answer.status_code == 202, answer.text
    (verdict,) = site.verdicts()
    assert (verdict.caller, verdict.reviewer) == ("app", "ana")
    assert told["url"] is None
    assert told["expires_at"].endswith("+00:00")


def test_it_is_for_that_prediction_alone(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=KEYS)
    (one, _), (other, _) = site.prediction(), site.prediction()
    token = link(client, one)["token"]
    answer = client.post(VERDICTS, json=confirmed(other), headers=bearer(token))
    assert code(answer) == (403, "not_allowed", "prediction_id")
    assert code(client.post(PATH, json={"prediction_id": one, "expires_in_s": 9}, headers=bearer(token)))[0] == 403
    assert site.verdicts() == []


def test_it_does_what_it_may_and_no_more(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=KEYS)
    prediction_id, _ = site.prediction()
    token = link(client, prediction_id, may=["image"])["token"]
    answer = client.post(VERDICTS, json=confirmed(prediction_id), headers=bearer(token))
    assert code(answer) == (403, "not_allowed", "Authorization")


def test_a_link_shows_no_more_than_its_maker_may_see(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys={"judge": {"key": "key-of-app", "scopes": ["judge"]}})
    prediction_id, _ = site.prediction()
    wanted = {"prediction_id": prediction_id, "expires_in_s": 60, "may": ["judge", "image"]}
    assert code(client.post(PATH, json=wanted, headers=AS_APP)) == (403, "not_allowed", "Authorization")


def test_an_image_link_has_an_address(site: Site, client_for: Callable[..., TestClient]) -> None:
    prediction_id, _ = site.prediction()
    told = link(client_for(api_keys=KEYS), prediction_id, may=["judge", "expose", "image"])
    assert told["url"] == f"/v1/predictions/{prediction_id}/image?token={told['token']}"


def test_it_ends_at_its_time_with_a_code_of_its_own(site: Site, desk_for: Callable[..., Desk]) -> None:
    from services.feedback.api import create_app

    desk = desk_for(api_keys=KEYS)
    prediction_id, _ = site.prediction()
    grant = Grant(prediction_id=prediction_id, by="app", expires_ms=site.clock.now_ms() - 1, may=("judge",))
    token = Links(desk.keys, site.salt).token(grant)
    answer = TestClient(create_app(desk)).post(VERDICTS, json=confirmed(prediction_id), headers=bearer(token))
    assert code(answer) == (401, "link_expired", "token")
    assert token not in answer.text


@pytest.mark.parametrize("later", [{"app": "a-new-key"}, {"other": "key-of-app"}])
def test_it_ends_with_its_makers_key(site: Site, client_for: Callable[..., TestClient], later: dict[str, str]) -> None:
    prediction_id, _ = site.prediction()
    token = link(client_for(api_keys=KEYS), prediction_id)["token"]
    answer = client_for(api_keys=later).post(VERDICTS, json=confirmed(prediction_id), headers=bearer(token))
    assert code(answer) == (401, "not_authenticated", "Authorization")


def test_its_maker_loses_a_source_and_so_does_it(site: Site, client_for: Callable[..., TestClient]) -> None:
    prediction_id, _ = site.prediction()
    token = link(client_for(api_keys=KEYS), prediction_id)["token"]
    narrowed = client_for(api_keys={"app": {"key": "key-of-app", "sources": ["porch*"]}})
    answer = narrowed.post(VERDICTS, json=confirmed(prediction_id), headers=bearer(token))
    assert code(answer)[:2] == (404, "unknown_prediction")


def test_it_is_rated_by_itself(
    site: Site, client_for: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feedback.access.door.LINK_PER_S", 0.01)  # however slow the machine is
    client = client_for(api_keys=KEYS, max_per_s=0)
    (one, _), (other, _) = site.prediction(), site.prediction()
    tokens = [link(client, id_)["token"] for id_ in (one, other)]
    answers = [client.post(VERDICTS, json=confirmed(one, note=str(n)), headers=bearer(tokens[0])) for n in range(40)]
    assert {answer.status_code for answer in answers} == {202, 429}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert client.post(VERDICTS, json=confirmed(other), headers=bearer(tokens[1])).status_code == 202
    assert client.post(VERDICTS, json=confirmed(other), headers=AS_APP).status_code == 202


def test_its_idempotency_keys_do_not_meet_its_makers(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=KEYS)
    prediction_id, _ = site.prediction()
    token = link(client, prediction_id)["token"]
    for number, headers in enumerate((bearer(token), AS_APP)):
        body = confirmed(prediction_id, note=str(number))
        assert client.post(VERDICTS, json=body, headers={**headers, "Idempotency-Key": "1"}).status_code == 202
    assert len({verdict.verdict_id for verdict in site.verdicts()}) == 2


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"expires_in_s": 0}, "expires_in_s"),
        ({"expires_in_s": 30 * 86_400 + 1}, "expires_in_s"),
        ({"expires_in_s": "60"}, "expires_in_s"),
        ({"may": []}, "may"),
        ({"may": ["admin"]}, "may.0"),
        ({"reviewer": "r" * 201}, "reviewer"),
        ({"more": 1}, "more"),
        ({"prediction_id": "x"}, "prediction_id"),
    ],
)
def test_a_wrong_field_is_named(site: Site, client: TestClient, change: dict[str, Any], where: str) -> None:
    wanted = {"prediction_id": site.prediction()[0], "expires_in_s": 60, **change}
    assert code(client.post(PATH, json=wanted)) == (422, "invalid_request", where)


def test_only_of_a_prediction_that_is_there(client: TestClient) -> None:
    wanted = {"prediction_id": "0-999999-deadbeef", "expires_in_s": 60}
    assert code(client.post(PATH, json=wanted))[:2] == (404, "unknown_prediction")


def test_a_reader_makes_none(site: Site, client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=KEYS)
    wanted = {"prediction_id": site.prediction()[0], "expires_in_s": 60}
    answer = client.post(PATH, json=wanted, headers=bearer("key-of-viewer"))
    assert code(answer) == (403, "not_allowed", "Authorization")
    verdict = client.post(VERDICTS, json=confirmed(site.prediction()[0]), headers=bearer("key-of-viewer"))
    assert code(verdict) == (403, "not_allowed", "Authorization")


def test_without_keys_a_link_is_still_for_one_prediction(site: Site, client: TestClient) -> None:
    (one, _), (other, _) = site.prediction(), site.prediction()
    token = client.post(PATH, json={"prediction_id": one, "expires_in_s": 60}).json()["token"]
    assert client.post(VERDICTS, json=confirmed(one), headers=bearer(token)).status_code == 202
    assert code(client.post(VERDICTS, json=confirmed(other), headers=bearer(token)))[0] == 403
