"""`gleaner report`: two files, offline; the next one tells what changed; error rates as YAML that a strategy takes."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import chdir, closing
from pathlib import Path

import pytest
import yaml

from services.sampler.strategies.ghost import Ghost
from shared.streams.tallies import MINUTE_MS
from tests.unit.services.cli.conftest import Gleaner, as_json
from tests.unit.services.feedback.read_model.making import START_MS, Streams
from tests.unit.services.feedback.report.site import settings, site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that stopped; its settings are gleaner.yaml."""
    folder = tmp_path_factory.mktemp("site")
    with site(folder, 2, 600):
        return folder


@pytest.fixture(autouse=True)
def at_the_site(folder: Path, place: Path) -> Iterator[None]:
    with chdir(place):
        yield


def written(out: Path, ending: str) -> Path:
    (found,) = out.glob(f"report-*.{ending}")
    return found


def test_a_page_and_the_same_numbers_as_json(gleaner: Gleaner, tmp_path: Path) -> None:
    out = tmp_path / "reports"
    result = gleaner("report", "--out", out, "--price-per-hour", 30, "--currency", "CHF", "--seconds-per-image", 6)
    assert result.exit_code == 0, result.output
    told = json.loads(written(out, "json").read_text())
    page = written(out, "html").read_text()
    assert result.stdout.splitlines()[0] == told["headline"]
    assert told["headline"] in page
    assert told["flow"]["frames"] == 600
    assert told["cost"]["price"] == pytest.approx(told["flow"]["kept"] * 6 / 3600 * 30)
    assert "This is the first report in this folder" in page
    assert sorted(os.listdir(out)) == sorted([written(out, "json").name, written(out, "html").name])


def test_the_second_one_tells_what_changed(gleaner: Gleaner, tmp_path: Path) -> None:
    assert gleaner("report", "--out", tmp_path, "--since", "1d").exit_code == 0
    written(tmp_path, "json").rename(tmp_path / "report-2020-01-01.json")
    made = as_json(gleaner("report", "--out", tmp_path, "--json"))
    frames = next(row for row in made["changes"]["rows"] if row["name"] == "frames seen")
    assert frames["now"] == "600"
    assert int(frames["before"]) < 600
    assert "model versions" in made["changes"]["new"] or made["changes"]["new"] == {}


def test_a_read_model_that_is_kept_gives_the_same(gleaner: Gleaner, tmp_path: Path) -> None:
    kept = ("--read-model", tmp_path / "kept.sqlite3", "--out", tmp_path, "--json", "--until", "1m")
    first, second = (as_json(gleaner("report", *kept)) for _ in range(2))
    assert (tmp_path / "kept.sqlite3").stat().st_size > 0
    assert first["figures"] == second["figures"]
    assert first["figures"]


def test_a_read_model_that_another_process_has_is_said_at_once(gleaner: Gleaner, tmp_path: Path) -> None:
    """It waited for ever, and said nothing."""
    with open(tmp_path / "kept.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = gleaner("report", "--read-model", tmp_path / "kept.sqlite3", "--out", tmp_path)
    assert result.exit_code == 2
    assert "another process has this file" in " ".join(result.output.split())


def test_a_file_that_is_no_read_model_is_left_alone(gleaner: Gleaner, tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite3"
    text.write_text("what I must not lose")
    with closing(sqlite3.connect(other)) as db, db:
        db.execute("CREATE TABLE mine (x)")
    for path in (text, other, tmp_path):
        before = path.read_bytes() if path.is_file() else b""
        result = gleaner("report", "--read-model", path, "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert "would be deleted" in " ".join(result.output.split())
        assert (path.read_bytes() if path.is_file() else b"") == before


def test_frames_that_no_tally_speaks_of_are_counted_however_long_it_takes(
    gleaner: Gleaner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feedback.read_model.tail.BUDGET_S", 0.0)
    with chdir(tmp_path):
        (tmp_path / "gleaner.yaml").write_text(yaml.safe_dump(settings(tmp_path)))
        streams = Streams(tmp_path)
        for number in range(1_000):
            streams.predict((time.time() * 1000 - START_MS) / MINUTE_MS - 1)
            if number == 10:
                streams.tell()
        streams.close()
        made = as_json(gleaner("report", "--json"))
    assert made["flow"]["frames"] == 1_000


def test_error_rates_that_a_strategy_takes(gleaner: Gleaner, place: Path) -> None:
    before = sorted(os.listdir(place))
    result = gleaner("report", "--error-rates")
    assert result.exit_code == 0, result.output
    told = yaml.safe_load(result.stdout)
    assert Ghost.model_validate(told).error_rates == told["error_rates"]
    assert "# Between " in result.stdout
    assert as_json(gleaner("report", "--error-rates", "--json")) == told
    assert sorted(os.listdir(place)) == before


def test_no_verified_rates_is_exit_code_1_and_says_why(gleaner: Gleaner) -> None:
    result = gleaner("report", "--error-rates", "--since", "90m")
    assert result.exit_code == 1
    assert "error_rates:" not in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "kitchen"), "expected ID@VERSION"),
        (("--model", "kitchen@9"), "known: kitchen@6, kitchen@7"),
        (("--collection", "night"), "expected one of default"),
        (("--since", "1d", "--until", "2d"), "expected a moment before"),
    ],
)
def test_what_cannot_be_told(gleaner: Gleaner, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    result = gleaner("report", "--out", tmp_path / "none", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "none").exists()


def test_a_window_without_frames_is_a_report_too(gleaner: Gleaner, tmp_path: Path) -> None:
    result = gleaner("report", "--out", tmp_path, "--since", "2020-01-01", "--until", "2020-01-08")
    assert result.exit_code == 0, result.output
    assert "No frame was counted" in written(tmp_path, "html").read_text()


def test_without_any_data(gleaner: Gleaner, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with chdir(tmp_path / "empty"):
        result = gleaner("report")
        assert result.exit_code == 2
        assert "nothing to report" in result.stderr
        assert not os.listdir()
