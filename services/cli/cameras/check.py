"""What `gleaner sources check` finds, as a table, a picture, sentences and JSON."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2

from services.cli import output
from services.cli.cameras import inference
from services.cli.cameras.inference import Inference
from services.cli.cameras.load import Load, hints, load_of, together
from services.cli.cameras.named import cameras
from services.cli.cameras.sheet import sheet, state
from services.inference.config import cores
from services.sources.cameras.probe import OnTick, Probed, probe
from services.sources.config import CameraOptions
from shared.errors import SettingsError
from shared.settings import EmbeddedBackend, Settings

CLUSTER_PARTITIONS = 12
"""What `topics apply` makes where nobody says otherwise."""
QUALITY = 88
COLUMNS = ("source", "state", "size", "codec", "frames/s", "key frames", "KB", "CPU %")
WIDE_ENOUGH = 120
"""Columns of a terminal from which on there is room for addresses; `sources list` shows them everywhere."""


@dataclass(frozen=True, slots=True)
class Checked:
    """`inference` is None where it could not be measured; `complaint` says why where that is wrong."""

    cameras: Sequence[Probed]
    load: Load
    inference: Inference | None = None
    complaint: str | None = None

    @property
    def fine(self) -> bool:
        return all(camera.fine for camera in self.cameras)

    @property
    def dead(self) -> int:
        return sum(1 for camera in self.cameras if not camera.fine)


def look(settings: Settings, names: Sequence[str], for_s: float, on_tick: OnTick) -> Checked:
    """Raises SettingsError where there is no camera to look at."""
    named = cameras(settings, names)
    opened = probe({name: one for name, one in named.items() if isinstance(one, CameraOptions)}, for_s, on_tick)
    found = _in_order(named, {one.source_id: one for one in opened})
    partitions = 1 if isinstance(settings.common.backend, EmbeddedBackend) else CLUSTER_PARTITIONS
    load = load_of(found, cores(), partitions)
    try:
        return Checked(found, load, inference.measured(settings, found, load))
    except SettingsError as error:
        return Checked(found, load, complaint=str(error))


def _in_order(named: Mapping[str, CameraOptions | SettingsError], opened: Mapping[str, Probed]) -> list[Probed]:
    return [
        opened[name] if isinstance(one, CameraOptions) else Probed(name, "", 0.0, fault="settings", why=str(one))
        for name, one in named.items()
    ]


def draw(found: Checked, picture: Path) -> None:
    """A PNG where its name says so, else a JPEG. Raises SettingsError where it cannot be written."""
    load, moment = found.load, datetime.now().astimezone()
    below = f"{load.frames_per_s:.3g} frames/s, {load.bytes_per_s / 1e6:.2g} MB/s   |   {moment:%Y-%m-%d %H:%M:%S %Z}"
    kind = ".png" if picture.suffix.lower() == ".png" else ".jpg"
    drawn = cv2.imencode(kind, sheet(found.cameras, headline(found), below), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    try:
        picture.write_bytes(drawn.tobytes())
    except OSError as error:
        raise SettingsError(f"cannot write the picture {picture}: {error.strerror}; --picture names another") from error


def headline(found: Checked) -> str:
    number = len(found.cameras)
    cameras = "1 camera" if number == 1 else f"{number} cameras"
    return (
        f"{cameras}, {found.dead} dead" if found.dead else f"{cameras}, {'it answers' if number == 1 else 'all answer'}"
    )


def show(found: Checked) -> None:
    _show_table(found)
    for camera in found.cameras:
        if camera.why:
            output.complain(f"{camera.source_id}: {camera.why}")
    if found.dead < len(found.cameras):
        output.say(together(found.load))
    for sentence in _advice(found):
        output.say(sentence)
    if found.complaint:
        output.complain(found.complaint)


def _show_table(found: Checked) -> None:
    rows = [row(camera) for camera in found.cameras]
    if sys.stdout.isatty() and shutil.get_terminal_size().columns < WIDE_ENOUGH:
        output.show_table(headline(found), COLUMNS, rows)
        return
    addresses = [camera.address or "-" for camera in found.cameras]
    with_them = [(*one, address) for one, address in zip(rows, addresses, strict=True)]
    output.show_table(headline(found), (*COLUMNS, "address"), with_them)


def _advice(found: Checked) -> list[str]:
    said = hints(found.cameras, found.load)
    if found.inference is not None:
        said.append(inference.sentence(found.inference, found.cameras))
    return said


def row(camera: Probed) -> tuple[str, ...]:
    """`frames/s`: those it sends → those wanted; `KB`: per picture; `CPU %`: of one core, to read it."""
    return (
        camera.source_id,
        state(camera),
        f"{camera.width_px}x{camera.height_px}" if camera.width_px else "-",
        camera.codec or "-",
        _rates(camera) if camera.pictures else "-",
        _key_frames(camera) if camera.pictures else "-",
        _number(camera.bytes_per_picture and camera.bytes_per_picture / 1000),
        _number(camera.cores and camera.cores * 100),
    )


def _key_frames(camera: Probed) -> str:
    if camera.only_images:
        return "all"
    return f"each {camera.keyframe_every_s:.2g} s" if camera.keyframe_every_s else "rare"


def _rates(camera: Probed) -> str:
    own = f"{_number(camera.native_fps)} → " if camera.native_fps else ""
    return f"{own}{camera.wanted_fps:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def told(found: Checked) -> dict[str, Any]:
    """For --json: everything but pixels."""
    return {
        "fine": found.fine,
        "cameras": [_told(camera) for camera in found.cameras],
        "load": {**output.as_object(found.load), "bytes_per_hour": found.load.bytes_per_hour},
        "inference": None
        if found.inference is None
        else {**output.as_object(found.inference), "fits": found.inference.fits},
        "advice": _advice(found),
        "complaint": found.complaint,
    }


def _told(camera: Probed) -> dict[str, Any]:
    values: dict[str, Any] = output.as_object(camera)
    del values["picture"]
    return {**values, "fine": camera.fine, "fps": camera.fps}
