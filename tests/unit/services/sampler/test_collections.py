"""Several collections from one stream: each with own strategies, sources, limits, destinations, tags; and what gates take."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.sampler.config import SamplerConfig
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from shared.runtime.service import Received
from shared.streams.frames import new_frame
from shared.streams.samples import Design, Revision
from tests.unit.services.sampler.bench import Bench, published, verdict
from tests.unit.services.sampler.making import jpeg

ALL = {"type": "random", "fraction": 1.0}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.at(tmp_path)
    yield bench
    bench.close()


def near(bench: Bench, seed: int, number: int, source_id: str = "door") -> Received:
    """One more frame that shows what frame `seed` shows; the model is unsure about it."""
    sent = bench.sent(new_frame(source_id, jpeg(seed), producer_frame_id=f"n-{number}", frame_index=number))
    return bench.predicted(sent)


def test_a_frame_is_a_sample_of_each_collection_that_draws_it(bench: Bench) -> None:
    more = {"yard": {"strategies": [{**ALL, "tags": ["new"]}], "sources": ["ya?d*"], "tags": ["outside"]}}
    sampler = bench.sampler(collections=more, destinations=("dataset", "roboflow"), tags=("all",))
    made = published(sampler, [bench.frame(1), bench.frame(2, "yard-2")])
    assert [(one.collection, one.prediction.source_id) for one in made] == [
        ("default", "door"),
        ("default", "yard-2"),
        ("yard", "yard-2"),
    ]
    assert [one.tags for one in made] == [("all",), ("all",), ("outside", "new")]
    assert {one.destinations for one in made} == {("dataset", "roboflow")}
    assert len({one.sample_id for one in made}) == len({one.image.key for one in made if one.image}) == 3


def test_a_collection_has_destinations_and_a_model_of_its_own(bench: Bench) -> None:
    more = {
        "a": {"strategies": [ALL], "destinations": ["roboflow"], "model": "packages"},
        "b": {"strategies": [ALL], "model": "another"},
    }
    made = published(
        bench.sampler(collections=more, destinations=("dataset", "roboflow"), strategies=()), [bench.frame(1)]
    )
    assert [(one.collection, one.destinations) for one in made] == [("a", ("roboflow",))]


def test_a_limit_of_one_collection_refuses_nothing_of_another(bench: Bench) -> None:
    more = {"small": {"strategies": [ALL], "limits": [{"most": 1, "per": "day"}]}}
    made = published(bench.sampler(collections=more), [bench.frame(seed) for seed in range(3)])
    refused = [one.collection for one in made if one.missing]
    assert refused == ["small", "small"]


def test_a_verdict_keeps_a_frame_in_every_collection_that_takes_its_source(bench: Bench) -> None:
    unsure = {"type": "close_to_threshold"}
    more = {
        "yard": {"strategies": [unsure], "sources": ["yard"]},
        "door": {"strategies": [unsure], "sources": ["door"]},
    }
    made = published(bench.sampler(CloseToThreshold(), collections=more), [verdict(bench.frame(1))])
    assert [(one.collection, type(one)) for one in made] == [("default", Revision), ("door", Revision)]
    assert all(one.image for one in made)


def test_a_collection_without_strategies_takes_no_verdicts_either(bench: Bench) -> None:
    more = {"door": {"strategies": [ALL]}}
    made = published(bench.sampler(strategies=(), collections=more), [verdict(bench.frame(1))])
    assert [one.collection for one in made] == ["door"]


@pytest.mark.parametrize(
    ("collections", "expected"),
    [
        ({"default": {}}, "name of the top-level collection"),
        ({"a": {"destinations": ["roboflw"]}}, "expected destinations of the settings"),
        ({"a": {"strategies": [{"type": "random", "share": 0.7}, {"type": "uncertain", "share": 0.5}]}}, "sum to 1"),
        ({"a": {"review": "60/week"}}, "60/week"),
    ],
)
def test_collections_that_cannot_be_are_refused(collections: object, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        SamplerConfig.model_validate({"collections": collections})


def test_what_resembles_a_kept_frame_is_not_kept_again_by_informative_strategies(bench: Bench) -> None:
    sampler = bench.sampler(CloseToThreshold(epsilon=0.45))
    batch = [near(bench, 1, 1), near(bench, 1, 2), near(bench, 5, 3), near(bench, 1, 4, source_id="yard")]
    made = published(sampler, batch)
    assert [one.prediction.frame_index for one in made] == [1, 3, 4]
    assert published(bench.sampler(CloseToThreshold(epsilon=0.45)), batch) == made


def test_the_floor_keeps_near_duplicates_and_knows_what_they_are(bench: Bench) -> None:
    sampler = bench.sampler(RandomFraction(fraction=1.0), CloseToThreshold(epsilon=0.45))
    first, second = published(sampler, [near(bench, 1, 1), near(bench, 1, 2)])
    assert isinstance(first, Design)
    assert isinstance(second, Design)
    assert first.gate is None
    assert first.probabilities == {"random": 1.0, "close_to_threshold": 1.0}
    assert (second.gate, second.near_duplicate and second.near_duplicate.distance) == ("near_duplicate", 0)
    assert second.probabilities == {"random": 1.0, "close_to_threshold": 0.0}
    assert [reason.strategy for reason in second.reasons] == ["random"]
    assert second.image is not None


def test_without_the_gate_everything_is_kept(bench: Bench) -> None:
    sampler = bench.sampler(CloseToThreshold(epsilon=0.45), near_duplicates={"enabled": False})
    assert len(published(sampler, [near(bench, 1, 1), near(bench, 1, 2)])) == 2


def test_a_rejection_keeps_what_a_gate_took_away(bench: Bench) -> None:
    sampler = bench.sampler(CloseToThreshold(epsilon=0.45))
    _, second = batch = [near(bench, 1, 1), near(bench, 1, 2)]
    published(sampler, batch)
    (revision,) = published(sampler, [verdict(second)])
    assert isinstance(revision, Revision)
    assert revision.image is not None


def test_a_redelivery_under_other_privacy_settings_leaves_what_lies_there(bench: Bench) -> None:
    masks = {"masks": {"door": [[0, 0, 1, 1]]}}
    received = bench.frame(1)
    (first,) = published(bench.sampler(), [received])
    assert first.image is not None
    (again,) = published(bench.sampler(privacy=masks), [received])
    assert again == first
    assert bench.images.get(first.image.key) == jpeg(1)


def test_what_never_reached_the_buffer_is_stored_as_the_settings_want_it_now(bench: Bench) -> None:
    masks = {"masks": {"door": [[0, 0, 1, 1]]}}
    received = bench.frame(1)
    (first,) = published(bench.sampler(), [received])
    assert first.image is not None
    bench.images.delete(first.image.key)
    (again,) = published(bench.sampler(privacy=masks), [received])
    assert again.image is not None
    assert again.image.altered
    stored = bench.images.get(again.image.key)
    assert stored is not None
    assert again.image.size == len(stored)
    (third,) = published(bench.sampler(), [received])
    assert third == again


def test_what_cannot_be_hidden_is_published_without_an_image(bench: Bench) -> None:
    """A classifier says what a frame shows, not where: its blur fails closed."""
    sampler = bench.sampler(privacy={"blur": ["person"]})
    (design,) = published(sampler, [bench.frame(1, task="classify")])
    assert (design.image, design.missing) == (None, "withheld")
    assert list(bench.images.list()) == []
