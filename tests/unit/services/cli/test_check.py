from pathlib import Path

import pytest

from tests.unit.services.cli.conftest import Gleaner, as_json

CANARY = "canary-3f9a1c-never-shown"


def test_the_defaults_are_fine_without_a_model(gleaner: Gleaner, folder: Path) -> None:
    result = gleaner("check")
    assert result.exit_code == 0
    assert result.stdout.endswith("OK\n")
    assert "no model yet" in result.stdout
    assert list(folder.iterdir()) == [], "check opens nothing"


def test_each_value_says_where_it_comes_from(gleaner: Gleaner, folder: Path) -> None:
    (folder / "best.onnx").write_bytes(b"check looks at the beginning alone")
    (folder / "gleaner.yaml").write_text(
        "site: north\nbackend: {type: embedded, folder: data}\nmodel: {path: best.onnx, threshold: 0.4}\n"
    )
    told = as_json(gleaner("check", "--json"))
    values = {value["name"]: (value["value"], value["origin"]) for value in told["values"]}
    assert values["site"] == ("north", "gleaner.yaml")
    assert values["backend.folder"] == ("data", "gleaner.yaml")
    assert values["model.threshold"] == ("0.4", "gleaner.yaml")
    assert values["timezone"] == ("UTC", "default")
    assert values["feedback.port"] == ("8080", "default")
    assert (told["notes"], told["problems"]) == ([], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stratgies: []\n", "did you mean 'strategies'?"),
        ("feedback: {prot: 1}\n", "did you mean 'port'?"),
        ("strategies: [{type: randon, fraction: 0.1}]\n", "did you mean 'random'?"),
        ("timezone: Mars/Olympus\n", "expected an IANA time zone"),
        ("model: {path: a.onnx, threshold: 7}\n", "model.threshold"),
        ("destinations: [{type: dataset, name: a}, {type: dataset, name: a}]\n", "destinations"),
        ("limits: [{most: 0, per: day}]\n", "limits.0.most"),
        ("\t\x01", "no YAML"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_exit_code_1(gleaner: Gleaner, folder: Path, text: str, said: str) -> None:
    (folder / "gleaner.yaml").write_text(text)
    result = gleaner("check")
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "OK" not in result.stdout
    assert said in "".join(gleaner("check", "--json").stdout.replace("\\n", " ").splitlines())


@pytest.mark.parametrize("backend", ["embedded", "cluster"])
def test_a_model_that_is_no_onnx_is_a_problem(gleaner: Gleaner, folder: Path, backend: str) -> None:
    (folder / "best.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    (folder / "gleaner.yaml").write_text(f"model: {{path: best.tflite}}\nbackend: {{type: {backend}}}\n")
    result = gleaner("check")
    assert result.exit_code == 1
    assert "tf2onnx.convert --tflite best.tflite --output best.onnx" in result.stderr


def test_a_model_that_lies_elsewhere_is_no_problem_of_a_clusters(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text("model: {path: /models/best.onnx}\nbackend: {type: cluster}\n")
    assert gleaner("check").exit_code == 0
    (folder / "gleaner.yaml").write_text("model: {path: best.onnx}\n")
    assert "there is no best.onnx" in gleaner("check").stderr


def test_a_shadow_is_checked_and_shown_too(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text("model: none\nshadow: {id: next, fraction: 0.1}\n")
    shown = gleaner("check").stdout
    assert ["shadow.fraction", "0.1", "gleaner.yaml"] in [line.split() for line in shown.splitlines()]
    (folder / "gleaner.yaml").write_text("model: {id: doors}\nshadow: {id: doors, fraction: 0.1}\n")
    assert "shadow.id: expected an id of its own, got 'doors'" in gleaner("check").stderr
    (folder / "gleaner.yaml").write_text("shadow: {id: next, fraction: 1.5}\n")
    assert "shadow.fraction" in gleaner("check").stderr


def test_all_problems_are_told_at_once(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text("timezone: Nowhere\nfeedback: {port: -1}\nmodel: {path: a.onnx, iou: 9}\n")
    said = gleaner("check").stderr
    for name in ("timezone", "feedback.port", "model.iou"):
        assert name in said


def test_a_missing_file_is_exit_code_1(gleaner: Gleaner) -> None:
    result = gleaner("--settings", "nowhere.yaml", "check")
    assert result.exit_code == 1
    assert "cannot read the settings file" in result.stderr


SECRETS = [
    f'salt: "{CANARY}\n',
    f"salt: {CANARY}\n",
    f"salt: [{CANARY}]\n",
    "salt: ${CANARY}\n",
    "salt_file: secret.txt\n",
    f"feedback: {{api_keys: {{app: {CANARY}}}}}\n",
    f"feedback: {{api_keys: {{app: [{CANARY}]}}}}\n",
    f"feedback: {{api_keys: {{app: {CANARY}}}, prot: 1}}\n",
    f"feedback: {{api_keys: {CANARY}}}\n",
    f"backend: {{type: cluster, redis: 'redis://:{CANARY}@cache.example:6379/0', s3_secret_key: {CANARY}}}\n",
    f"backend: {{type: cluster, s3_access_key: {CANARY}, s3: 'http://user:{CANARY}@store.example'}}\n",
    f"backend: {{type: cluster, s3_secret_key: [{CANARY}]}}\n",
    f"backend: {{type: cluster, s3_secret_key: {CANARY}, s3_bucket: [1]}}\n",
    f"backend: {{type: clutser, s3_secret_key: {CANARY}}}\n",
    f"backend: {{type: cluster, redis: ['redis://:{CANARY}@cache.example']}}\n",
    f"destinations: [{{type: roboflow, api_key: {CANARY}, project: a}}]\n",
    f"destinations: [{{type: roboflow, api_key: [{CANARY}], project: a}}]\n",
    f"destinations: {{type: roboflow, api_key: {CANARY}}}\n",
    f"destinations: [{{type: robofow, api_key: {CANARY}}}]\n",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_ever_shown(
    gleaner: Gleaner, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    (folder / "secret.txt").write_text(CANARY)
    (folder / "gleaner.yaml").write_text(text)
    result = gleaner("check", *options)
    assert result.exit_code in (0, 1), result.output
    assert CANARY not in result.output
    assert "canary-3f9" not in result.output
