"""The page `docs/settings.md`, made of the settings models: every setting, its default, its bounds, and what it means.

Promises: nothing is written by hand, so nothing is out of date: a test compares, `python -m services.cli.settings_page` writes.
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from services.cli.effective import MODELS
from services.feedback.alerts import AlertOptions
from services.feedback.config import ApiKey
from services.sampler.config import CollectionOptions, NamedCollection
from services.sampler.limit_options import Limit
from services.sampler.strategies import REGISTRY, Strategy
from services.sources.config import CameraDefaults, CameraOptions
from services.uploader.destinations import offered
from shared.settings import LIVE_KEYS, ClusterBackend, EmbeddedBackend

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

One YAML file for all services and both modes; without one, everything below has its default. `gleaner check` shows what is
in effect, secrets masked. An unknown key is refused at the start with the nearest known name; a key that stands twice is too.
Anywhere in the file, `${VAR}` is the environment's variable, `${VAR:-text}` falls back to the text, and `KEY_file: PATH`
reads `KEY` from a file (`salt_file`, `api_key_file`, a camera's `password_file`).

Cameras stand under `sources`, one line each, `NAME: ADDRESS`, or a section where there is more to say:

```yaml
sources:
  defaults: {fps: 1}
  front-door: rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.10/stream1
  yard: {url: http://192.0.2.11/video.mjpg, fps: 0.5, user: viewer, password_file: yard.key}
```

This page is made of the settings models by `python -m services.cli.settings_page`.
"""
WIDE = 120
FIXED = "`backend`, `prefix`, `salt`, `timezone`, `collection` or the names of `destinations`"
WHILE_IT_RUNS = """A changed file is taken up while the services run, between two batches and within some seconds. What is
taken up is what the sampler reads: {live}. It is taken whole or not at all: a file that any service of the process would
refuse at its start is refused, and so is one that changes {fixed}. Then the old settings go on; the log says why once, and
`/settings` on the health page says it for as long as it lasts, as do `gleaner status` and `gleaner doctor`; of a file that
cannot be used at all, these two say only what is wrong with it. Everything else in
the file is read at the next start. On a cluster each sampler takes the file up for itself; each sample names the version of
the settings under which it was drawn."""
CHOICES: tuple[tuple[str, tuple[type[BaseModel], ...]], ...] = (
    ("backend", (EmbeddedBackend, ClusterBackend)),
    ("strategies", tuple(REGISTRY.values())),
    ("destinations", offered()),
)
"""Settings of which there are several kinds; each kind has a table of its own."""
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "pattern": "`{}`",
}
Row = tuple[str, str, str, str]


def page() -> str:
    """The whole page."""
    sections = [
        ("The top level, and what lies in its sections", _top_level_rows()),
        ("`sources`, a camera's section; what stands under `defaults` may stand here too", _camera_rows()),
    ]
    sections += [
        ("`collections.NAME`; what stands at the top level of sampling may stand here too", _collection_rows()),
        ("`feedback.api_keys.NAME`, where it is more than the key", list(_rows(ApiKey))),
        ("`feedback.accuracy.alerts`, each of them", list(_rows(AlertOptions))),
        ("`limits`, each of them: a collection's and a strategy's", list(_rows(Limit))),
        ("`strategies`, whatever the type", list(_rows(Strategy))),
    ]
    for setting, models in CHOICES:
        sections += [(f"`{setting}`, type `{_type(model)}`", _own_rows(model)) for model in models]
    return "\n".join([HEAD, _while_it_runs(), *(_table(title, rows) for title, rows in sections)])


def _while_it_runs() -> str:
    told = WHILE_IT_RUNS.format(live=", ".join(f"`{key}`" for key in LIVE_KEYS), fixed=FIXED)
    return "\n".join(["## While it runs", "", *textwrap.wrap(told, WIDE, break_on_hyphens=False), ""])


def _top_level_rows() -> list[Row]:
    rows: dict[str, Row] = {}
    for model in MODELS:
        for row in _rows(model):
            rows.setdefault(row[0], row)
    return list(rows.values())


def _camera_rows() -> list[Row]:
    own = [row for row in _rows(CameraOptions) if row[0] not in CameraDefaults.model_fields]
    return [(f"sources.NAME.{name}", default, allowed, about) for name, default, allowed, about in own]


def _own_rows(model: type[BaseModel]) -> list[Row]:
    """Without what every strategy may say."""
    common = set(_rows(Strategy)) if issubclass(model, Strategy) else set[Row]()
    return [row for row in _rows(model) if row not in common]


def _collection_rows() -> list[Row]:
    own = [row for row in _rows(NamedCollection) if row[0].partition(".")[0] not in CollectionOptions.model_fields]
    return [(f"collections.NAME.{name}", default, allowed, about) for name, default, allowed, about in own]


def _rows(model: type[BaseModel], before: str = "") -> Iterator[Row]:
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        if name == "type":
            continue  # stands in the table's title
        inner = _section(field.annotation)
        if inner is None or field.description:
            shape = schema["properties"][name]
            default = "required" if field.is_required() else _shown(field.get_default(call_default_factory=True))
            yield f"{before}{name}", default, _bounds(shape), field.description or ""
        if inner is not None:
            yield from _rows(inner, f"{before}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model behind a setting that is a section of its own, or a word such as `none`."""
    choices = [one for one in get_args(annotation) or (annotation,) if one is not type(None)]
    models = [one for one in choices if isinstance(one, type) and issubclass(one, BaseModel) and _has_settings(one)]
    return models[0] if len(models) == len(choices) == 1 else None


def _has_settings(model: type[BaseModel]) -> bool:
    """Some are written as text: `60/day`."""
    return bool(model.model_json_schema(mode="serialization").get("type") == "object")


def _type(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return "set" if default.get_secret_value() else "—"
    if default is None or default in ("", (), {}):
        return "—"
    if isinstance(default, BaseModel) and not _has_settings(type(default)):
        return str(default)
    if isinstance(default, BaseModel):
        named = {"type": default.type} if hasattr(default, "type") else {}
        return f"`{json.dumps({**named, **default.model_dump(mode='json', exclude_unset=True)})}`"
    if isinstance(default, tuple):
        return ", ".join(_shown(one) for one in default)
    return str(default)


def _bounds(shape: dict[str, Any]) -> str:
    """What the schema allows: bounds, or the words to choose from; also behind `or nothing`."""
    parts = [shape, *(one for one in shape.get("anyOf", []))]
    bounds = [form.format(part[key]) for part in parts for key, form in _BOUNDS.items() if key in part]
    words = [str(word) for part in parts for word in part.get("enum", [])]
    return ", ".join([*bounds, *([" · ".join(words)] if words else [])])


def _table(title: str, rows: list[Row]) -> str:
    if not rows:
        return f"## {title}\n\nNo settings of its own.\n"
    lines = [f"## {title}", "", "| setting | default | allowed | what it is |", "|---|---|---|---|"]
    lines += ["| " + " | ".join([f"`{name}`", *(_cell(cell) for cell in rest)]) + " |" for name, *rest in rows]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
