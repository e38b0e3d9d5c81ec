"""Settings: one optional YAML file for all services and both modes; secrets come from the environment.

Promises: a file is taken or refused at start. Unknown keys are refused with the nearest known name; `${VAR}` and
`KEY_file: PATH` work anywhere; secrets are masked wherever settings are shown. Nothing here knows a service: each reads
the top-level keys that its own model names, and needs the variables and files of those alone.
"""

import difflib
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from shared.errors import SettingsError

MASK = "********"
MOST_YAML_CHARS = 4_000_000
MOST_VALUES = 250_000
"""With each alias counted as what it stands for."""
_KINDS = {"str": "text", "dict": "a mapping", "list": "a list", "tuple": "a list"}
_SECTION_DUE = {
    "model_type": "settings",
    "model_attributes_type": "settings",
    "dict_type": "settings",
    "list_type": "a list",
    "tuple_type": "a list",
}
"""pydantic's names of what it says when a whole section is something else."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET = re.compile(
    r"(password|passphrase|secret|token|salt|api_key|access_key|keys|authorization|credential)s?(_file)?$",
    re.IGNORECASE,
)
# To the last @, spaces too: rather too much is hidden than a part of a password shown.
_CREDENTIALS_IN_URL = re.compile(r"(?<=://).*(?=@)", re.DOTALL)
_SECRET_IN_QUERY = re.compile(r"([?&][^=&\s]*(?:key|token|secret|pas|pwd|pw|sig)[^=&\s]*=)[^&#\s]+", re.IGNORECASE)

LIVE_KEYS = (
    "strategies",
    "review",
    "limits",
    "near_duplicates",
    "quality",
    "context",
    "image",
    "privacy",
    "tags",
    "collections",
    "sampler",
)
"""What is taken up while it runs; the sampler alone reads it (shared/runtime/live.py)."""
KNOWN_KEYS = [
    "site",
    "prefix",
    "timezone",
    "salt",
    "salt_file",
    "backend",
    "references",
    "sources",
    "model",
    "shadow",
    "inference",
    "collection",
    *LIVE_KEYS,
    "destinations",
    "uploader",
    "feedback",
    "health",
]
"""Every top-level key of the settings file; which service reads which stands in the services' config.py."""
DECIDING_KEYS = ("timezone", "model", "collection", *LIVE_KEYS)
"""What decides about a frame, with the names of the destinations."""


class Config(BaseModel):
    """The base of every settings model: frozen, unknown keys refused."""

    # Inputs are hidden since pydantic's error, the cause of ours, stands in tracebacks: it would quote secrets.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), hide_input_in_errors=True)


class EmbeddedBackend(Config):
    """Everything in one folder, no server."""

    type: Literal["embedded"] = "embedded"
    folder: Path = Field(
        default=Path("gleaner-data"), description="where log, state and image buffer live; a local disk"
    )


class ClusterBackend(Config):
    """Kafka, Redis and an S3 store."""

    type: Literal["cluster"]
    kafka: str = Field(default="localhost:9092", description="bootstrap servers, HOST:PORT, separated by commas")
    redis: SecretStr = Field(
        default=SecretStr("redis://localhost:6379/0"), description="URL of the Redis or Valkey server"
    )
    s3: str = Field(default="http://localhost:9000", description="URL of the MinIO or other S3 server")
    s3_bucket: str = Field(default="gleaner", description="bucket of the image buffer")
    s3_region: str = "us-east-1"
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    kafka_session_timeout_s: float = Field(default=45.0, gt=0, description="after which a vanished member is replaced")


Backend = Annotated[EmbeddedBackend | ClusterBackend, Field(discriminator="type")]


class HealthConfig(Config):
    """Where a service answers /livez, /readyz and /metrics."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="0: not at all")


class ReferencesConfig(Config):
    """Frames whose value is a reference to an object of the backend's S3 store (docs/streams.md)."""

    buckets: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")], ...] = Field(
        default=(), description="buckets that frames may refer to; none: such frames are dead letters"
    )
    max_bytes: int = Field(
        default=33_554_432, ge=1, le=268_435_456, description="the largest image that is read by reference"
    )
    wait_s: float = Field(
        default=10.0, ge=0, le=60, description="seconds that inference waits for an object that is not there yet"
    )


class Common(Config):
    """What every service reads."""

    site: str = Field(default="default", max_length=64, description="name of this installation, for people")
    prefix: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?$",
        description="before every stream, group, state key and bucket path, so that two Gleaners share one cluster",
    )
    timezone: str = Field(default="UTC", description="IANA name; the windows of limits are aligned in it")
    salt: SecretStr | None = Field(default=None, description="secret of the draws; embedded mode makes its own")
    backend: Backend = EmbeddedBackend()
    references: ReferencesConfig = ReferencesConfig()
    health: HealthConfig = HealthConfig()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"expected an IANA time zone such as Europe/Madrid, got {name!r}") from error
        return name


M = TypeVar("M", bound=Config)


class Unfilled(str):
    """A text whose variable or secret file is not there. Refused, with the reason, when a service reads it."""

    why: str

    @classmethod
    def because(cls, text: str, why: str) -> "Unfilled":
        unfilled = cls(text)
        unfilled.why = why
        return unfilled


Values = Mapping[str, Any]
Change = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings as they were read: variables and secret files filled in, not yet validated by a service.

    `path`: the file they were read from; None: none. `changes`: what was laid over it, in order.
    """

    values: Values
    origin: str = "defaults"
    path: Path | None = field(default=None, compare=False)
    changes: tuple[Change, ...] = field(default=(), compare=False, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    is_empty: bool = field(default=False, compare=False)
    """Nothing stands in the file."""
    models_read: set[type[Config]] = field(default_factory=set, compare=False, repr=False)
    """What this process has read of them; other settings that one of these refuses are of no use to it."""

    @property
    def common(self) -> Common:
        return self.read(Common)

    @property
    def destination_names(self) -> Any:
        """What the destinations are called: a list of names; None where none are described."""
        described = self.values.get("destinations")
        if not isinstance(described, list | tuple):
            return described
        return [one.get("name") or one.get("type") if isinstance(one, Mapping) else one for one in described]

    @property
    def version(self) -> str:
        """Names these settings in every sample: a hash of what decides (not of endpoints and secrets)."""
        deciding = {key: self.values.get(key) for key in DECIDING_KEYS}
        deciding["destinations"] = self.destination_names
        return hashlib.blake2b(json.dumps(deciding, sort_keys=True, default=str).encode(), digest_size=6).hexdigest()

    def laid_over(self, change: Change) -> "Settings":
        """These with something laid over them, a command line's options say; also over what the file says later."""
        return replace(self, values=change(self.values), changes=(*self.changes, change), models_read=set())

    def reread(self) -> "Settings":
        """The file as it is now, with the same laid over it. Raises SettingsError."""
        now = load(self.path, env=self.env)
        for change in self.changes:
            now = now.laid_over(change)
        return now

    def read(self, model: type[M]) -> M:
        """The part that this model names. Raises SettingsError with the place, what was expected and what stood there."""
        self.models_read.add(model)
        return self._validated({key: value for key, value in self.values.items() if key in model.model_fields}, model)

    def read_whole(self, model: type[M]) -> M:
        """All of it as this model: keys that it does not name are refused. Raises SettingsError."""
        return self._validated(self.values, model)

    def _validated(self, part: Mapping[str, Any], model: type[M]) -> M:
        for unfilled in _unfilled(part):
            raise SettingsError(unfilled.why)
        try:
            return model.model_validate(part)
        except ValidationError as error:
            raise SettingsError(f"{self.origin}: {_explain(error, model)}") from error


def load(path: Path | None = None, overrides: Values | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """Reads a settings file (None: the defaults), then lays `overrides` over its top-level keys. Raises SettingsError."""
    raw = {} if path is None else read_yaml(path)
    origin = "defaults" if path is None else str(path)
    settings = Settings(_filled(raw, env, origin), origin, path, env=env, is_empty=not raw)
    if overrides:
        settings = settings.laid_over(lambda values: {**values, **overrides})
    _refuse_unknown(settings.values, origin)
    return settings


def masked(value: Any, name: str = "") -> Any:
    """The same structure with every secret replaced, by key name and by type; credentials inside URLs too.

    What lies below a secret's name is secret all the way down; names inside it are kept (`api_keys: {my-app: ***}`).
    """
    if isinstance(value, BaseModel):
        whole: Any = value.model_dump(mode="json")
        if isinstance(whole, str):
            return masked(whole, name)  # `60/day`: written as text, shown as text
        names = [*type(value).model_fields, *(value.model_extra or {})]
        return {name: masked(getattr(value, name), name) for name in names}
    if isinstance(value, Mapping):
        return {key: masked(inner, name if _SECRET.search(name) else str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(inner, name) for inner in value]
    if isinstance(value, SecretStr) or (_SECRET.search(name) and value not in (None, "")):
        return MASK
    return _without_credentials(value) if isinstance(value, str) else value


def _without_credentials(text: str) -> str:
    return _SECRET_IN_QUERY.sub(rf"\g<1>{MASK}", _CREDENTIALS_IN_URL.sub(MASK, text))


class _Loader(yaml.SafeLoader):
    """YAML without surprises: a key that stands twice is refused, where YAML would silently take the last.

    So is what holds itself, and what grows without end by aliases of aliases.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        if node is not None:
            if is_alias and id(node) not in self._values:
                raise yaml.MarkedYAMLError(problem="it holds itself", problem_mark=node.start_mark)
            values = self._values[id(node)] = 1 + sum(self._values[id(one)] for one in _inside(node))
            if values > MOST_VALUES:
                raise yaml.MarkedYAMLError(problem=f"more than {MOST_VALUES:,} values", problem_mark=node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise yaml.MarkedYAMLError(problem=f"the key {twice[0]} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def _inside(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from (key, value)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def read_yaml(path: Path) -> dict[str, Any]:
    """A file of keys and values. Raises SettingsError with the line, and never quotes what stands there."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_YAML_CHARS + 1)
        if len(text) > MOST_YAML_CHARS:
            raise SettingsError(f"{path}: expected at most {MOST_YAML_CHARS:,} characters of YAML")
        raw = yaml.load(text, _Loader)
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {path}: {error.strerror}") from error
    except RecursionError as error:
        raise SettingsError(f"{path} is no YAML: its brackets are nested too deeply") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Without its cause: PyYAML quotes the lines around the place, and the secrets in them.
        raise SettingsError(f"{path} is no YAML: {_yaml_complaint(error)}") from None
    if raw is not None and not isinstance(raw, dict):
        raise SettingsError(f"{path}: expected keys and values at the top, got {type(raw).__name__}")
    return raw or {}


def _yaml_complaint(error: Exception) -> str:
    """What is wrong and in which line, without a word of what stands there."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it holds characters that are no UTF-8 text"
    # Quotes go in pairs: `expected ',' or '}'` holds two characters, and none of the file's words.
    problem = re.sub(r"'[^']*'", lambda quoted: quoted[0] if len(quoted[0]) <= 4 else "something", error.problem or "")
    hint = "; indent with spaces, not tabs" if "\\t" in problem else ""
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}{hint}"


def _filled(value: Any, env: Mapping[str, str], where: str) -> Any:
    """`${VAR}` and `${VAR:-default}` replaced; `KEY_file: PATH` becomes `KEY: content`."""
    if isinstance(value, dict):
        return dict(_filled_entry(str(key), inner, env, where) for key, inner in value.items())
    if isinstance(value, list):
        return [_filled(inner, env, where) for inner in value]
    return _filled_text(value, env, where) if isinstance(value, str) else value


def _filled_entry(key: str, value: Any, env: Mapping[str, str], where: str) -> tuple[str, Any]:
    filled = _filled(value, env, f"{where}: {key}")
    if not key.endswith("_file") or not isinstance(filled, str):
        return key, filled
    name = key.removesuffix("_file")
    if isinstance(filled, Unfilled):
        return name, filled
    try:
        return name, Path(filled).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        sought = "" if Path(filled).is_absolute() else f"; a relative path begins in {Path.cwd()}"
        return name, Unfilled.because(filled, f"{where}: {key} names {filled}, which cannot be read: {why}{sought}")


def _filled_text(text: str, env: Mapping[str, str], where: str) -> str:
    for match in _VARIABLE.finditer(text):
        if env.get(match[1], match[2]) is None:
            return Unfilled.because(text, f"{where} needs the environment variable {match[1]}, which is not set")
    return _VARIABLE.sub(lambda match: env.get(match[1], match[2]), text)


def _unfilled(value: Any) -> Iterator[Unfilled]:
    if isinstance(value, Unfilled):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _unfilled(inner)


def _refuse_unknown(values: Mapping[str, Any], origin: str) -> None:
    for key in values:
        if key not in KNOWN_KEYS:
            raise SettingsError(f"{origin}: unknown setting {key!r}{nearest(str(key), KNOWN_KEYS)}")


def is_among(source_id: str, patterns: Iterable[str]) -> bool:
    """Whether the sources that settings name, with * and ? allowed, have this one."""
    return any(fnmatchcase(source_id, pattern) for pattern in patterns)


def nearest(name: str, known: "list[str] | tuple[str, ...]") -> str:
    """`; did you mean 'limits'?`, or what there is to choose from."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(sorted(known))}"


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    complaints = error.errors(include_url=False)
    # A list whose only entry is wrong is also called too short: no news.
    news = [
        one for one in complaints if one["type"] != "too_short" or not any(_below(one, other) for other in complaints)
    ]
    return "; ".join(_complaint(one, model) for one in news[:5])


def _below(one: Any, other: Any) -> bool:
    return len(other["loc"]) > len(one["loc"]) and other["loc"][: len(one["loc"])] == one["loc"]


def _complaint(one: Any, model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in one["loc"]) or "settings"
    if one["type"] == "extra_forbidden":
        return f"unknown setting {where!r}{nearest(str(one['loc'][-1]), sorted(_names_there(model, one['loc'][:-1])))}"
    if one["type"] in ("union_tag_invalid", "union_tag_not_found"):
        context = one["ctx"]
        expected = context.get("expected_tags", "").replace("'", "").split(", ")
        tag = str(context.get("tag", ""))
        if tag and expected != [""]:
            return f"{where}: unknown type {tag!r}{nearest(tag, expected)}"
        return f"{where}: {one['msg']}"
    if one.get("input") is None and one["type"] in _SECTION_DUE:
        return f"{where}: nothing stands below it; expected {_SECTION_DUE[one['type']]}, or leave the line out"
    if one["type"] in _SECTION_DUE:
        return f"{where}: expected {_SECTION_DUE[one['type']]}, got {_shown(one, model)}"
    if one["type"] == "string_type" and isinstance(one.get("input"), int | float | date):
        return f"{where}: expected text, got {_shown(one, model)}: write it in quotes"
    # A validator of ours says itself what it got, and a missing setting has nothing to show.
    shown = "" if one["type"] in ("missing", "value_error") else f", got {_shown(one, model)}"
    return f"{where}: {one['msg'].removeprefix('Value error, ')}{shown}"


def _shown(one: Any, model: type[BaseModel]) -> str:
    """What stood there, as far as it can be shown: no secret, and of a list or mapping only that it is one."""
    value = one.get("input")
    secrets = _secret_names(model)
    if any(part in secrets or _SECRET.search(str(part)) for part in one["loc"]):
        return MASK
    if isinstance(value, int | float | None):
        return repr(value)
    # Text in the place of a whole section may be the secret that belongs into it.
    if one["type"] in _SECTION_DUE or not isinstance(value, str):
        return _KINDS.get(type(value).__name__, type(value).__name__)
    return repr(_without_credentials(value))[:120]


def _names_there(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """Field names at a place of the settings; all that there are, where the place cannot be followed."""
    schema = model.model_json_schema()
    places = _alternatives(schema, schema)
    for part in loc:
        places = [
            other for place in places for below in _below_part(place, part) for other in _alternatives(below, schema)
        ]
    return {name for place in places for name in place.get("properties", {})} or _all_names(model)


def _alternatives(place: Any, schema: Any) -> list[Any]:
    """What a value may be there, references followed."""
    if "$ref" in place:
        return _alternatives(schema["$defs"][place["$ref"].rpartition("/")[2]], schema)
    either = [*place.get("anyOf", ()), *place.get("oneOf", ()), *place.get("allOf", ())]
    return [one for other in either for one in _alternatives(other, schema)] if either else [place]


def _below_part(place: Any, part: int | str) -> list[Any]:
    """One step of a complaint's place: an index, a field, a key of a mapping, or the type that a section names."""
    if isinstance(part, int):
        return [place["items"]] if isinstance(place.get("items"), dict) else []
    properties = place.get("properties", {})
    if part in properties:
        return [properties[part]]
    if properties.get("type", {}).get("const") == part:
        return [place]
    return [place["additionalProperties"]] if isinstance(place.get("additionalProperties"), dict) else []


def _all_names(model: type[BaseModel]) -> set[str]:
    """Field names of a model and of the models inside it."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}


def _secret_names(model: type[BaseModel]) -> set[str]:
    """Names of the fields, at any depth, whose type is a secret."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    fields = (field for part in parts for field in part.get("properties", {}).items())
    return {name for name, field in fields if '"format": "password"' in json.dumps(field)}
