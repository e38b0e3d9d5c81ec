"""The sampler on the embedded adapters: draws, keeps, limits, redelivery, verdicts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sampler.drawing import Draw
from services.sampler.limit_options import Limit
from services.sampler.service import Drawn, _chunks
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from services.sampler.strategies.random_fraction import RandomFraction
from shared.errors import Unavailable
from shared.runtime.service import Received
from shared.streams import frames, samples
from shared.streams.record import Record
from shared.streams.samples import Design, Revision
from tests.unit.services.sampler.bench import EVERYTHING, Bench, published, verdict
from tests.unit.services.sampler.making import detection, frame, jpeg, prediction


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.at(tmp_path)
    yield bench
    bench.close()


def keys_of(bench: Bench) -> list[str]:
    return [info.key for info in bench.images.list()]


def test_a_drawn_frame_is_published_with_reason_probability_and_buffered_image(bench: Bench) -> None:
    received = bench.frame(1)
    (design,) = published(bench.sampler(RandomFraction(fraction=1.0), CloseToThreshold(epsilon=0.45)), [received])
    assert isinstance(design, Design)
    assert design.probability == 1.0
    assert design.probabilities == {"random": 1.0, "close_to_threshold": 1.0}
    assert [reason.strategy for reason in design.reasons] == ["random", "close_to_threshold"]
    assert design.image is not None
    stored = bench.images.get(design.image.key)
    assert stored == frame(1).value
    assert keys_of(bench) == sorted([design.image.key, design.image.preview_key, design.image.sidecar_key])
    assert samples.decode(Record("samples", 0, 0, 0, b"", bench.images.get(design.image.sidecar_key))) == design


def test_what_no_strategy_draws_asks_no_store(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler(CloseToThreshold())
    bench.state.close()
    assert published(sampler, [received]) == []


def test_a_redelivered_prediction_is_the_same_sample_and_pays_once(bench: Bench) -> None:
    batch = [bench.frame(seed) for seed in range(3)]
    limits = (Limit(most=3, per="day"),)
    first = published(bench.sampler(limits=limits), batch)
    again = published(bench.sampler(limits=limits), batch)
    assert again == first
    (fourth,) = published(bench.sampler(limits=limits), [bench.frame(4)])
    assert fourth.missing == "limit:all/day"


def test_what_a_limit_refuses_is_published_without_an_image_but_with_its_probability(bench: Bench) -> None:
    sampler = bench.sampler(limits=(Limit(most=2, per="day"),))
    made = published(sampler, [bench.frame(seed) for seed in range(4)])
    assert [design.missing for design in made] == [None, None, "limit:all/day", "limit:all/day"]
    assert all(isinstance(design, Design) and design.probability == 1.0 for design in made)
    assert all((design.image is None) == (design.missing is not None) for design in made)


def test_an_expired_frame_is_published_as_expired(bench: Bench) -> None:
    received = bench.frame(1)
    gone = received.message.frame.model_copy(update={"offset": 0, "sha256": "1" * 64})
    other = Received(received.record, received.message.model_copy(update={"frame": gone}))
    (design,) = published(bench.sampler(), [other])
    assert (design.missing, design.image) == ("expired", None)


def test_pixels_that_cannot_be_decoded_are_published_as_unreadable(bench: Bench) -> None:
    record = bench.sent(frames.new_frame("door", b"\xff\xd8 this is no JPEG"))
    (design,) = published(bench.sampler(), [bench.predicted(record)])
    assert design.missing == "unreadable"


def test_a_frame_by_reference_is_the_same_sample_as_by_value(bench: Bench) -> None:
    (by_reference,) = published(bench.sampler(), [bench.referenced(1)])
    (by_value,) = published(bench.sampler(), [bench.frame(1)])
    assert by_reference.sample_id == by_value.sample_id
    assert by_reference.image is not None
    assert (by_reference.image.content_type, by_reference.image.size) == ("image/jpeg", len(jpeg(1)))
    assert bench.images.get(by_reference.image.key) == jpeg(1)


def test_an_object_that_has_gone_is_expired_and_one_that_may_not_be_read_is_unreadable(bench: Bench) -> None:
    gone, other, foreign = bench.referenced(1), bench.referenced(2, sha256="0" * 64), bench.referenced(3, "secrets")
    (bench.folder / "objects" / "cameras" / "1.jpg").unlink()
    made = published(bench.sampler(), [gone, other, foreign])
    assert [design.missing for design in made] == ["expired", "unreadable", "unreadable"]


def test_while_the_object_store_is_away_nothing_is_decided(bench: Bench) -> None:
    received = bench.referenced(1)
    bucket = bench.folder / "objects" / "cameras"
    bucket.rename(bench.folder / "unplugged")
    sampler = bench.sampler()
    with pytest.raises(Unavailable, match="object store"):
        sampler.handle([received])
    (bench.folder / "unplugged").rename(bucket)
    (design,) = published(sampler, [received])
    assert design.image is not None


def test_large_frames_are_kept_a_few_at_a_time(bench: Bench) -> None:
    sampler = bench.sampler()
    ref = prediction().frame
    sizes = [30_000_000, 30_000_000, 30_000_000, 200_000_000, *[1_000] * 40]
    large = [prediction().model_copy(update={"frame": ref.model_copy(update={"size": n})}) for n in sizes]
    drawn = [Drawn(sampler.rules.collections[0], Draw("", one, (), {})) for one in large]
    assert [len(chunk) for chunk in _chunks(drawn)] == [2, 1, 1, 32, 8]


def test_a_frame_that_was_predicted_twice_is_drawn_once(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler()
    assert len(published(sampler, [received])) == 1
    assert published(sampler, [received]) == []


def test_a_shadow_makes_no_samples(bench: Bench) -> None:
    assert published(bench.sampler(), [bench.frame(1, role="shadow")]) == []


@pytest.mark.parametrize(
    ("kind", "reason"), [("confirmed", None), ("missed", None), ("rejected", "false_positive"), ("rejected", "bad_box")]
)
def test_a_verdict_on_a_shadow_makes_and_revises_nothing(bench: Bench, kind: str, reason: str | None) -> None:
    """It is a word on the shadow alone, also where the live model has the shadow's name."""
    live = bench.frame(1)
    sampler = bench.sampler()
    published(sampler, [live])
    before = keys_of(bench)
    shadow = Received(live.record, live.message.model_copy(update={"role": "shadow"}))
    assert published(sampler, [verdict(shadow, kind, reason)]) == []
    assert keys_of(bench) == before


def test_a_rejection_keeps_what_nobody_drew(bench: Bench) -> None:
    received = bench.frame(1)
    (revision,) = published(bench.sampler(CloseToThreshold()), [verdict(received)])
    assert isinstance(revision, Revision)
    assert (revision.effect, revision.outcome_dependent, revision.revision) == ("remove", True, "v1")
    assert revision.image is not None
    assert bench.images.get(revision.image.key) == frame(1).value


def test_a_rejection_keeps_what_a_limit_refused(bench: Bench) -> None:
    received, other = bench.frame(1), bench.frame(2)
    sampler = bench.sampler(limits=(Limit(most=1, per="day"),))
    _, refused = published(sampler, [other, received])
    (revision,) = published(sampler, [verdict(received)])
    assert refused.missing is not None
    assert revision.sample_id == refused.sample_id
    assert revision.image is not None


def test_a_verdict_on_a_kept_sample_revises_it_and_reads_no_pixels(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler()
    (design,) = published(sampler, [received])
    sampler.reader.close()
    for kind, reason, effect in [
        ("confirmed", None, "verify"),
        ("rejected", "bad_box", "flag"),
        ("missed", None, "flag_incomplete"),
    ]:
        (revision,) = published(sampler, [verdict(received, kind, reason, name=kind)])
        assert isinstance(revision, Revision)
        assert (revision.effect, revision.image, revision.sample_id) == (effect, design.image, design.sample_id)


def test_a_confirmation_makes_no_sample(bench: Bench) -> None:
    received = bench.frame(1)
    assert published(bench.sampler(CloseToThreshold()), [verdict(received, "confirmed", None)]) == []
    assert keys_of(bench) == []


def test_a_confirmation_that_overtakes_its_prediction_is_not_lost(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler()
    assert published(sampler, [verdict(received, "confirmed", None)]) == []
    design, revision = published(sampler, [received])
    assert isinstance(design, Design)
    assert isinstance(revision, Revision)
    assert revision.sample_id == design.sample_id
    assert (revision.verdict.verdict_id, revision.effect, revision.image) == ("v1", "verify", design.image)


def test_a_redelivered_verdict_is_the_same_revision_also_when_the_frame_has_gone(bench: Bench) -> None:
    received = bench.frame(1)
    (first,) = published(bench.sampler(CloseToThreshold()), [verdict(received)])
    sampler = bench.sampler(CloseToThreshold())
    sampler.reader.close()
    assert published(sampler, [verdict(received)]) == [first]


def test_a_verdict_whose_frame_has_gone_before_it_was_kept_says_so(bench: Bench) -> None:
    received = bench.frame(1)
    gone = received.message.frame.model_copy(update={"sha256": "1" * 64})
    late = verdict(Received(received.record, received.message.model_copy(update={"frame": gone})))
    for _ in range(2):
        (revision,) = published(bench.sampler(CloseToThreshold()), [late])
        assert (revision.image, revision.missing) == (None, "expired")


def test_a_later_verdict_finds_what_an_earlier_one_kept_also_when_the_frame_has_gone(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler(CloseToThreshold())
    (first,) = published(sampler, [verdict(received)])
    sampler.reader.close()
    (second,) = published(sampler, [verdict(received, "missed", None, name="v2")])
    (third,) = published(sampler, [verdict(received, "confirmed", None, name="v3")])
    assert second.image == third.image == first.image


def test_the_decision_survives_even_when_the_settings_changed_before_redelivery(bench: Bench) -> None:
    received = bench.frame(1)
    (first,) = published(bench.sampler(EVERYTHING), [received])
    (again,) = published(bench.sampler(CloseToThreshold(epsilon=0.45)), [received])
    assert again == first


def test_weak_boxes_travel_with_the_sample(bench: Bench) -> None:
    received = bench.frame(1, detections=(detection(0.9), detection(0.07)))
    (design,) = published(bench.sampler(), [received])
    assert [d.confidence for d in design.prediction.detections] == [0.9, 0.07]
