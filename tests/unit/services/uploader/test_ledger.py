"""The equation: everything that was promised has a place."""

from hypothesis import given
from hypothesis import strategies as st

from services.uploader.ledger import Placed, ledger
from shared.streams.uploads import Outcome, Receipt
from tests.hosts.samples import design, revision
from tests.unit.services.uploader.making import neighbour


def receipt(number: int, outcome: Outcome, destination: str = "dataset", revised: str = "") -> Receipt:
    sample_id = design(number).sample_id
    return Receipt(
        sample_id=sample_id,
        destination=destination,
        revision=revised,
        outcome=outcome,
        delivered_at="2026-11-22T12:00:00Z",
    )


def placed(offset: int, *to: str, missing: str | None = None) -> Placed:
    return Placed(0, offset, design(offset, to or ("dataset",), missing=missing))


def test_every_end_has_its_count() -> None:
    outcomes: list[Outcome] = ["accepted", "already_there", "uncertain", "dead_lettered", "evicted", "withdrawn"]
    samples = [*(placed(number) for number in range(7)), placed(7, missing="expired")]
    found = ledger(samples, [receipt(number, outcome) for number, outcome in enumerate(outcomes)])
    counts = (found.accepted, found.acknowledged, found.pending, found.dead_lettered)
    assert counts == (8, 3, 1, 1)
    assert (found.evicted, found.missing, found.withdrawn, found.breakers) == (1, 1, 1, ())
    assert found.balanced


def test_pairs_are_distinct_and_the_first_design_counts() -> None:
    said = Placed(0, 2, revision(0))
    found = ledger([placed(0, "a", "b"), placed(0, "a", "b", "c"), said, said], [])
    assert found.accepted == 3


def test_what_lies_behind_the_committed_offset_without_an_end_is_named() -> None:
    found = ledger([placed(0), placed(1), placed(2)], [receipt(1, "accepted")], committed={0: 2})
    assert found.breakers == ((design(0).sample_id, "dataset", ""),)
    assert (found.accepted, found.acknowledged, found.pending, found.balanced) == (3, 1, 1, False)


def test_a_verdict_without_an_image_that_reached_its_host_is_acknowledged() -> None:
    said = revision(0, effect="verify", missing="expired")
    found = ledger([Placed(0, 0, said)], [receipt(0, "updated", revised=said.revision)])
    assert (found.acknowledged, found.missing) == (1, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.sets(st.integers(0, 9)), st.integers(0, 12))
def test_the_equation_holds_unless_somebody_is_named(
    drawn: list[tuple[int, bool]], ended: set[int], committed: int
) -> None:
    samples = [placed(number, missing="expired" if gone else None) for number, gone in drawn]
    found = ledger(samples, [receipt(number, "accepted") for number in ended], {0: committed})
    ends = found.acknowledged + found.dead_lettered + found.evicted + found.missing + found.withdrawn
    assert found.accepted == ends + found.pending + len(found.breakers)
    assert found.balanced == (not found.breakers)


def test_neighbours_are_promised_like_any_sample() -> None:
    beside = [Placed(0, number, neighbour(number)) for number in range(3)]
    lost = Placed(0, 3, neighbour(3, missing="expired"))
    found = ledger([*beside, lost], [receipt(0, "accepted")], committed={0: 2})
    assert (found.accepted, found.acknowledged, found.pending, found.missing) == (4, 1, 1, 1)
    assert found.breakers == ((neighbour(1).sample_id, "dataset", ""),)


def test_a_neighbour_that_was_drawn_later_is_one_promise_and_the_designs() -> None:
    beside, drawn = Placed(0, 0, neighbour(0, missing="limit:all/day")), placed(0)
    assert ledger([beside, drawn], []).pending == 1
    assert ledger([beside, drawn], [receipt(0, "accepted")]).acknowledged == 1
