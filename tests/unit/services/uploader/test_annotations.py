"""Verdicts, applied to a prediction in the order of the log."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.uploader.annotations import Annotation, annotate, clipped
from shared.streams.predictions import Box, ClassScore, Detection
from shared.streams.samples import Revision
from shared.streams.verdicts import Label, Silence
from tests.hosts.samples import BOXES, prediction, revision


def boxes(annotation: Annotation) -> list[tuple[str, tuple[str, ...]]]:
    return [(box.class_name, box.flags) for box in annotation.boxes]


def test_only_boxes_at_or_above_the_product_threshold_are_pre_annotated() -> None:
    assert boxes(annotate(prediction())) == [("cup", ()), ("plate", ())]
    assert boxes(annotate(prediction(class_thresholds={"plate": 0.56, "cup": 0.2}))) == [("cup", ()), ("cup", ())]


def test_a_false_positive_is_removed_by_its_index_among_all_detections() -> None:
    weak_first = prediction(detections=(BOXES[2], BOXES[0], BOXES[1]))
    assert boxes(annotate(weak_first, [revision(effect="remove", index=1)])) == [("plate", ())]


def test_a_frame_that_is_all_wrong_loses_every_box_and_class() -> None:
    annotation = annotate(prediction(), [revision(effect="remove", index=None)])
    assert annotation.boxes == ()
    scores = (ClassScore(class_id=1, class_name="clean", confidence=0.8),)
    classified = prediction(task="classify", detections=(), classes=scores)
    assert annotate(classified).class_name == "clean"
    nothing = annotate(classified, [revision(effect="remove", index=None)])
    assert (nothing.class_name, nothing.classes) == (None, ())


def test_a_wrong_class_or_box_is_kept_and_flagged() -> None:
    said = [revision(effect="flag", index=1), revision(effect="flag", index=1, reason="bad_box", key="again")]
    assert boxes(annotate(prediction(), said)) == [("cup", ()), ("plate", ("wrong_class", "bad_box"))]
    assert annotate(prediction(), [revision(effect="flag", index=None)]).flags == ("wrong_class",)


def test_a_missed_object_flags_the_image_and_keeps_the_reviewers_boxes_without_a_class() -> None:
    annotation = annotate(prediction(), [revision(effect="flag_incomplete", index=None, boxes=((1, 2, 3, 4),))])
    assert (annotation.flags, annotation.missed_boxes) == (("incomplete",), ((1, 2, 3, 4),))
    assert boxes(annotation) == [("cup", ()), ("plate", ())]


def test_confirmed_marks_verified_and_the_later_verdict_wins() -> None:
    remove, verify = revision(effect="remove", index=None), revision(effect="verify", index=None)
    assert annotate(prediction(), [verify]).flags == ("verified",)
    assert boxes(annotate(prediction(), [remove, verify])) == [("cup", ("verified",)), ("plate", ("verified",))]
    contradicted = annotate(prediction(), [verify, remove])
    assert (contradicted.flags, contradicted.boxes) == ((), ())


def test_boxes_are_clipped_and_what_lies_outside_is_none() -> None:
    outside = Detection(box=(200, 0, 300, 10), class_id=0, class_name="cup", confidence=0.9)
    across = Detection(box=(-5, -5, 500, 500), class_id=0, class_name="cup", confidence=0.9)
    assert [box.box for box in annotate(prediction(detections=(outside, across))).boxes] == [(0, 0, 96, 64)]
    assert clipped((1, 2, 3, 4), 96, 64) == (1, 2, 3, 4)


VAN = Label(class_name="van", box=(4, 8, 20, 40))


def corrected(index: int | None = None, *labels: Label, **more: Any) -> Revision:
    """One detection corrected by one label; without an index the whole frame."""
    if index is None:
        return revision(effect="replace", index=None, labels=labels, **more)
    return revision(effect="replace", index=index, label=labels[0], **more)


def test_a_corrected_detection_is_what_a_person_says_and_the_rest_is_the_models() -> None:
    annotation = annotate(prediction(), [corrected(1, VAN)])
    cup, van = annotation.boxes
    assert (cup.class_name, cup.confidence, cup.flags) == ("cup", 0.9, ())
    assert (van.box, van.class_name, van.class_id) == ((4, 8, 20, 40), "van", None)
    assert (van.confidence, van.flags) == (None, ("verified",))
    assert not annotation.is_truth, "nobody looked at the cup"


@pytest.mark.parametrize(
    ("label", "box", "class_id", "class_name"),
    [
        (Label(box=(4, 8, 20, 40)), (4, 8, 20, 40), 2, "plate"),
        (Label(class_name="cup"), BOXES[1].box, 0, "cup"),
        (Label(class_name="van"), BOXES[1].box, None, "van"),
    ],
)
def test_what_a_correction_leaves_out_stays(label: Label, box: Box, class_id: int | None, class_name: str) -> None:
    _, found = annotate(prediction(), [corrected(1, label)]).boxes
    assert (found.box, found.class_id, found.class_name) == (box, class_id, class_name)


def test_a_weak_box_that_somebody_corrected_is_an_annotation() -> None:
    assert boxes(annotate(prediction(), [corrected(2, VAN)]))[2] == ("van", ("verified",))


def test_a_corrected_frame_is_what_a_person_says_and_nothing_else() -> None:
    annotation = annotate(prediction(), [revision(effect="flag_incomplete", index=None), corrected(None, VAN, VAN)])
    assert boxes(annotation) == [("van", ("verified",))] * 2
    assert (annotation.flags, annotation.missed_boxes, annotation.is_truth) == (("verified",), (), True)
    nothing = annotate(prediction(), [corrected(None)])
    assert (nothing.boxes, nothing.flags, nothing.is_truth) == ((), ("verified",), True)


def test_a_corrected_box_is_clipped_and_made_to_fit_as_any_other() -> None:
    """96 x 64, stored at 48 x 16."""
    over = Label(class_name="van", box=(-1, 8, 96.5, 40))
    outside = Label(class_name="van", box=(96, 0, 97, 1))
    assert [box.box for box in annotate(prediction(), [corrected(None, over, outside)], (48, 16)).boxes] == [
        (0, 2, 48, 10)
    ]
    assert annotate(prediction(), [corrected(1, over)], (48, 16)).boxes[1].box == (0, 2, 48, 10)


def test_a_classifiers_correction_is_a_class() -> None:
    scores = (ClassScore(class_id=1, class_name="clean", confidence=0.8),)
    seen = prediction(task="classify", detections=(), classes=scores)
    dirty = annotate(seen, [corrected(None, Label(class_name="dirty"), seen=seen)])
    assert (dirty.class_name, dirty.classes, dirty.flags, dirty.is_truth) == ("dirty", (), ("verified",), True)
    none = annotate(seen, [corrected(None, seen=seen)])
    assert (none.class_name, none.classes, none.is_truth) == (None, (), True)


def test_after_a_correction_the_later_verdict_wins_too() -> None:
    frame, one = corrected(None, VAN), corrected(1, VAN)
    all_right = revision(effect="verify", index=None)
    for said in (frame, one):
        assert boxes(annotate(prediction(), [said, all_right])) == [("cup", ("verified",)), ("plate", ("verified",))]
        assert annotate(prediction(), [said, revision(effect="remove", index=None)]).boxes == ()
        assert not annotate(prediction(), [said, all_right]).is_truth
    assert boxes(annotate(prediction(), [one, revision(effect="verify", index=1)])) == [
        ("cup", ()),
        ("plate", ("verified",)),
    ]
    assert boxes(annotate(prediction(), [one, revision(effect="remove", index=1)])) == [("cup", ())]
    assert boxes(annotate(prediction(), [revision(effect="remove", index=1), one])) == [
        ("cup", ()),
        ("van", ("verified",)),
    ]
    assert boxes(annotate(prediction(), [one, revision(effect="flag", index=1)])) == [
        ("cup", ()),
        ("van", ("wrong_class",)),
    ]


@pytest.mark.parametrize(
    "later",
    [
        corrected(0, Label(class_name="bowl"), key="later"),
        revision(effect="flag", index=0),
        revision(effect="remove", index=0),
        revision(effect="flag_incomplete", index=None),
    ],
)
def test_a_complaint_about_a_corrected_frame_leaves_its_boxes_and_takes_its_verification(later: Revision) -> None:
    annotation = annotate(prediction(), [corrected(None, VAN), later])
    assert boxes(annotation) == [("van", ())]
    assert not annotation.is_truth
    assert "verified" not in annotation.flags


def test_it_is_truth_when_the_rest_was_confirmed() -> None:
    confirmed = revision(effect="verify", index=None)
    assert annotate(prediction(), [confirmed, corrected(1, VAN)]).is_truth
    assert not annotate(prediction(), [confirmed]).is_truth, "a confirmation alone is no annotator's work"
    gone = [corrected(1, VAN), revision(effect="remove", index=None)]
    assert not annotate(prediction(), gone).is_truth


effects = st.sampled_from(["remove", "flag", "flag_incomplete", "verify"])
said_something = st.builds(
    lambda effect, index, key: revision(effect=effect, index=index, key=str(key)),
    effects,
    st.none() | st.integers(0, 2),
    st.integers(0, 99),
)
said_what_is_right = st.builds(
    lambda index, key: corrected(index, VAN, key=str(key)), st.none() | st.integers(0, 2), st.integers(0, 99)
)
said_anything = said_something | said_what_is_right


@given(st.lists(said_something, max_size=6))
def test_no_verdict_ever_adds_a_box_or_shows_a_weak_one(revisions: list[Revision]) -> None:
    annotation = annotate(prediction(), revisions)
    assert {box.confidence for box in annotation.boxes} <= {0.9, 0.55}
    assert annotation.verdicts == tuple(one.verdict for one in revisions)


@given(st.lists(said_anything, max_size=6))
def test_only_a_correction_makes_a_box_or_the_truth(revisions: list[Revision]) -> None:
    annotation = annotate(prediction(), revisions)
    for box in annotation.boxes:
        assert (box.confidence is None) == (box.class_name == "van")
        assert box.confidence in (None, 0.9, 0.55)
    if annotation.is_truth:
        assert any(one.effect == "replace" for one in revisions)
        assert all(box.flags == ("verified",) for box in annotation.boxes)


@given(st.lists(said_anything, max_size=4), said_anything)
def test_the_same_verdict_twice_in_a_row_is_the_verdict_once(before: list[Revision], last: Revision) -> None:
    once, twice = annotate(prediction(), [*before, last]), annotate(prediction(), [*before, last, last])
    assert (once.boxes, once.flags, once.missed_boxes) == (twice.boxes, twice.flags, twice.missed_boxes)


def test_boxes_are_those_of_the_stored_image_by_hand() -> None:
    """96 x 64, stored at 48 x 16: half as wide, a quarter as high."""
    said = [revision(effect="flag_incomplete", index=None, boxes=((4, 8, 20, 40),))]
    annotation = annotate(prediction(), said, (48, 16))
    assert (annotation.width_px, annotation.height_px) == (48, 16)
    assert [box.box for box in annotation.boxes] == [(5, 5, 25, 15), (30, 1.25, 45, 11.25)]
    assert annotation.missed_boxes == ((2, 2, 10, 10),)


def test_boxes_are_clipped_before_they_are_made_to_fit() -> None:
    across = Detection(box=(-96, -64, 500, 500), class_id=0, class_name="cup", confidence=0.9)
    assert [box.box for box in annotate(prediction(detections=(across,)), (), (192, 32)).boxes] == [(0, 0, 192, 32)]


def relative(box: Box, width_px: int, height_px: int) -> list[float]:
    left, top, right, bottom = box
    return [left / width_px, top / height_px, right / width_px, bottom / height_px]


sizes_px = st.tuples(st.integers(1, 8000), st.integers(1, 8000))


@given(sizes_px, sizes_px, st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4))
def test_a_box_keeps_its_place_relative_to_its_image(
    own: tuple[int, int], stored: tuple[int, int], corners: list[tuple[float, float, float, float]]
) -> None:
    boxes = [(min(a, c) * own[0], min(b, d) * own[1], max(a, c) * own[0], max(b, d) * own[1]) for a, b, c, d in corners]
    seen = tuple(Detection(box=box, class_id=0, class_name="cup", confidence=0.9) for box in boxes)
    drawn = prediction(width_px=own[0], height_px=own[1], detections=seen)
    plain, fitted = annotate(drawn), annotate(drawn, (), stored)
    assert len(fitted.boxes) == len(plain.boxes)
    for before, after in zip(plain.boxes, fitted.boxes, strict=True):
        assert relative(after.box, *stored) == pytest.approx(relative(before.box, *own))


def affirmed(weight: float = 0.6) -> Revision:
    said = revision(effect="verify", index=None, key="silence")
    silence = Silence(
        exposure_id="e1",
        deadline_ms=1,
        weight=weight,
        p_correct=0.8,
        p=0.8,
        reject_rate=0.0,
        audited_errors=3,
        probability=0.05,
    )
    verdict = said.verdict.model_copy(update={"kind": "affirmed", "silence": silence})
    return said.model_copy(update={"verdict": verdict, "effect": "affirm"})


def test_what_nobody_objected_to_has_a_weight_and_is_never_truth() -> None:
    annotation = annotate(prediction(), [affirmed()])
    assert (annotation.flags, annotation.is_truth) == (("affirmed",), False)
    assert annotation.silence is not None
    assert annotation.silence.weight == 0.6
    assert boxes(annotation) == boxes(annotate(prediction()))


@pytest.mark.parametrize("effect", ["remove", "flag", "flag_incomplete", "verify", "replace"])
def test_a_person_outranks_silence_in_either_order(effect: Any) -> None:
    labels = (Label(class_name="cup", box=(1, 2, 3, 4)),) if effect == "replace" else None
    said = revision(effect=effect, index=None, labels=labels)
    alone = annotate(prediction(), [said])
    for order in ([affirmed(), said], [said, affirmed()]):
        both = annotate(prediction(), order)
        assert replace(both, verdicts=()) == replace(alone, verdicts=())
        assert both.silence is None
