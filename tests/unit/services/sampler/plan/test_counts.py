"""Counts: a batch that is handed in again counts once, and so does one whose sending nobody confirmed."""

from services.sampler.plan.counts import Counts


def batch(counts: Counts, again: bool = False) -> None:
    """`again`: handed in again, so that its draw was decided before."""
    counts.begin()
    counts.met["near"][3] += 1
    if not again:
        counts.drawn("near", passed=False)
    counts.sources["door"] += 1


def test_a_batch_counts_when_it_is_through_and_once() -> None:
    counts = Counts(["near"])
    batch(counts)
    assert counts.to_send(0) == {}
    batch(counts, again=True)
    counts.settle("h", "s")
    assert counts.to_send(0) == {"h": {"near/3": 1, "near/drawn": 1}, "s": {"door": 1}}


def test_what_did_not_arrive_is_sent_again_with_what_came_since() -> None:
    counts = Counts(["near"])
    for _ in range(2):
        batch(counts)
        counts.settle("h", "s")
        sent = counts.to_send(0)
    assert sent["h"]["near/3"] == 2


def test_what_arrived_is_not_sent_again_though_nobody_said_so() -> None:
    counts = Counts(["near"])
    batch(counts)
    counts.settle("h", "s")
    assert counts.to_send(0)
    assert counts.to_send(1) == {}
    assert counts.to_send(1) == {}


def test_the_lists_of_the_hot_path_stay_the_same_ones() -> None:
    counts = Counts(["near"])
    held = counts.met["near"]
    batch(counts)
    counts.settle("h", "s")
    assert held is counts.met["near"]
    assert not any(held)
