"""A sample as answers tell it, written when it is taken: what never changes of `answers.Sample`, and `answers.Decided`."""

from typing import Any

from services.feedback.read_model.answers import Decided
from services.feedback.read_model.answers import Sample as Told
from services.feedback.recent.view import shown
from shared.streams.samples import Design, Sample

CHANGING = frozenset({"image", "verdicts", "open", "upload"})
"""Fields of a sample that are added when it is asked for."""


def told_always(sample: Sample, drawn: dict[str, Any]) -> str:
    """JSON of the other fields."""
    told = Told(
        sample_id=sample.sample_id,
        kind=sample.kind,
        collection=sample.collection,
        prediction=shown(sample.prediction_id, sample.prediction),
        reasons=sample.reasons if isinstance(sample, Design) else (),
        probability=drawn.get("probability"),
        floor_probability=drawn.get("floor_probability"),
        audit=drawn.get("audit"),
        missing=sample.missing,
        tags=sample.tags,
        image=None,
        verdicts=(),
        open=True,
        upload="none",
    )
    return told.model_dump_json(exclude=set(CHANGING))


def decided(sample: Sample) -> str:
    """JSON of `answers.Decided`."""
    drawn = sample if isinstance(sample, Design) else None
    return Decided(
        probabilities=drawn.probabilities if drawn else {},
        scores=drawn.scores if drawn else {},
        gate=drawn.gate if drawn else None,
        settings_version=sample.settings_version,
    ).model_dump_json()
