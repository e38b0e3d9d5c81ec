"""Health, metrics, documentation, and what is not there."""

import json
from html.parser import HTMLParser
from typing import get_args

from fastapi.testclient import TestClient

from services.feedback.verdicts.request import EXAMPLES, VerdictRequest
from shared.streams.verdicts import PersonsKind
from tests.unit.services.feedback.conftest import Site


class Links(HTMLParser):
    """Every tag, and every address that a browser would fetch or follow."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)


def test_alive_whatever_is_down_and_ready_only_with_log_and_state(site: Site, client: TestClient) -> None:
    assert client.get("/readyz").json() == {"ready": True}
    site.state.close()
    assert client.get("/readyz").json()["error"]["where"] == "state store"
    site.log.close()
    waiting = client.get("/readyz")
    assert (waiting.status_code, waiting.json()["error"]["where"]) == (503, "log")
    assert client.get("/livez").status_code == 200


def test_metrics_count_verdicts_by_kind(site: Site, client: TestClient) -> None:
    name = 'gleaner_verdicts_total{kind="confirmed"}'

    def count() -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = count()
    client.post("/v1/verdicts", json={"prediction_id": site.prediction()[0], "kind": "confirmed"})
    assert count() == before + 1


def test_the_documentation_needs_no_script_and_no_other_host(client: TestClient) -> None:
    response = client.get("/docs")
    links = Links(response.text)
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "script" not in links.tags
    assert [address for address in links.addresses if not address.startswith("#")] == ["/openapi.json"]
    assert all(f'<h2 id="{address[1:]}">' in response.text for address in links.addresses if address.startswith("#"))
    assert "#post-v1-verdicts" in links.addresses
    assert "`" not in response.text.partition("<pre>")[0]
    for word in ("/v1/verdicts", "Idempotency-Key", "detection_index", "false_positive", "a doormat", "410", "/readyz"):
        assert word in response.text


def test_the_openapi_description_is_complete(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/verdicts"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert set(operation["responses"]) == {
        "202",
        "401",
        "403",
        "404",
        "408",
        "409",
        "410",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503",
    }
    kinds = {name.partition(",")[0] for name in content["examples"]}
    assert kinds == set(get_args(PersonsKind))
    assert "$ref" not in json.dumps(content), "a reference inside of the schema would point to nothing"
    assert set(content["schema"]["properties"]) == set(VerdictRequest.model_fields)
    assert {"HTTPBearer": []} in operation["security"]
    assert "same body again is the same verdict" in operation["description"]


def test_the_examples_are_valid() -> None:
    for name, example in EXAMPLES.items():
        assert VerdictRequest.model_validate_json(json.dumps(example)).kind == name.partition(",")[0]


def test_what_is_not_there_says_where_to_look(client: TestClient) -> None:
    assert client.get("/v1/nothing").json()["error"]["code"] == "no_such_route"
    answer = client.delete("/v1/links")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "/docs" in answer.json()["error"]["message"]
    for path in ("/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404
