"""What waits is taken oldest first, in groups of one kind, in fair shares; closing lets everybody go."""

import threading

import hypothesis.strategies as some
from hypothesis import given

from services.inference.gathering import Gathering


@given(pieces=some.lists(some.tuples(some.sampled_from("abc"), some.integers())), most=some.integers(1, 8))
def test_every_piece_is_taken_once_the_oldest_first_and_with_its_own_kind(
    pieces: list[tuple[str, int]], most: int
) -> None:
    gathering: Gathering[tuple[int, str]] = Gathering(kind=lambda piece: piece[1])
    for number, (kind, _) in enumerate(pieces):
        gathering.put((number, kind))
    left = {number for number, _ in enumerate(pieces)}
    while left:
        taken = gathering.take(most)
        assert 1 <= len(taken) <= most
        assert taken[0][0] == min(left)
        assert {kind for _, kind in taken} == {taken[0][1]}
        assert [number for number, _ in taken] == sorted(number for number, _ in taken)
        left -= {number for number, _ in taken}


def test_takers_share_what_there_is() -> None:
    gathering: Gathering[int] = Gathering()
    for number in range(6):
        gathering.put(number)
    assert gathering.take(8, takers=2) == [0, 1, 2]
    assert gathering.take(8, takers=2) == [3, 4]
    assert gathering.take(8, takers=2) == [5]


def test_it_waits_a_little_for_more() -> None:
    gathering: Gathering[int] = Gathering()
    gathering.put(0)
    late = threading.Timer(0.05, gathering.put, [1])
    late.start()
    assert gathering.take(2, wait_s=30) == [0, 1]
    late.join()
    gathering.put(2)
    assert gathering.take(2, wait_s=0.01) == [2]


def test_a_full_one_lets_nobody_in_until_somebody_takes() -> None:
    gathering: Gathering[int] = Gathering(most=1)
    gathering.put(0)
    second = threading.Thread(target=gathering.put, args=[1])
    second.start()
    second.join(0.05)
    assert second.is_alive()
    assert gathering.take(1) == [0]
    second.join(30)
    assert gathering.take(1) == [1]


def test_closing_lets_everybody_go() -> None:
    gathering: Gathering[int] = Gathering(most=1)
    gathering.put(0)
    putting: list[bool] = []
    waiting = threading.Thread(target=lambda: putting.append(gathering.put(1)))
    waiting.start()
    assert gathering.close() == [0]
    waiting.join(30)
    assert putting == [False]
    assert gathering.take(1) == []
    assert gathering.close() == []
