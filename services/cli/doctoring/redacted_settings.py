"""The settings file as it may be sent: what is known to be harmless, and the form of everything else.

Promises: comments are left out; a text is shown only below a name that the settings models know, where they expect text, and
not below one that sounds secret. `${VARIABLE}` stays, its default does not.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from services.cli.doctoring.redaction import Redactor, sounds_secret
from services.cli.effective import MODELS
from services.cli.settings_page import CHOICES
from services.sources.config import CameraOptions
from shared.settings import MASK

SOURCES = "sources"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}")
_LONGEST_NAME = 64


def redacted_file(file: Path | None, redactor: Redactor) -> str:
    """YAML; a comment with the reason where there is nothing to show."""
    if file is None:
        return "# no settings file: the defaults hold\n"
    try:
        shown = _shown(yaml.safe_load(file.read_text(encoding="utf-8")), "", False)
        return yaml.safe_dump(redactor.value(shown), sort_keys=False, allow_unicode=True)
    except OSError as error:
        return f"# it cannot be read: {error.strerror}\n"
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return "# it is no YAML, so nothing of it is shown: doctor.txt says where\n"


def _shown(value: Any, name: str, is_camera: bool) -> Any:
    """`name`: what it stands under, `is_camera`: a name of somebody's camera."""
    if sounds_secret(name) and not is_camera:
        return _reference(value) or MASK
    if isinstance(value, Mapping):
        return {_cut(key): _shown(inner, str(key), name == SOURCES) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner, name, is_camera) for inner in value]
    if value is None or is_camera or name in _leaves():
        return _REFERENCE.sub(_without_default, value) if isinstance(value, str) else value
    return _reference(value) or MASK


def _reference(value: Any) -> str | None:
    """`${VARIABLE}` and nothing else: a name is no secret."""
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else _without_default(match)


def _without_default(match: re.Match[str]) -> str:
    return f"${{{match[1]}{':-' + MASK if ':-' in match[0] else ''}}}"


def _cut(key: object) -> str:
    return str(key)[:_LONGEST_NAME]


@cache
def _leaves() -> frozenset[str]:
    """Names under which the models expect a value, and nowhere a section or a secret."""
    properties = list(_properties())
    others = {name for name, shape in properties if "$ref" in str(shape) or '"password"' in str(shape)}
    return frozenset(name for name, _ in properties if name not in others)


def _properties() -> Iterator[tuple[str, Any]]:
    models: list[type[BaseModel]] = [*MODELS, CameraOptions, *(model for _, kinds in CHOICES for model in kinds)]
    for schema in (model.model_json_schema() for model in models):
        for part in (schema, *schema.get("$defs", {}).values()):
            yield from part.get("properties", {}).items()
