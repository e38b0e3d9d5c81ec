"""Whatever the order in which frames are finished: in order within their partition, none twice, none left behind."""

from collections import defaultdict
from concurrent.futures import Future

import hypothesis.strategies as some
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.inference.flight import Flight
from shared.errors import InvalidImage, Unavailable
from shared.runtime.service import Received
from shared.streams.record import Partition, Record

PARTITIONS = [("frames", number) for number in range(3)]
MOST, MOST_BYTES = 6, 1_000


class Work:
    """Frames whose work is done when the test says so."""

    def __init__(self) -> None:
        self.begun: dict[tuple[Partition, int], list[Future[str]]] = defaultdict(list)

    def begin(self, received: Received) -> "Future[str]":
        future: Future[str] = Future()
        self.begun[received.record.source, received.record.offset].append(future)
        return future


def received(partition: Partition, offset: int) -> Received:
    return Received(Record(*partition, offset, 0, b"gate", b""), None)


def add(flight: "Flight[str, str]", work: Work, partition: Partition, offset: int, size: int = 1) -> None:
    one = received(partition, offset)
    flight.add(one, size, "somebody", lambda: work.begin(one))


class FinishedMeanwhile(Future[str]):
    """Is finished when it is looked at for the `look`th time, as lanes finish while one looks."""

    def __init__(self, look: int) -> None:
        super().__init__()
        self._look = look

    def done(self) -> bool:
        self._look -= 1
        if self._look == 0:
            self.set_result("seen")
        return super().done()


@pytest.mark.parametrize("look", [1, 2, 3])
def test_work_that_is_finished_between_two_looks(look: int) -> None:
    flight: Flight[str, str] = Flight(0, MOST_BYTES)
    flight.add(received(PARTITIONS[0], 0), 1, "somebody", lambda: FinishedMeanwhile(look))
    flight.make_room()
    assert len(flight.handed_out()) == 1


class Flying(RuleBasedStateMachine):
    """Frames are added, finished in any order, fail for now, and partitions come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.flight: Flight[str, str] = Flight(MOST, MOST_BYTES)
        self.work = Work()
        self.next = dict.fromkeys(PARTITIONS, 0)
        self.out: dict[Partition, list[int]] = {partition: [] for partition in PARTITIONS}

    @property
    def open(self) -> "list[Future[str]]":
        return [frame.future for frame in self.flight if not frame.future.done()]

    @rule(partition=some.sampled_from(PARTITIONS))
    def take(self, partition: Partition) -> None:
        add(self.flight, self.work, partition, self.next[partition])
        self.next[partition] += 1

    @precondition(lambda self: self.open)
    @rule(which=some.integers(0, 10**6), how=some.sampled_from(["seen", "refused", "down"]))
    def finish(self, which: int, how: str) -> None:
        future = self.open[which % len(self.open)]
        if how == "seen":
            future.set_result("seen")
        else:
            future.set_exception(InvalidImage("no image") if how == "refused" else Unavailable("store", "down"))

    @rule()
    def hand_out(self) -> None:
        for one in self.flight.handed_out():
            assert not isinstance(one.future.exception(), Unavailable)
            self.out[one.partition].append(one.received.record.offset)

    @rule(partition=some.sampled_from(PARTITIONS))
    def revoke(self, partition: Partition) -> None:
        """Its next owner, here the same, begins after the last that was handed out."""
        self.flight.drop({partition})
        self.next[partition] = len(self.out[partition])

    @invariant()
    def in_order_once_and_complete(self) -> None:
        for partition, offsets in self.out.items():
            assert offsets == list(range(len(offsets)))
            oldest = self.flight.oldest(partition)
            if oldest is None:
                assert self.next[partition] == len(offsets)
            else:
                assert oldest == len(offsets)
                ours = [frame.received.record.offset for frame in self.flight if frame.partition == partition]
                assert ours == list(range(oldest, self.next[partition]))

    def teardown(self) -> None:
        """In the end everything comes out, however often it failed before."""
        for frame in self.flight:
            if frame.failure is not None:
                frame.future = frame.begin()
        for future in self.open:
            future.set_result("seen")
        self.hand_out()
        assert len(self.flight) == 0
        assert all(self.next[partition] == len(offsets) for partition, offsets in self.out.items())


TestFlying = Flying.TestCase
TestFlying.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(finished=some.lists(some.booleans(), min_size=1, max_size=40))
def test_room_is_made_once_few_enough_are_unfinished(finished: list[bool]) -> None:
    """The oldest finished, it returns at once; it never waits for what may stay."""
    flight, work = Flight[str, str](MOST, MOST_BYTES), Work()
    for offset, done in enumerate(finished):
        add(flight, work, PARTITIONS[offset % 3], offset)
        if done or offset < len(finished) - MOST:
            work.begun[PARTITIONS[offset % 3], offset][0].set_result("seen")
    flight.make_room()
    flight.handed_out()
    assert len(flight) <= MOST


def test_large_frames_leave_less_room() -> None:
    flight, work = Flight[str, str](MOST, MOST_BYTES), Work()
    for offset in range(3):
        add(flight, work, PARTITIONS[0], offset, size=600)
    for offset in range(2):
        work.begun[PARTITIONS[0], offset][0].set_result("seen")
    flight.make_room()
    flight.handed_out()
    assert [frame.received.record.offset for frame in flight] == [2]


def test_what_is_down_is_tried_again_and_raised_while_it_stays_down() -> None:
    """The second try fails as well, the third one is still under way when it is asked for room."""
    flight = Flight[str, str](MOST, MOST_BYTES)
    answers: list[Future[str]] = [Future() for _ in range(3)]
    for future in answers[:2]:
        future.set_exception(Unavailable("object store", "refused"))
    answers[2].set_result("seen")
    tries = iter(answers)
    flight.add(received(PARTITIONS[0], 0), 1, "somebody", lambda: next(tries))
    with pytest.raises(Unavailable, match="object store"):
        flight.make_room()
    assert flight.handed_out() == []
    flight.make_room()
    assert [one.future.result() for one in flight.handed_out()] == ["seen"]
