"""`gleaner run`: what lies over the settings, and what is drawn of files, which end, where budgets count days."""

from functools import partial
from pathlib import Path

import pytest

from services.cli.run import FOR_FILES, Words, over
from services.sampler.config import SamplerConfig
from shared.settings import Settings, load
from tests.unit.services.cli.conftest import Gleaner
from tests.unit.services.sampler.making import jpeg
from tests.unit.shared.models.built_models import detector

SAID = "no settings file, and files end"


@pytest.fixture
def desk(folder: Path) -> Path:
    """A model and some pictures."""
    detector(folder / "best.onnx")
    (folder / "pictures").mkdir()
    for seed in range(4):
        (folder / "pictures" / f"{seed}.jpg").write_bytes(jpeg(seed))
    return folder


def first_words(text: str) -> set[str]:
    return {line.split()[0] for line in text.splitlines() if line.strip()}


def test_shares_for_files_are_settings_as_any_others() -> None:
    config = Settings(FOR_FILES).read(SamplerConfig)
    assert [strategy.fixed for strategy in config.strategies] == [0.01, 0.2]
    assert [strategy.floor for strategy in config.strategies] == [True, False]


def test_of_files_without_settings_shares_are_kept(gleaner: Gleaner, desk: Path) -> None:
    ran = gleaner("run", "--dry-run", "--model", "best.onnx", "pictures")
    assert ran.exit_code == 0, ran.output
    assert SAID in ran.stderr
    assert {"random", "close_to_threshold"} <= first_words(ran.stdout)
    assert "uncertain" not in first_words(ran.stdout)


def test_a_settings_file_means_what_it_says(gleaner: Gleaner, desk: Path) -> None:
    (desk / "gleaner.yaml").write_text("model: {path: best.onnx}\n")
    ran = gleaner("run", "--dry-run", "pictures")
    assert ran.exit_code == 0, ran.output
    assert SAID not in ran.stderr
    assert {"random", "uncertain", "temporal"} <= first_words(ran.stdout)
    assert "as if all sources together gave 30 frames a second" in ran.stdout


def test_of_files_budgets_keep_hardly_any_and_that_is_said(gleaner: Gleaner, desk: Path) -> None:
    (desk / "gleaner.yaml").write_text("model: {path: best.onnx}\n")
    ran = gleaner("run", "pictures")
    assert ran.exit_code == 0, ran.output
    assert "files end: few of their frames are kept, or none" in ran.stderr.replace("\n", " ")


def test_the_command_line_lies_over_a_file_that_changes_too(desk: Path) -> None:
    (desk / "gleaner.yaml").write_text("model: {threshold: 0.3}\nfeedback: {max_body_bytes: 2000}\n")
    words = Words((), None, desk / "best.onnx", desk / "data", desk / "set")
    settings = load(desk / "gleaner.yaml").laid_over(partial(over, words, False))
    (desk / "gleaner.yaml").write_text("model: {threshold: 0.4}\ntags: [new]\n")
    now = settings.reread()
    assert now.values["model"] == {"threshold": 0.4, "path": str(desk / "best.onnx")}
    assert (now.values["tags"], now.values["feedback"]) == (["new"], {"port": 0})
    assert now.values["backend"]["folder"] == str(desk / "data")
    assert now.destination_names == ["dataset"]
