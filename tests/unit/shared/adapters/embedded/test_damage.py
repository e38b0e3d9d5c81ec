"""A file that the disk or somebody has spoilt: seen, said, and not looked for without end."""

import os
from contextlib import closing
from pathlib import Path

from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.streams.record import NewRecord

PAGE_BYTES = 4096


def spoil(file: Path) -> None:
    """Noise over every page but those that an opening reads."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(size // PAGE_BYTES // 2 * PAGE_BYTES)
        opened.write(os.urandom(size // 2))


def test_a_whole_store_has_none(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        assert list(state.check()) == []


def test_a_spoilt_state_store_says_what_to_do(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        for number in range(500):
            state.put(f"key-{number}", bytes(500), 1000)
    spoil(tmp_path / "state.db")
    with closing(SqliteState(tmp_path / "state.db")) as state:
        (said,) = state.check()
        assert "delete it" in said


def test_a_spoilt_index_of_the_log_says_what_to_do(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path)) as log:
        log.apply()
        producer = log.producer()
        for future in [producer.send(NewRecord("verdicts", b"key", bytes(900), 0)) for _ in range(300)]:
            future.result(20)
        assert list(log.check()) == []
    spoil(tmp_path / "log.db")
    with closing(SegmentLog(tmp_path)) as log:
        assert any("damaged" in said for said in log.check())


def test_a_look_that_takes_too_long_finds_nothing(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        for number in range(2_000):
            state.put(f"key-{number}", bytes(100), 1000)
        assert state.database.damage(within_s=-1) is None
        state.ping()
