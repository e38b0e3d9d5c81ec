"""DETR and its kin: softmax or sigmoid, the slot of nothing, padding and its mask, boxes in shares of the image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.errors import SettingsError
from shared.models.families.detr import Detr, activated, best_of_each, best_pairs, ids
from shared.models.families.family import Signature, Tensor
from shared.models.placement import as_it_is, stretch
from shared.models.sidecar import Sidecar
from tests.families.pictures import picture
from tests.unit.shared.models.families.wrongly import changes_what_is_seen

FAMILIES = Path(__file__).parents[4] / "families"
FREE = ("batch_size", 3, "height", "width")
MASK = Tensor("pixel_mask", ("batch_size", "height", "width"), "tensor(int64)")


def signature(*more: Tensor, image: tuple[int | str, ...] = FREE, slots: int | str = 4) -> Signature:
    outputs = (
        Tensor("logits", ("batch_size", 2, slots), "tensor(float)"),
        Tensor("pred_boxes", ("batch_size", 2, 4), "tensor(float)"),
    )
    return Signature((Tensor("pixel_values", image, "tensor(float)"), *more), outputs)


def detr(said: dict[str, Any] | None = None, *more: Tensor, **parts: Any) -> Detr:
    return Detr(signature(*more, **parts), Sidecar.model_validate(said or {}))


def outputs(logits: list[list[float]], boxes: list[list[float]]) -> dict[str, Any]:
    return {"logits": np.array(logits, np.float32), "pred_boxes": np.array(boxes, np.float32)}


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([("logits", (1, 5, 4))], "pred_boxes"),
        ([("logits", (1, 5)), ("pred_boxes", (1, 5, 4))], "batch, queries, classes"),
        ([("logits", (1, 5, 4)), ("pred_boxes", (1, 5, 5))], "batch, queries, 4"),
    ],
)
def test_anothers_file_is_objected_to(outputs: list[tuple[str, tuple[int, ...]]], why: str) -> None:
    tensors = tuple(Tensor(name, shape, "tensor(float)") for name, shape in outputs)
    foreign = Signature(signature().inputs, tensors)
    assert why in str(Detr.objection(foreign))
    with pytest.raises(SettingsError, match="no DETR"):
        Detr(foreign, Sidecar())


def test_where_nobody_says_it_a_mask_means_softmax() -> None:
    assert detr(None, MASK).activation == "softmax"
    assert detr(None).activation == "sigmoid"
    assert detr({"scores": {"activation": "sigmoid"}}, MASK).activation == "sigmoid"


def test_softmax_has_its_last_slot_for_nothing() -> None:
    assert len(detr({"scores": {"activation": "softmax"}}).names) == 3
    assert len(detr({"scores": {"activation": "sigmoid"}}).names) == 4
    assert len(detr({"scores": {"activation": "softmax", "background": False}}).names) == 4
    with pytest.raises(SettingsError, match="background_index"):
        detr({"scores": {"activation": "softmax", "background_index": 7}})


def test_softmax_gives_each_query_one_class_and_drops_nothing_slot() -> None:
    family = detr({"scores": {"activation": "softmax"}})
    seen = family.read(outputs([[3, 2.9, 0, 0], [0, 0, 1, 9]], [[0.5, 0.5, 0.2, 0.4]] * 2), as_it_is((100, 50)))
    assert seen.class_ids.tolist() == [0]
    assert seen.confidences[0] == pytest.approx(np.exp(3) / (np.exp(3) + np.exp(2.9) + 2))
    assert seen.boxes is not None
    assert seen.boxes[0] == pytest.approx([40, 15, 60, 35])


def test_sigmoid_may_give_one_query_two_classes_the_surest_first() -> None:
    seen = detr().read(outputs([[3, -9, 4, -9], [-9] * 4], [[0.5, 0.5, 1, 1]] * 2), as_it_is((10, 20)))
    assert seen.class_ids.tolist() == [2, 0]
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[0, 0, 10, 20]] * 2


def test_no_more_pairs_than_queries_and_than_are_asked_for() -> None:
    every = outputs([[3, 4, 5, 6], [2, 1, 0.5, 0]], [[0.5, 0.5, 1, 1]] * 2)
    assert detr().read(every, as_it_is((10, 20))).class_ids.tolist() == [3, 2]
    assert detr({"max_det": 1}).read(every, as_it_is((10, 20))).class_ids.tolist() == [3]


def test_boxes_are_shares_of_the_image_whatever_the_input_and_clipped_to_it() -> None:
    seen = detr().read(outputs([[3, -9, -9, -9], [-9] * 4], [[0.9, 0.5, 0.4, 0.5]] * 2), stretch((200, 100), (64, 64)))
    assert seen.boxes is not None
    assert seen.boxes[0] == pytest.approx([140, 25, 200, 75], abs=1e-4)


def test_a_fixed_input_is_filled_with_zeros_right_and_below_after_all_scaling() -> None:
    said = {"input": {"mean": [0.5] * 3, "resize": {"mode": "shortest_edge", "shortest_px": 40, "longest_px": 64}}}
    family = detr(said, MASK, image=(1, 3, 64, 64))
    prepared = family.prepare(picture(200, 100))
    assert prepared.placement.scaled_px == (64, 32)
    assert prepared.tensor.shape == (3, 64, 64)
    assert (prepared.tensor[:, 32:] == 0).all()
    assert (prepared.tensor[:, :32] != 0).any(axis=0).mean() > 0.9
    mask = family.feeds([prepared])["pixel_mask"]
    assert mask.dtype == np.int64
    assert mask[0, :32].all()
    assert not mask[0, 32:].any()


def test_no_image_is_larger_than_a_fixed_input() -> None:
    said = {"input": {"resize": {"mode": "shortest_edge", "shortest_px": 800, "longest_px": 1333}}}
    prepared = detr(said, image=(1, 3, 64, 64)).prepare(picture(200, 100))
    assert prepared.tensor.shape == (3, 64, 64)
    assert prepared.placement.scaled_px == (64, 32)


def test_a_mask_of_fixed_size_is_ones_whatever_the_image() -> None:
    mask = Tensor("pixel_mask", ("batch_size", 64, 64), "tensor(int64)")
    said = {"input": {"resize": {"mode": "shortest_edge", "shortest_px": 30, "longest_px": 100}}}
    family = detr(said, mask)
    feeds = family.feeds([family.prepare(picture(90, 60))])
    assert feeds["pixel_values"].shape == (1, 3, 30, 45)
    assert feeds["pixel_mask"].shape == (1, 64, 64)
    assert feeds["pixel_mask"].all()


def test_two_images_of_one_shape_have_a_mask_each() -> None:
    said = {"input": {"resize": {"mode": "shortest_edge", "shortest_px": 32, "longest_px": 64}}}
    family = detr(said, MASK, image=("batch_size", 3, 64, 64))
    feeds = family.feeds([family.prepare(picture(200, 100)), family.prepare(picture(100, 200))])
    assert feeds["pixel_values"].shape == (2, 3, 64, 64)
    assert feeds["pixel_mask"].sum(axis=(1, 2)).tolist() == [64 * 32, 64 * 32]
    assert feeds["pixel_mask"][0, 0, 63] == 1
    assert feeds["pixel_mask"][1, 0, 63] == 0


def test_without_any_word_the_usual_picture_is_made() -> None:
    softmax, sigmoid = detr(None, MASK).preparation, detr().preparation
    assert (softmax.mode, softmax.shortest_px, softmax.longest_px) == ("shortest_edge", 800, 1333)
    assert softmax.mean == (0.485, 0.456, 0.406)
    assert (sigmoid.mode, sigmoid.size_px, sigmoid.mean) == ("stretch", (640, 640), None)


def test_a_processor_that_does_not_normalise_is_believed() -> None:
    said = {"scores": {"activation": "softmax"}, "input": {"scale": 255, "resize": {"mode": "stretch"}}}
    assert detr(said).preparation.mean is None


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_box_that_is_no_number_is_not_seen(activation: str, bad: float) -> None:
    family = detr({"scores": {"activation": activation}})
    seen = family.read(outputs([[9, 0, 0, 0], [0, 9, 0, 0]], [[bad, 0.5, 1, 1], [0.5, 0.5, 1, 1]]), as_it_is((10, 20)))
    assert seen.class_ids[:1].tolist() == [1]
    assert seen.boxes is not None
    assert np.isfinite(seen.boxes).all()


def test_boxes_in_pixels_are_no_detrs() -> None:
    family = detr()
    with pytest.raises(SettingsError, match="shares of the image"):
        family.check(outputs([[0] * 4] * 2, [[320, 320, 50, 60]] * 2), family.prepare(picture(64, 64)))


@given(arrays(np.float32, (5, 4), elements=st.floats(-200, 200, width=32)))
def test_probabilities_are_probabilities(logits: Any) -> None:
    assert activated(logits, "softmax").sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    single = activated(logits, "sigmoid")
    assert ((single >= 0) & (single <= 1)).all()


@given(arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32)), st.integers(1, 20))
def test_the_best_come_first_and_none_better_is_left_out(scores: Any, most: int) -> None:
    queries, columns = best_pairs(scores, 0.5, most)
    chosen = scores[queries, columns]
    assert (np.diff(chosen) <= 0).all()
    assert chosen.tolist() == sorted(scores[scores > 0.5].tolist(), reverse=True)[:most]
    queries, columns = best_of_each(scores, 0.5, most)
    assert len(set(queries.tolist())) == len(queries)
    assert (scores[queries, columns] == scores[queries].max(axis=1)).all()


@pytest.mark.parametrize(
    ("slots", "background", "count"), [(4, -1, 3), (4, 3, 3), (4, 0, 4), (4, None, 4), ("classes", -1, None)]
)
def test_ids_that_lie_behind_the_background_keep_their_number(slots: Any, background: Any, count: Any) -> None:
    assert ids(slots, background) == count


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("detr", {"input": {"color": "bgr"}}),
        ("detr", {"input": {"scale": 1}}),
        ("detr", {"input": {"mean": [0, 0, 0], "std": [1, 1, 1]}}),
        ("detr", {"input": {"resize": {"antialias": False}}}),
        ("detr", {"input": {"size": [96, 160], "resize": {"mode": "stretch"}}}),
        ("detr", {"input": {"resize": {"shortest_px": 120}}}),
        ("detr", {"scores": {"activation": "sigmoid"}, "names": ["bolt", "nut", "washer", "nothing"]}),
        ("detr_rtdetr", {"input": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}),
        ("detr_rtdetr", {"input": {"resize": {"mode": "letterbox"}}}),
        ("detr_rtdetr", {"scores": {"activation": "softmax"}, "names": ["bolt", "nut"]}),
    ],
    ids=str,
)
def test_each_wrong_convention_is_seen(name: str, wrong: dict[str, Any], tmp_path: Path) -> None:
    """Said in a sidecar, which wins over what `config.json` and `preprocessor_config.json` beside the model say."""
    assert changes_what_is_seen(FAMILIES / name / "model.onnx", wrong, tmp_path)
