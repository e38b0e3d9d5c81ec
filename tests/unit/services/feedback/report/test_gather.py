"""Gathering: the same figures as the API's, the flow of the window alone, and sentences where there is nothing."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.feedback.accuracy.review import Window
from services.feedback.alerts import AlertOptions
from services.feedback.appraisal import Appraisals, Question
from services.feedback.drawn_from import DrawnFrom
from services.feedback.read_model import ReadModel
from services.feedback.report.content import Report
from services.feedback.report.error_rates import error_rates, verified
from services.feedback.report.gather import Gathering
from services.feedback.report.options import DAY_MS, Asked
from services.sampler.strategies.ghost import Ghost
from shared.errors import SettingsError
from shared.runtime.clock import SystemClock
from tests.unit.services.feedback.read_model.making import START_MS, Streams
from tests.unit.services.feedback.report.site import IMAGE_BYTES, site

FRAMES, DAYS = 800, 4
UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    with site(tmp_path_factory.mktemp("site"), DAYS, FRAMES) as made:
        yield made


@pytest.fixture(scope="module")
def model(streams: Streams) -> Iterator[ReadModel]:
    with streams.model() as read:
        yield read


@pytest.fixture
def asked() -> Asked:
    now_ms = round(time.time() * 1000)
    return Asked("default", now_ms - 30 * DAY_MS, now_ms, UTC)


def report(model: ReadModel, streams: Streams, asked: Asked, *limits: AlertOptions) -> Report:
    return Gathering(model, streams.log, SystemClock(), asked, limits).report()


def test_the_same_figures_as_the_pages(model: ReadModel, streams: Streams, asked: Asked) -> None:
    made = report(model, streams, asked)
    appraisals = Appraisals(model, SystemClock(), "UTC")
    appraisal = appraisals.of(Question("default", "kitchen", "7", asked.since_ms, asked.until_ms))
    expected = [
        (one.metric, one.source_id, one.class_name, one.value, one.low) for one in appraisal.figures if not one.day
    ]
    assert [(one.metric, one.source_id, one.class_name, one.value, one.low) for one in made.figures] == expected
    rate = made.figure("frame_error_rate")
    assert rate is not None
    assert made.headline == rate.says
    assert rate.value is not None
    assert str(made.of) == "kitchen 7"


def test_the_flow_of_the_window(model: ReadModel, streams: Streams, asked: Asked) -> None:
    flow = report(model, streams, asked).flow
    designs = [model.reviews(Window("kitchen", version, 0, 2**62)) for version in ("6", "7")]
    drawn = [one for of in designs for one in of]
    assert flow.frames == FRAMES
    assert flow.drawn == len(drawn)
    assert flow.kept == flow.sent == sum(one.missing is None for one in drawn)
    assert flow.kept_bytes == flow.sent_bytes == IMAGE_BYTES * flow.kept
    assert flow.missing == {"limit:hour": len(drawn) - flow.kept}
    assert sum(flow.strategies.values()) == flow.drawn


def test_half_the_window_has_the_frames_of_that_half(model: ReadModel, streams: Streams, asked: Asked) -> None:
    half = replace(asked, since_ms=asked.until_ms - DAYS * DAY_MS // 2)
    made = report(model, streams, half)
    assert FRAMES * 0.4 < made.flow.frames < FRAMES * 0.6
    assert made.flow.drawn < report(model, streams, asked).flow.drawn
    assert made.before is not None
    assert made.before.startswith("The 2 days before (kitchen 6): ")


def test_versions_sources_classes_and_reviewers(model: ReadModel, streams: Streams, asked: Asked) -> None:
    made = report(model, streams, asked)
    assert [str(one.version) for one in made.versions] == ["kitchen 7", "kitchen 6"]
    assert sum(one.frames for one in made.versions) == FRAMES
    assert made.sources == ("back-door", "front-door", "loading-bay")
    assert set(made.classes) == {"bicycle", "package", "person"}
    assert {one.reviewer for one in made.reviewers} >= {"ana", "ben", "cem"}
    assert made.silence is not None
    assert made.says_not


def test_another_version(model: ReadModel, streams: Streams, asked: Asked) -> None:
    assert str(report(model, streams, replace(asked, model=("kitchen", "6"))).of) == "kitchen 6"
    with pytest.raises(SettingsError, match="known: kitchen@6, kitchen@7"):
        report(model, streams, replace(asked, model=("kitchen", "5")))


def test_a_limit_that_is_passed(model: ReadModel, streams: Streams, asked: Asked) -> None:
    limit = AlertOptions(rate="frame_miss_rate", limit=0.0001)
    (alert,) = report(model, streams, asked, limit).alerts
    assert alert.startswith("Past the limit that you set (frames with a missed object: 0.0")


def test_a_window_without_frames(model: ReadModel, streams: Streams, asked: Asked) -> None:
    made = report(model, streams, replace(asked, since_ms=1, until_ms=DAY_MS))
    assert (made.of, made.figures, made.flow.frames, made.flow.drawn) == (None, (), 0, 0)
    assert "nothing to say" in made.headline


def test_a_version_that_did_not_run_in_the_window(model: ReadModel, streams: Streams, asked: Asked) -> None:
    made = report(model, streams, replace(asked, since_ms=1, until_ms=DAY_MS, model=("kitchen", "6")))
    assert (str(made.of), made.flow.frames) == ("kitchen 6", 0)
    assert made.headline.startswith("No frame was counted here")


def test_a_version_with_an_at_in_its_name(tmp_path: Path) -> None:
    made = Streams(tmp_path)
    try:
        made.predict(model_version="7@edge")
        made.tell()
        with made.model() as read:
            asked = Asked("default", START_MS, START_MS + DAY_MS, UTC, model=("kitchen@7", "edge"))
            assert str(report(read, made, asked).of) == "kitchen 7@edge"
    finally:
        made.close()


def test_of_the_version_that_ran_then_and_not_of_one_that_ran_before_and_after(tmp_path: Path) -> None:
    made = Streams(tmp_path)
    try:
        for day, version in ((0, "1"), (10, "2"), (20, "1")):
            made.draw(day * 1440, model_version=version)
        made.tell()
        with made.model() as read:
            told = report(read, made, Asked("default", START_MS + 9 * DAY_MS, START_MS + 11 * DAY_MS, UTC))
            assert (str(told.of), [str(one.version) for one in told.versions]) == ("kitchen 2", ["kitchen 2"])
    finally:
        made.close()


def test_a_collection_of_some_sources_is_of_their_frames(model: ReadModel, streams: Streams, asked: Asked) -> None:
    whole = report(model, streams, asked)
    doors = report(model, streams, replace(asked, drawn_from=DrawnFrom(("*-door",), "kitchen")))
    assert doors.sources == ("back-door", "front-door")
    assert sum(one.rate.frames for one in doors.trend) == doors.figures[0].frames < whole.figures[0].frames
    assert doors.silence is not None
    assert whole.silence is not None
    assert 0 < doors.silence.shown < whole.silence.shown
    assert report(model, streams, replace(asked, drawn_from=DrawnFrom(model_id="shop"))).of is None


class TestErrorRates:
    def test_of_classes_with_a_figure(self, model: ReadModel, streams: Streams, asked: Asked) -> None:
        appraisal = Gathering(model, streams.log, SystemClock(), asked).appraisal()
        assert appraisal is not None
        rates = error_rates(appraisal.figures)
        known, refused = verified(appraisal.figures)
        assert {one.class_name for one in known} == set(rates)
        assert rates
        assert all(
            one.refused is None and rates[one.class_name or ""] == round(1 - (one.value or 0), 4) for one in known
        )
        assert Ghost(error_rates=rates).error_rates == rates
        assert not {one.class_name for one in refused} & set(rates)

    def test_no_figure_no_rate(self, model: ReadModel, streams: Streams, asked: Asked) -> None:
        short = replace(asked, since_ms=asked.until_ms - DAYS * DAY_MS // 20)
        appraisal = Gathering(model, streams.log, SystemClock(), short).appraisal()
        assert appraisal is not None
        assert error_rates(appraisal.figures) == {}
        assert verified(appraisal.figures)[1]


def test_frames_that_two_models_saw_count_once(tmp_path: Path) -> None:
    made = Streams(tmp_path)
    try:
        for model_id in ("kitchen", "yard"):
            for minute in range(10):
                made.predict(minute, model_id=model_id)
        made.tell()
        with made.model() as read:
            window = Asked("default", START_MS, START_MS + DAY_MS, UTC)
            assert report(read, made, window).flow.frames == 10
    finally:
        made.close()
