"""What Hugging Face leaves beside a model: names, activation and picture; what cannot be said stays unsaid."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.models.companions import said_by_companions
from shared.models.sidecar import Sidecar

IMAGENET: dict[str, Any] = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


@pytest.fixture
def said(tmp_path: Path) -> Any:
    """Of a config.json and a preprocessor_config.json with these keys."""

    def read(config: dict[str, Any] | None, processor: dict[str, Any] | None = None) -> Sidecar:
        files = {"config.json": config, "preprocessor_config.json": processor}
        for name, values in files.items():
            if values is not None:
                (tmp_path / name).write_text(json.dumps(values))
        return said_by_companions([tmp_path / name for name, values in files.items() if values is not None])

    return read


def resize_of(sidecar: Sidecar) -> dict[str, Any]:
    return sidecar.input.resize.model_dump(exclude_none=True)


def test_nothing_beside_a_model_says_nothing() -> None:
    assert said_by_companions([]) == Sidecar()


def test_a_config_of_somebody_else_says_nothing(said: Any) -> None:
    assert said({"version": 3, "id2label": {"0": "x"}}) == Sidecar()
    assert said([1, 2]) == Sidecar()


def test_broken_json_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SettingsError, match=r"config\.json"):
        said_by_companions([tmp_path / "config.json"])


@pytest.mark.parametrize(
    ("kind", "activation", "max_det"),
    [
        ("detr", "softmax", None),
        ("yolos", "softmax", None),
        ("table-transformer", "softmax", None),
        ("rt_detr", "sigmoid", None),
        ("rt_detr_v2", "sigmoid", None),
        ("d_fine", "sigmoid", None),
        ("conditional_detr", "sigmoid", 100),
        ("deformable_detr", "sigmoid", 100),
        ("owlvit", None, None),
    ],
)
def test_the_model_type_settles_what_the_scores_need(said: Any, kind: str, activation: Any, max_det: Any) -> None:
    told = said({"model_type": kind, "architectures": ["SomeForObjectDetection"], "id2label": {"1": "car", "0": "N/A"}})
    assert told.scores.activation == activation
    assert told.max_det == max_det
    assert told.family == "detr"
    assert told.names == {0: "N/A", 1: "car"}


def test_a_classifier_is_one_by_its_architecture(said: Any) -> None:
    assert said({"model_type": "vit", "architectures": ["ViTForImageClassification"]}).family == "classify"
    assert said({"model_type": "vit", "architectures": ["ViTModel"]}).family is None


def test_edges_colours_and_filter_of_detr(said: Any) -> None:
    size = {"shortest_edge": 800, "longest_edge": 1333}
    told = said({"model_type": "detr"}, {**IMAGENET, "do_normalize": True, "size": size, "resample": 2})
    assert resize_of(told) == {
        "mode": "shortest_edge",
        "shortest_px": 800,
        "longest_px": 1333,
        "interpolation": "bilinear",
        "antialias": True,
    }
    assert told.input.mean == (0.485, 0.456, 0.406)
    assert told.input.std == (0.229, 0.224, 0.225)
    assert told.input.scale == 255
    assert told.input.size is None


def test_yolos_takes_whole_patches(said: Any) -> None:
    processor = {**IMAGENET, "image_processor_type": "YolosImageProcessor", "size": {"shortest_edge": 512}}
    assert said({"model_type": "yolos"}, processor).input.resize.multiple_px == 16


@pytest.mark.parametrize(("maker", "max_size"), [("DetrFeatureExtractor", 1333), ("YolosFeatureExtractor", None)])
def test_extractors_of_before_wrote_one_number(said: Any, maker: str, max_size: int | None) -> None:
    more = {} if max_size is None else {"max_size": max_size}
    told = said({"model_type": "detr"}, {**IMAGENET, "feature_extractor_type": maker, "size": 800, **more})
    assert (told.input.resize.mode, told.input.resize.shortest_px) == ("shortest_edge", 800)
    assert told.input.resize.longest_px == max_size
    assert told.input.mean is not None


def test_one_number_of_a_vision_transformer_is_a_square(said: Any) -> None:
    told = said({"model_type": "vit"}, {**IMAGENET, "feature_extractor_type": "ViTFeatureExtractor", "size": 224})
    assert (told.input.resize.mode, told.input.size) == ("stretch", (224, 224))


def test_a_height_and_a_width_stretch(said: Any) -> None:
    told = said({"model_type": "rt_detr"}, {**IMAGENET, "do_normalize": False, "size": {"height": 480, "width": 640}})
    assert (told.input.resize.mode, told.input.size) == ("stretch", (480, 640))
    assert (told.input.mean, told.input.std) == (None, None)


def test_rt_detr_normalises_only_where_it_is_told_to(said: Any) -> None:
    processor = {**IMAGENET, "image_processor_type": "RTDetrImageProcessor", "size": {"height": 64, "width": 64}}
    assert said({"model_type": "rt_detr"}, processor).input.mean is None
    assert said({"model_type": "rt_detr"}, {**processor, "do_normalize": True}).input.mean is not None


def test_the_crop_of_a_classifier(said: Any) -> None:
    crop = {"do_center_crop": True, "crop_size": {"height": 224, "width": 224}}
    told = said({"model_type": "x"}, {**IMAGENET, "size": {"shortest_edge": 256}, "resample": 3, **crop})
    assert (told.input.resize.mode, told.input.resize.shortest_px, told.input.center_crop) == (
        "shortest_edge",
        256,
        224,
    )
    assert told.input.resize.interpolation == "bicubic"


@pytest.mark.parametrize(
    ("shortest", "mode", "scaled", "crop"), [(224, "shortest_edge", 256, 224), (384, "stretch", None, None)]
)
def test_convnext_crops_a_share_below_384(said: Any, shortest: int, mode: str, scaled: Any, crop: Any) -> None:
    told = said({"model_type": "convnext"}, {**IMAGENET, "size": {"shortest_edge": shortest}, "crop_pct": 0.875})
    assert (told.input.resize.mode, told.input.resize.shortest_px, told.input.center_crop) == (mode, scaled, crop)


def test_a_processor_that_does_not_rescale_or_resize_is_believed(said: Any) -> None:
    told = said({"model_type": "x"}, {**IMAGENET, "do_rescale": False, "do_resize": False})
    assert (told.input.scale, told.input.resize.mode) == (1, "none")
    assert said({"model_type": "x"}, {**IMAGENET, "rescale_factor": 1 / 127.5}).input.scale == pytest.approx(127.5)


def test_one_mean_for_all_colours(said: Any) -> None:
    assert said({"model_type": "x"}, {"image_mean": 0.5, "image_std": 0.25}).input.std == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("size", [{"max_height": 4, "max_width": 4}, {"longest_edge": 4}, None, "large"])
def test_what_a_sidecar_has_no_words_for_stays_unsaid(said: Any, size: Any) -> None:
    told = said({"model_type": "detr"}, {**IMAGENET, "size": size, "resample": 0})
    assert (told.input.resize.mode, told.input.size, told.input.resize.interpolation) == (None, None, None)
