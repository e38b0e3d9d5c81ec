"""Tallying and warming: whoever writes the tallies, after whatever failed, they are those of one undisturbed pass."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sampler import warming
from services.sampler.tallying import HOUR_MS, IDLE_S, Tallying
from shared.adapters.embedded.segment_log import SegmentLog
from shared.errors import Unavailable
from shared.ports.log import Log
from shared.runtime.service import Received
from shared.streams import PREDICTIONS, TALLIES, tallies
from shared.streams.predictions import new_prediction
from shared.streams.record import NewRecord, Record
from shared.streams.tallies import Tally, new_tally, newest
from tests.unit.services.sampler.counting import Counting, as_read, one_pass, predicted, told

SMALL_BLOCK = 16
HERE = frozenset({("predictions", 0)})


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """So that a short log has many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "BLOCK", SMALL_BLOCK)
        patch.setattr(warming, "BLOCK", SMALL_BLOCK)
        yield


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SegmentLog]:
    log = SegmentLog(tmp_path / "log")
    log.apply()
    yield log
    log.close()


def publish(log: Log, *records: NewRecord) -> None:
    producer = log.producer()
    for future in [producer.send(record) for record in records]:
        future.result(5)
    producer.close()


def received(at: int, frame: int | None = None, time_ms: int = 0, partition: int = 0) -> Received:
    message = predicted(at if frame is None else frame, partition)
    return Received(Record("predictions", partition, at, time_ms, b"door", b""), message)


def tallied(records: list[NewRecord]) -> list[tuple[int, int]]:
    """(block, up to) of each."""
    read = [Tally.model_validate_json(record.value or b"") for record in records]
    return [(tally.block, tally.up_to) for tally in read]


def settled(tallying: Tallying, now_s: float) -> list[tuple[int, int]]:
    """What is due after a batch, which then is through."""
    due = tallied(tallying.due(now_s))
    tallying.settle()
    return due


class Owner:
    """A process that owns the partition, or believes so. `position`: what it is delivered next."""

    def __init__(self, log: Log, position: int) -> None:
        self.log, self.position = log, position
        self.service = Counting(log)
        self.service.on_assigned(HERE)

    def batch(self, records: int) -> list[Received]:
        scanned = self.service.reader.scan("predictions", 0, self.position, self.position + records)
        return [Received(record, PREDICTIONS.decode(record)) for record in scanned]

    def step(self, records: int, what: str) -> None:
        """`again`: a dependency was down, the batch came twice. `lost`, `unsettled`: it died before, or after publishing."""
        batch = self.batch(records)
        outputs = self.service.handle(batch).outputs
        if what == "again":
            outputs = self.service.handle(batch).outputs
        if what != "lost":
            publish(self.log, *outputs)
        if what != "unsettled":
            self.service.confirmed()
        self.position += records

    def part(self) -> None:
        publish(self.log, *self.service.parting())
        self.service.close()


FRAMES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 3), st.sampled_from(["live", "live", "live", "shadow"])),
    min_size=20,
    max_size=90,
)
STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["fine", "again", "lost", "unsettled", "part", "zombie"])),
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(FRAMES, STEPS)
def test_they_are_those_of_one_undisturbed_pass(
    frames: list[tuple[int, int, str]], steps: list[tuple[int, str]]
) -> None:
    """Deaths at every moment, batches that come twice, zombies that go on writing, frames that were predicted twice."""
    with TemporaryDirectory() as folder:
        log = SegmentLog(Path(folder))
        log.apply()
        publish(log, *(new_prediction(predicted(at, found=found, role=role)) for at, found, role in frames))
        committed, owner = 0, Owner(log, 0)
        zombies: list[Owner] = []
        for records, what in steps:
            owner.step(records, what)
            if what in ("fine", "again", "part", "zombie"):
                committed = min(owner.position, len(frames))
            if what == "part":
                owner.part()
            if what == "zombie":
                zombies.append(owner)
            if what not in ("fine", "again"):
                owner = Owner(log, committed)
            for zombie in zombies:
                zombie.step(3, "fine")
        owner.step(len(frames), "fine")
        owner.part()
        for zombie in zombies:
            zombie.service.close()
        written = told(log)
        assert as_read(log) == one_pass(log)
        for _, same in itertools.groupby(sorted(written, key=_place), _place):
            assert len({tally.to_bytes() for tally in same}) == 1
        log.close()


def _place(tally: Tally) -> tuple[int, int]:
    return tally.block, tally.up_to


def test_a_finished_tally_is_due_until_it_is_settled() -> None:
    tallying = Tallying()
    for at in range(SMALL_BLOCK + 1):
        tallying.meet(received(at))
    assert tallied(tallying.due(0)) == tallied(tallying.due(0)) == [(0, SMALL_BLOCK)]
    tallying.settle()
    assert tallying.due(0) == []


def test_the_open_block_is_told_each_hour_of_log_time() -> None:
    tallying = Tallying()
    for at, hours in enumerate([0, 0.5, 1.0, 1.9, 3.5]):
        tallying.meet(received(at, time_ms=int(hours * HOUR_MS)))
    assert tallied(tallying.due(0)) == [(0, 2), (0, 4)]


def test_the_open_block_is_told_once_when_nothing_comes_any_more_and_at_the_end() -> None:
    tallying = Tallying()
    tallying.meet(received(0))
    tallying.meet(received(0, partition=1))
    waited = [settled(tallying, second) for second in range(int(IDLE_S) + 1)]
    assert waited[:-1] == [[]] * int(IDLE_S)
    assert waited[-1] == [(0, 1), (0, 1)]
    tallying.meet(received(1, partition=1))
    assert tallied(tallying.due(IDLE_S + 1)) == []
    assert tallied(tallying.closing()) == [(0, 2)]
    assert tallying.closing() == []


def test_what_was_revoked_is_not_told() -> None:
    tallying = Tallying()
    for partition in (0, 1):
        for at in range(SMALL_BLOCK + 1):
            tallying.meet(received(at, partition=partition))
    tallying.forget({0})
    assert [record.partition for record in [*tallying.due(0), *tallying.closing()]] == [1, 1]


def test_the_log_is_not_asked_for_a_partition_without_predictions(log: SegmentLog) -> None:
    service = Counting(log)
    service.on_assigned(HERE)
    log.close()
    assert service.handle([]).outputs == []


def test_a_new_owner_reads_back_a_block_and_tells_it_in_order(log: SegmentLog) -> None:
    publish(log, *(new_prediction(predicted(at)) for at in range(50)))
    publish(
        log, NewRecord("predictions", b"door", b"garbage", 0), *(new_prediction(predicted(at)) for at in range(51, 60))
    )
    heard: list[int] = []
    first = Owner(log, 0)
    first.step(50, "fine")
    first.position = 51
    first.step(4, "fine")
    first.part()
    service = Counting(log, lambda one: heard.append(one.record.offset))
    service.on_assigned(HERE)
    second = Owner(log, 55)
    assert service.handle(second.batch(3)).outputs == []
    assert heard == [at for at in range(55 - SMALL_BLOCK, 55) if at != 50]
    service.close()
    second.service.close()


def test_reading_back_goes_on_where_it_stopped(log: SegmentLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "MOST_AT_ONCE", 7)
    publish(log, *(new_prediction(predicted(at)) for at in range(12)))
    heard: list[int] = []
    owner = Owner(log, 10)
    owner.service.close()
    owner.service = Counting(log, lambda one: heard.append(one.record.offset))
    owner.service.on_assigned(HERE)
    with pytest.raises(Unavailable, match="3 predictions of partition 0 to read back"):
        owner.step(2, "fine")
    owner.step(2, "fine")
    owner.part()
    assert heard == list(range(10))
    assert as_read(log) == one_pass(log)


def test_of_the_latest_tallies_the_one_that_reaches_furthest_goes_on(log: SegmentLog) -> None:
    publish(log, *(new_prediction(predicted(at)) for at in range(40)))
    late = Owner(log, 0)
    late.step(5, "fine")
    owner = Owner(log, 0)
    owner.step(20, "fine")
    owner.part()
    late.part()
    assert told(log)[-1].up_to == 5
    after = Owner(log, 20)
    after.step(20, "fine")
    after.part()
    assert as_read(log) == one_pass(log)


def test_gaps_that_compaction_left_are_looked_across(log: SegmentLog) -> None:
    publish(log, *(new_prediction(predicted(at)) for at in range(3)))
    owner = Owner(log, 0)
    owner.step(3, "fine")
    for _ in range(300):
        publish(log, NewRecord(TALLIES.name, b"0", None, 0))
    publish(log, *owner.service.parting())
    after = Owner(log, 3)
    after.step(1, "fine")
    assert after.service.tallying.closing() == []
    owner.service.close()
    after.service.close()


def test_a_tally_of_a_stream_that_was_made_anew_stops_no_counting(log: SegmentLog) -> None:
    publish(log, *(new_prediction(predicted(at)) for at in range(10)))
    publish(log, new_tally(Tally(partition=0, block=500, up_to=4_000)))
    owner = Owner(log, 0)
    owner.step(10, "fine")
    owner.part()
    counted = newest(tally for tally in told(log) if tally.block < 500)
    assert counted == one_pass(log)
