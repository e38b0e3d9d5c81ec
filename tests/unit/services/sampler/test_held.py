"""Held images: kept aside when a held prediction was shown, found by what is said of it later, gone by log time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.sampler.strategies.close_to_threshold import CloseToThreshold
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.runtime.service import Received
from shared.streams import keys, predictions
from shared.streams.predictions import Prediction
from shared.streams.record import Record
from shared.streams.samples import Revision
from shared.streams.verdicts import Shown, Silence, Verdict, affirmed_id
from tests.unit.services.sampler.bench import Bench, published, verdict
from tests.unit.services.sampler.making import jpeg

NOBODY_DREW = CloseToThreshold()
SHOWN_MS = 1_790_000_000_000
DAY_MS = 86_400_000
WEEK_S = 7 * 86_400


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.at(tmp_path)
    yield bench
    bench.close()


def shown(received: Received, held: bool = True, time_ms: int = SHOWN_MS, exposure_id: str = "e1") -> Received:
    seen: Prediction = received.message
    made = Shown(
        exposure_id=exposure_id,
        prediction_id=predictions.prediction_id(received.record, seen),
        frame_id=seen.frame.frame_id,
        partition=seen.frame.partition,
        source_id=seen.source_id,
        model_id=seen.model_id,
        model_version=seen.model_version,
        visible_ms=2_000,
        caller="door-app",
        objection_s=WEEK_S,
        held=held,
        probability=0.05,
        prediction=seen if held else None,
    )
    return Received(Record("verdicts", 0, 0, time_ms, b"", made.to_bytes()), made)


def affirmed(received: Received, deadline_ms: int = SHOWN_MS + WEEK_S * 1000) -> Received:
    seen: Prediction = received.message
    silence = Silence(
        exposure_id="e1",
        deadline_ms=deadline_ms,
        weight=0.8,
        p_correct=0.9,
        p=0.9,
        reject_rate=0.0,
        audited_errors=0,
        probability=0.05,
    )
    made = Verdict(
        verdict_id=affirmed_id("default", seen.frame.frame_id, seen.model_id),
        prediction_id=predictions.prediction_id(received.record, seen),
        prediction=seen,
        kind="affirmed",
        silence=silence,
        caller="silence",
        judged_at="2026-11-23T12:00:00Z",
    )
    return Received(Record("verdicts", 0, 1, deadline_ms + 1, b"", made.to_bytes()), made)


def held_keys(bench: Bench) -> list[str]:
    return [info.key for info in bench.images.list(keys.HELD)]


def gone(bench: Bench, seed: int) -> None:
    """A referenced frame's pixels."""
    (bench.folder / "objects" / "cameras" / f"{seed}.jpg").unlink()


def revision_of(bench: Bench, said: Received, **more: Any) -> Revision:
    (revision,) = published(bench.sampler(NOBODY_DREW, **more), [said])
    assert isinstance(revision, Revision)
    return revision


def test_what_is_shown_and_held_is_kept_aside_once(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler(NOBODY_DREW)
    assert published(sampler, [shown(received)]) == []
    (description, image) = sorted(held_keys(bench), reverse=True)
    assert bench.images.get(image) == jpeg(1)
    assert image.startswith("held/2026-09-30/default/")  # shown on 21 September, a week, and two days of grace
    assert description.endswith(".json")
    published(
        bench.sampler(NOBODY_DREW), [shown(received), shown(received, time_ms=SHOWN_MS + DAY_MS, exposure_id="e2")]
    )
    assert sorted(held_keys(bench), reverse=True) == [description, image]


def test_what_is_not_held_leaves_nothing(bench: Bench) -> None:
    published(bench.sampler(NOBODY_DREW), [shown(bench.frame(1), held=False)])
    assert held_keys(bench) == []


def test_a_sample_that_has_its_image_needs_no_second_one(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler()
    (design,) = published(sampler, [received])
    published(sampler, [shown(received)])
    assert held_keys(bench) == []
    (revision,) = published(sampler, [affirmed(received)])
    assert isinstance(revision, Revision)
    assert (revision.effect, revision.image, revision.sample_id) == ("affirm", design.image, design.sample_id)


@pytest.mark.parametrize("said", [affirmed, verdict])
def test_a_verdict_finds_the_image_when_the_frame_has_gone(bench: Bench, said: Any) -> None:
    received = bench.referenced(1)
    published(bench.sampler(NOBODY_DREW), [shown(received)])
    gone(bench, 1)
    revision = revision_of(bench, said(received))
    assert revision.image is not None
    assert bench.images.get(revision.image.key) == jpeg(1)
    assert bench.images.get(revision.image.preview_key)
    assert revision.image.key.startswith("samples/default/")
    assert revision_of(bench, said(received)) == revision


def test_an_affirmation_says_that_silence_is_all_it_rests_on(bench: Bench) -> None:
    received = bench.frame(1)
    revision = revision_of(bench, affirmed(received), tags=("door",))
    assert (revision.effect, revision.tags, revision.image is None) == (
        "affirm",
        ("door", "label_source:silence"),
        False,
    )
    assert revision_of(bench, verdict(received)).tags == ()


def test_a_state_store_that_forgot_costs_no_image(bench: Bench, tmp_path: Path) -> None:
    received = bench.referenced(1)
    published(bench.sampler(NOBODY_DREW), [shown(received)])
    gone(bench, 1)
    forgot = Bench(bench.log, SqliteState(tmp_path / "new.db"), bench.images, bench.objects, tmp_path)
    revision = revision_of(forgot, affirmed(received))
    assert revision.image is not None
    assert bench.images.get(revision.image.key) == jpeg(1)
    forgot.state.close()


def test_a_frame_that_had_gone_when_it_was_shown_has_no_image(bench: Bench) -> None:
    received = bench.referenced(1)
    gone(bench, 1)
    published(bench.sampler(NOBODY_DREW), [shown(received)])
    assert held_keys(bench) == []
    revision = revision_of(bench, affirmed(received))
    assert (revision.image, revision.missing) == (None, "expired")


def test_what_is_held_went_through_the_veil(bench: Bench) -> None:
    told = bench.referenced(1)
    received = Received(told.record, told.message.model_copy(update={"width_px": 64, "height_px": 48}))
    private: dict[str, Any] = {"privacy": {"blur": ["package"]}}
    published(bench.sampler(NOBODY_DREW, **private), [shown(received)])
    gone(bench, 1)
    revision = revision_of(bench, affirmed(received), **private)
    assert revision.image is not None
    assert revision.image.altered[0] == "black: package 1"
    stored = bench.images.get(revision.image.key)
    assert stored not in (None, jpeg(1))


def test_held_images_go_by_log_time_and_never_before_the_grace_is_over(bench: Bench) -> None:
    first, second = bench.frame(1), bench.frame(2)
    sampler = bench.sampler(NOBODY_DREW)
    published(sampler, [shown(first), shown(second, time_ms=SHOWN_MS + 3 * DAY_MS)])
    assert len(held_keys(bench)) == 4
    over_ms = SHOWN_MS + (7 + 2) * DAY_MS
    published(sampler, [shown(first, held=False, time_ms=over_ms)])
    assert len(held_keys(bench)) == 4
    published(sampler, [shown(first, held=False, time_ms=over_ms + DAY_MS)])
    assert len(held_keys(bench)) == 2
    published(sampler, [shown(first, held=False, time_ms=over_ms + 5 * DAY_MS)])
    assert held_keys(bench) == []
