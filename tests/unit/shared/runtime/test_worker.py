"""The loop's promises, on the embedded log: nothing committed before it is durable, pauses instead of crashes, dead letters."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from shared.adapters.embedded.segment_log import SegmentLog
from shared.errors import InvalidMessage, Unavailable
from shared.runtime.lifecycle import Stop
from shared.runtime.service import Handled, Received, Service
from shared.runtime.worker import Worker
from shared.streams.dead_letters import PREFIX
from shared.streams.frames import Frame, new_frame
from shared.streams.record import NewRecord, Partition, Record


class Echo(Service):
    """Publishes each frame's image to `verdicts`; does what the test wants meanwhile."""

    name: ClassVar[str] = "echo"
    reads: ClassVar[tuple[str, ...]] = ("frames",)

    def __init__(self, before: Callable[[Sequence[Received]], None] = lambda batch: None) -> None:
        self.before = before
        self.batches: list[list[bytes]] = []
        self.hold_from: int | None = None
        self.last_words: Sequence[NewRecord] = ()
        self.confirmations = 0

    def poll_timeout_s(self) -> float:
        return 0.01

    def handle(self, batch: Sequence[Received]) -> Handled:
        self.before(batch)
        frames: list[Frame] = [received.message for received in batch]
        self.batches.append([frame.image for frame in frames])
        dead = [(r.record, InvalidMessage("poison")) for r in batch if r.message.image == b"poison"]
        outputs = [NewRecord("verdicts", b"k", f.image, f.ref.partition) for f in frames if f.image != b"poison"]
        return Handled(outputs, dead)

    def confirmed(self) -> None:
        self.confirmations += 1

    def parting(self) -> Sequence[NewRecord]:
        return self.last_words

    def committable(self, partition: Partition, position: int) -> int:
        return position if self.hold_from is None else min(position, self.hold_from)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SegmentLog]:
    log = SegmentLog(tmp_path / "log")
    log.apply()
    yield log
    log.close()


def publish(log: SegmentLog, *images: bytes) -> None:
    producer = log.producer()
    for future in [producer.send(new_frame("door", image)) for image in images]:
        future.result(5)
    producer.close()


def everything(log: SegmentLog, stream: str) -> list[Record]:
    reader = log.reader()
    bounds = log.bounds(stream)[0]
    records = list(reader.scan(stream, 0, bounds.start, bounds.end))
    reader.close()
    return records


def step_until(worker: Worker, done: Callable[[], bool], steps: int = 200) -> None:
    for _ in range(steps):
        worker.step()
        if done():
            return
    raise AssertionError(f"not done after {steps} steps")


def test_what_is_published_is_handled_in_order_and_committed(log: SegmentLog) -> None:
    publish(log, b"1", b"2", b"3")
    worker = Worker(Echo(), log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 3})
    assert [r.value for r in everything(log, "verdicts")] == [b"1", b"2", b"3"]
    worker.close()


def test_invalid_records_become_dead_letters_with_their_cause_and_the_rest_flows(log: SegmentLog) -> None:
    publish(log, b"1", b"poison", b"2")
    producer = log.producer()
    producer.send(NewRecord("frames", b"door", b"")).result(5)
    producer.close()
    worker = Worker(Echo(), log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 4})
    dead = everything(log, "frames.dlq")
    assert sorted(d.header(PREFIX + "offset") or "" for d in dead) == ["1", "3"]
    assert {d.header(PREFIX + "stage") for d in dead} == {"VALUE_CONVERTER", "TRANSFORMATION"}
    assert any("is empty" in (d.header(PREFIX + "exception.message") or "") for d in dead)
    assert all(d.header(PREFIX + "connector.name") == "echo" for d in dead)
    assert b"poison" not in (dead[0].value or b""), "a frame goes by reference"
    assert [r.value for r in everything(log, "verdicts")] == [b"1", b"2"]
    worker.close()


def test_an_output_that_the_log_will_never_take_becomes_a_dead_letter_and_the_rest_flows(log: SegmentLog) -> None:
    publish(log, b"1", b"x" * 1_500_000, b"2")
    worker = Worker(Echo(), log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 3})
    assert [r.value for r in everything(log, "verdicts")] == [b"1", b"2"]
    (dead,) = everything(log, "verdicts.dlq")
    assert dead.header(PREFIX + "stage") == "TASK_PUT"
    assert dead.header(PREFIX + "topic") == "verdicts"
    worker.close()


def test_a_dependency_that_is_down_pauses_and_the_same_batch_comes_again(log: SegmentLog) -> None:
    publish(log, b"1", b"2")
    tries: list[int] = []

    def down_twice(batch: Sequence[Received]) -> None:
        if batch and len(tries) < 2:
            tries.append(len(batch))
            assert log.committed("echo", "frames") == {}
            raise Unavailable("state store", "down")

    worker = Worker(Echo(down_twice), log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 2})
    assert [r.value for r in everything(log, "verdicts")] == [b"1", b"2"]
    worker.close()


def test_readiness_says_what_is_waited_for_and_liveness_does_not_care(log: SegmentLog) -> None:
    publish(log, b"1")
    seen: list[tuple[bool, str | None]] = []
    tries = iter(range(3))

    def down(batch: Sequence[Received]) -> None:
        if batch:
            seen.append((worker.health.alive, worker.health.blocked_by))
            if next(tries, 9) < 2:
                raise Unavailable("image buffer", "down")

    worker = Worker(Echo(down), log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 1})
    assert seen == [(True, None), (True, "image buffer"), (True, "image buffer")]
    assert worker.health.blocked_by is None
    worker.close()


def test_a_stop_while_waiting_leaves_everything_uncommitted(log: SegmentLog) -> None:
    publish(log, b"1")
    stop = Stop()

    def down(batch: Sequence[Received]) -> None:
        if batch:
            stop.set()
            raise Unavailable("state store", "down")

    Worker(Echo(down), log, stop).run()
    assert log.committed("echo", "frames") == {}
    again = Worker(Echo(), log, Stop())
    step_until(again, lambda: log.committed("echo", "frames") == {0: 1})
    again.close()


def test_a_drain_ends_with_the_services_last_words(log: SegmentLog) -> None:
    publish(log, b"1")
    stop = Stop()
    service = Echo(lambda batch: stop.set() if batch else None)
    service.last_words = [NewRecord("tallies", b"open", b"as far as it goes", 0)]
    Worker(service, log, stop).run()
    assert log.committed("echo", "frames") == {0: 1}
    assert [r.value for r in everything(log, "tallies")] == [b"as far as it goes"]


def test_who_is_stopped_while_a_dependency_is_down_says_nothing_more(log: SegmentLog) -> None:
    publish(log, b"1")
    stop = Stop()

    def down(batch: Sequence[Received]) -> None:
        if batch:
            stop.set()
            raise Unavailable("state store", "down")

    service = Echo(down)
    service.last_words = [NewRecord("tallies", b"open", b"as far as it goes", 0)]
    Worker(service, log, stop).run()
    assert everything(log, "tallies") == []


def test_a_log_that_is_away_does_not_hold_up_the_end(log: SegmentLog) -> None:
    stop = Stop()
    service = Echo()
    worker = Worker(service, log, stop)
    worker.step()
    service.last_words = [NewRecord("tallies", b"open", b"as far as it goes", 0)]
    stop.set()
    log.close()
    worker.run()


def test_an_error_of_no_known_kind_stops_with_nothing_committed(log: SegmentLog) -> None:
    publish(log, b"1")

    def broken(batch: Sequence[Received]) -> None:
        if batch:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        Worker(Echo(broken), log, Stop()).run()
    assert log.committed("echo", "frames") == {}


def test_a_service_may_hold_the_commit_back(log: SegmentLog) -> None:
    publish(log, b"1", b"2", b"3")
    service = Echo()
    service.hold_from = 1
    worker = Worker(service, log, Stop())
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 1})
    service.hold_from = None
    step_until(worker, lambda: log.committed("echo", "frames") == {0: 3})
    assert service.confirmations >= 2
    worker.close()


def test_half_of_the_recent_records_poison_halts_without_committing_on_and_on(log: SegmentLog) -> None:
    publish(log, *[b"poison"] * 250, *[b"fine"] * 100)
    stop = Stop()
    service = Echo()
    service.max_records = 50
    worker = Worker(service, log, stop)
    halted: list[int] = []

    def noticed(seconds: float) -> None:
        halted.append(log.committed("echo", "frames")[0])
        stop.set()

    worker._wait = noticed  # type: ignore[method-assign]  # the loop has nothing else to do but to wait
    worker.run()
    assert halted == [200]
