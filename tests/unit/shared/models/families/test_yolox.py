"""YOLOX: the grid, whether it is decoded already, and areas that count the last pixel."""

import numpy as np
import pytest

from shared.errors import SettingsError
from shared.models.families.family import Outputs, Prepared, Signature, Tensor
from shared.models.families.yolox import Yolox, grid
from shared.models.placement import Floats, letterbox
from shared.models.sidecar import Sidecar

FLOAT = "tensor(float)"
SIDE_PX = 64
CELLS = 64 + 16 + 4
CANVAS = letterbox((SIDE_PX, SIDE_PX), (SIDE_PX, SIDE_PX))


def signature(rows: int = CELLS) -> Signature:
    image = Tensor("images", (1, 3, SIDE_PX, SIDE_PX), FLOAT)
    return Signature((image,), (Tensor("output", (1, rows, 7), FLOAT),))


def empty(rows: int = CELLS) -> Floats:
    return np.zeros((rows, 7), np.float32)


def checked(rows: Floats, said: Sidecar | None = None) -> Yolox:
    family = Yolox(signature(len(rows)), said or Sidecar())
    family.check(outputs(rows), Prepared(rows, CANVAS))
    return family


def outputs(rows: Floats) -> Outputs:
    return {"output": rows}


def test_cells_come_row_by_row_and_level_by_level() -> None:
    places, strides = grid(signature())
    assert places[:2].tolist() == [[0, 0], [1, 0]]
    assert places[8].tolist() == [0, 1]
    assert strides[[0, 63, 64, 80]].tolist() == [8, 8, 16, 32]
    assert len(grid(signature(CELLS + 1))[0]) == CELLS + 1


def test_offsets_are_decoded_and_decoded_boxes_are_left() -> None:
    raw = empty()
    raw[9] = (0.5, 0.25, np.log(2), 0, 1, 0.9, 0)
    seen = checked(raw).read(outputs(raw), CANVAS)
    assert seen.boxes is not None
    assert np.abs(seen.boxes - [[4, 6, 20, 14]]).max() < 1e-4
    decoded = empty()
    places, strides = grid(signature())
    decoded[:, :2] = (places + 0.4) * strides[:, None]
    decoded[9] = (12, 10, 16, 8, 1, 0.9, 0)
    again = checked(decoded).read(outputs(decoded), CANVAS)
    assert again.boxes is not None
    assert np.abs(again.boxes - seen.boxes).max() < 1e-4


def test_what_the_sidecar_says_of_decoding_is_not_guessed() -> None:
    raw = empty()
    raw[9] = (40, 40, 16, 8, 1, 0.9, 0)
    seen = checked(raw, Sidecar(decoded=True)).read(outputs(raw), CANVAS)
    assert seen.boxes is not None
    assert seen.boxes.tolist() == [[32, 36, 48, 44]]


def test_areas_count_the_last_pixel_and_classes_meet() -> None:
    """IoU of 10x10 and 10x4: 0.400 as corners; 0.4545 where the last pixel counts, above the limit of 0.45."""
    rows = empty()
    rows[0], rows[1] = (20, 20, 10, 10, 1, 0.9, 0), (20, 17, 10, 4, 1, 0, 0.8)
    assert checked(rows, Sidecar(decoded=True)).read(outputs(rows), CANVAS).class_ids.tolist() == [0]


def test_objectness_of_1_everywhere_is_yolov6() -> None:
    rows = empty()
    rows[:, 4] = 1
    with pytest.raises(SettingsError, match="YOLOv6"):
        checked(rows)


def test_rows_that_are_no_cells_are_refused() -> None:
    with pytest.raises(SettingsError, match="expected 84 rows"):
        Yolox(signature(100), Sidecar())
