"""How a reference is written: a JSON beside the model with what the family's own code said of a few pictures.

Promises: numpy alone, so that it runs where any family does; no reference that could tip over: scores apart from each
other and from the limit, some findings in each picture.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
CONFIDENCE = 0.05
APART = 0.002


SIZES_PX = ((320, 240), (333, 517), (187, 160), (500, 210), (256, 256), (161, 402), (640, 361), (229, 301), (97, 143))


class Tips(Exception):
    """What was found in a picture might be counted otherwise elsewhere: it is no reference."""


def steady(case: Callable[[tuple[int, int]], dict[str, Any]], wanted: int = 3) -> list[dict[str, Any]]:
    """The cases of the first pictures that make good references."""
    cases: list[dict[str, Any]] = []
    for size_px in SIZES_PX:
        try:
            cases.append(case(size_px))
        except Tips as reason:
            print(f"{size_px}: {reason}")
        if len(cases) == wanted:
            return cases
    raise Tips(f"only {len(cases)} pictures of {len(SIZES_PX)} are good references")


def boxes_case(size_px: tuple[int, int], boxes: Any, confidences: Any, class_ids: Any) -> dict[str, Any]:
    """What was found in a picture of (width, height): those above the limit, the surest first. Raises Tips."""
    scores = np.asarray(confidences, np.float64)
    order = [index for index in np.argsort(-scores, kind="stable") if scores[index] > CONFIDENCE]
    if not 3 <= len(order) <= 30:
        raise Tips(f"{len(order)} boxes")
    if (np.abs(scores - CONFIDENCE) < APART).any() or (np.diff(scores[order]) > -1e-5).any():
        raise Tips(f"scores near the limit or alike: {scores[order]}")
    return {
        "size_px": list(size_px),
        "boxes": np.asarray(boxes, np.float64)[order].round(4).tolist(),
        "confidences": scores[order].round(6).tolist(),
        "class_ids": np.asarray(class_ids)[order].astype(int).tolist(),
    }


def class_case(size_px: tuple[int, int], probabilities: Any) -> dict[str, Any]:
    """The probability of each class. Raises Tips where one is so sure that nothing could change it."""
    values = np.asarray(probabilities, np.float64)
    if abs(values.sum() - 1) > 1e-4 or values.max() > 0.95:
        raise Tips(f"probabilities {values}")
    return {"size_px": list(size_px), "confidences": values.round(6).tolist()}


def write(path: Path, head: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> None:
    """`path` is the JSON; one case a line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    body = ",\n".join(f"    {json.dumps(case)}" for case in cases)
    path.write_text("\n".join(["{", *lines, '  "cases": [', body, "  ]", "}", ""]), encoding="utf-8")
    found = [len(case.get("class_ids", case["confidences"])) for case in cases]
    print(f"{path.name}: {found} findings")
