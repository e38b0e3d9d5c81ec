"""Feedback does what its OpenAPI description says: schemathesis asks every route, with data that fits and data that does not.

All of its checks, the same examples each time. What a check does not hold for is listed here, with the reason.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema

from services.feedback.api import create_app
from services.feedback.config import FeedbackConfig
from services.feedback.desk import opened
from tests.unit.services.feedback.conftest import Site

KEY = "a-key-of-this-test"
ENDLESS = "/v1/predictions/stream"
"""Never ends by itself; tests/unit/services/feedback/recent/test_streaming.py reads it."""
BEYOND_A_SCHEMA = {
    "POST /v1/verdicts": "fields that depend on each other, and on the prediction: a reason with `rejected` alone",
    "POST /v1/exposures": "times that have the form, and are none: the 30th of February",
    "POST /v1/links": "whole numbers are written without a point: 60.0 is refused",
    "POST /v1/frames": "bytes that are no image",
    "GET /v1/predictions": "`before` is what an answer gave",
    "GET /v1/samples": "`cursor` is what an answer gave, in that order",
    "GET /v1/verdicts": "`cursor` is what an answer gave",
    "GET /v1/accuracy/compare": "MODEL_ID@VERSION",
}
"""Where a request that fits the description can be refused with 422 all the same."""
ONE_BY_ONE = ("POST /v1/verdicts/bulk", "POST /v1/exposures/bulk")
"""Answer 207, and say of each what is wrong with it."""
FITS = ["2xx", "3xx", "401", "403", "404", "409", "410"]
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "410", "413", "415", "422"]
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": FITS},
            "negative_data_rejection": {"expected-statuses": REFUSED},
        },
        "operations": [
            *(
                {"include-name": name, "checks": {"positive_data_acceptance": {"expected-statuses": [*FITS, "422"]}}}
                for name in BEYOND_A_SCHEMA
            ),
            *(
                {"include-name": name, "checks": {"negative_data_rejection": {"expected-statuses": [*REFUSED, "207"]}}}
                for name in ONE_BY_ONE
            ),
        ],
    }
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(site: Site) -> Iterator[FastAPI]:
    """Of a site where something was predicted, so that there is something to find."""
    for _ in range(3):
        site.prediction()
    keys = {"app": {"key": KEY, "scopes": ["admin"]}}
    options = {"timeout_s": 5.0, "folder": site.folder / "feedback", "api_keys": keys, "max_per_s": 0}
    with opened(FeedbackConfig.model_validate({"feedback": options}), site) as desk:
        yield create_app(desk)


@pytest.fixture
def described(app: FastAPI, request: pytest.FixtureRequest) -> BaseSchema:
    request.node._nodeid = request.node.nodeid  # schemathesis 4.32 reads it, pytest 9.2 has it no more
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG)


schema = schemathesis.pytest.from_fixture("described").exclude(path=ENDLESS)


@schema.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_route_does_what_it_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"})
