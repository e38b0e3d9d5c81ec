"""Samples, verdicts, reviewers and the pipeline over HTTP, as the streams have them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.feedback.api import history, problems, samples
from services.feedback.desk import Desk
from shared.streams.predictions import Prediction
from shared.streams.samples import Design, new_sample
from shared.streams.uploads import new_receipt
from shared.streams.verdicts import new_shown, new_verdict
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.read_model.making import (
    design_of,
    neighbour_of,
    receipt_of,
    revision_of,
    shown_of,
    verdict_of,
)

WAIT = {"wait": "1"}


class Api:
    """What is asked, and what the streams get."""

    def __init__(self, site: Site, client: TestClient) -> None:
        self.site = site
        self.client = client

    def get(self, path: str, key: str | None = None, **params: Any) -> Any:
        headers = {} if key is None else {"X-API-Key": key}
        answer = self.client.get(f"/v1/{path}", params={**WAIT, **params}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, **params: Any) -> list[str]:
        return [sample["sample_id"] for sample in self.get("samples", **params)["samples"]]

    def draw(self, prediction: dict[str, Any] | None = None, **changes: Any) -> Design:
        prediction_id, made = self.site.prediction(**(prediction or {}))
        design = design_of(made, prediction_id, **changes)
        self.site.send(new_sample(design))
        return design

    def judge(self, prediction: Prediction, kind: str, **changes: Any) -> str:
        verdict = verdict_of(prediction, kind, **changes)
        self.site.send(new_verdict(verdict))
        return verdict.verdict_id


@pytest.fixture
def api_for(site: Site, desk_for: Callable[..., Desk]) -> Callable[..., Api]:
    def make(**options: Any) -> Api:
        desk = desk_for(folder=site.folder / "feedback", **options)
        app = FastAPI()
        samples.add(app, desk)
        history.add(app, desk)
        problems.add(app)
        return Api(site, TestClient(app, raise_server_exceptions=False))

    return make


@pytest.fixture
def api(api_for: Callable[..., Api]) -> Api:
    return api_for()


def test_a_sample_is_told_with_its_reasons(api: Api) -> None:
    design = api.draw()

    (sample,) = api.get("samples")["samples"]

    assert sample["sample_id"] == design.sample_id
    assert sample["kind"] == "design"
    assert sample["prediction"]["prediction_id"] == design.prediction_id
    assert [box["weak"] for box in sample["prediction"]["detections"]] == [False, True]
    assert sample["reasons"] == [{"strategy": "random", "rule": "by random", "score": None, "probability": 0.1}]
    assert (sample["open"], sample["verdicts"], sample["upload"]) == (True, [], "pending")
    assert sample["image"]["key"] == design.image.key if design.image else None


def test_pages_hold_every_sample_once_in_either_order(api: Api) -> None:
    drawn = [api.draw({"source_id": f"camera-{number % 3}"}) for number in range(23)]

    for order in ("newest", "audit"):
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = api.get("samples", order=order, limit=5, **cursor)
            found += page["samples"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
            api.draw()  # what comes meanwhile moves nothing
        key = [sample["audit"] if order == "audit" else -sample["prediction"]["time_ms"] for sample in found]
        assert key == sorted(key)
        told = [sample["sample_id"] for sample in found]
        assert len(told) == len(set(told))
        assert {design.sample_id for design in drawn} <= set(told)


def test_filters_narrow_and_their_values_widen(api: Api) -> None:
    door = api.draw({"source_id": "door"})
    gate = api.draw({"source_id": "gate", "model_version": "2"}, strategy="uncertain")
    yard = api.draw({"source_id": "yard", "detections": ()}, missing="limit:day")
    api.judge(door.prediction, "confirmed")
    api.judge(gate.prediction, "rejected", detection_index=0)
    api.site.send(new_receipt(receipt_of(gate, "dead_lettered"), gate.prediction.frame.partition))
    known = {door.sample_id: "door", gate.sample_id: "gate", yard.sample_id: "yard"}

    def found(**params: Any) -> set[str]:
        return {known[one] for one in api.ids(**params)}

    assert found() == {"door", "gate", "yard"}
    assert found(source=["door", "yard"]) == {"door", "yard"}
    assert found(source=["door", "yard"], image=False) == {"yard"}
    assert found(**{"class": "package"}) == {"door", "gate"}
    assert found(strategy="uncertain") == {"gate"}
    assert found(verdict=["rejected", "missed"]) == {"gate"}
    assert found(verdict="open") == {"yard"}
    assert found(verdict="unsearched") == {"door", "gate", "yard"}
    api.judge(door.prediction, "confirmed", exhaustive=True, verdict_id="searched")
    assert found(verdict="unsearched") == {"gate", "yard"}
    assert found(upload="dead_lettered") == {"gate"}
    assert found(upload="none") == {"yard"}
    assert found(missing="limit:day") == {"yard"}
    assert found(model_id="packages", model_version="2") == {"gate"}
    assert found(model_id="nobody's") == set()
    assert found(collection="other") == set()
    assert found(source="nowhere") == set()
    assert found(since="2200-01-01T00:00:00Z") == set()
    assert found(until="2200-01-01T00:00:00Z", since="1970-01-01T00:00:00+01:00") == {"door", "gate", "yard"}


def test_counts_say_what_choosing_a_value_would_give(api: Api) -> None:
    for number in range(12):
        api.draw(
            {"source_id": ("door", "gate", "yard")[number % 3], "model_version": str(number % 2)},
            strategy=("random", "uncertain")[number // 6],
        )

    counts = api.get("samples/counts", source="door", strategy="random")

    assert counts["total"] == len(api.ids(source="door", strategy="random")) == 2
    for one in counts["sources"]:  # as if no source were chosen
        assert one["samples"] == len(api.ids(source=one["value"], strategy="random"))
    for one in counts["strategies"]:
        assert one["samples"] == len(api.ids(source="door", strategy=one["value"]))
    assert [one["samples"] for one in counts["sources"]] == [2, 2, 2]
    assert counts["models"] == [
        {"model_id": "packages", "model_version": "0", "samples": 1},
        {"model_id": "packages", "model_version": "1", "samples": 1},
    ]
    assert counts["verdicts"] == [{"value": "open", "samples": 2}, {"value": "unsearched", "samples": 2}]
    assert counts["classes"] == [{"value": "package", "samples": 2}]
    assert counts["missing"] == []


def test_a_sample_tells_its_whole_history(api: Api) -> None:
    design = api.draw()
    first = api.judge(design.prediction, "confirmed", reviewer="ann")
    second = verdict_of(design.prediction, "rejected", detection_index=0, reviewer="ben", note="a cat")
    api.site.send(new_verdict(second))
    third = api.judge(design.prediction, "unsure", reviewer="ann", detection_index=0)
    api.site.send(new_sample(revision_of(second, "remove")))
    api.site.send(new_shown(shown_of(design.prediction, "shown-1")))
    api.site.send(new_receipt(receipt_of(design, "accepted"), design.prediction.frame.partition))

    told = api.get(f"samples/{design.sample_id}")

    assert told["sample"]["verdicts"] == ["confirmed", "unsure"]
    assert told["sample"]["open"]
    assert [(one["verdict_id"], one["superseded"], one["effect"]) for one in told["history"]] == [
        (first, False, None),
        (second.verdict_id, True, "remove"),
        (third, False, None),
    ]
    assert told["history"][1]["note"] == "a cat"
    assert [(one["exposure_id"], one["visible_ms"]) for one in told["exposures"]] == [("shown-1", 900)]
    assert [(one["destination"], one["revision"], one["state"]) for one in told["uploads"]] == [
        ("dataset", "", "sent"),
        ("dataset", second.verdict_id, "pending"),
    ]
    assert told["probabilities"] == {"random": 0.1, "uncertain": 0.5}


def test_a_drawn_neighbour_is_a_design_and_a_rejected_stranger_a_revision(api: Api) -> None:
    beside = api.draw()
    prediction_id, neighbour = api.site.prediction()
    api.site.send(new_sample(neighbour_of(beside, neighbour)))
    (kept,) = [one for one in api.get("samples")["samples"] if one["sample_id"] != beside.sample_id]
    assert kept["kind"] == "neighbour"
    design = design_of(neighbour, prediction_id)
    api.site.send(new_sample(design))
    _, stranger = api.site.prediction()
    api.site.send(new_sample(revision_of(verdict_of(stranger, "rejected"), "remove")))

    kinds = {one["sample_id"]: one["kind"] for one in api.get("samples")["samples"]}

    assert sorted(kinds.values()) == ["design", "design", "revision"]
    assert kinds[design.sample_id] == "design"
    assert [one["destination"] for one in api.get(f"samples/{design.sample_id}")["uploads"]] == ["dataset"]


def test_verdicts_are_listed_the_latest_first_and_page_by_page(api: Api) -> None:
    design = api.draw()
    _, stranger = api.site.prediction()
    given = []
    for number in range(7):
        api.site.now_ms += 1000
        judged = (design.prediction, stranger)[number % 2]
        given.append(api.judge(judged, "confirmed", reviewer=("ann", "ben")[number % 2], verdict_id=f"v{number}"))

    first = api.get("verdicts", limit=4)
    rest = api.get("verdicts", limit=4, cursor=first["next"])

    assert [one["verdict_id"] for one in first["verdicts"] + rest["verdicts"]] == given[::-1]
    assert rest["next"] is None
    assert [one["verdict_id"] for one in api.get("verdicts", reviewer="ben")["verdicts"]] == ["v5", "v3", "v1"]
    assert [one["superseded"] for one in api.get("verdicts", reviewer="ben")["verdicts"]] == [False, True, True]
    assert api.get("verdicts", source="elsewhere")["verdicts"] == []
    assert api.get("verdicts", kind="missed")["verdicts"] == []


def test_who_rejects_everything_is_visible_and_can_be_excluded(site: Site, api_for: Callable[..., Api]) -> None:
    api = api_for(accuracy={"exclude_reviewers": ["troll"]})
    for number in range(10):
        design = api.draw()
        api.judge(design.prediction, "rejected", reviewer="troll", verdict_id=f"t{number}")
        api.judge(design.prediction, "confirmed", reviewer="ann", verdict_id=f"a{number}")
        if number < 4:
            kind = "rejected" if number == 0 else "confirmed"
            api.judge(design.prediction, kind, reviewer="ben", verdict_id=f"b{number}")

    told = {one["reviewer"]: one for one in api.get("reviewers")["reviewers"]}

    assert (told["troll"]["rejected_share"], told["troll"]["excluded"]) == (1.0, True)
    assert told["troll"]["others_rejected_share"] == pytest.approx(1 / 14)
    assert (told["ann"]["compared"], told["ann"]["agreed"]) == (4, 3)
    assert told["ann"]["by_kind"] == {"confirmed": 10}
    (last,) = api.get("verdicts", reviewer="troll", limit=1)["verdicts"]
    assert (last["excluded"], last["superseded"]) == (True, False)
    assert {tuple(one["verdicts"]) for one in api.get("samples")["samples"]} == {("confirmed",), ("rejected",)}


def test_the_pipeline_adds_up(api: Api) -> None:
    sent, _pending, _missing = api.draw(), api.draw(), api.draw(missing="expired")
    api.site.send(new_receipt(receipt_of(sent, "accepted"), sent.prediction.frame.partition))
    refused = api.draw()
    api.site.send(new_receipt(receipt_of(refused, "dead_lettered"), refused.prediction.frame.partition))

    told = api.get("pipeline")

    assert (told["drawn"], told["kept"], told["missing"]) == (4, 3, {"expired": 1})
    assert (told["kept_bytes"], told["sent_bytes"], told["pending_bytes"]) == (3000, 1000, 1000)
    assert told["uploads"] == {"dead_lettered": 1, "none": 1, "pending": 1, "sent": 1}
    ledger = told["ledger"]
    assert ledger.pop("balanced")
    assert ledger.pop("accepted") == 4
    assert ledger == {
        "acknowledged": 1, "pending": 1, "dead_lettered": 1, "evicted": 0, "missing": 1, "withdrawn": 0
    }  # fmt: skip


def test_a_key_with_sources_sees_theirs_alone(api_for: Callable[..., Api]) -> None:
    api = api_for(api_keys={"door-app": {"key": "k" * 32, "sources": ["door-*"]}, "all": "a" * 32})
    mine, other = api.draw({"source_id": "door-1"}), api.draw({"source_id": "gate-1"})
    for design in (mine, other):
        api.judge(design.prediction, "confirmed", reviewer=f"at-{design.prediction.source_id}")
    key = "k" * 32

    assert api.ids(key=key) == [mine.sample_id]
    assert api.ids(key=key, source="gate-1") == []
    assert [one["value"] for one in api.get("samples/counts", key=key)["sources"]] == ["door-1"]
    assert [one["source_id"] for one in api.get("verdicts", key=key)["verdicts"]] == ["door-1"]
    assert [one["reviewer"] for one in api.get("reviewers", key=key)["reviewers"]] == ["at-door-1"]
    assert api.get("pipeline", key=key)["drawn"] == 1
    assert api.get(f"samples/{mine.sample_id}", key=key)["sample"]["sample_id"] == mine.sample_id
    assert api.client.get(f"/v1/samples/{other.sample_id}", headers={"X-API-Key": key}).status_code == 404
    assert set(api.ids(key="a" * 32)) == {mine.sample_id, other.sample_id}
    assert api.client.get("/v1/samples").status_code == 401


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("samples?limit=0", "limit"),
        ("samples?limit=201", "limit"),
        ("samples?order=sideways", "order"),
        ("samples?verdict=maybe", "verdict"),
        ("samples?since=yesterday", "since"),
        ("samples?since=2026-01-01T00:00:00", "since"),
        ("samples?cursor=%00", "cursor"),
        ("samples?cursor=bnVsbA", "cursor"),
        ("samples?cursor=WyJhdWRpdCIsMC41LCJ4Il0", "cursor"),  # of the other order
        ("samples?cursor=WyJuZXdlc3QiLE5hTiwieCJd", "cursor"),  # not a number
        ("samples?cursor=WyJuZXdlc3QiLDEsIlx1ZDgwMCJd", "cursor"),  # half a character
        ("samples?cursor=WyJuZXdlc3QiLDEsMV0", "cursor"),  # a number for an id
        ("verdicts?cursor=WyJuZXdlc3QiLDEsIngiXQ", "cursor"),
        ("verdicts?kind=open", "kind"),
    ],
)
def test_what_cannot_work_names_the_field(api: Api, path: str, where: str) -> None:
    answer = api.client.get(f"/v1/{path}")

    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["where"] in (where, "0")  # 0: the first of several values


def test_an_unknown_sample_is_not_found(api: Api) -> None:
    for sample_id in ("nobody", "..%2F..%2Fetc%2Fpasswd", "'; DROP TABLE samples --"):
        assert api.client.get(f"/v1/samples/{sample_id}").status_code == 404
    assert api.get("samples")["samples"] == []


def test_answers_say_how_current_they_are(api: Api) -> None:
    before_ms = api.site.clock.now_ms()
    deadline = time.monotonic() + 30
    while (page := api.get("samples"))["rebuilding"] or page["as_of_ms"] < before_ms:
        assert time.monotonic() < deadline

    assert page["as_of_ms"] >= before_ms
