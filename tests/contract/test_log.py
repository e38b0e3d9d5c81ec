"""What `shared.ports.log` promises, on every log."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from shared.errors import Expired, Fenced, InvalidMessage, NeverWritten
from shared.ports import Bounds, Consumer, Log
from shared.streams import STREAMS
from shared.streams.murmur2 import partition_of
from shared.streams.record import NewRecord, Partition, Record
from tests.contract.conftest import LogBackend

STREAM, OTHER = "predictions", "verdicts"
SEND_S = 30.0
ASSIGN_S = 60.0


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, frozenset[Partition]]] = []
        self.threads: set[int] = set()

    def on_assigned(self, partitions: frozenset[Partition]) -> None:
        self._note("assigned", partitions)

    def on_revoked(self, partitions: frozenset[Partition]) -> None:
        self._note("revoked", partitions)

    def owned(self) -> frozenset[Partition]:
        """What is left of all that was said."""
        owned: frozenset[Partition] = frozenset()
        for what, partitions in self.told:
            owned = owned | partitions if what == "assigned" else owned - partitions
        return owned

    def _note(self, what: str, partitions: frozenset[Partition]) -> None:
        self.told.append((what, partitions))
        self.threads.add(threading.get_ident())


def send(log: Log, count: int, stream: str = STREAM, partition: int = 0, first: int = 0) -> list[Record]:
    producer = log.producer()
    futures = [producer.send(NewRecord(stream, b"k", b"%d" % n, partition)) for n in range(first, first + count)]
    producer.flush(SEND_S)
    producer.close()
    return [future.result(0) for future in futures]


def receive(consumer: Consumer, count: int, timeout_s: float = ASSIGN_S) -> list[Record]:
    """Polls until there are so many (or more), within the time."""
    deadline = time.monotonic() + timeout_s
    records: list[Record] = []
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records after {timeout_s:g} s"
        records.extend(consumer.poll(0.1, 100))
    return records


def poll_until(done: Callable[[], bool], consumers: Sequence[Consumer], timeout_s: float = ASSIGN_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, f"not so after {timeout_s:g} s: {[c.assignment() for c in consumers]}"
        for consumer in consumers:
            consumer.poll(0.05, 100)


def everything(log: Log, *streams: str) -> frozenset[Partition]:
    return frozenset((stream, number) for stream in streams for number in range(log.partitions(stream)))


def shared_out(log: Log, consumers: Sequence[Consumer], *streams: str) -> Callable[[], bool]:
    """Every partition has exactly one owner, and no member is idle."""

    def done() -> bool:
        owned = [consumer.assignment() for consumer in consumers]
        return all(owned) and sorted(itertools.chain(*owned)) == sorted(everything(log, *streams))

    return done


# --- producing ---------------------------------------------------------------------------------------------------------


def test_the_future_gives_the_record_with_its_place_and_time(log: Log) -> None:
    before_ms = time.time_ns() // 1_000_000
    record = log.producer().send(NewRecord(STREAM, b"door", b"{}", 1, (("a", b"b"),))).result(SEND_S)
    after_ms = time.time_ns() // 1_000_000
    assert (record.stream, record.partition, record.offset) == (STREAM, 1, 0)
    assert (record.key, record.value, record.headers) == (b"door", b"{}", (("a", b"b"),))
    assert before_ms <= record.time_ms <= after_ms


@pytest.mark.parametrize(
    "sent",
    [
        NewRecord(STREAM, None, None, 0),
        NewRecord(STREAM, None, b"v", 0),
        NewRecord(STREAM, b"k", None, 0),
        NewRecord(STREAM, b"", b"", 0),
        NewRecord(STREAM, b"\xff\x00", bytes(range(256)), 0, (("h", b""), ("h", b"\xff\x00"), ("", b"unnamed"))),
        NewRecord(STREAM, b"k", os.urandom(200_000), 0, (("größe", "größe".encode()),)),
    ],
    ids=["nothing", "no key", "no value", "empty", "any bytes", "large"],
)
def test_every_byte_survives(log: Log, sent: NewRecord) -> None:
    stored = log.producer().send(sent).result(SEND_S)
    read = log.reader().read(STREAM, 0, stored.offset)
    polled = receive(log.consumer("g", [STREAM]), 1)
    assert (read.key, read.value, read.headers) == (sent.key, sent.value, sent.headers)
    assert polled == [read] == [stored]


def test_records_of_a_partition_keep_the_order_of_sending(log: Log) -> None:
    stored = send(log, 500)
    assert [record.value for record in stored] == [b"%d" % n for n in range(500)]
    assert all(a.offset < b.offset for a, b in itertools.pairwise(stored))
    assert receive(log.consumer("g", [STREAM]), 500) == stored


def test_offsets_have_no_gaps_after_clean_stops_where_the_log_says_so(log_backend: LogBackend) -> None:
    if not log_backend.features.offsets_without_gaps:
        pytest.skip("this log may leave gaps")
    for first in (0, 5):
        log = log_backend.open()
        log.apply(1)
        assert [record.offset for record in send(log, 5, first=first)] == list(range(first, first + 5))
        log.close()


def test_log_times_never_go_back_where_the_log_says_so(log_backend: LogBackend, log: Log) -> None:
    if not log_backend.features.times_never_go_back:
        pytest.skip("this log takes its server's clock as it is")
    stored = send(log, 100)
    assert all(a.time_ms <= b.time_ms for a, b in itertools.pairwise(stored))


def test_a_key_goes_where_kafkas_clients_send_it(log: Log) -> None:
    producer = log.producer()
    for key in (b"door", b"yard", b"hall", b"", b"\xff\xfe"):
        assert producer.send(NewRecord(STREAM, key, b"")).result(SEND_S).partition == partition_of(key, 2)


def test_without_a_key_a_record_goes_anywhere(log: Log) -> None:
    assert log.producer().send(NewRecord(STREAM, None, b"")).result(SEND_S).partition in (0, 1)


@pytest.mark.parametrize("partition", [2, -1])
def test_an_unknown_partition_never_works(log: Log, partition: int) -> None:
    future = log.producer().send(NewRecord(STREAM, b"k", b"", partition))
    assert isinstance(future.exception(SEND_S), InvalidMessage)


def test_what_is_too_large_never_works_and_harms_no_other(log: Log) -> None:
    producer = log.producer()
    futures = [
        producer.send(NewRecord(STREAM, b"k", b"x" * size, 0)) for size in (1, STREAMS[STREAM].max_message_bytes + 1, 2)
    ]
    assert isinstance(futures[1].exception(SEND_S), InvalidMessage)
    assert [futures[0].result(SEND_S).offset, futures[2].result(SEND_S).offset] == [0, 1]


def test_a_large_message_that_is_allowed_passes(log: Log) -> None:
    value = os.urandom(STREAMS["frames"].max_message_bytes - 1024)
    stored = log.producer().send(NewRecord("frames", b"door", value, 0)).result(SEND_S)
    assert log.reader().read("frames", 0, stored.offset).value == value


def test_more_than_fits_in_flight_blocks_and_then_passes(log: Log) -> None:
    producer = log.producer(max_in_flight_bytes=100_000)
    futures = [producer.send(NewRecord(STREAM, b"k", b"x" * 40_000, 0)) for _ in range(50)]
    assert [future.result(SEND_S).offset for future in futures] == list(range(50))


def test_flush_returns_when_every_future_is_done(log: Log) -> None:
    producer = log.producer()
    futures = [producer.send(NewRecord(STREAM, b"k", b"v", 0)) for _ in range(100)]
    producer.flush(SEND_S)
    assert all(future.done() for future in futures)


def test_close_delivers_what_was_sent(log: Log) -> None:
    producer = log.producer()
    futures = [producer.send(NewRecord(STREAM, b"k", b"v", 0)) for _ in range(100)]
    producer.close()
    assert [future.result(0).offset for future in futures] == list(range(100))


def test_a_producer_serves_several_threads(log: Log) -> None:
    producer = log.producer()

    def send_some(name: int) -> None:
        for n in range(100):
            producer.send(NewRecord(STREAM, b"%d" % name, b"%d" % n, 0))

    threads = [threading.Thread(target=send_some, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.flush(SEND_S)
    stored = list(log.reader().scan(STREAM, 0, 0, 400))
    for name in range(4):
        assert [r.value for r in stored if r.key == b"%d" % name] == [b"%d" % n for n in range(100)]


# --- consuming ---------------------------------------------------------------------------------------------------------


def test_a_group_that_never_committed_starts_at_the_earliest(log: Log) -> None:
    stored = send(log, 10)
    assert receive(log.consumer("g", [STREAM]), 10) == stored


def test_what_was_not_committed_comes_again_in_the_same_order(log: Log) -> None:
    stored = send(log, 10)
    first = log.consumer("g", [STREAM])
    assert receive(first, 10) == stored
    first.close()
    assert receive(log.consumer("g", [STREAM]), 10) == stored


def test_a_group_goes_on_at_the_next_record_to_read(log: Log) -> None:
    stored = send(log, 10)
    first = log.consumer("g", [STREAM])
    receive(first, 10)
    first.commit({(STREAM, 0): 4})
    assert first.committed((STREAM, 0)) == 4
    first.close()
    second = log.consumer("g", [STREAM])
    assert receive(second, 6) == stored[4:]
    assert second.committed((STREAM, 0)) == 4


def test_commits_outlive_the_log_that_made_them(log_backend: LogBackend, log: Log) -> None:
    stored = send(log, 3)
    consumer = log.consumer("g", [STREAM])
    receive(consumer, 3)
    consumer.commit({(STREAM, 0): 2})
    consumer.close()
    log.close()
    again = log_backend.open()
    assert again.committed("g", STREAM) == {0: 2}
    assert receive(again.consumer("g", [STREAM]), 1) == stored[2:]


def test_commits_are_seen_without_being_a_member(log: Log) -> None:
    send(log, 3)
    consumer = log.consumer("g", [STREAM])
    receive(consumer, 3)
    assert consumer.committed((STREAM, 0)) is None
    assert log.committed("g", STREAM) == {}
    consumer.commit({(STREAM, 0): 3})
    assert log.committed("g", STREAM) == {0: 3}
    assert log.committed("somebody else", STREAM) == {}


def test_groups_do_not_disturb_each_other(log: Log) -> None:
    stored = send(log, 5)
    one, other = log.consumer("one", [STREAM]), log.consumer("other", [STREAM])
    assert receive(one, 5) == stored
    one.commit({(STREAM, 0): 5})
    assert receive(other, 5) == stored


def test_an_empty_poll_returns_after_its_timeout(log: Log) -> None:
    consumer = log.consumer("g", [STREAM])
    poll_until(lambda: bool(consumer.assignment()), [consumer])
    started = time.monotonic()
    assert list(consumer.poll(0.3, 10)) == []
    assert 0.2 < time.monotonic() - started < 3


def test_a_poll_ends_its_wait_when_a_record_comes(log: Log) -> None:
    consumer = log.consumer("g", [STREAM])
    poll_until(lambda: bool(consumer.assignment()), [consumer])
    producer = log.producer()
    later = threading.Timer(0.1, lambda: producer.send(NewRecord(STREAM, b"k", b"v", 0)))
    later.start()
    started = time.monotonic()
    assert len(consumer.poll(20, 10)) == 1
    assert time.monotonic() - started < 10
    later.join()


def test_a_poll_gives_at_most_what_was_asked_for(log: Log) -> None:
    stored = send(log, 25)
    consumer = log.consumer("g", [STREAM])
    polled: list[Record] = []
    deadline = time.monotonic() + ASSIGN_S
    while len(polled) < 25 and time.monotonic() < deadline:
        records = consumer.poll(0.2, 10)
        assert len(records) <= 10
        polled.extend(records)
    assert polled == stored


def test_no_partition_starves(log: Log) -> None:
    send(log, 200, partition=0)
    send(log, 1, partition=1)
    consumer = log.consumer("g", [STREAM])
    assert {record.partition for record in receive(consumer, 201)} == {0, 1}


def test_seek_moves_the_next_poll_back_and_forth(log: Log) -> None:
    stored = send(log, 10)
    consumer = log.consumer("g", [STREAM])
    receive(consumer, 10)
    consumer.seek((STREAM, 0), 3)
    assert receive(consumer, 7) == stored[3:]
    consumer.seek((STREAM, 0), 9)
    assert receive(consumer, 1) == stored[9:]
    assert consumer.committed((STREAM, 0)) is None


def test_lag_is_what_lies_between_position_and_end(log: Log) -> None:
    send(log, 10)
    consumer = log.consumer("g", [STREAM])
    receive(consumer, 10)
    assert consumer.lag() == {(STREAM, 0): 0, (STREAM, 1): 0}
    consumer.pause()
    consumer.seek((STREAM, 0), 4)
    poll_until(lambda: consumer.lag()[STREAM, 0] == 6, [consumer])
    send(log, 5)
    poll_until(lambda: consumer.lag()[STREAM, 0] == 11, [consumer])


# --- the group ---------------------------------------------------------------------------------------------------------


def test_one_member_has_every_partition_of_every_stream(log: Log) -> None:
    heard = Heard()
    consumer = log.consumer("g", [STREAM, OTHER], heard)
    poll_until(lambda: consumer.assignment() == everything(log, STREAM, OTHER), [consumer])
    assert heard.owned() == consumer.assignment()


def test_members_share_all_partitions_each_exactly_once(log_backend: LogBackend, log: Log) -> None:
    heard = Heard()
    one = log.consumer("g", [STREAM, OTHER], heard)
    poll_until(lambda: len(one.assignment()) == 4, [one])
    two = log_backend.open().consumer("g", [STREAM, OTHER])
    poll_until(shared_out(log, [one, two], STREAM, OTHER), [one, two], log_backend.features.settle_s)
    assert heard.owned() == one.assignment()
    assert "revoked" in [what for what, _ in heard.told]


def test_whoever_leaves_is_replaced_at_once(log_backend: LogBackend, log: Log) -> None:
    one, two = log.consumer("g", [STREAM]), log_backend.open().consumer("g", [STREAM])
    poll_until(shared_out(log, [one, two], STREAM), [one, two])
    two.close()
    poll_until(lambda: one.assignment() == everything(log, STREAM), [one], log_backend.features.settle_s)


def test_whoever_vanishes_is_replaced(log_backend: LogBackend, log: Log) -> None:
    stored = send(log, 10)
    polling = (
        f"c = log.consumer('g', [{STREAM!r}])\nwhile not c.poll(0.1, 5): pass\nprint('has it', flush=True)\ninput()"
    )
    command = [sys.executable, "-c", log_backend.source() + polling]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"has it\n"
        victim.kill()
    heir = log.consumer("g", [STREAM])
    assert receive(heir, 10, log_backend.features.takeover_s) == stored
    assert heir.assignment() == everything(log, STREAM)


def test_rebalancing_loses_nothing_and_keeps_the_order(log_backend: LogBackend, log: Log) -> None:
    stored = [*send(log, 20, partition=0), *send(log, 20, partition=1)]
    one = log.consumer("g", [STREAM])
    receive(one, 40)
    one.commit({(STREAM, 0): 10, (STREAM, 1): 10})
    two = log_backend.open().consumer("g", [STREAM])
    polled: list[Record] = []
    deadline = time.monotonic() + ASSIGN_S
    while len(polled) < 10 and time.monotonic() < deadline:
        one.poll(0.05, 100)
        polled.extend(two.poll(0.05, 100))
    (number,) = {record.partition for record in polled}
    assert polled == [record for record in stored if record.partition == number][10:]


def test_a_commit_for_somebody_elses_partition_is_fenced(log_backend: LogBackend, log: Log) -> None:
    send(log, 5)
    one = log.consumer("g", [STREAM])
    poll_until(lambda: one.assignment() == everything(log, STREAM), [one])
    two = log_backend.open().consumer("g", [STREAM])
    poll_until(shared_out(log, [one, two], STREAM), [one, two])
    (lost,) = everything(log, STREAM) - one.assignment()
    with pytest.raises(Fenced):
        one.commit({lost: 1})
    assert two.committed(lost) is None


def test_the_listener_runs_inside_poll(log: Log) -> None:
    heard = Heard()
    consumer = log.consumer("g", [STREAM], heard)
    assert heard.told == []
    poll_until(lambda: bool(heard.told), [consumer])
    assert heard.threads == {threading.get_ident()}


def test_pause_gives_nothing_and_keeps_membership(log_backend: LogBackend, log: Log) -> None:
    stored = send(log, 5)
    one = log.consumer("g", [STREAM])
    one.pause()
    poll_until(lambda: one.assignment() == everything(log, STREAM), [one])
    assert [record for _ in range(5) for record in one.poll(0.1, 100)] == []
    assert one.assignment() == everything(log, STREAM)
    one.resume()
    assert receive(one, 5) == stored


def test_pause_holds_for_partitions_that_come_later(log_backend: LogBackend, log: Log) -> None:
    send(log, 5, partition=0)
    send(log, 5, partition=1)
    one, two = log.consumer("g", [STREAM]), log_backend.open().consumer("g", [STREAM])
    poll_until(shared_out(log, [one, two], STREAM), [one, two])
    one.pause()
    two.close()
    polled: list[Record] = []
    deadline = time.monotonic() + ASSIGN_S
    while one.assignment() != everything(log, STREAM) and time.monotonic() < deadline:
        polled.extend(one.poll(0.1, 100))
    polled.extend(one.poll(0.5, 100))
    assert (one.assignment(), polled) == (everything(log, STREAM), [])


# --- random access -----------------------------------------------------------------------------------------------------


def test_a_reader_gives_exactly_that_record(log: Log) -> None:
    stored = send(log, 20)
    reader = log.reader()
    for record in (stored[7], stored[0], stored[19], stored[7]):
        assert reader.read(STREAM, 0, record.offset) == record
    reader.close()


@pytest.mark.parametrize("beyond", [0, 1, 1_000_000, 2**40 - 3, 2**62])
def test_past_the_end_nothing_was_ever_written(log: Log, beyond: int) -> None:
    end = send(log, 3)[-1].offset + 1
    with pytest.raises(NeverWritten):
        log.reader().read(STREAM, 0, end + beyond)


def test_in_an_empty_partition_nothing_was_ever_written(log: Log) -> None:
    with pytest.raises(NeverWritten):
        log.reader().read(STREAM, 0, 0)


def test_what_retention_took_has_expired(log_backend: LogBackend, log: Log) -> None:
    stored = send(log, 10)
    log_backend.forget(log_backend, STREAM, 0, 4)
    reader = log.reader()
    with pytest.raises(Expired):
        reader.read(STREAM, 0, stored[3].offset)
    assert reader.read(STREAM, 0, stored[4].offset) == stored[4]
    assert log.bounds(STREAM)[0] == Bounds(4, 10)
    assert list(reader.scan(STREAM, 0, 0, 10)) == stored[4:]
    assert receive(log.consumer("g", [STREAM]), 6) == stored[4:]


def test_a_scan_gives_what_is_there_between_two_offsets(log: Log) -> None:
    stored = send(log, 20)
    reader = log.reader()
    assert list(reader.scan(STREAM, 0, 5, 12)) == stored[5:12]
    assert list(reader.scan(STREAM, 0, 15, 1000)) == stored[15:]
    assert list(reader.scan(STREAM, 0, 12, 12)) == []
    assert list(reader.scan(STREAM, 1, 0, 1000)) == []


def test_a_scan_ends_where_the_partition_ended_when_it_was_called(log: Log) -> None:
    stored = send(log, 5)
    scan = log.reader().scan(STREAM, 0, 0, 1000)
    send(log, 5)
    assert list(scan) == stored


# --- streams -----------------------------------------------------------------------------------------------------------


def test_bounds_are_start_and_end_of_every_partition(log: Log) -> None:
    assert log.bounds(STREAM) == {0: Bounds(0, 0), 1: Bounds(0, 0)}
    send(log, 7, partition=1)
    assert log.bounds(STREAM) == {0: Bounds(0, 0), 1: Bounds(0, 7)}


def test_apply_makes_every_stream_once(log_backend: LogBackend) -> None:
    log = log_backend.open()
    assert [log.partitions(name) for name in STREAMS] == [0] * len(STREAMS)
    said = log.apply(3)
    assert all(any(name in sentence for sentence in said) for name in STREAMS)
    assert [log.partitions(name) for name in STREAMS] == [3] * len(STREAMS)
    send(log, 1)
    assert list(log.apply(3)) == []
    assert log.bounds(STREAM)[0] == Bounds(0, 1)


def test_check_names_what_is_missing_and_is_content_after_apply(log_backend: LogBackend) -> None:
    log = log_backend.open()
    complaints = log.check()
    assert all(any(name in complaint for complaint in complaints) for name in STREAMS)
    log.apply(2)
    assert list(log.check()) == []


def test_a_compacted_stream_keeps_the_newest_of_each_key(log_backend: LogBackend, log: Log) -> None:
    producer = log.producer()
    sent = [NewRecord("uploads", key, b"%d" % n, 0) for n, key in enumerate((b"a", b"b", b"a", b"b", b"c", b"a"))]
    stored = [future.result(SEND_S) for future in [producer.send(record) for record in sent]]
    there = list(log.reader().scan("uploads", 0, 0, 100))
    newest = {record.key: record for record in stored}
    assert {record.key: record for record in there} == newest
    if log_backend.features.compaction == "immediate":
        assert there == [stored[3], stored[4], stored[5]]
        with pytest.raises(Expired):
            log.reader().read("uploads", 0, stored[0].offset)


def test_prefixes_never_meet(log_backend: LogBackend, log: Log) -> None:
    other = log_backend.open(log_backend.prefix + "b-")
    assert other.partitions(STREAM) == 0
    other.apply(1)
    stored, others = send(log, 3), send(other, 2, first=100)
    one, two = log.consumer("g", [STREAM]), other.consumer("g", [STREAM])
    assert receive(one, 3) == stored
    assert receive(two, 2) == others
    one.commit({(STREAM, 0): 3})
    assert (log.committed("g", STREAM), other.committed("g", STREAM)) == ({0: 3}, {})
    assert (log.partitions(STREAM), other.partitions(STREAM)) == (2, 1)


def test_ping_is_answered(log: Log) -> None:
    log.ping()


def test_two_logs_on_one_place_see_each_other(log_backend: LogBackend, log: Log) -> None:
    stored = send(log_backend.open(), 5)
    assert list(log.reader().scan(STREAM, 0, 0, 100)) == stored
