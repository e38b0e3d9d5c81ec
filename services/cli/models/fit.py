"""Does a class list fit the settings? Whoever uses a class by name would find nothing under it, without a word.

Promises: names every class that is missing with what uses it, and those that are new, so that a renamed one is seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.cli.models.bucket import live_model, shadow_model
from shared.errors import SettingsError
from shared.settings import nearest

if TYPE_CHECKING:
    from services.sampler.config import NamedCollection
    from shared.settings import Settings

BY_NAME = (
    "selected_class_names",
    "error_rates",
    "class_thresholds",
    "class_map",
    "class_names",
    "classes",
    "blur",
)
"""Options, of strategies, limits, the privacy step, models and destinations, that speak of classes by their names."""


def check_fit(settings: "Settings", model_id: str, names: Sequence[str], before: Sequence[str]) -> None:
    """Raises SettingsError when the settings use a class that the version has not. `before`: the live version's."""
    missing: dict[str, list[str]] = {}
    for where, name in used(settings, model_id):
        if name not in names:
            missing.setdefault(name, []).append(where)
    if not missing:
        return
    said = "; ".join(f"{name!r}, used by {' and '.join(places)}" for name, places in missing.items())
    new = [name for name in names if before and name not in before]
    also = f". New in it: {', '.join(new)}" if new else nearest(next(iter(missing)), list(names))
    raise SettingsError(
        f"this version of {model_id} has no class {said}{also}. Change the settings, or name the changed ones "
        "(`gleaner --settings FILE models push …`); services with the old ones would refuse it or find nothing"
    )


def differences(names: Sequence[str], before: Sequence[str]) -> str:
    """The class lists, apart; empty when they are alike."""
    gone = [name for name in before if name not in names]
    new = [name for name in names if name not in before]
    parts = [f"{what}: {', '.join(some)}" for what, some in (("gone", gone), ("new", new)) if some]
    return "; ".join(parts) if before else ""


def used(settings: "Settings", model_id: str) -> Iterator[tuple[str, str]]:
    """(where, class name). The live model's classes are everybody's; a shadow's stand in its own section alone."""
    from services.sampler.config import SamplerConfig
    from services.uploader.config import UploaderConfig

    live, shadow = live_model(settings), shadow_model(settings)
    if shadow is not None and shadow.model_id == model_id:
        yield from _named_in(shadow, "shadow")
    if live is not None and live.model_id != model_id:
        return
    if live is not None:
        yield from _named_in(live, "model")
    sampler = settings.read(SamplerConfig)
    for _, collection in sampler.all_collections():
        if collection.model in (None, model_id):
            yield from _in_collection(collection)
    yield from _named_in(sampler.privacy, "privacy")
    if "destinations" in settings.values:
        for destination in settings.read(UploaderConfig).destinations:
            yield from _named_in(destination, f"the destination {destination.name}")


def _in_collection(collection: "NamedCollection") -> Iterator[tuple[str, str]]:
    """Its strategies, those inside of combinations too, and its limits and theirs."""
    for strategy in collection.strategies:
        name = f"the strategy {strategy.label}"
        for one in (strategy, *getattr(strategy, "strategies", ())):
            yield from _named_in(one, name)
        for limit in strategy.limits:
            yield from _named_in(limit, f"a limit of {name}")
    for limit in collection.limits:
        yield from _named_in(limit, "a limit")


def _named_in(options: Any, where: str) -> Iterator[tuple[str, str]]:
    for option in BY_NAME:
        names = getattr(options, option, None)
        if isinstance(names, Mapping | list | tuple):
            yield from ((f"{where} ({option})", str(name)) for name in names)
