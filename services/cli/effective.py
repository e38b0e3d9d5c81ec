"""Effective settings: what every service would read, masked, and for each value whether it stands in the file.

Promises: every service's model is read, so that whatever a service would refuse at its start is a sentence here. A text that
stands in the settings under a secret's name is masked everywhere, in sentences too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.cli.budgets import NO_BUDGETS, Budgets, budgets
from services.cli.doctoring.redaction import IN_THE_OPEN
from services.feedback.config import FeedbackConfig
from services.inference.config import InferenceConfig, ShadowsConfig
from services.inference.shadow import shadow_of
from services.sampler.config import SamplerConfig
from services.sources.config import SourcesConfig
from services.uploader.config import UploaderConfig
from shared.errors import SettingsError
from shared.models.foreign import graph_in, refuse_foreign
from shared.settings import MASK, Common, Config, EmbeddedBackend, Settings, masked

MODELS: tuple[type[Config], ...] = (
    Common,
    SourcesConfig,
    InferenceConfig,
    ShadowsConfig,
    SamplerConfig,
    FeedbackConfig,
    UploaderConfig,
)
"""Where two models read one key, the later one shows it: the uploader knows destinations in full."""
_SOUNDS_SECRET = re.compile(r"secret|passw|token|salt|key|redis|credential", re.IGNORECASE)
SHORTEST_SECRET = 4
"""Shorter texts give nothing away, and masking them would hide the sentence."""
NO_MODEL = "no model yet: `model: {path: best.onnx}` names one, as `gleaner run --model` does; inference needs it"


@dataclass(frozen=True, slots=True)
class Value:
    """One setting. `origin`: the file that it stands in, or `default`."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Effective:
    """What the settings come to. `problems`: why a service would not start."""

    origin: str
    values: tuple[Value, ...] = ()
    budgets: Budgets = NO_BUDGETS
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def effective(settings: Settings) -> Effective:
    shown: dict[str, Any] = {}
    problems: list[str] = []
    has_model = "model" in settings.values
    for model in MODELS:
        if model is InferenceConfig and not has_model:
            continue
        try:
            shown |= masked(settings.read(model))
        except SettingsError as error:
            problems.append(_without_secrets(str(error), settings.values))
    problems += _model_file(settings) if has_model else ()
    problems += _shadow(settings)
    return Effective(
        origin=settings.origin,
        values=tuple(_values(shown, settings)),
        budgets=_budgets(settings),
        notes=() if has_model else (NO_MODEL,),
        problems=tuple(dict.fromkeys(problems)),
    )


def _budgets(settings: Settings) -> Budgets:
    """Nothing where something is wrong with what they are made of: that is told already."""
    try:
        return budgets(settings)
    except SettingsError:
        return NO_BUDGETS


def _model_file(settings: Settings) -> Iterator[str]:
    """Whether the model's file may be loaded, as far as its first bytes say it. Of a cluster it may lie elsewhere."""
    try:
        model = settings.read(InferenceConfig).local_model
        path = graph_in(model.path) if model and model.path else None
        if path and (path.exists() or isinstance(settings.common.backend, EmbeddedBackend)):
            refuse_foreign(path)
    except SettingsError as error:
        yield _without_secrets(str(error), settings.values)


def _shadow(settings: Settings) -> Iterator[str]:
    """Whether it can run beside the live model."""
    try:
        shadow_of(settings)
    except SettingsError as error:
        yield _without_secrets(str(error), settings.values)


def _values(shown: Mapping[str, Any], settings: Settings) -> Iterator[Value]:
    for name, value in _leaves(shown):
        there = _stands_in(settings.values, name.split("."))
        yield Value(name, value, settings.origin if there else "default")


def _leaves(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(inner) if isinstance(inner, str | Path) else json.dumps(inner, default=str)


def _stands_in(values: Any, path: list[str]) -> bool:
    for name in path:
        if isinstance(values, str):
            return name in ("url", "budget")  # a camera, and the review, in one line
        if not isinstance(values, Mapping) or name not in values:
            return False
        values = values[name]
    return True


def _without_secrets(sentence: str, values: Mapping[str, Any]) -> str:
    """A model's complaint may quote what it was given; whatever stands under a secret's name is masked in it."""
    for secret in sorted(set(_secrets(values)), key=len, reverse=True):
        sentence = sentence.replace(secret, MASK)
    return sentence


def _secrets(value: Any, secret: bool = False) -> Iterator[str]:
    """Every text under a name that sounds like a secret, however deep and in whatever form."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = secret and not (name in IN_THE_OPEN and isinstance(inner, list | tuple))
            yield from _secrets(inner, below or bool(_SOUNDS_SECRET.search(str(name))))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner, secret)
    elif secret and isinstance(value, str | SecretStr):
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        yield from [text] if len(text) >= SHORTEST_SECRET else []
