"""Telling: figures, estimates and differences as parts of a report, each with its sentence. Pure."""

from dataclasses import asdict, fields
from typing import Any

from services.feedback.accuracy import words
from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.estimates import Estimate
from services.feedback.accuracy.figures import Figure, Metric
from services.feedback.accuracy.paired import Difference
from services.feedback.appraisal import Comparison
from services.feedback.read_model import Version
from services.feedback.report.content import Compared, ModelVersion, Told


def version(of: Version) -> ModelVersion:
    return ModelVersion(model_id=of.model_id, model_version=of.model_version)


def figure(of: Figure) -> Told:
    """Of a source, of a class, or of all."""
    told: dict[str, Any] = {name: value for name, value in asdict(of).items() if name in Told.model_fields}
    return Told(**{**told, "refused": of.refused and of.refused.code, "says": words.says(of)})


def estimate(metric: Metric, made: Estimate | Refusal, frames: int) -> Told:
    """Of frames that are no slice of their own: some days, or those that nobody objected to."""
    return figure(_figure(metric, made, frames))


def comparison(of: Comparison) -> Compared:
    first, second = version(of.a), version(of.b)
    if isinstance(of.difference, Refusal):
        return Compared(first=first, second=second, refused=of.difference.code, says=words.why_not(of.difference))
    rate, says = of.difference.rate, _compares(of.difference, first, second)
    return Compared(first=first, second=second, value=rate.value, low=rate.low, high=rate.high, says=says)


def _compares(difference: Difference, first: ModelVersion, second: ModelVersion) -> str:
    return words.compares(difference, str(first), str(second))


def _figure(metric: Metric, made: Estimate | Refusal, frames: int) -> Figure:
    none: dict[str, Any] = dict.fromkeys(field.name for field in fields(Figure) if field.name not in _DEFAULTED)
    if isinstance(made, Refusal):
        counts = {"verified": 0, "on_floor": 0, "coverage": 1.0, "open": 0, "missing": 0}
        return Figure(**{**none, **counts, "metric": metric, "refused": made, "frames": frames})
    known = {**made.rate._asdict(), **asdict(made.counts), "method": made.method}
    return Figure(**{**none, **known, "metric": metric, "frames": frames})


_DEFAULTED = ("level", "shown", "source_id", "class_name", "day")
