"""What a dry run found, as tables and sentences: sources, strategies, limits, destinations, classes, and what looks wrong."""

from collections.abc import Mapping, Sequence
from statistics import median

from services.cli import output
from services.cli.rehearsal.outlook import DAY_S, HOUR_S, Bite, Outlook
from services.cli.rehearsal.settings import Stored, described
from services.cli.rehearsal.warnings import warnings
from services.sampler.limits import called
from services.uploader.destinations.destination import DestinationOptions

PER_FRAMES = 1_000
MB = 1e6
_CLASSES_SHOWN = 30
BUDGETS = "Strategies with a budget or a share of the review keep that many of their best, whatever else comes."
UNTIMED_BUDGETS = (
    "Budgets count time, and pictures have none: as if all sources together gave {:g} frames a second "
    "(sampler.declared_fps)."
)


def show(outlook: Outlook, destinations: Sequence[DestinationOptions], stored: Mapping[str, Stored]) -> None:
    _sources(outlook)
    _strategies(outlook)
    if outlook.timed and outlook.bites:
        _limits(outlook)
    _destinations(outlook, destinations, stored)
    _classes(outlook)
    for sentence in warnings(outlook):
        output.say(f"! {sentence}")


def _sources(outlook: Outlook) -> None:
    counts = dict.fromkeys(outlook.looked.seconds, 0)
    for one in outlook.seen:
        counts[one.prediction.source_id] = counts.get(one.prediction.source_id, 0) + 1
    rows = [(name, frames, _length(outlook, name), _per_s(outlook, name, frames)) for name, frames in counts.items()]
    output.show_table("Looked at", ("source", "frames seen", "in", "frames/s"), rows)
    for name, why in outlook.looked.trouble.items():
        output.say(f"! {name}: {why}")
    for complaint in outlook.looked.complaints:
        output.say(f"! not published: {complaint}")


def _length(outlook: Outlook, name: str) -> str:
    seconds = outlook.looked.seconds.get(name)
    return f"{seconds:.0f} s" if seconds else "pictures"


def _per_s(outlook: Outlook, name: str, frames: int) -> str:
    seconds = outlook.looked.seconds.get(name)
    return f"{frames / seconds:.3g}" if seconds else ""


def _strategies(outlook: Outlook) -> None:
    rows = [
        (one.rule.label if one.rule else "all together", one.matched, one.drawn, *_rates(outlook, one.rate))
        for one in outlook.strategies
    ]
    columns = ("strategy", "matched", "drawn now", *_scales(outlook, "expected"))
    output.show_table("What would be kept, before limits", columns, rows)
    if any(one.rule and one.rule.budget_per_s is not None for one in outlook.strategies):
        output.say(BUDGETS if outlook.timed else UNTIMED_BUDGETS.format(outlook.config.sampler.declared_fps))
        output.say()


def _limits(outlook: Outlook) -> None:
    output.show_table("Limits", ("limit", "at this rate"), [(_name(one), _bites(one)) for one in outlook.bites])


def _name(bite: Bite) -> str:
    in_bytes = bite.limit.of == "bytes"
    most = f"{bite.limit.most / MB:g} MB" if in_bytes else f"{bite.limit.most:,}"
    return f"{bite.of}: {most} per {called(bite.limit).replace(' of bytes', '')}"


def _bites(bite: Bite) -> str:
    if bite.reached_after_s is None:
        return "not reached"
    return (
        f"reached {_duration(bite.reached_after_s)} into each {bite.limit.per}; "
        f"{bite.refused_per_day:,.0f} a day would be drawn and not kept"
    )


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / HOUR_S:.1f} h"


def _destinations(outlook: Outlook, destinations: Sequence[DestinationOptions], stored: Mapping[str, Stored]) -> None:
    rate = outlook.kept_per_s
    rows = [
        (
            one.name,
            described(one),
            stored[one.name].images,
            *_rates(outlook, rate),
            _size(outlook, rate),
        )
        for one in destinations
    ]
    size = "MB a day" if outlook.timed else f"MB of {PER_FRAMES:,}"
    columns = ("destination", "of these frames", "images now", *_scales(outlook, "images"), size)
    output.show_table("Where it would go, limits applied", columns, rows)


def _size(outlook: Outlook, rate: float) -> float:
    return rate * outlook.bytes_each * (DAY_S if outlook.timed else PER_FRAMES) / MB


def _scales(outlook: Outlook, what: str) -> tuple[str, ...]:
    return (f"{what} an hour", "a day") if outlook.timed else (f"{what} of {PER_FRAMES:,} frames",)


def _rates(outlook: Outlook, rate: float) -> tuple[float, ...]:
    return (rate * HOUR_S, rate * DAY_S) if outlook.timed else (rate * PER_FRAMES,)


def _classes(outlook: Outlook) -> None:
    found: dict[str, list[float]] = {}
    shown: dict[str, int] = {}
    for seen in outlook.seen:
        prediction = seen.prediction
        for one in prediction.classes[:1] if prediction.task == "classify" else prediction.detections:
            found.setdefault(one.class_name, []).append(one.confidence)
        for one in seen.shown:
            shown[one.class_name] = shown.get(one.class_name, 0) + 1
    rows = [
        (name, len(sure), shown.get(name, 0), f"{min(sure):.2f} - {median(sure):.2f} - {max(sure):.2f}")
        for name, sure in sorted(found.items(), key=lambda pair: -len(pair[1]))[:_CLASSES_SHOWN]
    ]
    if rows:
        columns = ("class", "seen", "at or above the threshold", "confidence: weakest - middle - surest")
        output.show_table("What the model saw", columns, rows)
