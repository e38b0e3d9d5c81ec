"""GET /v1/accuracy: figures of what was drawn and judged, refusals where nobody can say, alerts, two versions compared."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.feedback.alarm import Alarm
from services.feedback.alerts import AccuracyOptions, AlertOptions
from services.feedback.api import create_app
from services.feedback.desk import Desk
from shared.streams.samples import Design
from tests.unit.services.feedback.read_model.making import Streams

FLOOR = {"probabilities": {"random": 0.2, "uncertain": 0.0}, "probability": 0.2}
WRONG_EVERY = 20


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    """In the folder of the site, whose log it writes."""
    opened = Streams(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def designs(streams: Streams) -> list[Design]:
    """80 of 400 frames of two sources, drawn with probability 1/5; every 20th of them is wrong."""
    drawn = []
    for number in range(400):
        source_id = "door" if number < 200 else "yard"
        if number % 5:
            streams.predict(number / 60, source_id=source_id)
        else:
            drawn.append(streams.draw(number / 60, source_id=source_id, **FLOOR))
    streams.tell()
    return drawn


@pytest.fixture
def judged(streams: Streams, designs: list[Design]) -> list[Design]:
    for number, design in enumerate(designs):
        kind = "missed" if number % WRONG_EVERY == 0 else "confirmed"
        streams.judge(design.prediction, kind, exhaustive=kind == "confirmed", caller="app", reviewer="ana")
    return designs


@pytest.fixture
def asking(desk_for: Callable[..., Desk]) -> Callable[..., TestClient]:
    def make(**options: Any) -> TestClient:
        desk = desk_for(**options)
        assert desk.model.caught_up(30)
        return TestClient(create_app(desk), raise_server_exceptions=False)

    return make


def figure(body: dict[str, Any], metric: str, **slice_: Any) -> dict[str, Any]:
    wanted = {"source_id": None, "class_name": None, "day": None, **slice_}
    (found,) = [
        one
        for one in body["figures"]
        if one["metric"] == metric and all(one[name] == value for name, value in wanted.items())
    ]
    return dict(found)


def test_rates_with_their_intervals(judged: list[Design], asking: Callable[..., TestClient]) -> None:
    body = asking().get("/v1/accuracy").json()
    rate = figure(body, "frame_error_rate")
    assert rate["value"] == pytest.approx(4 / 80)
    assert 0 < rate["low"] < 0.05 < rate["high"] < 0.2
    assert (rate["frames"], rate["verified"], rate["on_floor"], rate["coverage"], rate["method"]) == (
        400,
        80,
        80,
        1,
        "gamma",
    )
    assert body["headline"] == rate["says"]
    assert rate["says"].startswith("Between ")
    assert rate["does_not_say"]
    live = figure(body, "live_frame_error_rate")
    assert live["low"] <= rate["low"]
    assert live["high"] >= rate["high"]
    assert figure(body, "precision", class_name="cup")["shown"] == 400
    assert (body["of"]["model_id"], body["of"]["thresholds"], body["notices"]) == ("kitchen", ["0.5"], [])


def test_too_little_is_a_sentence_and_no_number(designs: list[Design], asking: Callable[..., TestClient]) -> None:
    rate = figure(asking().get("/v1/accuracy").json(), "frame_error_rate")
    assert (rate["value"], rate["low"], rate["high"], rate["refused"]) == (None, None, None, "too_few")
    assert rate["says"] == "Too little was checked: 30 more judgements of random checks are needed."


def test_a_key_for_one_source_gets_its_figures_alone(judged: list[Design], asking: Callable[..., TestClient]) -> None:
    keys = {"door-app": {"key": "k" * 32, "scopes": ["read"], "sources": ["door"]}}
    body = asking(api_keys=keys).get("/v1/accuracy", headers={"X-API-Key": "k" * 32}).json()
    assert {one["source_id"] for one in body["figures"]} == {None, "door"}
    assert figure(body, "frame_error_rate")["frames"] == 200
    assert "yard" not in str(body)


def test_a_key_for_one_source_gets_its_thresholds_alone(streams: Streams, asking: Callable[..., TestClient]) -> None:
    for source_id, threshold in (("door", 0.5), ("yard", 0.7)):
        streams.draw(source_id=source_id, threshold=threshold)
    streams.tell()
    keys = {"door-app": {"key": "k" * 32, "scopes": ["read"], "sources": ["door"]}}
    body = asking(api_keys=keys).get("/v1/accuracy", headers={"X-API-Key": "k" * 32}).json()
    assert (body["of"]["thresholds"], body["notices"]) == (["0.5"], [])


def test_a_window(judged: list[Design], asking: Callable[..., TestClient]) -> None:
    window = {"since": "2025-12-01T00:01:00Z", "until": "2025-12-01T00:02:00Z"}
    assert figure(asking().get("/v1/accuracy", params=window).json(), "frame_error_rate")["frames"] == 60


def test_a_collection_is_judged_by_the_frames_that_it_draws_from(
    streams: Streams, asking: Callable[..., TestClient]
) -> None:
    """Those of other sources, and of other models, had no chance: counting them would make every rate too low."""
    for number in range(400):
        streams.predict(number / 60, source_id="door")
        if number % 5:
            streams.predict(number / 60, source_id="yard-1")
        else:
            design = streams.draw(number / 60, source_id="yard-1", collection="yards", **FLOOR)
            streams.judge(design.prediction, "confirmed" if number % 20 else "missed", exhaustive=True)
    streams.predict(10, source_id="yard-1", model_id="shop")
    streams.tell()
    client = asking(collections={"yards": {"sources": ["yard*"], "model": "kitchen"}})
    body = client.get("/v1/accuracy", params={"collection": "yards"}).json()
    rate = figure(body, "frame_error_rate")
    assert (rate["frames"], rate["value"]) == (400, pytest.approx(0.25))
    assert {one["source_id"] for one in body["figures"]} == {None, "yard-1"}
    compared = client.get("/v1/accuracy/compare", params={"a": "kitchen@1", "b": "kitchen@1", "collection": "yards"})
    assert compared.json()["only_a_wrong"] == 0
    assert client.get("/v1/accuracy", params={"model_id": "kitchen"}).json()["figures"][0]["frames"] == 800


def test_another_threshold_is_noticed_in_windows_that_had_both(
    streams: Streams, asking: Callable[..., TestClient]
) -> None:
    for minute, threshold in ((0, 0.5), (10, 0.5), (20, 0.6), (30, 0.6)):
        streams.draw(minute, threshold=threshold)
    streams.tell()
    client = asking()
    told = {
        (since, until): client.get(
            "/v1/accuracy", params={"since": f"2025-12-01T00:{since}:00Z", "until": f"2025-12-01T00:{until}:00Z"}
        ).json()["notices"]
        for since, until in (("00", "59"), ("00", "15"), ("15", "59"))
    }
    assert told["00", "15"] == told["15", "59"] == []
    assert told["00", "59"][0].startswith("The product threshold changed (0.5, then 0.6): ")


@pytest.mark.parametrize(
    ("params", "status", "where"),
    [
        ({"model_id": "nobody"}, 404, "model_id"),
        ({"since": "yesterday"}, 422, "since"),
        ({"since": "2025-12-01T00:00:00"}, 422, "since"),
        ({"model_version": ""}, 422, "model_version"),
    ],
)
def test_questions_without_an_answer(
    judged: list[Design], asking: Callable[..., TestClient], params: dict[str, str], status: int, where: str
) -> None:
    answer = asking().get("/v1/accuracy", params=params)
    assert (answer.status_code, answer.json()["error"]["where"]) == (status, where)


def test_nothing_was_counted_yet(asking: Callable[..., TestClient]) -> None:
    assert asking().get("/v1/accuracy").status_code == 404


def test_excluded_reviewers_do_not_count(
    judged: list[Design], streams: Streams, asking: Callable[..., TestClient]
) -> None:
    for design in judged:
        streams.judge(design.prediction, "rejected", reviewer="grouch")
    believed = (
        asking(accuracy={"exclude_reviewers": ["grouch"]}, folder=streams.folder / "without").get("/v1/accuracy").json()
    )
    assert figure(believed, "frame_error_rate")["value"] == pytest.approx(4 / 80)
    everybody = asking().get("/v1/accuracy").json()
    assert figure(everybody, "frame_error_rate")["value"] == pytest.approx(1)


class TestCompare:
    def test_two_versions_on_the_same_frames(
        self, judged: list[Design], streams: Streams, asking: Callable[..., TestClient]
    ) -> None:
        for design in judged:
            other = design.prediction.model_copy(update={"model_version": "2", "role": "shadow"})
            streams.judge(other, "confirmed", verdict_id=f"second {design.sample_id}", exhaustive=True)
        body = asking().get("/v1/accuracy/compare", params={"a": "kitchen@1", "b": "kitchen@2"}).json()
        assert body["verified"] == 80
        assert body["value"] == pytest.approx(4 / 80)
        assert body["low"] <= 0.05 <= body["high"]
        assert "kitchen 2" in body["says"]

    @pytest.mark.parametrize(("model_id", "version"), [("kitchen", "7@edge"), ("kitchen@edge", "7")])
    def test_names_with_an_at(
        self, streams: Streams, asking: Callable[..., TestClient], model_id: str, version: str
    ) -> None:
        streams.predict(model_id=model_id, model_version=version)
        streams.tell()
        name = f"{model_id}@{version}"
        body = asking().get("/v1/accuracy/compare", params={"a": name, "b": name}).json()
        assert (body["a"]["model_id"], body["b"]["model_version"]) == (model_id, version)

    def test_without_verdicts_on_both_there_is_no_number(
        self, judged: list[Design], streams: Streams, asking: Callable[..., TestClient]
    ) -> None:
        streams.predict(10, model_version="2")
        streams.tell()
        body = asking().get("/v1/accuracy/compare", params={"a": "kitchen@1", "b": "kitchen@2"}).json()
        assert (body["refused"], body["value"]) == ("too_few", None)

    @pytest.mark.parametrize("b", ["kitchen", "@2", "kitchen@"])
    def test_a_version_without_a_model(self, asking: Callable[..., TestClient], b: str) -> None:
        answer = asking().get("/v1/accuracy/compare", params={"a": "kitchen@1", "b": b})
        assert (answer.status_code, answer.json()["error"]["where"]) == (422, "b")

    @pytest.mark.parametrize(("a", "b", "where"), [("kitchen@7", "kitchen@1", "a"), ("kitchen@1", "kitchen@7", "b")])
    def test_a_version_that_was_never_seen(
        self, judged: list[Design], asking: Callable[..., TestClient], a: str, b: str, where: str
    ) -> None:
        answer = asking().get("/v1/accuracy/compare", params={"a": a, "b": b})
        assert (answer.status_code, answer.json()["error"]["where"]) == (404, where)


class TestAlerts:
    def test_certainly_above_the_limit(self, judged: list[Design], asking: Callable[..., TestClient]) -> None:
        alerts = [{"rate": "frame_error_rate", "limit": 0.001}, {"rate": "frame_error_rate", "limit": 0.2}]
        body = asking(accuracy={"alerts": alerts}).get("/v1/accuracy").json()
        assert [one["limit"] for one in body["alerts"]] == [0.001]
        assert body["alerts"][0]["figure"]["metric"] == "live_frame_error_rate"

    def test_said_once_when_it_begins_and_once_when_it_is_over(
        self, judged: list[Design], streams: Streams, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.feedback.appraisal.FRESH_S", 0.0)
        desk = desk_for()
        options = AccuracyOptions(alerts=(AlertOptions(rate="frame_error_rate", limit=0.001),))
        alarm = Alarm(desk.appraisals, "default", options)
        labels = {"rate": "frame_error_rate", "source": "", "class_name": "", "model_id": "kitchen", "version": "1"}
        with capture_logs() as said:
            assert desk.model.caught_up(30)
            alarm.look()
            alarm.look()
            assert REGISTRY.get_sample_value("gleaner_accuracy_alert", labels) == 1
            for design in judged[::WRONG_EVERY]:
                streams.judge(design.prediction, "confirmed", exhaustive=True, verdict_id=f"again {design.sample_id}")
            assert desk.model.caught_up(30)
            alarm.look()
            alarm.look()
        assert REGISTRY.get_sample_value("gleaner_accuracy_alert", labels) == 0
        told = [one for one in said if one["event"].startswith("accuracy.")]
        assert [one["event"] for one in told] == ["accuracy.alert", "accuracy.alert_over"]
        assert told[0]["low"] > told[0]["limit"] == 0.001

    def test_two_limits_of_one_rate_are_told_each(
        self, judged: list[Design], streams: Streams, desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.feedback.appraisal.FRESH_S", 0.0)
        desk = desk_for()
        limits = (0.001, 0.1)
        options = AccuracyOptions(alerts=tuple(AlertOptions(rate="frame_error_rate", limit=one) for one in limits))
        alarm = Alarm(desk.appraisals, "default", options)
        with capture_logs() as said:
            assert desk.model.caught_up(30)
            alarm.look()
            for design in judged:
                streams.judge(design.prediction, "missed", verdict_id=f"again {design.sample_id}")
            assert desk.model.caught_up(30)
            alarm.look()
            for design in judged:
                streams.judge(design.prediction, "confirmed", exhaustive=True, verdict_id=f"then {design.sample_id}")
            assert desk.model.caught_up(30)
            alarm.look()
        told = [(one["event"], one["limit"]) for one in said if one["event"].startswith("accuracy.")]
        assert told[:2] == [("accuracy.alert", 0.001), ("accuracy.alert", 0.1)]
        assert sorted(told[2:]) == [("accuracy.alert_over", 0.001), ("accuracy.alert_over", 0.1)]

    def test_precision_below_its_limit(self, judged: list[Design], asking: Callable[..., TestClient]) -> None:
        alerts = [
            {"rate": "precision", "limit": 0.999, "class_name": "cup"},
            {"rate": "precision", "limit": 0.5},
            {"rate": "frame_miss_rate", "limit": 0.001, "source": "d*"},
        ]
        body = asking(accuracy={"alerts": alerts}).get("/v1/accuracy").json()
        assert [(one["rate"], one["figure"]["source_id"]) for one in body["alerts"]] == [("frame_miss_rate", "door")]
