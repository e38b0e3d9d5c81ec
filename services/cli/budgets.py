"""Budgets: what people will have to look at, how it is shared out, and when each source has been checked often enough.

Promises: says what the plan will do on average, from the settings alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.sampler.config import NamedCollection, SamplerConfig
from services.sampler.planned import planned, wanted_per_s
from services.sampler.rates import PERIODS_S
from services.sources.config import SourcesConfig
from shared.settings import Settings

CHECKS = 30
"""Random checks of a source after which its error rate says something (SCIENCE G)."""
LONGEST_DAYS = 60
DAY_S = PERIODS_S["day"]
SOME_SOURCES = (1, 10, 40)
"""Told where the settings name no sources."""
HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Budgets:
    """`facts`: what will come; `warnings`: what somebody may not have meant."""

    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


NO_BUDGETS = Budgets()


def budgets(settings: Settings) -> Budgets:
    """Of every collection. Raises SettingsError."""
    config = settings.read(SamplerConfig)
    fps = {name: camera.fps for name, camera in settings.read(SourcesConfig).sources.cameras.items()}
    facts, warnings = list[str](), list[str]()
    for name, options in config.all_collections():
        whose = "" if name == config.collection else f"collection {name}: "
        admitted = {source: one for source, one in fps.items() if _takes(options, source)}
        facts += (whose + fact for fact in (*_shared_out(options), *_checks(options, admitted)))
        warnings += (whose + one for one in (*_unused(options), *_capped(options), *_too_long(options, admitted)))
    return Budgets(tuple(facts), tuple(warnings))


def paces(settings: Settings) -> Iterator[str]:
    """How often a sample is to be expected on average, of every collection whose strategies all have budgets."""
    config = settings.read(SamplerConfig)
    for name, options in config.all_collections():
        per_s = sum(one.per_s for one in planned(options))
        if per_s and all(strategy.fixed is None for strategy in options.strategies):
            whose = "" if name == config.collection else f"collection {name}: "
            yield f"{whose}{_number(per_s * DAY_S)} samples a day are budgeted, one in {_span(1 / per_s)} on average"


def _takes(options: NamedCollection, source_id: str) -> bool:
    return options.admits(source_id, options.model or "")


def _shared_out(options: NamedCollection) -> Iterator[str]:
    """`review: 60 a day; random 18, uncertain 24, temporal 18 a day`. What has a fixed probability is in no budget."""
    parts = [f"{one.label} {_number(one.per_s * DAY_S)}" for one in planned(options)]
    if not parts:
        return
    of_review = any(strategy.share for strategy in options.strategies)
    review = f"review: {_number(options.review.budget.per_day)} a day; " if of_review else "budgets: "
    yield f"{review}{', '.join(parts)} a day"


def _unused(options: NamedCollection) -> Iterator[str]:
    shares = sum(strategy.share or 0.0 for strategy in options.strategies)
    if 0 < shares < 1 - HAIR:
        whole = options.review.budget.per_day
        yield f"the shares sum to {shares:g}: {_number((1 - shares) * whole)} of the review's {_number(whole)} a day go unused"
    if options.strategies and not any(strategy.floor for strategy in options.strategies):
        yield (
            "nothing is drawn at random: what the model never sees is not found, and nobody can say how often it is right; "
            "add `{type: random, share: 0.3}`"
        )


def _capped(options: NamedCollection) -> Iterator[str]:
    """Budgets that hard caps make smaller: the parts told are then less than the review."""
    wanted = sum(wanted_per_s(one, options) or 0.0 for one in options.strategies)
    let_through = sum(one.per_s for one in planned(options))
    if let_through < wanted * (1 - HAIR):
        yield f"limits let {_number(let_through * DAY_S)} of the {_number(wanted * DAY_S)} a day that are budgeted through"


def _checks(options: NamedCollection, fps: Mapping[str, float]) -> Iterator[str]:
    """How long each source needs for its random checks."""
    if not any(strategy.floor for strategy in options.strategies):
        return
    if not fps:
        floor = _floor_per_day(options)
        if floor:
            told = ", ".join(f"{_days(CHECKS * count / floor)} with {_sources(count)}" for count in SOME_SOURCES)
            yield f"each source has its {CHECKS} random checks after {told}"
        return
    days = _days_of(options, fps)
    slowest = max(days, key=lambda name: days[name])
    if min(days.values()) == days[slowest]:
        yield f"each of {_sources(len(fps))} has its {CHECKS} random checks after {_days(days[slowest])}"
    else:
        yield f"{slowest} has its {CHECKS} random checks last of {_sources(len(fps))}, after {_days(days[slowest])}"


def _too_long(options: NamedCollection, fps: Mapping[str, float]) -> Iterator[str]:
    days = _days_of(options, fps)
    slow = sorted(name for name, needed in days.items() if needed > LONGEST_DAYS)
    if slow:
        others = f" and {len(slow) - 3} more" if len(slow) > 3 else ""
        yield (
            f"{', '.join(slow[:3])}{others}: {CHECKS} random checks take more than {LONGEST_DAYS} days, so nobody will know "
            "soon how often the model is right there; a larger review, a larger share of random, or a larger "
            "review.minimum_per_source shortens it"
        )


def _days_of(options: NamedCollection, fps: Mapping[str, float]) -> dict[str, float]:
    """By source, as the plan deals the floor's part: so many to each, the rest by how many frames it gives (SCIENCE A.2)."""
    if not fps or not any(strategy.floor for strategy in options.strategies):
        return {}
    floor = _floor_per_day(options)
    least = min(options.review.minimum_per_source.per_day, floor / len(fps))
    rest, frames = floor - least * len(fps), sum(fps.values())
    fixed = sum(strategy.fixed or 0.0 for strategy in options.strategies if strategy.floor)
    return {name: CHECKS / (least + rest * one / frames + fixed * one * DAY_S) for name, one in fps.items()}


def _floor_per_day(options: NamedCollection) -> float:
    """What floors with a budget draw."""
    return sum(one.per_s * DAY_S for one in planned(options) if one.floor)


def _sources(count: int) -> str:
    return "1 source" if count == 1 else f"{count:,} sources"


def _days(days: float) -> str:
    if days < 1:
        return "a day"
    return f"{days:,.0f} days" if days >= 1.5 else "1 day"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{_number(seconds)} s"
    return f"{_number(seconds / 60)} minutes" if seconds < 7200 else f"{_number(seconds / 3600)} hours"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
