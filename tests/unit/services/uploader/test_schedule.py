"""When to try again."""

from hypothesis import given
from hypothesis import strategies as st

from services.uploader.schedule import FAILURES_TO_OPEN, LONGEST_BACKOFF_S, PAUSE_S, Breaker, backoff_s, priority
from shared.streams.samples import Sample
from tests.hosts.samples import design, revision
from tests.unit.services.uploader.making import neighbour


@given(st.integers(1, 5000), st.text())
def test_backoff_grows_to_five_minutes_and_no_further(failures: int, key: str) -> None:
    wait_s = backoff_s(failures, key)
    whole = min(LONGEST_BACKOFF_S, 2.0 ** min(failures - 1, 20))
    assert whole / 2 <= wait_s <= whole
    assert wait_s == backoff_s(failures, key), "no dice"


def test_jitter_spreads() -> None:
    assert len({backoff_s(3, str(number)) for number in range(50)}) == 50


def test_the_breaker_opens_after_five_failures_in_a_row_then_lets_one_probe_through() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed(0.0, "host")
    assert breaker.allows(0.0, 4) == 4
    breaker.failed(0.0, "host")
    assert breaker.allows(0.0, 4) == 0
    assert breaker.allows(1.0, 4) == 1
    breaker.succeeded()
    assert breaker.allows(1.0, 4) == 4


def test_retry_after_closes_the_destination_for_that_long() -> None:
    breaker = Breaker()
    breaker.failed(10.0, "host", retry_after_s=7.0)
    assert (breaker.allows(16.9, 4), breaker.allows(17.0, 4)) == (0, 4)


def test_a_blocked_destination_is_probed_every_five_minutes() -> None:
    breaker = Breaker()
    breaker.blocked(0.0)
    assert (breaker.allows(PAUSE_S - 1, 4), breaker.allows(PAUSE_S, 4)) == (0, 1)


def test_people_then_the_floor_then_the_rest() -> None:
    kinds: list[Sample] = [
        revision(),
        design(strategy="every_nth"),
        design(strategy="random"),
        design(strategy="margin"),
    ]
    assert [priority(sample) for sample in kinds] == [0, 1, 1, 2]


def test_neighbours_go_last() -> None:
    samples: list[Sample] = [revision(3), design(2), design(1, strategy="margin"), neighbour(0)]
    assert [priority(one) for one in samples] == [0, 1, 2, 3]
