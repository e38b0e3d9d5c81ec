"""An explanation in sentences, and as JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from services.cli import output
from services.sampler.replay.explaining import Explained, OfCollection, OfPrediction, OfStrategy
from shared.streams.verdicts import Verdict


def show(explained: Explained) -> None:
    for sentence in sentences(explained):
        output.say(sentence)


def sentences(explained: Explained) -> Iterator[str]:
    own = f", its producer's {explained.producer_frame_id}" if explained.producer_frame_id else ""
    yield f"frame {explained.frame_id}{own}: source {explained.source_id}, {_moment(explained.time_ms)} UTC"
    for one in explained.predictions:
        yield from _of_prediction(one)


def _of_prediction(one: OfPrediction) -> Iterator[str]:
    yield ""
    yield f"prediction {one.prediction_id} of {one.model}"
    if one.role == "shadow":
        yield "  a shadow's: strategies may compare it, nothing is collected by it"
    for collection in one.collections:
        yield from _of_collection(collection)


def _of_collection(one: OfCollection) -> Iterator[str]:
    yield f"  collection {one.collection}: {_outcome(one)}: {one.why}"
    if one.other_settings:
        yield f"    settings {one.other_settings} decided it; the figures below are those of the settings in force"
    for look in one.strategies:
        yield f"    {_of_strategy(look)}"
    yield from _of_design(one)
    for revision in one.revisions:
        yield f"    {_said(revision.verdict)}: {revision.effect.replace('_', ' ')}"
    for neighbour in one.neighbours:
        yield f"    kept beside sample {neighbour.of[:12]}, {abs(neighbour.after_ms) / 1000:.1f} s away"
    for unknown in one.unknown:
        yield f"    not known any more: {unknown}"


def _said(verdict: Verdict) -> str:
    if verdict.silence is not None:
        return f"nobody objected until {verdict.judged_at}, weight {verdict.silence.weight:.2f}"
    return f"a person said {(verdict.reason or verdict.kind).replace('_', ' ')} at {verdict.judged_at}"


def _outcome(one: OfCollection) -> str:
    told = {
        "kept": "kept",
        "missing": "drawn, no image",
        "not_drawn": "not kept",
        "near_duplicate": "not kept, a near-duplicate",
        "quality": "not kept, a poor picture",
        "not_taken": "not its business",
        "pending": "not decided yet",
    }
    return told.get(one.outcome, one.outcome)


def _of_strategy(look: OfStrategy) -> str:
    if look.score <= 0:
        return f"{look.strategy}: nothing of interest (score 0)"
    head = f"{look.strategy}: {look.rule}; score {look.score:.3g}, weight {look.weight:.3g}"
    if look.scale is None:
        return f"{head}, and no plan is left that says how likely that was"
    drawn = "drew it" if look.drew else "did not draw it"
    dice = "" if look.dice is None else f", the dice gave {look.dice:.4f}"
    return f"{head}, scale {look.scale:.4g}: probability {look.probability:.4g}{dice}, so it {drawn}"


def _of_design(one: OfCollection) -> Iterator[str]:
    design = one.design
    if design is None:
        return
    by = ", ".join(reason.strategy for reason in design.reasons)
    yield f"    sample {design.sample_id}: drawn by {by}, with probability {design.probability:.4g} in all"
    if design.gate is not None:
        near = design.near_duplicate
        bits = f" ({near.distance} of 64 bits differ)" if near else ""
        yield f"    {design.gate.replace('_', ' ')}{bits}: informative strategies could not draw it, the floor did"
    if design.image is not None:
        yield f"    image {design.image.key}, bound for {', '.join(design.destinations) or 'nowhere'}"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def as_object(explained: Explained) -> dict[str, Any]:
    return {
        "frame_id": explained.frame_id,
        "source_id": explained.source_id,
        "producer_frame_id": explained.producer_frame_id,
        "time_ms": explained.time_ms,
        "predictions": [
            {
                "prediction_id": one.prediction_id,
                "model": one.model,
                "role": one.role,
                "time_ms": one.time_ms,
                "collections": [_collection(collection) for collection in one.collections],
            }
            for one in explained.predictions
        ],
    }


def _collection(one: OfCollection) -> dict[str, Any]:
    design = one.design
    return {
        "collection": one.collection,
        "sample_id": one.sample_id,
        "outcome": one.outcome,
        "why": one.why,
        "epoch_ms": one.epoch_ms,
        "other_settings": one.other_settings,
        "strategies": [output.as_object(look) for look in one.strategies],
        "unknown": list(one.unknown),
        "design": None if design is None else design.model_dump(mode="json", exclude={"prediction"}),
        "revisions": [
            revision.model_dump(mode="json", exclude={"prediction": True, "verdict": {"prediction"}})
            for revision in one.revisions
        ],
        "neighbours": [neighbour.model_dump(mode="json", exclude={"prediction"}) for neighbour in one.neighbours],
    }
