"""What MMDeploy leaves beside a model (`--dump-info`): the steps of `pipeline.json` that make the input, as a sidecar.

Promises: steps that it does not know, or that speak of something else than the image, change nothing; another program's
file of that name says nothing.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from shared.errors import SettingsError
from shared.models.sidecar import Sidecar

Step = Mapping[str, Any]


def said_by_pipeline(pipeline: Mapping[str, Any]) -> Sidecar:
    """Of the whole file, parsed. Raises SettingsError for values that no image can have."""
    steps = _steps(pipeline)
    resize, normalise = _first(steps, "Resize"), _first(steps, "Normalize")
    pad = next((step for step in steps if step.get("type") == "Pad" and step.get("size")), None)
    try:
        return Sidecar.model_validate({"input": {**_colours(normalise), **_sizes(resize, pad)}})
    except (ValidationError, TypeError, ValueError) as error:
        raise SettingsError(
            f"pipeline.json: expected the steps that MMDeploy writes beside a model: {error}"
        ) from error


def _steps(pipeline: Mapping[str, Any]) -> list[Step]:
    match pipeline:
        case {"pipeline": {"tasks": [*tasks]}}:
            named = [task for task in tasks if isinstance(task, Mapping) and task.get("name") == "Preprocess"]
            return [step for task in named for step in task.get("transforms", ()) if isinstance(step, Mapping)]
    return []


def _first(steps: list[Step], kind: str) -> Step:
    return next((step for step in steps if step.get("type") == kind), {})


def _colours(normalise: Step) -> dict[str, Any]:
    """Mean and deviation are of bytes, in the order in which the model takes the colours."""
    if not normalise:
        return {}
    color = "rgb" if normalise.get("to_rgb") else "bgr"
    return {"scale": 1.0, "color": color, "mean": normalise.get("mean"), "std": normalise.get("std")}


def _sizes(resize: Step, pad: Step | None) -> dict[str, Any]:
    """`size` is (width, height), as mmcv's `scale`; one that keeps the ratio lies on grey when it is padded to a size."""
    match resize.get("size"):
        case [int(width), int(height)]:
            pass
        case int(side):
            width = height = side
        case _:
            return {}
    if not resize.get("keep_ratio"):
        return {"size": (height, width), "resize": {"mode": "stretch"}}
    if pad is None:
        edges = {"shortest_px": min(width, height), "longest_px": max(width, height)}
        return {"resize": {"mode": "shortest_edge", **edges}}
    return {"size": _height_width(pad["size"]), "resize": {"mode": "letterbox", "align": "top-left", **_grey(pad)}}


def _height_width(size: Any) -> tuple[int, int]:
    width, height = (size, size) if isinstance(size, int) else size
    return height, width


def _grey(pad: Step) -> dict[str, int]:
    value = pad.get("pad_val", 0)
    value = value.get("img", 0) if isinstance(value, Mapping) else value
    return {"pad_value": int(value[0] if isinstance(value, list) else value)}
