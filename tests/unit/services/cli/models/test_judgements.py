"""What a verdict says of a place, and who is right about it."""

from typing import Any

import pytest

from services.cli.models.judgements import Judgement, judgements
from services.cli.models.matching import Found
from shared.streams.verdicts import Verdict
from tests.unit.services.sampler.making import classified, detection, prediction

BOX = (10.0, 10.0, 50.0, 40.0)
ELSEWHERE = (100.0, 100.0, 140.0, 130.0)
HERE, OTHER, NOTHING = [Found("package", 0.9, BOX)], [Found("person", 0.9, BOX)], [Found("package", 0.9, ELSEWHERE)]


def verdict(kind: str = "confirmed", **more: Any) -> Verdict:
    said = {"prediction": prediction(0.9), "verdict_id": "v", "prediction_id": "0-1-x", "caller": "app"}
    return Verdict.model_validate({**said, "kind": kind, "judged_at": "2026-11-01T10:00:00Z", **more})


@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ("confirmed", [HERE], [OTHER, NOTHING, []]),
        ("false_positive", [OTHER, NOTHING, []], [HERE]),
        ("wrong_class", [OTHER], [HERE, NOTHING, []]),
        ("missed", [HERE, OTHER], [NOTHING, []]),
    ],
)
def test_who_is_right(said: Any, right: list[list[Found]], wrong: list[list[Found]]) -> None:
    judgement = Judgement(said, "package", BOX)
    assert all(judgement.holds(found) for found in right)
    assert not any(judgement.holds(found) for found in wrong)


def test_a_detection_that_was_judged_is_meant_alone() -> None:
    two = prediction(detections=(detection(0.9), detection(0.8, "person", 1)))
    (one,) = judgements([verdict("rejected", reason="false_positive", detection_index=1, prediction=two)])
    assert (one.said, one.class_name, one.box) == ("false_positive", "person", BOX)


def test_a_frame_that_was_judged_means_all_that_was_shown() -> None:
    some = prediction(0.9, 0.8, 0.3)
    assert len(judgements([verdict(prediction=some)])) == 1, "two shown boxes at one place are one judgement"
    far = detection(0.7).model_copy(update={"box": ELSEWHERE})
    assert len(judgements([verdict(prediction=prediction(detections=(detection(0.9), far)))])) == 2


def test_a_wrong_class_among_several_accuses_none() -> None:
    far = detection(0.7).model_copy(update={"box": ELSEWHERE})
    several = prediction(detections=(detection(0.9), far))
    assert judgements([verdict("rejected", reason="wrong_class", prediction=several)]) == ()


def test_the_latest_verdict_counts() -> None:
    rejected = verdict("rejected", reason="false_positive", detection_index=0)
    confirmed = verdict(detection_index=0)
    assert [one.said for one in judgements([rejected, confirmed])] == ["false_positive"]
    assert [one.said for one in judgements([confirmed, rejected])] == ["confirmed"]


def test_missed_objects_count_where_their_place_is_known() -> None:
    assert judgements([verdict("missed")]) == ()
    assert judgements([verdict("missed", boxes=(BOX,))]) == (Judgement("missed", box=BOX),)


def test_a_box_that_is_badly_drawn_accuses_none() -> None:
    assert judgements([verdict("rejected", reason="bad_box", detection_index=0)]) == ()


def test_a_classifiers_verdict_speaks_of_the_whole_picture() -> None:
    (one,) = judgements([verdict("rejected", reason="wrong_class", prediction=classified(0.9, 0.1))])
    assert not one.holds([Found("cat", 0.7)])
    assert one.holds([Found("dog", 0.7)])


def test_a_preview_is_judged_at_its_own_size() -> None:
    assert Judgement("confirmed", "package", BOX).scaled(0.5).box == (5.0, 5.0, 25.0, 20.0)
