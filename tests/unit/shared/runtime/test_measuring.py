"""Measuring: batches shrink while they are slow and grow again; a lag nobody knows stops nothing."""

from collections.abc import Mapping
from typing import ClassVar, cast

from shared.errors import Unavailable
from shared.ports.log import Consumer
from shared.runtime.measuring import Measuring
from shared.runtime.service import Service
from shared.streams.record import Partition, Record

BATCH = [Record("frames", 0, 0, 0, None, None)]


class Slow(Service):
    name: ClassVar[str] = "slow"
    reads: ClassVar[tuple[str, ...]] = ("frames",)
    max_records = 32


class Silent:
    def lag(self) -> Mapping[Partition, int]:
        raise Unavailable("log", "down")


def test_slow_batches_shrink_down_to_one_record_and_grow_back() -> None:
    measuring = Measuring(Slow())
    sizes = []
    for seconds in (30, 30, 30, 30, 30, 30, 10, 1, 1, 1, 1, 1, 1):
        measuring.batch(BATCH, seconds)
        sizes.append(measuring.most)
    assert sizes == [16, 8, 4, 2, 1, 1, 1, 2, 4, 8, 16, 32, 32]


def test_an_empty_batch_says_nothing_about_the_pace() -> None:
    measuring = Measuring(Slow())
    measuring.batch([], 60)
    assert measuring.most == 32


def test_a_lag_that_cannot_be_known_stops_nothing() -> None:
    Measuring(Slow()).lag(cast(Consumer, Silent()))
