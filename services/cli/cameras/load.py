"""What cameras come to together on this machine: cores to read them, bytes into `frames`, hours until frames leave again.

Promises: pure; made of what was measured, each camera at the rate that its settings want. Sentences say what to change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.sources.cameras.probe import Probed
from shared.streams.frames import FRAMES
from shared.streams.stream import HOUR_S

_NICE_RATES = (30, 25, 20, 15, 10, 8, 5, 4, 3, 2, 1, 0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01)
_RARE = 1.2
"""Key frames that come this much later than pictures are wanted do not do instead of them."""
WORTH_A_WORD = 0.02
"""Cores: less is not worth a person's time."""


@dataclass(frozen=True, slots=True)
class Load:
    """Of the cameras that answered. `partitions`: of `frames`; `kept_s`: how long a frame stays there."""

    frames_per_s: float
    bytes_per_s: float
    reading_cores: float
    machine_cores: int
    partitions: int
    kept_s: float | None

    @property
    def bytes_per_hour(self) -> float:
        return self.bytes_per_s * HOUR_S


def load_of(cameras: Sequence[Probed], machine_cores: int, partitions: int) -> Load:
    alive = [camera for camera in cameras if camera.fine]
    rates = [camera.fps * (camera.bytes_per_picture or 0.0) for camera in alive]
    return Load(
        frames_per_s=sum(camera.fps for camera in alive),
        bytes_per_s=sum(rates),
        reading_cores=sum(camera.cores or 0.0 for camera in alive),
        machine_cores=machine_cores,
        partitions=partitions,
        kept_s=_kept_s(max(sum(rates) / partitions, *rates, 0.0) if rates else 0.0),
    )


def _kept_s(busiest_bytes_per_s: float) -> float | None:
    """Of the busiest partition: it holds its share, or at least its largest camera."""
    by_age, by_size = FRAMES.retention_s, FRAMES.retention_bytes
    if by_size is None or not busiest_bytes_per_s:
        return by_age
    return min(by_age or float("inf"), by_size / busiest_bytes_per_s)


def together(load: Load) -> str:
    """The line below the table."""
    cores = f"{load.reading_cores:.2g} of this machine's {load.machine_cores} cores to read them"
    into = f"{load.bytes_per_s / 1e6:.2g} MB/s, {load.bytes_per_hour / 1e9:.2g} GB an hour into frames"
    return f"together {load.frames_per_s:.3g} frames/s; {cores}; {into}, {_kept(load)}"


def _kept(load: Load) -> str:
    if load.kept_s is None:
        return "which keeps them all"
    spread = "1 partition" if load.partitions == 1 else f"{load.partitions} partitions"
    return f"which keeps about the last {duration(load.kept_s)} ({spread})"


def duration(seconds: float) -> str:
    if seconds >= HOUR_S:
        return f"{seconds / HOUR_S:.2g} h"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def hints(cameras: Sequence[Probed], load: Load) -> list[str]:
    """What could be set better, the costly first."""
    rare = sorted((camera for camera in cameras if decoded_wholly(camera)), key=lambda camera: -(camera.cores or 0.0))
    said = [_rare_key_frames(camera) for camera in rare] + [
        _too_few(camera) for camera in cameras if _gives_too_few(camera)
    ]
    if load.reading_cores > load.machine_cores * 0.9:
        said.insert(0, _too_much_to_read(load))
    return said


def decoded_wholly(camera: Probed) -> bool:
    """A video of which every picture is decoded, since its key frames alone would be too few, and which costs."""
    if not camera.fine or camera.only_images or camera.decode != "auto":
        return False
    apart_s = camera.keyframe_every_s or camera.looked_s
    return apart_s > _RARE / camera.wanted_fps and (camera.cores or 0.0) >= WORTH_A_WORD


def _rare_key_frames(camera: Probed) -> str:
    every_s = camera.keyframe_every_s
    apart = f"are {every_s:.2g} s apart" if every_s else f"are too far apart to be timed in {camera.looked_s:.0f} s"
    instead = f", or `fps: {rate_below(1 / every_s):g}` here" if every_s else ""
    return (
        f"{camera.source_id}: every picture is decoded ({(camera.cores or 0.0) * 100:.0f} % of a core), since key frames "
        f"{apart}: set its I-frame interval to {1 / camera.wanted_fps:.2g} s in the camera{instead}"
    )


def _gives_too_few(camera: Probed) -> bool:
    return camera.fine and camera.decode == "keyframes" and camera.fps < camera.wanted_fps / _RARE


def _too_few(camera: Probed) -> str:
    return (
        f"{camera.source_id}: its key frames give {camera.fps:.2g} frames/s of the {camera.wanted_fps:.2g} wanted: set its "
        f"I-frame interval to {1 / camera.wanted_fps:.2g} s in the camera, or `decode: auto` here"
    )


def _too_much_to_read(load: Load) -> str:
    return (
        f"reading needs {load.reading_cores:.1f} cores and there are {load.machine_cores}: lower fps, have the cameras send "
        "key frames more often, take their smaller streams, or read some of them on another machine"
    )


def rate_below(rate: float) -> float:
    """A rate that people would write, not above this one."""
    return next((nice for nice in _NICE_RATES if nice <= rate * 1.001), _NICE_RATES[-1])
