from pathlib import Path

from services.cli.retention import retention
from shared.streams import STREAMS
from tests.unit.services.cli.conftest import Gleaner, Site, as_json


def test_the_plan_needs_no_connection(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text(
        "prefix: north-\nsalt: 0123456789abcdef\nbackend: {type: cluster, kafka: 'nowhere.example:9092'}\n"
    )
    said = gleaner("topics", "plan").stdout
    for name in STREAMS:
        assert f"north-{name}: 12 partitions, 3 copies" in said
    told = as_json(gleaner("topics", "plan", "--json", "--partitions", 6))
    assert {(topic["topic"], topic["partitions"]) for topic in told} == {(f"north-{name}", 6) for name in STREAMS}


def test_retention_in_words() -> None:
    assert retention(STREAMS["frames"]) == "kept 6 h and at most 8.6 GB per partition"
    assert retention(STREAMS["predictions"]) == "kept 7 days"
    assert retention(STREAMS["verdicts"]) == "kept for ever"
    assert retention(STREAMS["uploads"]).startswith("compacted")


def test_apply_and_check(gleaner: Gleaner, site: Site) -> None:
    assert gleaner("topics", "apply").stdout == "nothing to do: every stream is there\n"
    assert gleaner("topics", "check").stdout == "OK: every stream is as it should be\n"
    assert as_json(gleaner("topics", "check", "--json")) == {"faults": []}
