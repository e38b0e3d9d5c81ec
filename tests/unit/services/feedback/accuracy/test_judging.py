"""The fold of one prediction's verdicts: what supersedes what, what is shown, and what counts as right, false and missed."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.accuracy.judging import judge, shown_per_class
from services.feedback.accuracy.review import Outcome
from shared.streams.predictions import Prediction
from tests.unit.services.feedback.accuracy.making import a_classified, a_detection, a_prediction, verdicts

CAT, DOG = a_detection("cat"), a_detection("dog", (50, 50, 80, 80))
WEAK = a_detection("cat", (30, 30, 40, 40), confidence=0.2)
BOTH = a_prediction(CAT, WEAK, DOG)
"""Index 1 is below the threshold: not shown."""
CONFIRMED, UNSURE, MISSED = {"kind": "confirmed"}, {"kind": "unsure"}, {"kind": "missed"}
LOOKED = {"kind": "confirmed", "exhaustive": True}


def rejected(index: int | None = None, reason: str = "false_positive", **more: Any) -> dict[str, Any]:
    return {"kind": "rejected", "reason": reason, "detection_index": index, **more}


def confirmed(index: int, **more: Any) -> dict[str, Any]:
    return {"kind": "confirmed", "detection_index": index, **more}


def corrected(*labels: tuple[str, tuple[float, float, float, float]]) -> dict[str, Any]:
    return {"kind": "corrected", "labels": [{"class_name": name, "box": box} for name, box in labels]}


def relabelled(index: int, **label: Any) -> dict[str, Any]:
    return {"kind": "corrected", "detection_index": index, "label": label}


def said(prediction: Prediction, *verdict: dict[str, Any]) -> Outcome | None:
    return judge(prediction, verdicts(prediction, *verdict))


def test_nothing_said_is_open() -> None:
    assert said(BOTH) is None


def test_a_confirmed_frame_is_right_with_all_it_shows_and_says_nothing_of_what_was_missed() -> None:
    assert said(BOTH, CONFIRMED) == Outcome(False, {"cat": 1, "dog": 1}, {}, boxes_judged=True, missed=None)


def test_who_looked_at_the_whole_frame_and_confirmed_found_nothing_missed() -> None:
    outcome = said(BOTH, LOOKED)
    assert outcome is not None
    assert outcome.missed == {}


def test_a_rejected_box_makes_the_frame_wrong_and_says_nothing_of_the_other_boxes() -> None:
    assert said(BOTH, rejected(2)) == Outcome(True, {}, {"dog": 1}, boxes_judged=False, missed=None)


def test_single_boxes_confirmed_leave_the_frame_open() -> None:
    assert said(BOTH, confirmed(0), confirmed(2)) == Outcome(
        None, {"cat": 1, "dog": 1}, {}, boxes_judged=True, missed=None
    )


@pytest.mark.parametrize("verdict", [rejected(1), confirmed(1), relabelled(1, class_name="dog")])
def test_what_is_said_of_a_box_that_was_not_shown_counts_nowhere(verdict: dict[str, Any]) -> None:
    assert said(BOTH, verdict) is None


def test_a_later_verdict_on_the_frame_supersedes_all_before_it() -> None:
    assert said(BOTH, rejected(2), CONFIRMED) == said(BOTH, CONFIRMED)
    assert said(BOTH, MISSED, CONFIRMED) == said(BOTH, CONFIRMED)


def test_a_later_verdict_on_a_box_supersedes_what_was_said_of_that_box_alone() -> None:
    assert said(BOTH, CONFIRMED, rejected(0)) == Outcome(True, {"dog": 1}, {"cat": 1}, boxes_judged=True, missed=None)
    assert said(BOTH, CONFIRMED, rejected(0), confirmed(0)) == said(BOTH, CONFIRMED)


def test_who_is_unsure_leaves_open_what_was_decided() -> None:
    assert said(BOTH, UNSURE) is None
    assert said(BOTH, rejected(0), UNSURE) is None
    assert said(BOTH, CONFIRMED, {"kind": "unsure", "detection_index": 0}) == Outcome(
        None, {"dog": 1}, {}, boxes_judged=False, missed=None
    )


def test_a_missed_object_makes_the_frame_wrong_and_leaves_what_was_said_of_boxes() -> None:
    assert said(BOTH, MISSED) == Outcome(True, {}, {}, boxes_judged=False, missed={"": 1})
    two = {"kind": "missed", "boxes": [(0, 0, 5, 5), (5, 5, 9, 9)]}
    assert said(BOTH, rejected(0), two) == Outcome(True, {}, {"cat": 1}, boxes_judged=False, missed={"": 2})


def test_excluded_reviewers_and_silence_never_count() -> None:
    prediction = a_prediction(CAT)
    silence = {
        "exposure_id": "e",
        "deadline_ms": 1,
        "weight": 0.5,
        "p_correct": 0.75,
        "p": 0.7,
        "reject_rate": 0.1,
        "audited_errors": 20,
        "probability": 0.1,
    }
    by = verdicts(
        prediction,
        {"kind": "affirmed", "silence": silence, "caller": "silence"},
        {**rejected(0), "reviewer": "angry"},
        {**rejected(0), "caller": "angry-key"},
    )
    assert judge(prediction, by[:1]) is None
    assert judge(prediction, by, excluded={"angry", "angry-key"}) is None
    assert judge(prediction, by, excluded={"angry"}) is not None


def test_two_records_with_one_id_are_one() -> None:
    again = {**CONFIRMED, "verdict_id": "v0"}
    assert said(BOTH, rejected(0), UNSURE, again) is None
    assert said(BOTH, CONFIRMED, rejected(0), again) == said(BOTH, CONFIRMED, rejected(0))


def test_rejecting_a_frame_with_one_box_rejects_that_box_and_one_with_two_says_not_which() -> None:
    assert said(a_prediction(CAT, WEAK), rejected()) == Outcome(True, {}, {"cat": 1}, boxes_judged=True, missed=None)
    assert said(BOTH, rejected()) == Outcome(True, {}, {}, boxes_judged=False, missed=None)


# Corrections


def test_labels_of_the_whole_frame_are_compared_with_what_was_shown() -> None:
    outcome = said(BOTH, corrected(("cat", (0, 0, 10, 12)), ("fox", (50, 50, 80, 80)), ("cat", (30, 30, 40, 40))))
    assert outcome == Outcome(True, {"cat": 1}, {"dog": 1}, boxes_judged=True, missed={"fox": 1, "cat": 1})


def test_nothing_is_there_makes_every_box_false() -> None:
    assert said(BOTH, corrected()) == Outcome(True, {}, {"cat": 1, "dog": 1}, boxes_judged=True, missed={})


def test_a_label_is_met_by_one_box_only() -> None:
    twice = a_prediction(CAT, a_detection("cat", (0, 0, 10, 11)))
    assert said(twice, corrected(("cat", (0, 0, 10, 10)))) == Outcome(
        True, {"cat": 1}, {"cat": 1}, boxes_judged=True, missed={}
    )


@pytest.mark.parametrize(
    ("label", "right"),
    [
        ({"class_name": "dog"}, False),
        ({"class_name": "cat"}, True),
        ({"box": (0, 0, 10, 9)}, True),
        ({"box": (0, 0, 10, 4)}, False),
        ({"class_name": "cat", "box": (40, 40, 50, 50)}, False),
    ],
)
def test_a_corrected_box_is_right_where_class_and_place_hold(label: dict[str, Any], right: bool) -> None:
    outcome = said(a_prediction(CAT), relabelled(0, **label))
    assert outcome == Outcome(
        True, {"cat": 1} if right else {}, {} if right else {"cat": 1}, boxes_judged=True, missed=None
    )


def test_a_wrong_class_is_a_miss_of_the_right_one_where_somebody_looked() -> None:
    looked = {"exhaustive": True}
    outcomes = [
        said(a_prediction(CAT), {**relabelled(0, class_name="dog"), **looked}),
        said(a_prediction(CAT), rejected(0, "wrong_class", **looked)),
        said(a_prediction(CAT), rejected(0, "bad_box", **looked)),
    ]
    assert [outcome.missed if outcome else None for outcome in outcomes] == [{"dog": 1}, {"": 1}, {}]


def test_a_bad_box_is_a_false_one() -> None:
    assert said(a_prediction(CAT), rejected(0, "bad_box")) == Outcome(
        True, {}, {"cat": 1}, boxes_judged=True, missed=None
    )


# Classifiers


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (CONFIRMED, Outcome(False, {"cat": 1}, {}, boxes_judged=True, missed={})),
        (rejected(reason="wrong_class"), Outcome(True, {}, {"cat": 1}, boxes_judged=True, missed={"": 1})),
        (
            {"kind": "corrected", "labels": [{"class_name": "dog"}]},
            Outcome(True, {}, {"cat": 1}, boxes_judged=True, missed={"dog": 1}),
        ),
        ({"kind": "corrected", "labels": []}, Outcome(True, {}, {"cat": 1}, boxes_judged=True, missed={})),
    ],
)
def test_the_box_of_a_classifier_is_its_best_class(verdict: dict[str, Any], expected: Outcome) -> None:
    assert said(a_classified("cat"), verdict) == expected


def test_a_classifier_that_was_not_sure_enough_showed_nothing() -> None:
    doubtful = a_classified("cat", confidence=0.3)
    assert shown_per_class(doubtful) == {}
    assert said(doubtful, MISSED) == Outcome(True, {}, {}, boxes_judged=True, missed={"": 1})


# For any verdicts

ANY = st.lists(
    st.sampled_from(
        [CONFIRMED, LOOKED, UNSURE, MISSED, rejected(), corrected(("cat", (0, 0, 10, 10))), corrected()]
        + [
            one
            for index in (0, 1, 2)
            for one in (confirmed(index), rejected(index), relabelled(index, class_name="fox"))
        ]
        + [{"kind": "unsure", "detection_index": 0}]
    ),
    max_size=6,
)


@given(history=ANY)
@settings(max_examples=150, deadline=None)
def test_an_outcome_never_counts_more_boxes_than_were_shown(history: list[dict[str, Any]]) -> None:
    outcome = said(BOTH, *history)
    if outcome is None:
        return
    for name, count in shown_per_class(BOTH).items():
        judged = outcome.right.get(name, 0) + outcome.false.get(name, 0)
        assert judged <= count
        assert judged == count or not outcome.boxes_judged
    if outcome.wrong is False:
        assert not outcome.false
        assert not outcome.missed


@given(history=ANY)
@settings(max_examples=100, deadline=None)
def test_what_came_before_a_confirmed_frame_does_not_matter(history: list[dict[str, Any]]) -> None:
    assert said(BOTH, *history, CONFIRMED) == said(BOTH, CONFIRMED)


def test_verdicts_on_different_boxes_may_come_in_any_order() -> None:
    outcomes = [said(BOTH, *order) for order in permutations([rejected(0), confirmed(2), rejected(1)])]
    assert all(outcome == outcomes[0] for outcome in outcomes)
