"""Why a frame was or was not kept: for what was kept, not drawn, taken by a gate, refused by a limit, and what has expired."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from services.cli.replaying.explained import as_object, sentences
from services.sampler.replay.explaining import Explained, Explainer, OfCollection
from services.sampler.replay.facts import Facts
from services.sampler.replay.finding import Named, NotFound, find
from services.sampler.replay.merged import Recorded
from shared.runtime.service import Received
from shared.streams import PREDICTIONS, SAMPLES, verdicts
from shared.streams.predictions import Prediction, new_prediction, prediction_id
from shared.streams.record import NewRecord, Record
from shared.streams.samples import Design
from shared.streams.verdicts import Silence, Verdict
from tests.unit.services.sampler.replay.conftest import Lives
from tests.unit.services.sampler.replay.living import Living, everything
from tests.unit.services.sampler.replay.test_replaying import BUDGET, FIXED

HALF: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 0.5}], "limits": []}


def explained(site: Living, text: str, source_id: str | None = None) -> Explained:
    with closing(Explainer(site.backend)) as explainer:
        return explainer.explain(find(site.log, Named(text, source_id), site.span))


def told(site: Living, text: str) -> OfCollection:
    """Of the one collection of the one prediction."""
    (prediction,) = explained(site, text).predictions
    (collection,) = prediction.collections
    return collection


def predictions(site: Living) -> list[tuple[Record, Prediction]]:
    reader = site.log.reader()
    return [(record, PREDICTIONS.decode(record)) for record in reader.scan("predictions", 0, 0, 10_000)]


def designs(site: Living) -> dict[str, Design]:
    """By frame id."""
    found = [SAMPLES.decode(record) for record in site.log.reader().scan("samples", 0, 0, 10_000)]
    return {one.prediction.frame.frame_id: one for one in found if isinstance(one, Design)}


def a_frame(site: Living, wanted: Callable[[Design | None], bool]) -> Prediction:
    kept = designs(site)
    return next(prediction for _, prediction in predictions(site) if wanted(kept.get(prediction.frame.frame_id)))


def test_a_kept_frame_is_told_by_all_its_names(lives: Lives) -> None:
    site = lives(FIXED)
    site.publish(60)
    site.live()
    prediction = a_frame(site, lambda design: design is not None)
    design = designs(site)[prediction.frame.frame_id]
    names = [prediction.frame.frame_id, prediction.frame.frame_id[:8], design.sample_id, design.prediction_id]
    for name in names:
        one = told(site, name)
        assert (one.outcome, one.design) == ("kept", design)
        assert {look.strategy: look.probability for look in one.strategies} == design.probabilities
        assert {look.strategy for look in one.strategies if look.drew} >= {reason.strategy for reason in design.reasons}
    own = prediction.producer_frame_id or ""
    assert explained(site, own, prediction.source_id).frame_id == prediction.frame.frame_id


def test_the_dice_say_why_a_frame_was_not_drawn(lives: Lives) -> None:
    site = lives(HALF)
    site.publish(30)
    site.live()
    prediction = a_frame(site, lambda design: design is None)
    one = told(site, prediction.frame.frame_id)
    (look,) = one.strategies
    assert (one.outcome, look.drew, look.probability) == ("not_drawn", False, 0.5)
    assert look.dice is not None
    assert look.dice >= 0.5


def test_plans_give_the_probabilities_that_were_stored(lives: Lives) -> None:
    site = lives(BUDGET)
    site.publish(200)
    site.live()
    for frame_id, design in list(designs(site).items())[:5]:
        one = told(site, frame_id)
        alone = {"random"} if design.gate else set(design.probabilities)
        told_now = {look.strategy: look.probability for look in one.strategies if look.strategy in alone}
        assert told_now == {label: p for label, p in design.probabilities.items() if label in alone}
        assert one.epoch_ms == design.epoch_ms
        assert not one.unknown


def test_a_near_duplicate_is_told_with_its_distance(lives: Lives) -> None:
    site = lives({"strategies": [{"type": "detection_count", "less_than": 1}], "limits": []})
    site.publish(6, sources=1, detections=())
    site.live()
    kept = designs(site)
    gone = next(one for _, one in predictions(site) if one.frame.frame_id not in kept)
    one = told(site, gone.frame.frame_id)
    assert one.outcome == "near_duplicate"
    assert "differs in 0 of 64 bits" in one.why


def test_a_limit_is_named(lives: Lives) -> None:
    site = lives({**HALF, "limits": [{"most": 2, "per": "day"}]})
    site.publish(30)
    site.live()
    refused = a_frame(site, lambda design: design is not None and design.missing is not None)
    one = told(site, refused.frame.frame_id)
    assert one.outcome == "missing"
    assert "the limit all/day was used up" in one.why


def test_what_the_sampler_has_not_read_is_pending(lives: Lives) -> None:
    site = lives(HALF)
    site.publish(5)
    site.live()
    site.publish(1)
    (_, last) = predictions(site)[-1]
    assert told(site, last.frame.frame_id).outcome == "pending"


def test_an_expired_plan_is_said_to_be_unknown(lives: Lives) -> None:
    site = lives(BUDGET)
    site.publish(100)
    site.live()
    with closing(sqlite3.connect(site.folder / "state.db")) as database, database:
        database.execute("DELETE FROM hashes")
    prediction = a_frame(site, lambda design: design is None)
    one = told(site, prediction.frame.frame_id)
    assert "the plan of its epoch has expired" in one.unknown
    assert any("no plan is left" in sentence for sentence in sentences(explained(site, prediction.frame.frame_id)))


def test_of_an_expired_prediction_the_design_still_tells(lives: Lives) -> None:
    site, later = lives(HALF), lives(HALF)
    site.publish(10)
    site.live()
    design = next(iter(designs(site).values()))
    later.now_ms = site.now_ms
    for record in site.log.reader().scan("samples", 0, 0, 100):
        later.send(again(record))
    (prediction,) = explained(later, design.sample_id).predictions
    (one,) = prediction.collections
    assert (one.outcome, one.design, one.strategies) == ("kept", design, ())
    assert one.unknown == ["its prediction has expired"]


def again(record: Record) -> NewRecord:
    return NewRecord(record.stream, record.key, record.value, record.partition)


def test_verdicts_and_shadows_are_told(lives: Lives) -> None:
    site = lives({"strategies": [{"type": "random", "fraction": 0.0001}], "limits": []})
    site.publish(3)
    sampler = site.live()
    record, prediction = predictions(site)[0]
    shadow = prediction.model_copy(update={"role": "shadow", "model_id": "candidate"})
    site.send(new_prediction(shadow))
    judged = Verdict(
        verdict_id="v1",
        prediction_id=prediction_id(record, prediction),
        prediction=prediction,
        kind="missed",
        caller="app",
        judged_at="2026-11-22T12:00:00Z",
    )
    new = verdicts.new_verdict(judged)
    at = site.send(new)
    for output in sampler.handle([Received(at, judged)]).outputs:
        site.send(output)
    live, other = explained(site, prediction.frame.frame_id).predictions
    assert (live.role, other.role, other.collections) == ("live", "shadow", [])
    assert live.collections[0].outcome == "kept"
    assert "a verdict asked for it" in live.collections[0].why
    said = "\n".join(sentences(explained(site, prediction.frame.frame_id)))
    assert "a person said missed" in said
    assert "nothing is collected by it" in said


def test_silence_is_told_as_silence(lives: Lives) -> None:
    site = lives({"strategies": [{"type": "random", "fraction": 1}], "limits": []})
    site.publish(1)
    sampler = site.live()
    record, prediction = predictions(site)[0]
    rest = Silence(
        exposure_id="e1",
        deadline_ms=9,
        weight=0.5,
        p_correct=0.75,
        p=0.75,
        reject_rate=0,
        audited_errors=0,
        probability=1,
    )
    affirmed = Verdict(
        verdict_id="v1",
        prediction_id=prediction_id(record, prediction),
        prediction=prediction,
        kind="affirmed",
        silence=rest,
        caller="silence",
        judged_at="2026-11-22T12:00:00Z",
    )
    for output in sampler.handle([Received(site.send(verdicts.new_verdict(affirmed)), affirmed)]).outputs:
        site.send(output)
    said = "\n".join(sentences(explained(site, prediction.frame.frame_id)))
    assert "nobody objected until 2026-11-22T12:00:00Z, weight 0.50: affirm" in said
    assert "a person said" not in said


def test_a_collection_that_takes_other_sources_says_so(lives: Lives) -> None:
    site = lives({**HALF, "collections": {"yard": {**HALF, "sources": ["yard-*"]}}})
    site.publish(1)
    site.live()
    (prediction,) = explained(site, predictions(site)[0][1].frame.frame_id).predictions
    assert [one.outcome == "not_taken" for one in prediction.collections] == [False, True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0123456789", "nothing is known of 0123456789"),
        ("0-0-00000000", "has another checksum"),
        ("0-999-00000000", "nothing was ever written"),
        ("front.jpg", "needs --source"),
        ("ab", "8 hex digits"),
    ],
)
def test_what_is_not_found_is_said_with_what_was_searched(lives: Lives, text: str, why: str) -> None:
    site = lives(HALF)
    site.publish(2)
    with pytest.raises(NotFound, match=why):
        explained(site, text)


def test_a_beginning_that_fits_several_frames_names_them(lives: Lives) -> None:
    site = lives(HALF)
    site.publish(3, gone=True)
    with pytest.raises(NotFound, match="names 3 frames"):
        explained(site, "0" * 8)


def test_explaining_writes_nothing_and_is_json(lives: Lives) -> None:
    site = lives(BUDGET)
    site.publish(20)
    site.live()
    before = everything(site.folder)
    told_as = as_object(explained(site, predictions(site)[0][1].frame.frame_id))
    assert everything(site.folder) == before
    assert [look["strategy"] for look in told_as["predictions"][0]["collections"][0]["strategies"]] == [
        "random",
        "uncertain",
        "temporal",
    ]


def test_facts_are_those_of_the_span(lives: Lives) -> None:
    site = lives(HALF)
    site.publish(20)
    site.live()
    recorded = Recorded(site.log, site.span)
    facts = Facts(site.log, site.state, recorded.inside, site.span)
    assert {fact.sample_id for fact in facts.all()} == {design.sample_id for design in designs(site).values()}
