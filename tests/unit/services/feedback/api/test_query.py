"""A misspelt filter is an error on every route that has a caller, never an answer about everything."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

EXAMPLES = {"{prediction_id}": "0-0-00000000", "{sample_id}": "0" * 32}
"""None of these is there: what is looked at comes before what is looked up."""


def routes(client: TestClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of all that ask who is calling."""
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            if operation.get("security"):
                yield method, path, operation


def asked(client: TestClient, method: str, path: str, **params: str) -> Any:
    for name, example in EXAMPLES.items():
        path = path.replace(name, example)
    return client.request(method, path, params=params)


def test_every_route_refuses_what_it_does_not_know(client: TestClient) -> None:
    met = list(routes(client))
    assert {path for _, path, _ in met} >= {"/v1/verdicts", "/v1/accuracy", "/v1/samples", "/v1/predictions/stream"}
    for method, path, operation in met:
        needed = {
            one["name"]: "door"
            for one in operation.get("parameters", ())
            if one["in"] == "query" and one.get("required")
        }
        answer = asked(client, method, path, **needed, modelid="a")
        error = answer.json()["error"]
        assert (answer.status_code, error["where"]) == (422, "modelid"), f"{method} {path}: {answer.text}"


def test_the_answer_says_what_is_known(client: TestClient) -> None:
    error = client.get("/v1/accuracy", params={"model": "packages"}).json()["error"]
    assert error["code"] == "invalid_request"
    assert error["message"] == ("query: expected collection, model_id, model_version, since, until, got 'model'")


def test_what_is_documented_is_taken(client: TestClient) -> None:
    answer = client.get("/v1/accuracy", params={"model_id": "packages", "since": "2026-01-01T00:00:00Z"})
    assert "query: expected" not in answer.text


@pytest.mark.parametrize("name", ["", "\u0000", "x" * 500, "<script>"])
def test_no_name_is_too_strange(client: TestClient, name: str) -> None:
    answer = client.get("/v1/sources", params={name: "1"})
    assert answer.status_code == 422
    assert len(answer.json()["error"]["where"]) <= 80


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v1/predictions?source_id=door&source_id=yard", "source_id"), ("/v1/samples?limit=1&limit=9", "limit")],
)
def test_what_counts_once_and_stands_twice_is_an_error(client: TestClient, path: str, name: str) -> None:
    """Either of them would have been taken, and the other one left out unsaid."""
    response = client.get(path)
    assert (response.status_code, response.json()["error"]["where"]) == (422, name)


def test_a_filter_that_may_have_several_values_has_them(client: TestClient) -> None:
    assert client.get("/v1/samples?source=door&source=yard&verdict=open&verdict=missed").status_code == 200
