"""Roboflow's inference JSON: boxes by their centre, one prediction per box.

Promises: pure; an image without boxes gives an empty list, which annotates it as a null image.
"""

import json
from typing import Any

from services.uploader.annotations import Annotation, LabelledBox
from shared.streams import ids

SURE = 1.0
"""A person's word: the host wants a number with every box."""


def detections_json(sample_id: str, annotation: Annotation) -> str:
    """The body of an annotate call, for a file name that ends in `.json`."""
    return json.dumps(
        {
            "image": {"width": annotation.width_px, "height": annotation.height_px},
            "predictions": [_prediction(sample_id, index, box) for index, box in enumerate(annotation.boxes)],
        }
    )


def _prediction(sample_id: str, index: int, labelled: LabelledBox) -> dict[str, Any]:
    left, top, right, bottom = labelled.box
    known = {} if labelled.class_id is None else {"class_id": labelled.class_id}
    return {
        "x": (left + right) / 2,
        "y": (top + bottom) / 2,
        "width": right - left,
        "height": bottom - top,
        "confidence": SURE if labelled.confidence is None else labelled.confidence,
        "class": labelled.class_name,
        **known,
        "detection_id": ids.make_id("detection", sample_id, str(index)),
    }
