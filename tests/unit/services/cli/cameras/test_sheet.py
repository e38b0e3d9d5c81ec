"""The picture of all cameras."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli import drawing
from services.cli.cameras.sheet import PICTURE_HEIGHT_PX, TILE_PX, columns_for, facts, sheet, state
from services.cli.drawing import GAP_PX, HEADER_PX
from services.sources.cameras.probe import Probed
from shared.imaging import Image, encode_jpeg

GREEN_PICTURE = encode_jpeg(np.full((90, 160, 3), (0, 200, 0), np.uint8))
CAMERA = Probed(
    "door", "rtsp://door.example/", 1.0, codec="h264", width_px=160, height_px=90, native_fps=25, picture=GREEN_PICTURE
)
DEAD = Probed("yard", "rtsp://yard.example/", 1.0, fault="no_answer", why="rtsp://yard.example/ did not answer. " * 20)


def drawn(*cameras: Probed) -> Image:
    return sheet(cameras, f"{len(cameras)} cameras", "below")


def middle(picture: Image, column: int, row: int) -> list[int]:
    """The colour in the upper middle of a tile, where nothing is written."""
    step_px = PICTURE_HEIGHT_PX + 50 + GAP_PX
    y, x = HEADER_PX + row * step_px + 12, GAP_PX + column * (TILE_PX + GAP_PX) + TILE_PX // 2
    return [int(value) for value in picture[y, x]]


def test_every_camera_has_its_tile_in_order() -> None:
    cameras = [replace(CAMERA, source_id=f"cam-{number}") for number in range(8)]
    cameras[2] = DEAD
    picture = drawn(*cameras)
    assert columns_for(8) == 4
    for number in range(8):
        blue, green, red = middle(picture, number % 4, number // 4)
        assert (green > 150 and max(blue, red) < 80) == (number != 2), f"tile {number}"
    assert max(middle(picture, 2, 0)) - min(middle(picture, 2, 0)) < 12, "grey"


def test_forty_fit_on_a_screen() -> None:
    picture = drawn(*[replace(CAMERA, source_id=f"cam-{number}") for number in range(40)])
    assert picture.shape[1] < 2600
    assert 1.2 < picture.shape[1] / picture.shape[0] < 2.2


@given(st.integers(1, 500))
def test_no_row_is_empty_and_no_camera_left_over(tiles: int) -> None:
    columns = columns_for(tiles)
    rows = -(-tiles // columns)
    assert columns * rows >= tiles > columns * (rows - 1)


@pytest.mark.parametrize(
    "camera",
    [
        replace(CAMERA, picture=None),
        replace(CAMERA, picture=b"no image"),
        replace(CAMERA, picture=GREEN_PICTURE[:40]),
        replace(CAMERA, source_id="门" * 200),
        replace(DEAD, picture=GREEN_PICTURE),
        replace(DEAD, why=None),
        replace(DEAD, why="w" * 500),
        replace(CAMERA, picture=encode_jpeg(np.zeros((2, 900, 3), np.uint8))),
        replace(CAMERA, picture=encode_jpeg(np.zeros((900, 1, 3), np.uint8))),
    ],
)
def test_whatever_there_is_can_be_drawn(camera: Probed) -> None:
    assert drawn(camera).size > 0


def test_facts_in_words() -> None:
    assert facts(CAMERA) == "160x90   h264   25 -> 1 frames/s"
    assert facts(replace(CAMERA, native_fps=None)) == "160x90   h264   1 frames/s"
    assert facts(DEAD) == ""


@given(st.text(max_size=300), st.integers(20, 400), st.integers(1, 5))
def test_no_line_leaves_its_room(text: str, room_px: int, most: int) -> None:
    lines = drawing.lines(text, 0.4, room_px, most)
    assert len(lines) <= most
    assert all(drawing.width_of(line, 0.4) <= room_px for line in lines)
    assert drawing.width_of(drawing.cut(text, 0.4, room_px), 0.4) <= room_px


def test_states_in_words() -> None:
    assert state(CAMERA) == "ok"
    assert state(DEAD) == "no answer"
    assert state(replace(DEAD, fault="unauthorized")) == "wrong password"
