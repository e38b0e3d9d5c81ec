"""What a model saw, as a table per image, a sum, and JSON."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from services.cli import output
from services.cli.models.predicted import Predicted
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.streams.predictions import Detection

STAGES = ("decode", "preprocess", "run", "postprocess")


def show(one: Predicted) -> None:
    if one.prediction is None:
        output.complain(f"{one.path}: {one.why}")
        return
    rows, columns = (_class_rows(one), ("class", "confidence")) if one.classes else _box_rows(one)
    if rows:
        output.show_table(_title(one), columns, rows)
    else:
        output.say(_title(one))


def show_sum(config: ModelConfig, told: Sequence[Predicted]) -> None:
    """Which model, how many, how fast, and where the pictures are."""
    seen = [one for one in told if one.prediction]
    output.say(f"{_model(config)}; {_counted(seen, config.threshold)}")
    if seen:
        output.say(f"time of an image, the middle of {len(seen):,}: {_times(seen)}")
        folders = sorted({str(one.picture.parent) for one in seen if one.picture})
        output.say(f"pictures: {', '.join(folders)}" if len(seen) > 1 else f"picture: {seen[0].picture}")


def told(config: ModelConfig, predicted: Sequence[Predicted]) -> dict[str, Any]:
    """Everything as JSON has it."""
    return {
        "model": str(config.path),
        "model_id": config.model_id,
        "version": _version(config),
        "confidence": config.threshold,
        "images": [_image(one) for one in predicted],
    }


def _image(one: Predicted) -> dict[str, Any]:
    if one.prediction is None:
        return {"image": str(one.path), "error": one.why}
    said = one.prediction
    return {
        "image": str(one.path),
        "width_px": said.width_px,
        "height_px": said.height_px,
        "task": said.task,
        "detections": [found.model_dump(exclude_none=True) for found in one.detections],
        "weaker": one.weaker,
        "classes": [found.model_dump() for found in one.classes],
        "timings_ms": said.timings_ms,
        "picture": str(one.picture),
    }


def _title(one: Predicted) -> str:
    assert one.prediction is not None
    size = f"{one.path}, {one.prediction.width_px}x{one.prediction.height_px}"
    if one.classes:
        return size
    weaker = f", {one.weaker} weaker" if one.weaker else ""
    return f"{size}: {len(one.detections) or 'nothing'} found{weaker}"


def _class_rows(one: Predicted) -> list[tuple[object, ...]]:
    return [(found.class_name, f"{found.confidence:.3f}") for found in one.classes]


def _box_rows(one: Predicted) -> tuple[list[tuple[object, ...]], tuple[str, ...]]:
    points = any(found.keypoints for found in one.detections)
    rows = [
        (found.class_name, f"{found.confidence:.3f}", *found.box, *_points(found, points)) for found in one.detections
    ]
    return [*rows], ("class", "confidence", "left", "top", "right", "bottom", *(("key points",) if points else ()))


def _points(found: Detection, told: bool) -> tuple[str, ...]:
    """`17 points`; nothing where no detection of the image has any."""
    if not told:
        return ()
    return (f"{len(found.keypoints)} points" if found.keypoints else "none",)


def _model(config: ModelConfig) -> str:
    return f"{config.path}, version {_version(config)}"


def _version(config: ModelConfig) -> str:
    assert config.path is not None
    return ModelFiles.of(config.path, config.sidecar).version


def _counted(seen: Sequence[Predicted], threshold: float) -> str:
    images = f"{len(seen):,} image{'' if len(seen) == 1 else 's'}"
    if any(one.classes for one in seen):
        return f"{images}, the best classes of each"
    return f"{images}, {sum(len(one.detections) for one in seen):,} found at {threshold:g} or above"


def _times(seen: Sequence[Predicted]) -> str:
    """`decode 2.9, preprocess 1.0, run 15.2, postprocess 0.3 ms`: the service's own clock."""
    known = [one.prediction.timings_ms for one in seen if one.prediction]
    stages = [stage for stage in dict.fromkeys((*STAGES, *known[0])) if all(stage in times for times in known)]
    return ", ".join(f"{stage} {median(times[stage] for times in known):.1f}" for stage in stages) + " ms"
