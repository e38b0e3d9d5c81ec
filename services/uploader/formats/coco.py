"""COCO: fragments (one sample each) and the document that is made of them.

Promises: pure and deterministic: the same fragments in any order give the same document. `bbox` is [x, y, width, height]
in pixels of the stored image, top-left. Category ids begin at 1, by class id and name, then the names that only people
gave; image ids follow the sample ids' order. Where a person said what is there, not the model, there is no confidence.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.uploader.annotations import Annotation, Fit, LabelledBox
from shared.streams.predictions import Box
from shared.streams.samples import Design, Neighbour, Sample
from shared.streams.verdicts import Silence, Verdict

Fragment = dict[str, Any]
_Class = tuple[int | None, str]
"""Class id and name; no id where a person gave a name that the frame's prediction does not have."""
NEEDED = frozenset({"sample_id", "file_name", "boxes"})
"""Without these a file beside the images is no fragment."""
OF_NEIGHBOURS = ("neighbour_of", "after_ms")
"""What is said of a neighbour alone: the sample beside which it was kept, and how much later it is."""
ABOUT = "Chosen by Gleaner. Annotations are the model's predictions, not truth, but for those that people verified."
_DECIMALS = 2


def fragment(sample: Sample, annotation: Annotation, file_name: str) -> Fragment:
    """Everything known about one sample, as it is kept beside its image."""
    prediction = sample.prediction
    return {
        "file_name": file_name,
        "sample_id": sample.sample_id,
        "collection": sample.collection,
        "source_id": prediction.source_id,
        "frame_id": prediction.frame.frame_id,
        "captured_at": prediction.captured_at,
        "log_time_ms": prediction.frame.time_ms,
        "model": f"{prediction.model_id}@{prediction.model_version}",
        **choice(sample, annotation),
        **content(annotation),
    }


def choice(sample: Sample, annotation: Annotation) -> Fragment:
    """Why it was chosen and how likely that was. A neighbour, and a sample that only a verdict made, has neither."""
    tags = list(sample.tags)
    if isinstance(sample, Neighbour):
        beside = dict(zip(OF_NEIGHBOURS, (sample.of, sample.after_ms), strict=True))
        return {"reasons": [], "probability": None, "doubts": [], "tags": tags, **beside}
    if not isinstance(sample, Design):
        return {"reasons": [], "probability": None, "doubts": [], "tags": tags}
    reasons = [reason.model_dump(exclude_none=True) for reason in sample.reasons]
    doubts = _doubts(sample, annotation)
    return {"reasons": reasons, "probability": sample.probability, "doubts": doubts, "tags": tags}


def _doubts(design: Design, annotation: Annotation) -> list[Fragment]:
    """The weak boxes that the reasons speak of: below the product threshold, so no annotations, but good to look at."""
    scores = {reason.score for reason in design.reasons}
    prediction = design.prediction
    fit = Fit.of(prediction, (annotation.width_px, annotation.height_px))
    return [
        {"bbox": bbox(fit.box(one.box)), "class_name": one.class_name, "confidence": round(one.confidence, 4)}
        for one in prediction.detections
        if one.confidence in scores and one.confidence < prediction.threshold_for(one.class_name)
    ]


def content(annotation: Annotation) -> Fragment:
    """What is in the image: the part of a fragment that a verdict changes."""
    return {
        "width": annotation.width_px,
        "height": annotation.height_px,
        "task": annotation.task,
        "boxes": [_box(box) for box in annotation.boxes],
        "class": annotation.class_name,
        "classes": [score.model_dump() for score in annotation.classes],
        "flags": list(annotation.flags),
        "missed_boxes": [bbox(box) for box in annotation.missed_boxes],
        "verdicts": [_verdict(verdict) for verdict in annotation.verdicts],
        **_by_silence(annotation.silence),
    }


def _by_silence(silence: Silence | None) -> Fragment:
    """Where silence is all that a label rests on: what it weighs in training, and from which numbers that was made."""
    if silence is None:
        return {"label_source": None, "weight": None, "silence": None}
    return {"label_source": "silence", "weight": silence.weight, "silence": silence.model_dump()}


def document(fragments: Iterable[Fragment]) -> dict[str, Any]:
    """The COCO file of all samples."""
    ordered = sorted(fragments, key=lambda one: str(one["sample_id"]))
    categories = _categories(ordered)
    images = [_image(one, image_id) for image_id, one in enumerate(ordered, start=1)]
    boxes = [(image_id, box) for image_id, one in enumerate(ordered, start=1) for box in one["boxes"]]
    return {
        "info": {"description": ABOUT},
        "licenses": [],
        "images": images,
        "annotations": [
            _annotation(number, image_id, box, categories) for number, (image_id, box) in enumerate(boxes, 1)
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": "", "class_id": class_id}
            for (class_id, name), number in categories.items()
        ],
    }


def bbox(box: Box) -> list[float]:
    """xyxy → [x, y, width, height]."""
    left, top, right, bottom = box
    return [round(number, _DECIMALS) for number in (left, top, right - left, bottom - top)]


def _box(box: LabelledBox) -> Fragment:
    confidence = None if box.confidence is None else round(box.confidence, 4)
    named = {"class_id": box.class_id, "class_name": box.class_name}
    return {"bbox": bbox(box.box), **named, "confidence": confidence, "flags": list(box.flags)}


def _verdict(verdict: Verdict) -> Fragment:
    return verdict.model_dump(
        include={"verdict_id", "kind", "reason", "detection_index", "reviewer", "note", "judged_at"}, exclude_none=True
    )


def _categories(fragments: Iterable[Fragment]) -> dict[_Class, int]:
    """(class id, name) → category id. Two models may use one number for two names: both are kept apart."""
    named = {(box["class_id"], str(box["class_name"])) for one in fragments for box in one["boxes"]}
    of_models = sorted(pair for pair in named if pair[0] is not None)
    known = {name for _, name in of_models}
    of_people = sorted((class_id, name) for class_id, name in named if class_id is None and name not in known)
    return {pair: number for number, pair in enumerate([*of_models, *of_people], start=1)}


def _category(box: Fragment, categories: Mapping[_Class, int]) -> int:
    """A name that a person gave is the model's class of that name, where it is a class in any frame."""
    found = categories.get((box["class_id"], str(box["class_name"])))
    return found or next(number for (_, name), number in categories.items() if name == box["class_name"])


def _image(one: Fragment, image_id: int) -> Fragment:
    return {"id": image_id, **{key: value for key, value in one.items() if key != "boxes"}}


def _annotation(number: int, image_id: int, box: Fragment, categories: Mapping[_Class, int]) -> Fragment:
    _, _, width, height = box["bbox"]
    return {
        "id": number,
        "image_id": image_id,
        "category_id": _category(box, categories),
        "bbox": box["bbox"],
        "area": round(width * height, _DECIMALS),
        "segmentation": [],
        "iscrowd": 0,
        "confidence": box["confidence"],
        "flags": box["flags"],
    }
