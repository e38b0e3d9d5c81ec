"""H.264 as the simulated cameras send it: one group of pictures at a time, encoded when it is first asked for.

Promises: each group begins with a key frame that carries its parameter sets, and needs no other group.
"""

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from tests.cameras.picture import draw
from tests.cameras.spec import Spec

_FASTEST = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
START_CODE = b"\x00\x00\x00\x01"
Units = tuple[bytes, ...]
"""The NAL units of one picture, without start codes."""


@lru_cache(maxsize=4096)
def group(spec: Spec, first: int, width_px: int, height_px: int) -> tuple[Units, ...]:
    """`spec.gop` pictures from the number `first` on, each as its NAL units."""
    codec = VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width_px, height_px, "yuv420p"
    codec.framerate = Fraction(spec.fps).limit_denominator(1000)
    codec.time_base = 1 / codec.framerate
    codec.options = {**_FASTEST, "g": str(spec.gop), "bf": "0", "crf": "23"}
    packets = []
    for at in range(spec.gop):
        packets += codec.encode(_frame(spec, first + at, width_px, height_px))
    packets += codec.encode(None)
    return tuple(_units(bytes(packet)) for packet in packets)


def segment(spec: Spec, numbers: Sequence[int], size: tuple[int, int], begins_s: float) -> bytes:
    """An MPEG transport stream of these pictures, the first of them a key frame, at `begins_s` by the camera's clock."""
    file = io.BytesIO()
    rate = Fraction(spec.fps).limit_denominator(1000)
    with av.open(file, "w", format="mpegts", options={"mpegts_flags": "initial_discontinuity"}) as container:
        stream = container.add_stream("libx264", rate=rate, options={**_FASTEST, "g": str(spec.gop), "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90_000)
        for at, number in enumerate(numbers):
            frame = _frame(spec, number, *size)
            frame.pts, frame.time_base = round((begins_s + at / rate) * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _frame(spec: Spec, number: int, width_px: int, height_px: int) -> VideoFrame:
    pixels = draw(spec.scene, spec.name, number, width_px, height_px)
    return VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24")


def _units(annex_b: bytes) -> Units:
    """Between start codes of three or four bytes (H.264, annex B)."""
    parts = annex_b.split(b"\x00\x00\x01")[1:]
    return tuple(part.rstrip(b"\x00") for part in parts)
