"""Simulated cameras: MJPEG, snapshots and HLS over HTTP, H.264 and JPEG over RTSP, with faults that a test turns on and off.

    with cameras(n=40, kind="mjpeg", fps=5) as world:
        world["cam-07"].url, world["cam-07"].sent
        world["cam-07"].fault = Fault.HANGS

Each picture carries its number; `read_number` finds it again in whatever the other end made of the picture.
"""

from tests.cameras.apart import CameraApart, serving_apart
from tests.cameras.camera import Camera, Counts
from tests.cameras.faults import Fault
from tests.cameras.picture import read_number, read_number_of
from tests.cameras.spec import Kind, Spec
from tests.cameras.world import World, cameras, serving

__all__ = [
    "Camera",
    "CameraApart",
    "Counts",
    "Fault",
    "Kind",
    "Spec",
    "World",
    "cameras",
    "read_number",
    "read_number_of",
    "serving",
    "serving_apart",
]
