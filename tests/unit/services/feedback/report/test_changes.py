"""Since the last report: which one it is, and what is beside each other."""

from pathlib import Path

from services.feedback.report.changes import changes, last_report
from services.feedback.report.content import Flow, ModelVersion, VersionTold
from tests.unit.services.feedback.report.made import report, told

TODAY = "report-2026-11-23.json"


def test_the_newest_of_an_earlier_day_and_the_same_collection(tmp_path: Path) -> None:
    for day, collection in ((9, "default"), (16, "default"), (20, "night"), (23, "default"), (30, "default")):
        made = report(headline=f"of day {day}", collection=collection)
        (tmp_path / f"report-2026-11-{day:02}.json").write_text(made.model_dump_json())
    (tmp_path / "report-2026-11-22.json").write_text('{"format": 1')
    (tmp_path / "report-of-nothing.json").write_text("{}")
    said: list[str] = []
    found = last_report(tmp_path, TODAY, "default", said.append)
    assert found is not None
    assert found.headline == "of day 16"
    assert len(said) == 1
    assert "report-2026-11-22.json" in said[0]


def test_none_in_an_empty_folder_or_none_at_all(tmp_path: Path) -> None:
    assert last_report(tmp_path, TODAY, "default", print) is None
    assert last_report(tmp_path / "none", TODAY, "default", print) is None


def test_figures_beside_each_other_and_what_came_and_went() -> None:
    newer = ModelVersion(model_id="packages", model_version="8")
    before = report(sources=("door", "yard"), figures=(told(None),))
    now = report(
        flow=Flow(frames=12_345),
        sources=("door", "gate"),
        classes=("person", "bicycle"),
        versions=(*before.versions, VersionTold(version=newer, frames=1, figures=())),
    )
    made = changes(now, before)
    rows = {row.name: (row.now, row.before) for row in made.rows}
    assert rows["frames seen"] == ("12,345", "10,000")
    assert rows["frames that are wrong"] == ("5.0\u00a0% (3.0 to 9.0\u00a0%)", "no figure")
    assert made.new == {"sources": ("gate",), "classes": ("bicycle",), "model versions": ("packages 8",)}
    assert made.gone == {"sources": ("yard",)}
    assert made.since == before.made_at


def test_a_report_is_read_back_as_it_was_written() -> None:
    made = report()
    assert type(made).model_validate_json(made.model_dump_json()) == made
    assert type(made).model_validate_json(made.model_dump_json()[:-1] + ', "of_the_future": 1}') == made
