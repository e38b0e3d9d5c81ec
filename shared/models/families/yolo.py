"""How the outputs of the YOLO families are told apart: one tensor of rank 3 whose axes mean different things.

Promises: a signature has one form or none, so that no two families take the same file (the order of ONNX.md 2, step 6).
"""

from enum import Enum

from shared.models.families.family import Signature
from shared.models.families.metadata import literal

STRIDES_PX = (8, 16, 32)
MOST_ROWS = 1000
"""More rows than any export keeps after suppression, fewer than any grid of a usual input."""


class Form(Enum):
    """What the output holds."""

    COLUMNS = "[batch, 4 + classes, many]"
    ROWS = "[batch, many, 5 + classes]"
    POINTS = "[batch, one row for each cell, 5 + classes]"
    FINAL = "[batch, most, 6 + …] after suppression"
    QUERIES = "[batch, queries, …] of an RT-DETR"


def form_of(signature: Signature) -> Form | None:
    """None: no single output of rank 3 (a second one of rank 4 holds masks), or axes that say too little."""
    if not _has_rank_3(signature):
        return None
    if _says_rtdetr(signature):
        return Form.QUERIES
    if _says_final(signature) or _looks_final(signature):
        return Form.FINAL
    if _runs_along_the_last_axis(signature):
        return Form.COLUMNS
    if not signature.metadata and _length(signature) in cell_counts(signature):
        return Form.POINTS
    return Form.ROWS if _runs_along_the_middle_axis(signature) else None


def cell_counts(signature: Signature) -> tuple[int, int]:
    """Cells of the strides 8, 16, 32 in an input of fixed size, and with 64 besides; zeros where the size is free."""
    height, width = signature.inputs[0].shape[-2:] if signature.inputs else (None, None)
    if not isinstance(height, int) or not isinstance(width, int):
        return 0, 0
    cells = sum((height // stride) * (width // stride) for stride in STRIDES_PX)
    return cells, cells + (height // 64) * (width // 64)


def _has_rank_3(signature: Signature) -> bool:
    ranks = [len(tensor.shape) for tensor in signature.outputs]
    return ranks == [3] or (ranks == [3, 4] and signature.metadata.get("task") == "segment")


def _says_rtdetr(signature: Signature) -> bool:
    description = signature.metadata.get("description", "").lower().replace("-", "")
    return signature.metadata.get("head") == "RTDETRDecoder" or "rtdetr" in description


def _says_final(signature: Signature) -> bool:
    arguments = literal(signature.metadata, "args", {})
    inside = isinstance(arguments, dict) and arguments.get("nms") is True
    return inside or literal(signature.metadata, "end2end") is True


def _looks_final(signature: Signature) -> bool:
    """YOLOv10's own exports say nothing; a grid of YOLOv5 with one class has six columns too."""
    _, rows, columns = signature.outputs[0].shape
    if columns != 6 or not isinstance(rows, int) or not 6 < rows <= MOST_ROWS:
        return False
    cells = cell_counts(signature)
    return rows not in (*cells, *(3 * count for count in cells))


def _runs_along_the_last_axis(signature: Signature) -> bool:
    _, middle, last = signature.outputs[0].shape
    if isinstance(middle, int):
        return middle >= 5 and (not isinstance(last, int) or last > middle)
    # The axis of the classes is free: only Ultralytics notes a task, and only with names is it known how many there are.
    names = literal(signature.metadata, "names", ())
    return "task" in signature.metadata and bool(names) and (not isinstance(last, int) or last > 4 + len(names))


def _runs_along_the_middle_axis(signature: Signature) -> bool:
    _, middle, last = signature.outputs[0].shape
    if isinstance(last, int):
        return last >= 6 and (not isinstance(middle, int) or middle > last)
    return not isinstance(middle, int) and "names" in signature.metadata


def _length(signature: Signature) -> int | str | None:
    return signature.outputs[0].shape[1]
