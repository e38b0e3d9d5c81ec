"""The demo's folder: made, or refused with a sentence. What comes of the demo is `tests/e2e`'s."""

from pathlib import Path

from tests.unit.services.cli.conftest import Gleaner


def test_a_folder_that_cannot_be_made_is_a_sentence(gleaner: Gleaner, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("mine")
    result = gleaner("demo", "--folder", tmp_path / "a-file" / "demo")
    assert result.exit_code == 2
    assert "cannot make the folder" in result.stderr
    assert "choose another with --folder" in result.stderr


def test_a_file_in_its_place_is_a_sentence_and_stays(gleaner: Gleaner, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("mine")
    result = gleaner("demo", "--folder", tmp_path / "a-file")
    assert result.exit_code == 2
    assert (tmp_path / "a-file").read_text() == "mine"


def test_a_folder_of_somebody_is_left_alone(gleaner: Gleaner, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = gleaner("demo", "--folder", tmp_path)
    assert result.exit_code == 2
    assert "was not made by the demo" in result.stderr
    assert (tmp_path / "mine.txt").read_text() == "mine"
