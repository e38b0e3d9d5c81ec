"""What accuracy gets from the read model: designs with their outcomes, however the records came."""

from dataclasses import replace

import pytest

from services.feedback.accuracy.review import Outcome
from shared.streams import ids
from shared.streams.samples import new_sample
from tests.unit.services.feedback.read_model.making import ALWAYS, SALT, START_MS, Streams, design_of


def test_a_design_is_a_review_with_its_probabilities(streams: Streams) -> None:
    design = streams.draw(minute=2, strategy="uncertain")

    with streams.model() as model:
        (review,) = model.reviews(ALWAYS)

    assert review.sample_id == design.sample_id
    assert (review.source_id, review.time_ms) == ("door", START_MS + 120_000)
    assert review.probability == pytest.approx(0.55)
    assert review.floor_probability == pytest.approx(0.1)
    assert not review.on_floor
    assert review.audit == ids.draw(SALT, "audit", "default", "review", design.prediction.frame.frame_id)
    assert review.outcome is None


def test_old_designs_do_not_say_their_floor(streams: Streams) -> None:
    streams.draw(floor=(), probabilities={"every_nth": 0.2, "floor": 0.5, "uncertain": 0.5}, strategy="every_nth")

    with streams.model() as model:
        (review,) = model.reviews(ALWAYS)

    assert review.floor_probability == pytest.approx(0.6)
    assert review.on_floor


def test_a_verdict_decides_whether_it_comes_before_or_after_its_design(streams: Streams) -> None:
    after = streams.draw()
    streams.judge(after.prediction, "confirmed")
    prediction_id, before = streams.predict()
    streams.judge(before, "rejected", detection_index=0)
    streams.send(new_sample(design_of(before, prediction_id)))

    with streams.model() as model:
        outcomes = {review.frame_id: review.outcome for review in model.reviews(ALWAYS)}

    assert outcomes == {
        after.prediction.frame.frame_id: Outcome(wrong=False, right={"cup": 1}, boxes_judged=True),
        before.frame.frame_id: Outcome(wrong=True, false={"cup": 1}, boxes_judged=True),
    }


def test_only_designs_are_reviewed(streams: Streams) -> None:
    drawn = streams.draw()
    _, judged = streams.predict()
    streams.revise(streams.judge(judged, "rejected"), "remove")
    streams.neighbour(drawn, streams.predict()[1])

    with streams.model() as model:
        assert [review.sample_id for review in model.reviews(ALWAYS)] == [drawn.sample_id]


def test_of_several_designs_with_one_id_the_first_counts(streams: Streams) -> None:
    first = streams.draw()
    streams.send(new_sample(first.model_copy(update={"probability": 0.9, "missing": "expired", "image": None})))

    with streams.model() as model:
        (review,) = model.reviews(ALWAYS)

    assert (review.probability, review.missing) == (first.probability, None)


def test_later_verdicts_count_at_once_and_excluded_reviewers_never(streams: Streams) -> None:
    design = streams.draw()

    with streams.model(excluded=["bot", "spam-key"]) as model:
        for kind, changes, wrong in (
            ("confirmed", {}, False),
            ("rejected", {"reviewer": "bot"}, False),
            ("rejected", {"caller": "spam-key"}, False),
            ("rejected", {"reviewer": "ann"}, True),
            ("unsure", {"reviewer": "ann"}, None),
            ("confirmed", {"reviewer": "ben"}, False),
        ):
            streams.judge(design.prediction, kind, **changes)
            assert model.caught_up(30)
            (review,) = model.reviews(ALWAYS)
            assert (review.outcome.wrong if review.outcome else None) is wrong, kind


def test_a_window_takes_a_version_a_time_a_source_and_a_collection(streams: Streams) -> None:
    wanted = streams.draw(minute=5)
    streams.draw(minute=6)
    streams.draw(minute=5, model_version="2")
    streams.draw(minute=5, source_id="gate")
    streams.draw(minute=5, collection="other")

    with streams.model() as model:
        window = replace(ALWAYS, since_ms=START_MS + 300_000, until_ms=START_MS + 360_000, source_id="door")
        assert [review.sample_id for review in model.reviews(window)] == [wanted.sample_id]
        assert len(model.reviews(window, "other")) == 1


def test_versions_say_when_they_were_met_and_by_which_thresholds(streams: Streams) -> None:
    streams.draw(minute=0)
    streams.draw(minute=90, threshold=0.6, class_thresholds={"cup": 0.7})
    streams.draw(minute=30, model_version="2")
    streams.tell()

    with streams.model() as model:
        first, second = model.versions()

    assert (first.model_version, first.first_ms, first.last_ms) == ("1", START_MS, START_MS + 90 * 60_000)
    assert first.thresholds == ("0.5", "0.6, cup 0.7")
    assert (second.model_version, second.first_ms) == ("2", START_MS + 30 * 60_000)


def test_what_was_shown_and_what_was_judged_can_be_asked_for_all_at_once(streams: Streams) -> None:
    design = streams.draw()
    _, stranger = streams.predict()
    streams.judge(stranger, "confirmed")

    with streams.model() as model:
        assert model.shown_boxes(ALWAYS) == {design.sample_id: {"cup": 1}}
        assert set(model.outcomes("kitchen", "1")) == {stranger.frame.frame_id}
        assert model.outcomes("kitchen", "2") == {}
