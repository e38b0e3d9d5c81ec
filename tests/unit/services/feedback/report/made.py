"""Reports as values, for tests of what is made of them."""

from typing import Any

from services.feedback.report.content import Cost, Flow, ModelVersion, Period, Report, Told, VersionTold

VERSION = ModelVersion(model_id="packages", model_version="7")


def told(value: float | None = 0.05, metric: str = "frame_error_rate", **changes: Any) -> Told:
    """With an interval around the value; None: refused."""
    if value is None:
        refused = {
            "refused": "too_few",
            "says": "Too little was checked: 7 more judgements of random checks are needed.",
        }
        return Told(metric=metric, **{**refused, **changes})
    ends = {"low": max(0.0, value - 0.02), "high": min(1.0, value + 0.04), "verified": 212, "on_floor": 80}
    return Told(metric=metric, value=value, **{**ends, "says": "Between 91 and 97 of 100 frames are right.", **changes})


def period(day: int, value: float | None) -> Period:
    date = f"2026-11-{day:02}"
    return Period(since=date, until=date, rate=told(value))


def report(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "made_at": "2026-11-23T08:00:00+01:00",
        "since": "2026-11-16T08:00:00+01:00",
        "until": "2026-11-23T08:00:00+01:00",
        "timezone": "Europe/Berlin",
        "collection": "default",
        "of": VERSION,
        "headline": "Between 91 and 97 of 100 frames are right.",
        "flow": Flow(frames=10_000, drawn=40, kept=30, kept_bytes=4_500_000, sent=20, sent_bytes=3_000_000),
        "cost": Cost(images=30, seconds_per_image=12, hours=0.1, price=2.5, currency="EUR", hours_of_all=33.3),
        "figures": (told(), told(0.95, "precision"), told(0.95, "precision", class_name="person")),
        "versions": (VersionTold(version=VERSION, frames=10_000, figures=(told(),)),),
        "sources": ("door",),
        "classes": ("person",),
    }
    return Report(**{**fields, **changes})
