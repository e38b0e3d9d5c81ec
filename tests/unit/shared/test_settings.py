"""Settings: taken whole or refused with the place and the nearest name; a secret is never shown, whatever goes wrong."""

import os
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from services.feedback.config import FeedbackConfig
from services.inference.config import InferenceConfig, ShadowsConfig
from services.sampler.config import SamplerConfig
from services.sources.config import SourcesConfig
from services.uploader.config import UploaderConfig
from shared.errors import SettingsError
from shared.settings import DECIDING_KEYS, KNOWN_KEYS, MASK, ClusterBackend, Common, Config, Settings, load, masked

CANARY = "canary-Zk81"
EVERY_CONFIG: tuple[type[Config], ...] = (
    Common,
    SourcesConfig,
    InferenceConfig,
    ShadowsConfig,
    SamplerConfig,
    FeedbackConfig,
    UploaderConfig,
)
ROBOFLOW = {"type": "roboflow", "api_key": CANARY, "project": "porch"}


def written(tmp_path: Path, text: str, **env: str) -> Settings:
    path = tmp_path / "gleaner.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, env=env)


# the file ------------------------------------------------------------------------------------------------------------
def test_without_a_file_everything_has_a_default() -> None:
    settings = load()
    assert settings.common == Common()
    assert (settings.origin, settings.values) == ("defaults", {})


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert written(tmp_path, "# nothing yet\n").common == Common()


def test_what_is_laid_over_wins(tmp_path: Path) -> None:
    (tmp_path / "gleaner.yaml").write_text("site: file\nprefix: p-\n")
    common = load(tmp_path / "gleaner.yaml", overrides={"site": "command line"}).common
    assert (common.site, common.prefix) == ("command line", "p-")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("site: a\n\tprefix: b", "line 2, column 1: .*indent with spaces, not tabs"),
        ("- site", "expected keys and values at the top, got list"),
        ("just words", "expected keys and values at the top, got str"),
        ("site: [a", "line 1, column"),
        ("health: {port: 1\nsite: [", "line 2, column 5: expected ',' or '}', but got ':'"),
        ("site: a\nsite: b", "the key site stands twice"),
        ("limits:\n- {most: 1, per: day, most: 2}", "line 2, column 3: the key most stands twice"),
        ("site: !!python/object/apply:os.getcwd []", "line 1"),
        ("limts: []", "unknown setting 'limts'; did you mean 'limits'"),
        ("strateges: []", "did you mean 'strategies'"),
        ("zzz: 1", "unknown setting 'zzz'; known are: backend, "),
        ("1: 2", "unknown setting '1'"),
        ("sources: &a [*a]", "line 1, column 10: it holds itself"),
        ("backend: &a {type: *a}", "line 1, column 10: it holds itself"),
        ("sources: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 12)]), "250,000 values"),
        ("site: " + "a" * 4_000_000, "at most 4,000,000 characters"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=rf"gleaner\.yaml.*{says}"):
        written(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*none\.yaml: No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="no UTF-8 text"):
        load(tmp_path / "binary.yaml")


# variables and secret files ------------------------------------------------------------------------------------------
def test_variables_are_filled_in_anywhere(tmp_path: Path) -> None:
    text = "site: ${SITE}\ndestinations:\n- {type: roboflow, api_key: '${KEY}', project: 'a-${SITE}-${NONE:-z}'}\n"
    settings = written(tmp_path, text, SITE="porch", KEY=CANARY)
    assert settings.values["site"] == "porch"
    assert settings.values["destinations"] == [{"type": "roboflow", "api_key": CANARY, "project": "a-porch-z"}]


def test_what_a_variable_holds_is_not_filled_in_again(tmp_path: Path) -> None:
    assert written(tmp_path, "site: ${A}", A="${B}").values["site"] == "${B}"


@pytest.mark.parametrize(("text", "site"), [("${A:-x}", "x"), ("${A:-}", ""), ("$A", "$A"), ("${B:-x}", "set")])
def test_a_default_stands_in_for_a_variable(tmp_path: Path, text: str, site: str) -> None:
    assert written(tmp_path, f"site: '{text}'", B="set").values["site"] == site


def test_a_missing_variable_is_named_with_its_place(tmp_path: Path) -> None:
    settings = written(tmp_path, "{site: lab, feedback: {api_keys: {app: 'a-${APP_KEY}'}}}")
    with pytest.raises(SettingsError, match=r"gleaner\.yaml: feedback: api_keys: app needs .* variable APP_KEY"):
        settings.read(FeedbackConfig)
    assert settings.common.site == "lab", "a variable that this service does not read is another's business"


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    settings = written(tmp_path, "salt_file: ${DIR}/key", DIR=str(tmp_path))
    assert settings.values == {"salt": CANARY}
    with pytest.raises(SettingsError, match=r"salt_file names .*/none, which cannot be read"):
        written(tmp_path, f"salt_file: {tmp_path}/none").read(Common)
    with pytest.raises(SettingsError, match=r"salt_file needs .* variable DIR"):
        written(tmp_path, "salt_file: ${DIR}/key").read(Common)


# what a service reads ------------------------------------------------------------------------------------------------
def test_known_keys_are_those_that_some_service_reads() -> None:
    assert {*KNOWN_KEYS} - {"salt_file"} == {name for config in EVERY_CONFIG for name in config.model_fields}
    assert len(KNOWN_KEYS) == len(set(KNOWN_KEYS))


@pytest.mark.parametrize("config", EVERY_CONFIG)
def test_every_setting_below_the_top_level_is_described_or_speaks_for_itself(config: type[Config]) -> None:
    assert config.__doc__
    assert config.model_config.get("extra") == "forbid"
    assert config.model_config.get("frozen") is True


@pytest.mark.parametrize(
    ("config", "values", "says"),
    [
        (Common, {"health": {"prot": 1}}, "unknown setting 'health.prot'; did you mean 'port'?"),
        (Common, {"backend": {"type": "clutser"}}, "did you mean 'cluster'?"),
        (SamplerConfig, {"strategies": [{"type": "randm"}]}, "strategies.0: .*did you mean 'random'\\?$"),
        (SamplerConfig, {"strategies": [{"type": "random", "fracton": 1}]}, "did you mean 'fraction'"),
        (UploaderConfig, {"destinations": [{"type": "robofow"}]}, "did you mean 'roboflow'"),
        (Common, {"timezone": "Mars/Olympus"}, "timezone: expected an IANA time zone .*, got 'Mars/Olympus'$"),
        (Common, {"health": {"port": 70_000}}, "health.port: .* less than or equal to 65535, got 70000"),
        (Common, {"site": ["a"]}, "site: .*got a list"),
        (Common, {"references": {"buckets": ["s3://cameras"]}}, r"references\.buckets\.0: .*got 's3://cameras'$"),
        (
            Common,
            {"references": {"bucket": ["cameras"]}},
            r"unknown setting 'references\.bucket'; did you mean 'buckets'",
        ),
        (Common, {"backend": {}}, "backend: Unable to extract tag using discriminator 'type'"),
        (InferenceConfig, {}, "model: Field required$"),
        (InferenceConfig, {"model": None}, "model: nothing stands below it; expected settings, or the word none$"),
        (SamplerConfig, {"strategies": None}, "strategies: nothing stands below it; expected a list"),
        (SourcesConfig, {"sources": {"door": 0}}, "sources.door: expected settings, got 0$"),
        (SourcesConfig, {"sources": ["rtsp://a/b"]}, "sources: expected settings, got a list$"),
        (
            SourcesConfig,
            {"sources": {"door": {"url": "rtsp://a/b", "password": 1234}}},
            r"sources.door.password: expected text, got \*+: write it in quotes$",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(config: type[Config], values: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        load(overrides=values).read(config)


def test_the_version_names_what_decides_and_no_endpoint() -> None:
    plain = load().version
    assert load(overrides={"site": "porch", "salt": CANARY, "backend": {"type": "cluster"}}).version == plain
    assert load(overrides={"strategies": [{"type": "random", "fraction": 0.5}]}).version != plain
    assert len(plain) == 12


def test_everything_that_decides_changes_the_version() -> None:
    changed = {load(overrides={key: "another"}).version for key in DECIDING_KEYS}
    assert len(changed) == len(DECIDING_KEYS)
    assert load().version not in changed
    assert {*DECIDING_KEYS} >= {*SamplerConfig.model_fields} - {"destinations"}


def test_of_destinations_the_names_alone_decide() -> None:
    first, other = (load(overrides={"destinations": [{**ROBOFLOW, "api_key": key}]}) for key in ("k1", "k2"))
    assert first.version == other.version != load().version
    named = load(overrides={"destinations": [{**ROBOFLOW, "name": "mine"}, {"type": "dataset"}, "odd"]})
    assert named.destination_names == ["mine", "dataset", "odd"]
    assert named.version != first.version


def test_what_was_laid_over_lies_over_the_file_as_it_is_later_too(tmp_path: Path) -> None:
    settings = written(tmp_path, "{site: '${SITE}', prefix: p-}", SITE="porch")
    laid = settings.laid_over(lambda values: {**values, "prefix": f"{values['prefix']}x-"})
    assert (laid.common.site, laid.common.prefix) == ("porch", "p-x-")
    (tmp_path / "gleaner.yaml").write_text("{site: 'new ${SITE}', prefix: q-}")
    assert (laid.common.prefix, laid.reread().common.prefix, laid.reread().common.site) == ("p-x-", "q-x-", "new porch")
    (tmp_path / "gleaner.yaml").write_text("pref: q-")
    with pytest.raises(SettingsError, match="did you mean 'prefix'"):
        laid.reread()


# secrets -------------------------------------------------------------------------------------------------------------
LEAKS: list[tuple[type[Config], dict[str, Any]]] = [
    (Common, {"salt": [CANARY]}),
    (Common, {"salt": {"deep": CANARY}}),
    (Common, {"backend": f"redis://me:{CANARY}@store"}),
    (Common, {"backend": {"redis": CANARY}}),
    (Common, {"backend": {"type": "cluster", "redis": [CANARY]}}),
    (Common, {"backend": {"type": "cluster", "redis": {"url": CANARY}}}),
    (Common, {"backend": {"type": "cluster", "s3_secretkey": CANARY}}),
    (Common, {"backend": {"type": "cluster", "s3_secret_key": CANARY, "s3_region": 7}}),
    (UploaderConfig, {"destinations": CANARY}),
    (UploaderConfig, {"destinations": ROBOFLOW}),
    (UploaderConfig, {"destinations": [CANARY]}),
    (UploaderConfig, {"destinations": [{"api_key": CANARY}]}),
    (UploaderConfig, {"destinations": [{"type": "roboflow", "api_key": CANARY}]}),
    (UploaderConfig, {"destinations": [{**ROBOFLOW, "base_url": f"ftp://me:{CANARY}@host"}]}),
    (UploaderConfig, {"destinations": [{**ROBOFLOW, "base_url": f"host?api_key={CANARY}"}]}),
    (UploaderConfig, {"destinations": [ROBOFLOW, ROBOFLOW]}),
    (FeedbackConfig, {"feedback": [CANARY]}),
    (FeedbackConfig, {"feedback": {"api_keys": [CANARY]}}),
    (FeedbackConfig, {"feedback": {"api_keys": {"app": f"{CANARY} with a space"}}}),
    (FeedbackConfig, {"feedback": {"api_keys": {"app": CANARY, "other": CANARY}}}),
    (FeedbackConfig, {"feedback": {"api_keys": {"app": CANARY}, "port": "door"}}),
]


@pytest.mark.parametrize(("config", "values"), LEAKS)
def test_no_refusal_shows_a_secret_nor_does_its_traceback(config: type[Config], values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        load(overrides=values).read(config)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "text",
    [
        f"salt: {CANARY}\n\tx: y",
        f"salt: '{CANARY}\nsite: x",
        f"salt: *{CANARY}",
        f"salt: !{CANARY} x",
        f"salt: [{CANARY}",
    ],
)
def test_a_file_that_is_no_yaml_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        written(tmp_path, text)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


SECRETS: list[Any] = [
    {"salt": CANARY},
    {"destinations": [{"api_key": CANARY}, {"deeper": [{"password": CANARY}]}]},
    {"tokens": [CANARY, [CANARY]]},
    {"api_keys": {"app": CANARY}},
    {"secret": {"of": {"anything": [CANARY]}}},
    {"headers": {"Authorization": f"Bearer {CANARY}"}},
    f"redis://me:{CANARY}@store:6379/0",
    [
        f"http://{CANARY}@store",
        f"http://me:{CANARY}/with/slashes@store",
        f"http://me:{CANARY}@with@at@store",
        f"rtsp://me:a {CANARY}@store",
    ],
    {"hook": f"https://host/hook?a=b&token={CANARY}&c=d"},
    SecretStr(CANARY),
    (SecretStr(CANARY), {"plain": SecretStr(CANARY)}),
    ClusterBackend(
        type="cluster", redis=SecretStr(CANARY), s3_access_key=SecretStr(CANARY), s3=f"http://{CANARY}@host"
    ),
    {"sha": {"model": ClusterBackend(type="cluster", s3_secret_key=SecretStr(CANARY))}},
]


@pytest.mark.parametrize("value", SECRETS)
def test_what_is_shown_is_masked(value: Any) -> None:
    shown = repr(masked(value))
    assert CANARY not in shown
    assert MASK in shown


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    plain = {"site": "porch", "port": 7, "none": None, "list": [1.5, "http://store:9000/a"], "token": "", "salt": None}
    assert masked(plain) == plain
    assert masked({"hook": "https://host/a?b=c&token=d&e=f"}) == {"hook": f"https://host/a?b=c&token={MASK}&e=f"}
    assert masked({"api_keys": {"app": CANARY}}) == {"api_keys": {"app": MASK}}, "the callers' names are no secret"


@pytest.mark.parametrize("config", EVERY_CONFIG)
def test_masked_settings_can_be_printed_for_every_service(config: type[Config]) -> None:
    values = {
        "model": {"path": "best.onnx"},
        "salt": CANARY,
        "destinations": [ROBOFLOW],
        "feedback": {"api_keys": {"app": CANARY}},
        "backend": {"type": "cluster", "redis": f"redis://:{CANARY}@h", "s3_secret_key": CANARY},
    }
    read: BaseModel = load(overrides=values).read(config)
    assert CANARY not in repr(masked(read))
    assert CANARY not in repr(read), "a settings model that is logged by mistake shows nothing either"


def test_the_environment_is_the_default_source_of_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GLEANER_TEST_SITE", "porch")
    (tmp_path / "gleaner.yaml").write_text("site: ${GLEANER_TEST_SITE}")
    assert load(tmp_path / "gleaner.yaml").common.site == "porch"
