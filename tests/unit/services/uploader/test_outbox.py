"""The outbox alone: samples minus receipts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.uploader.outbox import Outbox, Pair
from shared.errors import Unavailable
from shared.streams.samples import Sample
from shared.streams.uploads import Receipt
from tests.hosts.samples import design, record_of, revision
from tests.unit.services.uploader.making import neighbour, resized

NOW_MS = 1_800_000_000_000


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite3")
    yield opened
    opened.close()


def add(outbox: Outbox, *samples: Sample, first_offset: int = 0, uncertain: bool = False) -> None:
    outbox.add((record_of(sample, first_offset + place), sample, uncertain) for place, sample in enumerate(samples))


def receipt(pair: Pair, outcome: str = "accepted", host_id: str | None = "h") -> Receipt:
    return Receipt.model_validate(
        {
            "sample_id": pair.sample_id,
            "destination": pair.destination,
            "revision": pair.revision,
            "outcome": outcome,
            "host_id": host_id,
            "delivered_at": "2026-11-22T12:00:00Z",
        }
    )


def settle_all(outbox: Outbox, outcome: str = "accepted") -> None:
    while due := outbox.due("dataset", NOW_MS, 100):
        outbox.settle((0, receipt(pair, outcome)) for pair in due)


def test_a_sample_taken_in_twice_is_open_once(outbox: Outbox) -> None:
    add(outbox, design(0), design(0))
    assert [pair.sample_id for pair in outbox.due("dataset", NOW_MS, 10)] == [design(0).sample_id]
    assert outbox.oldest(0) == 0


def test_what_has_a_receipt_is_not_opened_but_is_cleared_away(outbox: Outbox) -> None:
    add(outbox, design(0))
    [pair] = outbox.due("dataset", NOW_MS, 10)
    outbox.take_over(0, [receipt(pair)])
    add(outbox, design(0))
    assert outbox.due("dataset", NOW_MS, 10) == []
    assert [sample.sample_id for sample in outbox.finished()] == [pair.sample_id]
    outbox.remove(pair.sample_id)
    assert (outbox.oldest(0), outbox.finished()) == (None, [])


def test_the_oldest_unfinished_sample_holds_the_commit(outbox: Outbox) -> None:
    add(outbox, design(0), design(1), design(2), first_offset=7)
    later = next(pair for pair in outbox.due("dataset", NOW_MS, 10) if pair.sample_id == design(1).sample_id)
    outbox.settle([(0, receipt(later))])
    for sample in outbox.finished():
        outbox.remove(sample.sample_id)
    assert outbox.oldest(0) == 7
    assert outbox.oldest(1) is None


def test_one_image_is_due_once_at_a_time_and_not_while_it_is_busy(outbox: Outbox) -> None:
    add(outbox, design(0), revision(0), design(1))
    due = outbox.due("dataset", NOW_MS, 10)
    assert sorted(pair.sample_id for pair in due) == sorted({design(0).sample_id, design(1).sample_id})
    assert [pair.sample_id for pair in outbox.due("dataset", NOW_MS, 10, {due[0].image})] == [due[1].sample_id]


def test_an_attempt_makes_it_uncertain_and_a_postponed_one_waits(outbox: Outbox) -> None:
    add(outbox, design(0))
    [pair] = outbox.due("dataset", NOW_MS, 10)
    assert not pair.uncertain
    outbox.note([pair])
    outbox.postpone(pair, NOW_MS + 1000)
    assert outbox.due("dataset", NOW_MS, 10) == []
    assert outbox.next_at_ms("dataset") == NOW_MS + 1000
    [again] = outbox.due("dataset", NOW_MS + 1000, 10)
    assert (again.uncertain, again.attempts) == (True, 1)


def test_priority_then_age(outbox: Outbox) -> None:
    add(outbox, design(0, strategy="margin"), design(1), design(2), revision(3))
    order = [pair.sample_id for pair in outbox.due("dataset", NOW_MS, 10)]
    assert order == [sample.sample_id for sample in (revision(3), design(1), design(2), design(0))]


def test_a_verdict_without_an_image_is_open_only_where_the_image_is_or_will_be(outbox: Outbox) -> None:
    add(outbox, revision(0, missing="expired"), design(1), revision(1, missing="expired"))
    due = outbox.due("dataset", NOW_MS, 10)
    assert {pair.sample_id for pair in due} == {design(1).sample_id}
    assert [sample.sample_id for sample in outbox.finished()] == [revision(0).sample_id]


def test_the_design_lends_its_reasons_and_whoever_has_one_the_image(outbox: Outbox) -> None:
    add(outbox, design(0, missing="limit:day"), revision(0))
    [pair] = outbox.due("dataset", NOW_MS, 10)
    sample = outbox.sample(pair)
    assert (sample.kind, sample.image) == ("design", revision(0).image)


def test_revisions_are_known_in_the_logs_order_and_missed_when_a_receipt_speaks_of_one(outbox: Outbox) -> None:
    first, second = revision(0, key="z"), revision(0, effect="flag", key="a")
    add(outbox, first, second)
    assert [one.revision for one in outbox.revisions(first.sample_id)] == [first.revision, second.revision]
    assert not outbox.lacks_revisions(first.sample_id)
    [pair] = outbox.due("dataset", NOW_MS, 1)
    outbox.take_over(0, [receipt(pair)])
    assert outbox.lacks_revisions(first.sample_id)
    outbox.recall([(record_of(first, 0), first), (record_of(second, 1), second)])
    assert not outbox.lacks_revisions(first.sample_id)


def test_a_partition_that_went_away_is_forgotten_whole(outbox: Outbox) -> None:
    add(outbox, design(0), revision(0))
    settle_all(outbox)
    outbox.forget(0)
    assert (outbox.oldest(0), outbox.open_pairs(), outbox.finished()) == (None, 0, [])
    assert outbox.host_id(design(0).sample_id, "dataset") is None


def test_destinations_with_something_open(outbox: Outbox) -> None:
    add(outbox, design(0, ("b", "a")), design(1, ("b", "c")))
    assert outbox.destinations() == ["a", "b", "c"]


def test_a_file_that_cannot_be_made_is_unavailable_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match=r"outbox\.sqlite3"):
        Outbox(tmp_path / "file" / "outbox.sqlite3")


def test_whatever_lay_in_the_file_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite3").write_bytes(b"garbage" * 1000)
    opened = Outbox(tmp_path / "outbox.sqlite3")
    assert opened.open_pairs() == 0
    opened.close()


def test_a_design_takes_the_place_of_a_neighbour_that_waits(outbox: Outbox) -> None:
    add(outbox, neighbour(0), design(1, strategy="margin"), design(0))
    pairs = outbox.due("dataset", NOW_MS, 10)
    assert [pair.sample_id for pair in pairs] == [design(0).sample_id, design(1).sample_id]
    assert outbox.sample(pairs[0]) == design(0)
    assert outbox.oldest(0) == 0, "the neighbour's place is not committed before the image is through"


def test_a_design_stays_when_its_neighbour_comes_again(outbox: Outbox) -> None:
    add(outbox, design(0), neighbour(0))
    [pair] = outbox.due("dataset", NOW_MS, 10)
    assert outbox.sample(pair) == design(0)


def test_a_design_with_an_image_is_delivered_though_the_neighbour_had_none(outbox: Outbox) -> None:
    add(outbox, neighbour(0, missing="limit:all/day"))
    assert outbox.due("dataset", NOW_MS, 10) == []
    add(outbox, design(0), first_offset=1)
    assert [pair.sample_id for pair in outbox.due("dataset", NOW_MS, 10)] == [design(0).sample_id]


def test_the_size_of_a_stored_image_outlives_its_sample_until_the_partition_goes(outbox: Outbox) -> None:
    sample = resized(design(0), 48, 32)
    add(outbox, sample, design(1))
    settle_all(outbox)
    outbox.remove(sample.sample_id)
    assert (outbox.size_px(sample.sample_id), outbox.size_px(design(1).sample_id)) == ((48, 32), None)
    outbox.forget(0)
    assert outbox.size_px(sample.sample_id) is None
