from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.doctoring import backlog as looking
from services.cli.doctoring.backlog import backlog
from services.cli.doctoring.finding import Finding
from shared.adapters.embedded.segment_log import SegmentLog
from shared.settings import Settings
from shared.streams.record import NewRecord
from tests.unit.services.cli.conftest import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    log = SegmentLog(tmp_path / "data" / "log")
    log.apply()
    yield Site(log)
    log.close()


def looked(folder: Path) -> dict[str, Finding]:
    return {
        one.looked_at: one
        for one in backlog(Settings({"backend": {"type": "embedded", "folder": str(folder / "data")}}))
    }


def test_without_a_log_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert (looked(tmp_path), list(tmp_path.iterdir())) == ({}, [])


def test_an_empty_log_is_fine(tmp_path: Path, site: Site) -> None:
    assert {one.state for one in looked(tmp_path).values()} == {"ok"}


def test_dead_letters_are_counted(tmp_path: Path, site: Site) -> None:
    for _ in range(3):
        site.send(NewRecord("frames.dlq", b"door", b"{}", 0))
    found = looked(tmp_path)["dead letters"]
    assert (found.state, found.found) == ("warning", "frames.dlq 3")


def test_the_oldest_sample_that_waits_is_told(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = site.design(), site.design()
    assert first.sample_id
    found = looked(tmp_path)["delivery"]
    assert (found.state, found.found) == ("ok", "2 samples and revisions wait, the oldest for 0 s")
    monkeypatch.setattr(looking, "LONG_S", 0.0)
    assert looked(tmp_path)["delivery"].state == "warning"


def test_what_was_delivered_does_not_wait(tmp_path: Path, site: Site) -> None:
    site.design()
    consumer = site.log.consumer("uploader", ["samples"])
    while ("samples", 0) not in consumer.assignment():
        consumer.poll(0.2, 1)
    consumer.commit({("samples", 0): 1})
    consumer.close()
    assert looked(tmp_path)["delivery"].found == "nothing waits"
