"""The gate lets in what fits, one record always, and waits no longer than it is told."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.cluster.byte_gate import ByteGate


def test_what_does_not_fit_waits_and_is_turned_away() -> None:
    gate = ByteGate(100)
    assert gate.enter(60, 0)
    assert not gate.enter(60, 0.01)
    assert (gate.bytes_in_flight, gate.records_in_flight) == (60, 1)


def test_one_record_larger_than_the_gate_enters_alone() -> None:
    gate = ByteGate(100)
    assert gate.enter(1_000, 0)
    assert not gate.enter(1, 0)
    gate.leave(1_000)
    assert gate.enter(1, 0)


def test_whoever_waits_enters_when_somebody_leaves() -> None:
    gate, entered = ByteGate(100), list[bool]()
    gate.enter(100, 0)
    waiting = threading.Thread(target=lambda: entered.append(gate.enter(10, 5)))
    waiting.start()
    gate.leave(100)
    waiting.join()
    assert entered == [True]


def test_it_says_whether_it_is_empty() -> None:
    gate = ByteGate(100)
    assert gate.wait_until_empty(0)
    gate.enter(1, 0)
    assert not gate.wait_until_empty(0.01)
    gate.leave(1)
    assert gate.wait_until_empty(0)


@given(st.lists(st.integers(min_value=0, max_value=50), max_size=30))
def test_it_never_holds_more_than_it_may(sizes: list[int]) -> None:
    gate = ByteGate(60)
    inside = [size for size in sizes if gate.enter(size, 0)]
    assert gate.bytes_in_flight == sum(inside)
    assert sum(inside) <= 60
    for size in inside:
        gate.leave(size)
    assert (gate.bytes_in_flight, gate.records_in_flight) == (0, 0)
