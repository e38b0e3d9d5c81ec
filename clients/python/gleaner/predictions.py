"""What a model said, as an application has it → the fields that travel.

Takes Ultralytics `Results`, `supervision.Detections` and `Classifications`, a list of dicts, or a dict in the service's own
form. Promises: none of these libraries is imported; an object is told by the module that its class is from.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gleaner.errors import Unsupported

BEST_CLASSES = 100
"""Of a classifier with more."""
ROUNDED_PAST_1 = 1.001
"""Half precision has no number between 1 and that."""
Names = Mapping[int, str] | Sequence[str]
Said = dict[str, Any]


def described(said: object, names: Names | None = None) -> Said:
    """`detections`, or `task` and `classes`; a dict gives more. `names`: of classes that come as numbers alone.

    Raises Unsupported.
    """
    try:
        return _described(said, names)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise _unsupported(f"cannot read {_kind(said)}: {type(error).__name__}: {error}") from error


def lowest(said: Said) -> float | None:
    """The confidence of the weakest box, None without any."""
    # Of a box without one the service says what is wrong.
    known = (one for one in said.get("detections", ()) if "confidence" in one)
    return min((float(one["confidence"]) for one in known), default=None)


def _described(said: object, names: Names | None) -> Said:
    root = _root(said)
    if root == "ultralytics":
        return _ultralytics(said)
    if root == "supervision":
        return _classifications(said, names) if hasattr(said, "get_top_k") else _supervision(said, names)
    if isinstance(said, Mapping):
        return _mapping(said)
    if isinstance(said, Sequence) and not isinstance(said, (str, bytes)):
        return _sequence(said)
    raise _unsupported(
        "expected Ultralytics Results, supervision.Detections, a list of dicts with box, class_name and confidence, "
        f"or a dict, got {_kind(said)}"
    )


def _ultralytics(result: Any) -> Said:
    names = result.names
    speed = getattr(result, "speed", None) or {}
    timings = {str(name): round(float(ms), 3) for name, ms in speed.items() if ms is not None}
    if getattr(result, "probs", None) is not None:
        said = _classes(enumerate(_numbers(result.probs.data)), names)
    else:
        boxes = result.boxes if getattr(result, "boxes", None) is not None else getattr(result, "obb", None)
        if boxes is None:
            raise _unsupported("these Results have neither boxes nor probs")
        trackers = getattr(boxes, "id", None)
        ids = [int(number) for number in _numbers(boxes.cls)]
        classes = [_class(number, names) for number in ids]
        said = _boxes(boxes.xyxy, boxes.conf, classes, trackers)
    return {**said, "timings_ms": timings} if timings else said


def _supervision(found: Any, names: Names | None) -> Said:
    if len(found) and found.confidence is None:
        raise _unsupported("these supervision.Detections have no confidence: expected one for each box")
    named = found.data.get("class_name") if found.data else None
    ids = [None] * len(found) if found.class_id is None else [int(number) for number in _numbers(found.class_id)]
    if named is not None:
        classes = [_class(number, {number: name}) for number, name in zip(ids, named, strict=True)]
    else:
        classes = [_class(0 if number is None else number, names) for number in ids]
    return _boxes(found.xyxy, [] if found.confidence is None else found.confidence, classes, found.tracker_id)


def _classifications(found: Any, names: Names | None) -> Said:
    if found.confidence is None:
        raise _unsupported("these supervision.Classifications have no confidence")
    return _classes(zip(_numbers(found.class_id), _numbers(found.confidence), strict=True), names)


def _mapping(said: Mapping[Any, Any]) -> Said:
    """The service's own form; what it does not know, it will say."""
    fields: Said = dict(said)
    if "detections" in fields:
        fields["detections"] = [_plain(one) for one in fields["detections"]]
    if "classes" in fields:
        fields["classes"] = [_plain(one) for one in fields["classes"]]
        fields.setdefault("task", "classify")
    return fields


def _sequence(said: Sequence[Any]) -> Said:
    if len(said) == 1 and _root(said[0]) in ("ultralytics", "supervision"):
        return _described(said[0], None)  # a model that was given one image returns a list of one
    if not all(isinstance(one, Mapping) for one in said):
        raise _unsupported(f"expected what was said of one image, got {len(said)} of {_kind(said[0])}")
    plain = [_plain(one) for one in said]
    if plain and not any("box" in one for one in said):
        return {"task": "classify", "classes": plain}
    return {"detections": plain}


def _plain(one: Mapping[str, Any]) -> Said:
    """Numbers of numpy and torch as Python's own; whatever else stands there, the service looks at."""
    fields = {name: value for name, value in one.items() if value is not None}
    if "box" in fields:
        fields["box"] = [_rounded(edge) for edge in fields["box"]]
    if "confidence" in fields:
        fields["confidence"] = _confidence(fields["confidence"])
    for name in ("class_id", "tracker_id"):
        if name in fields:
            fields[name] = int(fields[name])
    return fields


def _boxes(boxes: Any, confidences: Any, classes: Iterable[Said], trackers: Any) -> Said:
    found = []
    for box, confidence, class_ in zip(_numbers(boxes), _numbers(confidences), classes, strict=True):
        found.append({"box": [_rounded(edge) for edge in box], "confidence": _confidence(confidence), **class_})
    if trackers is not None:
        for one, tracker in zip(found, _numbers(trackers), strict=True):
            one.update({} if tracker is None else {"tracker_id": int(tracker)})
    return {"detections": found}


def _classes(rows: Iterable[tuple[Any, Any]], names: Names | None) -> Said:
    scores = [{"confidence": _confidence(share), **_class(int(number), names)} for number, share in rows]
    scores.sort(key=lambda one: -one["confidence"])
    return {"task": "classify", "classes": scores[:BEST_CLASSES]}


def _class(number: int | None, names: Mapping[Any, Any] | Sequence[str] | None) -> Said:
    """A class by its number, as far as it has one, and its name."""
    name = f"class {number}" if names is None else str(names[number])  # type: ignore[index]
    return {"class_name": name} if number is None else {"class_name": name, "class_id": number}


def _confidence(value: Any) -> float:
    """Half precision rounds past 1. What is further beyond (a percentage), or no number, stays, and the service refuses it."""
    confidence = round(float(value), 6)
    return 1.0 if 1.0 < confidence <= ROUNDED_PAST_1 else confidence


def _rounded(edge: Any) -> float:
    return round(float(edge), 2)


def _numbers(values: Any) -> list[Any]:
    """Of a tensor, on whatever device, an array or a list."""
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _root(said: object) -> str:
    return type(said).__module__.partition(".")[0]


def _kind(said: object) -> str:
    return f"{type(said).__module__}.{type(said).__qualname__}"


def _unsupported(message: str) -> Unsupported:
    return Unsupported("unsupported_predictions", message, "predictions")
