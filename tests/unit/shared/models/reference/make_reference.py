"""Writes reference.json: what the real `ultralytics` package says of the built models and pictures.

Run it in an environment of its own, never the project's (the package is AGPL and no dependency of Gleaner), from the
repository's root: `pip install torch ultralytics onnx onnxruntime`, then
`python -m tests.unit.shared.models.reference.make_reference`. Made with ultralytics 8.4.190, torch 2.15.
"""

import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.shared.models.built_models import classifier, detector, picture

REFERENCE = Path(__file__).with_name("reference.json")
MODEL_PX = 192
"""`predict` reads the size of a model with free axes from its call (default 640); Gleaner reads it from the file."""
SIZES_PX = ((517, 333), (100, 1000), (640, 480), (64, 48), (1281, 721))
LOWEST_CONFIDENCE, IOU = 0.05, 0.7

MODELS: dict[str, Callable[[Path], Path]] = {
    "fixed square": detector,
    "fixed wide": lambda path: detector(path, size_px=(256, 128)),
    "free axes": lambda path: detector(path, free=True),
    "half precision": lambda path: detector(path, half=True),
    "classifier": classifier,
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        answers = [
            answer for name, build in MODELS.items() for answer in _answers(name, build(Path(folder) / "model.onnx"))
        ]
    lines = ",\n".join(json.dumps(answer) for answer in answers)
    REFERENCE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _answers(name: str, path: Path) -> list[dict[str, Any]]:
    ultralytics = importlib.import_module("ultralytics")  # not installed where the project is checked
    model = ultralytics.YOLO(str(path), task="classify" if name == "classifier" else "detect")
    return [{"model": name, "size_px": size, **_answer(model, size)} for size in SIZES_PX]


def _answer(model: Any, size_px: tuple[int, int]) -> dict[str, Any]:
    image = picture(*size_px)
    result = model.predict(image, conf=LOWEST_CONFIDENCE, iou=IOU, imgsz=MODEL_PX, verbose=False, device="cpu")[0]
    if result.probs is not None:
        return {"confidences": [round(value, 5) for value in result.probs.data.tolist()]}
    return {
        "boxes": [[round(value, 2) for value in box] for box in result.boxes.xyxy.tolist()],
        "confidences": [round(value, 5) for value in result.boxes.conf.tolist()],
        "class_ids": [int(value) for value in result.boxes.cls.tolist()],
    }


if __name__ == "__main__":
    main()
