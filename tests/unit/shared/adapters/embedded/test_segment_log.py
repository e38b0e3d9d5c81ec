"""What the embedded log promises beyond the port: crashes, damage, retention, leases, and a full disk."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.embedded.index import RESERVE
from shared.adapters.embedded.retention import unlink_orphans, unlink_unused
from shared.adapters.embedded.segment_log import SegmentLog
from shared.errors import Expired, Fenced, NeverWritten, Unavailable
from shared.ports import Bounds, Consumer
from shared.streams import STREAMS
from shared.streams.record import NewRecord, Record

LARGE = b"\xff\xd8" * 20_000
STREAM = ("predictions", 0)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SegmentLog]:
    with closing(SegmentLog(tmp_path, lease_s=0.5)) as log:
        log.apply()
        yield log


def send(log: SegmentLog, *values: bytes | None, stream: str = "predictions") -> list[Record]:
    with closing(log.producer()) as producer:
        futures = [producer.send(NewRecord(stream, b"k", value, 0)) for value in values]
        return [future.result(20) for future in futures]


def poll_until(done: Callable[[], bool], *consumers: Consumer, timeout_s: float = 20) -> list[Record]:
    deadline = time.monotonic() + timeout_s
    polled: list[Record] = []
    while not done():
        assert time.monotonic() < deadline, f"not so after {timeout_s:g} s"
        for consumer in consumers:
            polled.extend(consumer.poll(0.01, 100))
    return polled


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "segments").glob("*.segment"))


# --- stops, clean and not ----------------------------------------------------------------------------------------------

PRODUCE = """
import os, sys
from pathlib import Path
from shared.adapters.embedded.segment_log import SegmentLog
from shared.streams.record import NewRecord
producer = SegmentLog(Path(sys.argv[1])).producer()
def acknowledge(future):
    record = future.result()
    os.write(1, b"%d %d\\n" % (record.offset, len(record.value)))
for n in range(1_000_000):
    value = bytes([n % 256]) * (100 if n % 3 else 40_000)
    producer.send(NewRecord(sys.argv[2], b"k", value, 0)).add_done_callback(acknowledge)
"""


@pytest.mark.parametrize("stream", ["frames", "samples"])
def test_a_killed_producer_loses_nothing_it_was_told_is_stored(log: SegmentLog, tmp_path: Path, stream: str) -> None:
    acknowledged: dict[int, int] = {}
    for _ in range(4):
        command = [sys.executable, "-c", PRODUCE, str(tmp_path), stream]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as producer:
            assert producer.stdout is not None
            told = [producer.stdout.readline() for _ in range(200)]
            producer.kill()
            told += producer.stdout.read().splitlines()
        for line in told:
            offset, size = map(int, line.split())
            assert offset not in acknowledged, f"offset {offset} was given twice"
            acknowledged[offset] = size
    stored = {r.offset: r.value for r in log.reader().scan(stream, 0, 0, 10**9)}
    assert {offset: len(stored[offset] or b"") for offset in acknowledged} == acknowledged
    assert all(value is not None and len(set(value)) == 1 for value in stored.values())
    assert sorted(stored) == list(range(log.bounds(stream)[0].end)), "a killed process leaves no gap either"


def pretend_reboot(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "log.db")) as index, index:
        index.execute("UPDATE meta SET value = 'another' WHERE name = 'boot'")


def test_after_a_power_loss_offsets_skip_ahead(log: SegmentLog, tmp_path: Path) -> None:
    send(log, b"a", b"b")
    pretend_reboot(tmp_path)  # while the log is open: nothing was settled
    with closing(SegmentLog(tmp_path)) as again:
        (record,) = send(again, b"c")
        assert 2 < record.offset <= 2 + RESERVE
        assert [r.value for r in again.reader().scan(*STREAM, 0, 10**9)] == [b"a", b"b", b"c"]
        with pytest.raises(Expired):
            again.reader().read(*STREAM, 2)
        consumer = again.consumer("g", ["predictions"])
        polled = poll_until(lambda: consumer.lag() == {STREAM: 0}, consumer)
        assert [r.value for r in polled] == [b"a", b"b", b"c"]


def test_after_a_clean_stop_nothing_is_skipped(log: SegmentLog, tmp_path: Path) -> None:
    send(log, b"a", b"b")
    log.close()
    pretend_reboot(tmp_path)
    with closing(SegmentLog(tmp_path)) as again:
        assert send(again, b"c")[0].offset == 2


def test_offsets_are_reserved_durably_before_they_are_given(log: SegmentLog) -> None:
    """The first of an unsynced stream is fsynced, with a reserve; those within the reserve are not."""
    assert (send(log, b"a")[0].offset, last_write_was_synced(log), reserved(log)) == (0, True, 1 + RESERVE)
    assert (send(log, b"b")[0].offset, last_write_was_synced(log), reserved(log)) == (1, False, 1 + RESERVE)
    assert send(log, *[b""] * RESERVE)[-1].offset == RESERVE + 1 < reserved(log)


def last_write_was_synced(log: SegmentLog) -> bool:
    return bool(log.index.database.writer.execute("PRAGMA synchronous").fetchone() == (2,))


def reserved(log: SegmentLog) -> int:
    ((offset,),) = log.index.database.rows("SELECT reserved FROM partitions WHERE stream = 'predictions'")
    return int(offset)


def test_log_times_do_not_go_back_with_the_clock(tmp_path: Path) -> None:
    now = [5_000]
    with closing(SegmentLog(tmp_path, now_ms=lambda: now[0])) as log:
        log.apply()
        (first,) = send(log, b"x")
        now[0] = 4_000
        (second,) = send(log, b"x")
        now[0] = 6_000
        (third,) = send(log, b"x")
        assert [first.time_ms, second.time_ms, third.time_ms] == [5_000, 5_000, 6_000]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.lists(st.sampled_from([None, b"", b"small", LARGE]), max_size=4)),
        st.tuples(st.just("poll"), st.integers(1, 5)),
        st.tuples(st.just("commit"), st.none()),
        st.tuples(st.just("reopen"), st.booleans()),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_it_behaves_as_a_list_and_two_numbers(steps: list[tuple[str, object]]) -> None:
    """Model: the list of values, the position, the commit. A crash leaves the old log open, with its lease."""
    with tempfile.TemporaryDirectory() as folder:
        opened: list[SegmentLog] = []
        values: list[bytes | None] = []
        position = commit = 0

        def reopen() -> tuple[SegmentLog, Consumer]:
            opened.append(SegmentLog(Path(folder), lease_s=60))
            opened[-1].apply()
            return opened[-1], opened[-1].consumer("g", ["predictions"])

        log, consumer = reopen()
        for step, what in steps:
            if step == "send" and isinstance(what, list):
                assert [r.offset for r in send(log, *what)] == list(range(len(values), len(values) + len(what)))
                values += what
            elif step == "poll" and isinstance(what, int):
                polled = consumer.poll(0, what)
                assert [(r.offset, r.value) for r in polled] == list(enumerate(values))[position : position + what]
                position += len(polled)
            elif step == "commit" and consumer.assignment():
                consumer.commit({STREAM: position})
                commit = position
            elif step == "reopen":
                if what:
                    log.close()
                else:
                    kill_member(log)
                log, consumer = reopen()
                position = commit
        assert [r.value for r in log.reader().scan(*STREAM, 0, 10**9)] == values
        for each in opened:
            each.close()


def kill_member(log: SegmentLog) -> None:
    """As if its process had died and its lease had run out."""
    with log.index.database.write(durable=False) as transaction:
        transaction.execute("UPDATE members SET lease_until_s = 0")


# --- damage ------------------------------------------------------------------------------------------------------------


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[10] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    "harm", [flip, Path.unlink, lambda file: file.write_bytes(b"short")], ids=["bit", "gone", "cut"]
)
def test_a_damaged_value_has_expired_and_harms_no_other(
    log: SegmentLog, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    send(log, LARGE)
    send(log, b"small", LARGE)
    with closing(sqlite3.connect(tmp_path / "log.db")) as index:
        ((name,),) = index.execute(
            "SELECT s.name FROM segments s JOIN records r ON r.segment = s.id ORDER BY r.id LIMIT 1"
        )
    harm(tmp_path / "segments" / name)
    reader = log.reader()
    with pytest.raises(Expired):
        reader.read(*STREAM, 0)
    assert reader.read(*STREAM, 2).value == LARGE
    assert [r.offset for r in reader.scan(*STREAM, 0, 10)] == [1, 2]
    consumer = log.consumer("g", ["predictions"])
    assert [r.offset for r in poll_until(lambda: consumer.lag() == {STREAM: 0}, consumer)] == [1, 2]


# --- retention ---------------------------------------------------------------------------------------------------------


def test_what_is_older_than_the_retention_goes_with_its_segment(tmp_path: Path) -> None:
    now = [1_000_000]
    streams = {"frames": replace(STREAMS["frames"], retention_s=60)}
    with closing(SegmentLog(tmp_path, streams=streams, now_ms=lambda: now[0])) as log:
        log.apply()
        send(log, LARGE, LARGE, stream="frames")
        now[0] += 61_000
        send(log, LARGE, stream="frames")
        log.sweeper.sweep()
        assert log.bounds("frames") == {0: Bounds(2, 3)}
        assert len(segments(tmp_path)) == 1
        with pytest.raises(Expired):
            log.reader().read("frames", 0, 1)
        with pytest.raises(NeverWritten):
            log.reader().read("frames", 0, 3)


def test_bytes_are_capped_while_producing(tmp_path: Path) -> None:
    cap = 10 * len(LARGE)
    streams = {"frames": replace(STREAMS["frames"], retention_bytes=cap)}
    with closing(SegmentLog(tmp_path, streams=streams, segment_bytes=2 * len(LARGE))) as log:
        log.apply()
        for _ in range(60):
            send(log, LARGE, stream="frames")
        log.sweeper.sweep()
        assert log.bounds("frames") == {0: Bounds(50, 60)}
        assert sum(file.stat().st_size for file in segments(tmp_path)) <= cap


def test_a_segment_that_is_still_written_is_not_unlinked(log: SegmentLog, tmp_path: Path) -> None:
    with closing(log.producer()) as producer:
        producer.send(NewRecord("uploads", b"k", LARGE, 0)).result(20)
        producer.send(NewRecord("uploads", b"k", None, 0)).result(20)  # compaction: nobody needs the first value
        unlink_unused(log.index.database, tmp_path / "segments")
        assert len(segments(tmp_path)) == 1
    unlink_unused(log.index.database, tmp_path / "segments")
    assert segments(tmp_path) == []


def test_files_that_no_row_knows_go_when_they_are_old(log: SegmentLog, tmp_path: Path) -> None:
    send(log, LARGE)
    known = segments(tmp_path)
    old, young = tmp_path / "segments" / "old.segment", tmp_path / "segments" / "young.segment"
    for file in (old, young):
        file.write_bytes(b"left behind")
    an_hour_ago = time.time() - 3600
    for file in (old, *known):
        os.utime(file, (an_hour_ago, an_hour_ago))
    unlink_orphans(log.index.database, tmp_path / "segments")
    assert segments(tmp_path) == sorted([*known, young])


# --- leases ------------------------------------------------------------------------------------------------------------


def test_a_member_that_polls_no_more_loses_its_lease_and_is_fenced(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path, lease_s=0.3, max_poll_interval_s=0.1)) as log:
        log.apply()
        stuck, heir = log.consumer("g", ["predictions"]), log.consumer("g", ["predictions"])
        poll_until(lambda: bool(stuck.assignment()), stuck)
        poll_until(lambda: bool(heir.assignment()), heir)
        with pytest.raises(Fenced):
            stuck.commit({STREAM: 1})
        stuck.poll(0, 10)
        assert stuck.assignment() == frozenset()


def test_a_long_step_keeps_its_lease_while_the_process_lives(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path, lease_s=0.3)) as log:
        log.apply()
        busy, waiting = log.consumer("g", ["predictions"]), log.consumer("g", ["predictions"])
        poll_until(lambda: bool(busy.assignment()), busy)
        deadline = time.monotonic() + 1.5  # five leases
        while time.monotonic() < deadline:
            waiting.poll(0.05, 10)
            assert waiting.assignment() == frozenset()
        busy.commit({STREAM: 0})


def test_streams_that_share_numbers_stay_together(tmp_path: Path) -> None:
    """More than the port asks for: a member meets a frame's prediction and its verdict."""
    with closing(SegmentLog(tmp_path, partitions=4)) as log:
        log.apply()
        one, two = (log.consumer("g", ["predictions", "verdicts"]) for _ in range(2))
        poll_until(lambda: len(one.assignment()) == len(two.assignment()) == 4, one, two)
        for member in (one, two):
            assert {number for stream, number in member.assignment() if stream == "predictions"} == {
                number for stream, number in member.assignment() if stream == "verdicts"
            }


def test_streams_that_come_later_are_shared_out_too(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path, partitions=3)) as log:
        consumer = log.consumer("g", ["predictions"])
        assert list(consumer.poll(0, 10)) == []
        log.apply()
        poll_until(lambda: len(consumer.assignment()) == 3, consumer)


# --- what is wrong -----------------------------------------------------------------------------------------------------


def test_check_says_when_partition_counts_differ(log: SegmentLog) -> None:
    log.index.create("frames", 2)
    (complaint,) = log.check()
    assert "frames 2" in complaint
    assert "predictions 1" in complaint


def test_a_lock_that_is_held_too_long_is_unavailable_and_the_gate_too(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path)) as holder, closing(SegmentLog(tmp_path, timeout_s=0.2)) as log:
        holder.apply()
        producer = log.producer(max_in_flight_bytes=1_000, timeout_s=0.05)
        with holder.index.database.write(durable=False):
            future = producer.send(NewRecord("predictions", b"k", b"x" * 900, 0))
            with pytest.raises(Unavailable, match="in flight"):
                producer.send(NewRecord("predictions", b"k", b"x" * 900, 0))
            with pytest.raises(Unavailable, match="not stored"):
                producer.flush(0.01)
            assert isinstance(future.exception(5), Unavailable)
        assert producer.send(NewRecord("predictions", b"k", b"again", 0)).result(5).offset == 0


def test_a_full_disk_is_unavailable_and_says_so(log: SegmentLog) -> None:
    with log.index.database.write(durable=False) as transaction:
        (pages,) = transaction.execute("PRAGMA page_count").fetchone()
    log.index.database.writer.execute(f"PRAGMA max_page_count={pages}")
    with closing(log.producer()) as producer:
        failed = [producer.send(NewRecord("predictions", b"k", b"x" * 10_000, 0)) for _ in range(50)]
        assert all("no space left" in str(future.exception(20)) for future in failed)
        log.index.database.writer.execute("PRAGMA max_page_count=1000000")
        assert producer.send(NewRecord("predictions", b"k", b"x" * 10_000, 0)).result(20).offset == 0


def test_a_stream_that_was_not_made_is_unavailable_until_it_is(tmp_path: Path) -> None:
    with closing(SegmentLog(tmp_path)) as log:
        producer = log.producer()
        with pytest.raises(Unavailable, match="apply"):
            producer.send(NewRecord("predictions", b"k", b"v"))
        log.apply()
        assert producer.send(NewRecord("predictions", b"k", b"v")).result(5).offset == 0


def test_what_was_closed_is_unavailable(tmp_path: Path) -> None:
    log = SegmentLog(tmp_path)
    log.apply()
    producer = log.producer()
    log.close()
    log.close()
    with pytest.raises(Unavailable, match="closed"):
        producer.send(NewRecord("predictions", b"k", b"v", 0))
    with pytest.raises(Unavailable):
        log.ping()


def test_a_folder_that_cannot_be_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps("in the way"))
    with pytest.raises(Unavailable, match="log is unavailable"):
        SegmentLog(tmp_path / "file")
