"""What Hugging Face leaves beside a model, read as a sidecar: `config.json` and `preprocessor_config.json`.

Promises: the names, the activation and the picture that transformers itself would use; what no key of a sidecar can say stays
unsaid, so that a sidecar can. Files of other makers say nothing. Raises SettingsError for a file that is no JSON.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.models.pipeline_json import said_by_pipeline
from shared.models.sidecar import Sidecar

SOFTMAX = frozenset({"detr", "yolos", "table-transformer"})
SIGMOID_BEST_100 = frozenset({"conditional_detr", "deformable_detr", "dab-detr", "lw_detr"})
"""Their `post_process_object_detection` keeps 100 pairs of query and class."""
SIGMOID = frozenset({"rt_detr", "rt_detr_v2", "d_fine", "deimv2", "rf_detr", *SIGMOID_BEST_100})
FAMILIES = {"ObjectDetection": "detr", "ImageClassification": "classify"}
BY_SHORTEST_EDGE = (
    "Detr",
    "ConditionalDetr",
    "DeformableDetr",
    "Yolos",
    "ConvNext",
    "CLIP",
    "Levit",
    "MobileNet",
    "PoolFormer",
)
"""Whose `size`, where it is one number, is that of the shortest edge; the others' is a square's."""
CURVES = {2: "bilinear", 3: "bicubic"}
YOLOS_PATCH_PX = 16
"""Its processor cuts both edges down to whole patches (`image_processing_yolos.py: get_size_with_aspect_ratio`)."""
WARPS_FROM_PX = 384
"""From here on ConvNext's processor crops nothing (`image_processing_convnext.py: resize`)."""
Values = Mapping[str, Any]


def said_by_companions(files: Sequence[Path]) -> Sidecar:
    """Of the files that lie beside the model, those that say something of it."""
    beside = {file.name: file for file in files}
    model, processor = _read(beside.get("config.json")), _read(beside.get("preprocessor_config.json"))
    if "model_type" not in model and "image_mean" not in processor:
        return said_by_pipeline(_read(beside.get("pipeline.json")))
    said = {**_of_model(model), **({"input": _of_processor(processor)} if processor else {})}
    return Sidecar.model_validate(said)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: expected the JSON that exporters leave beside a model: {error}") from error
    return values if isinstance(values, dict) else {}


def _of_model(values: Values) -> dict[str, Any]:
    kind = values.get("model_type")
    said: dict[str, Any] = {}
    names = values.get("id2label")
    if isinstance(names, Mapping) and names:
        said["names"] = {int(index): str(name) for index, name in names.items()}
    if kind in SOFTMAX or kind in SIGMOID:
        said["scores"] = {"activation": "softmax" if kind in SOFTMAX else "sigmoid"}
    if kind in SIGMOID_BEST_100:
        said["max_det"] = 100
    endings = [str(one).partition("For")[2] for one in values.get("architectures") or ()]
    family = next((FAMILIES[one] for one in endings if one in FAMILIES), None)
    return said if family is None else {**said, "family": family}


def _of_processor(values: Values) -> dict[str, Any]:
    """What becomes of the pixels, and of the picture's size."""
    size = _size(values)
    antialias = not _made_by(values).startswith("RfDetr")  # as its training resizes
    cut = {"rounding": "trunc"} if "center_crop" in size else {}  # `image_transforms.py: center_crop` cuts halves off
    resize = {"antialias": antialias, **cut, **_curve(values), **size.pop("resize", {})}
    return {"color": "rgb", **_scaling(values), **size, "resize": resize}


def _scaling(values: Values) -> dict[str, Any]:
    factor = values.get("rescale_factor") or 1 / 255
    scale = {"scale": round(1 / factor, 6) if values.get("do_rescale", True) else 1.0}
    if not values.get("do_normalize", not _made_by(values).startswith("RTDetr")):
        return scale
    means = {"mean": values.get("image_mean"), "std": values.get("image_std")}
    return {**scale, **{name: _three(value) for name, value in means.items() if value is not None}}


def _three(value: Any) -> list[float]:
    return list(value) if isinstance(value, list) else [value] * 3


def _curve(values: Values) -> dict[str, Any]:
    """Pillow's number of the filter."""
    curve = CURVES.get(values.get("resample", 2))
    return {} if curve is None else {"interpolation": curve}


def _size(values: Values) -> dict[str, Any]:
    """`size`, the crop, and `resize` with the mode; nothing of a form that a sidecar has no words for."""
    if not values.get("do_resize", True):
        return {"resize": {"mode": "none"}, **_crop(values)}
    match _normalised(values):
        case {"height": int(height), "width": int(width)}:
            return {"size": [height, width], "resize": {"mode": "stretch"}, **_crop(values)}
        case {"shortest_edge": int(shortest), **others}:
            longest = others.get("longest_edge")
            most = {"longest_px": longest} if isinstance(longest, int) else {}
            parts = {"multiple_px": YOLOS_PATCH_PX} if _made_by(values).startswith("Yolos") else {}
            return _edges(shortest, {**most, **parts}, values)
    return {}


def _normalised(values: Values) -> dict[str, Any]:
    """`size` as a mapping: the extractors of before processors wrote one number, and `max_size` beside it."""
    size = values.get("size")
    if isinstance(size, Mapping):
        return dict(size)
    if not isinstance(size, int):
        return {}
    by_edge = _made_by(values).startswith(BY_SHORTEST_EDGE) or "max_size" in values
    if not values.get("default_to_square", not by_edge):
        return {"shortest_edge": size, "longest_edge": values.get("max_size")}
    return {"height": size, "width": size}


def _edges(shortest: int, most: dict[str, int], values: Values) -> dict[str, Any]:
    """By its shortest edge; with `crop_pct` that much larger, then the middle is cut out (ConvNext)."""
    share = values.get("crop_pct")
    if not share or _crop(values):
        return {"resize": {"mode": "shortest_edge", "shortest_px": shortest, **most}, **_crop(values)}
    if shortest >= WARPS_FROM_PX:
        return {"size": [shortest, shortest], "resize": {"mode": "stretch"}}
    return {"resize": {"mode": "shortest_edge", "shortest_px": int(shortest / share)}, "center_crop": shortest}


def _crop(values: Values) -> dict[str, Any]:
    """The side of the square that is cut out of the middle."""
    side = values.get("crop_size")
    if not values.get("do_center_crop", False):
        return {}
    height, width = (side.get("height"), side.get("width")) if isinstance(side, Mapping) else (side, side)
    return {"center_crop": height} if isinstance(height, int) and height == width else {}


def _made_by(values: Values) -> str:
    return str(values.get("image_processor_type") or values.get("feature_extractor_type") or "")
