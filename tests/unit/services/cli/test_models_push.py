"""push, list, rollback: what goes live, what is refused before it could, and what a person is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.__main__ import app
from services.inference.models.releases import Releases
from services.inference.models.running import Report, RunningModel
from shared.adapters.embedded.file_images import FileImages
from tests.unit.services.cli.conftest import Gleaner, Site, as_json
from tests.unit.services.sampler.making import jpeg
from tests.unit.shared.models.built_models import classifier, detector

TROLLEYS = {"names": "{0: 'cart', 1: 'person', 2: 'trolley'}"}


@pytest.fixture
def first(folder: Path) -> Path:
    return detector(folder / "first.onnx")


@pytest.fixture
def second(folder: Path) -> Path:
    return detector(folder / "second.onnx", width=12)


def settings(folder: Path, **values: Any) -> Path:
    path = folder / "gleaner.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def releases(folder: Path, model_id: str) -> Releases:
    return Releases(FileImages(folder / "gleaner-data" / "images"), model_id)


def live(folder: Path, model_id: str) -> str | None:
    release = releases(folder, model_id).live()
    return release.version if release else None


def test_a_push_is_live_under_the_files_name(gleaner: Gleaner, folder: Path, first: Path) -> None:
    told = as_json(gleaner("models", "push", first, "--yes", "--json", "--note", "the first"))
    assert told == {"model_id": "first", "version": told["version"], "live": told["version"], "new": True}
    assert live(folder, "first") == told["version"]
    (model,) = as_json(gleaner("models", "list", "--json"))
    (release,) = model["releases"]
    assert (release["live"], release["by"], release["note"]) == (True, "push", "the first")
    assert f"{told['version']} of first is live already" in gleaner("models", "push", first).stdout


def test_the_settings_id_is_the_usual_one(gleaner: Gleaner, folder: Path, first: Path) -> None:
    settings(folder, model={"id": "doors"})
    assert "of doors is live" in gleaner("models", "push", first, "--yes").stdout
    assert as_json(gleaner("models", "push", first, "--yes", "--json", "--id", "other"))["model_id"] == "other"


def test_it_says_who_takes_it_over(gleaner: Gleaner, folder: Path, first: Path) -> None:
    """A service whose settings name a file runs that file."""
    assert "these name no model" in gleaner("models", "push", first, "--id", "doors", "--now").stdout
    settings(folder, model={"path": "first.onnx"})
    gleaner("models", "push", detector(folder / "next.onnx", width=6), "--id", "doors", "--now")
    said = gleaner("models", "rollback").stdout
    assert "it runs where the settings say `model: {id: doors}`; these name first.onnx" in said
    settings(folder, model={"path": "first.onnx"}, shadow={"id": "doors"})
    said = gleaner("models", "rollback", "--to", releases(folder, "doors").history()[1].version).stdout
    assert "services take it over within model.check_every_s" in said


def test_it_asks_first_and_no_is_no(folder: Path, first: Path, second: Path, gleaner: Gleaner) -> None:
    as_json(gleaner("models", "push", first, "--id", "doors", "--yes", "--json"))
    before = live(folder, "doors")
    said = CliRunner().invoke(app, ["models", "push", str(second), "--id", "doors"], input="n\n")
    assert (said.exit_code, live(folder, "doors")) == (1, before)
    assert "not released" in said.stderr
    assert "nobody has judged a frame yet" in said.stdout
    said = CliRunner().invoke(app, ["models", "push", str(second), "--id", "doors"], input="y\n")
    assert (said.exit_code, live(folder, "doors") == before) == (0, False)


def test_json_carries_the_comparison(gleaner: Gleaner, first: Path, second: Path, site: Site) -> None:
    as_json(gleaner("models", "push", first, "--id", "doors", "--yes", "--json"))
    told = as_json(gleaner("models", "push", second, "--id", "doors", "--yes", "--json"))
    assert told["comparison"]["asked"] == 0
    again = as_json(gleaner("models", "push", first, "--id", "doors", "--now", "--json"))
    assert "comparison" not in again


def test_what_cannot_run_is_not_released(gleaner: Gleaner, folder: Path) -> None:
    broken = folder / "broken.onnx"
    broken.write_bytes(b"\x08\x07 no model")
    said = gleaner("models", "push", broken, "--yes")
    assert said.exit_code == 2
    assert f"{broken} is no ONNX model" in said.stderr, "the name that the user typed, not the copy's"
    assert gleaner("models", "push", folder / "nix.onnx", "--yes").exit_code == 2
    assert live(folder, "broken") is None


def test_a_model_for_another_task_needs_an_id_of_its_own(gleaner: Gleaner, folder: Path, first: Path) -> None:
    assert gleaner("models", "push", first, "--id", "doors", "--yes").exit_code == 0
    before = live(folder, "doors")
    sorting = classifier(folder / "sorting.onnx")
    said = gleaner("models", "push", sorting, "--id", "doors", "--now")
    assert said.exit_code == 2
    assert "is made to detect, this one to classify: push it under an id of its own" in said.stderr
    assert live(folder, "doors") == before
    assert gleaner("models", "push", sorting, "--id", "sorting", "--now").exit_code == 0


def test_classes_that_the_settings_do_not_find(gleaner: Gleaner, folder: Path, first: Path) -> None:
    strategy = {"type": "close_to_threshold", "epsilon": 0.1, "selected_class_names": ["crate", "cart"]}
    settings(folder, model={"id": "doors", "class_thresholds": {"crate": 0.3}}, strategies=[strategy])
    assert gleaner("models", "push", first, "--yes").exit_code == 0
    renamed = detector(folder / "renamed.onnx", metadata=TROLLEYS)
    said = gleaner("models", "push", renamed, "--now")
    assert said.exit_code == 2
    for text in (
        "no class 'crate'",
        "model (class_thresholds) and the strategy close_to_threshold (selected_class_names)",
        "New in it: trolley",
    ):
        assert text in said.stderr
    assert live(folder, "doors") == as_json(gleaner("models", "list", "--json"))[0]["releases"][0]["version"]


def test_a_shadows_classes_bind_nobody_else(gleaner: Gleaner, folder: Path) -> None:
    strategy = {"type": "close_to_threshold", "epsilon": 0.1, "selected_class_names": ["crate"]}
    shadow = {"id": "next", "class_thresholds": {"trolley": 0.2}}
    settings(folder, model={"id": "doors"}, shadow=shadow, strategies=[strategy])
    renamed = detector(folder / "renamed.onnx", metadata=TROLLEYS)
    assert gleaner("models", "push", renamed, "--id", "next", "--yes").exit_code == 0
    assert gleaner("models", "push", detector(folder / "old.onnx"), "--id", "next", "--yes").exit_code == 2


def test_other_classes_that_nobody_uses_are_told(gleaner: Gleaner, folder: Path, first: Path) -> None:
    gleaner("models", "push", first, "--id", "doors", "--yes")
    renamed = detector(folder / "renamed.onnx", metadata=TROLLEYS)
    said = gleaner("models", "push", renamed, "--id", "doors", "--yes")
    assert (said.exit_code, "gone: crate; new: trolley" in said.stderr) == (0, True)


def test_rollback_twice_goes_back_two(gleaner: Gleaner, folder: Path, first: Path, second: Path) -> None:
    third = detector(folder / "third.onnx", width=6)
    for path in (first, second, third):
        gleaner("models", "push", path, "--id", "doors", "--now")
    newest_first = [one["version"] for one in as_json(gleaner("models", "list", "--json"))[0]["releases"]]
    assert (
        as_json(gleaner("models", "rollback", "--json", "--note", "too many false alarms"))["live"] == newest_first[1]
    )
    assert f"{newest_first[2]} of doors is live" in gleaner("models", "rollback", "doors").stdout
    assert gleaner("models", "rollback").exit_code == 2
    assert as_json(gleaner("models", "rollback", "--to", newest_first[0][:5], "--json"))["live"] == newest_first[0]
    assert "too many false alarms" in gleaner("models", "list").stdout


def test_a_rollback_must_fit_the_settings_too(gleaner: Gleaner, folder: Path, first: Path) -> None:
    gleaner("models", "push", first, "--id", "doors", "--now")
    gleaner("models", "push", detector(folder / "new.onnx", metadata=TROLLEYS), "--id", "doors", "--now")
    settings(folder, model={"id": "doors", "class_thresholds": {"trolley": 0.3}})
    said = gleaner("models", "rollback")
    assert (said.exit_code, "no class 'trolley'" in said.stderr) == (2, True)


def test_which_model_is_asked(gleaner: Gleaner, first: Path) -> None:
    assert "no data yet" in gleaner("models", "rollback").stderr
    gleaner("models", "push", first, "--id", "a", "--now")
    gleaner("models", "push", first, "--id", "b", "--now")
    said = gleaner("models", "rollback").stderr
    assert "which model?" in said
    assert "a, b" in said
    assert gleaner("models", "push", first, "--id", "no spaces").exit_code == 2


def test_list_shows_who_runs_what(gleaner: Gleaner, folder: Path, first: Path) -> None:
    gleaner("models", "push", first, "--id", "doors", "--now")
    images = FileImages(folder / "gleaner-data" / "images")
    fine = Report(images, "doors", "live")
    fine.write(RunningModel(instance=fine.instance, version="aaaaaaaaaaaa", refused="bbbbbbbbbbbb", why="cannot run"))
    stale = RunningModel(instance="gone-7", version="aaaaaaaaaaaa", written_at="2026-01-01T00:00:00+00:00")
    images.put("models/doors/running/gone-7.json", stale.model_dump_json().encode(), "application/json")
    images.put("models/doors/running/junk.json", b"{", "application/json")
    said = gleaner("models", "list", "doors").stdout
    for text in ("not heard of since 2026-01-01", "refuses a newer one", "refused bbbbbbbbbbbb: cannot run"):
        assert text in said
    (told,) = json.loads(gleaner("models", "list", "--json").stdout)
    assert [one["stale"] for one in sorted(told["running"], key=lambda one: str(one["instance"]))] == [True, False]


def test_status_shows_who_runs_what(gleaner: Gleaner, folder: Path, first: Path, site: Site) -> None:
    assert as_json(gleaner("status", "--json"))["models"] == {}
    gleaner("models", "push", first, "--id", "doors", "--now")
    report = Report(FileImages(folder / "gleaner-data" / "images"), "doors", "live")
    report.write(RunningModel(instance=report.instance, version="aaaaaaaaaaaa", provider="cpu"))
    assert [one["version"] for one in as_json(gleaner("status", "--json"))["models"]["doors"]] == ["aaaaaaaaaaaa"]
    assert "Running doors" in gleaner("status", "--no-counts").stdout


def test_status_shows_how_far_behind_the_shadow_is(gleaner: Gleaner, folder: Path, site: Site) -> None:
    settings(folder, shadow={"id": "next"})
    site.frame()
    assert "inference-shadow-next 1 records" in gleaner("status", "--no-counts").stdout


def test_a_dry_run_looks_with_what_was_released(gleaner: Gleaner, folder: Path, first: Path) -> None:
    settings(folder, model={"id": "doors", "threshold": 0.02, "lowest_confidence": 0.01})
    (folder / "door").mkdir()
    for seed in range(3):
        (folder / "door" / f"{seed}.jpg").write_bytes(jpeg(seed))
    said = gleaner("run", "door", "--dry-run")
    assert (said.exit_code, "no data yet" in said.stderr) == (2, True)
    (folder / "gleaner-data").mkdir()
    assert "nothing was pushed as doors yet" in gleaner("run", "door", "--dry-run").stderr
    gleaner("models", "push", first, "--now")
    said = gleaner("run", "door", "--dry-run")
    assert (said.exit_code, "nothing was sent" in said.stdout) == (0, True), said.output


def test_a_broken_live_version_does_not_keep_out_the_one_that_mends_it(
    gleaner: Gleaner, folder: Path, first: Path
) -> None:
    (folder / "gleaner-data").mkdir()
    releases(folder, "doors").release("dddddddddddd", "push")
    said = gleaner("models", "push", first, "--id", "doors", "--yes")
    assert (said.exit_code, "not compared: " in said.stderr) == (0, True)
    assert live(folder, "doors") != "dddddddddddd"
