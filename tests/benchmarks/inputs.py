"""What the services are fed: camera frames of about 100 KB, predictions of eight boxes, and the worlds that hold them."""

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deploy.demo.detector import MODEL_PATH
from shared.ports.log import Log
from shared.streams import ids
from shared.streams.frames import FrameRef, new_frame
from shared.streams.predictions import Detection, Prediction, new_prediction
from shared.streams.record import NewRecord
from tests.e2e.world import World, cluster_world, embedded_world
from tests.servers import Servers
from tests.unit.shared.models import built_models

SIZE_PX = (1280, 720)
SIDES = {"large": (640, 640), "small": (192, 192)}
DIFFERENT = 16
NOISE = 10.0
QUALITY = 80
PARTITIONS = 3
BOXES = 8
FAR_FROM_THRESHOLD = (0.95, 0.9, 0.85, 0.75, 0.7, 0.2, 0.1, 0.06)
DEMO_MODEL = {"path": str(MODEL_PATH), "id": "measured"}
_HANDFUL = {"threshold": 0.9, "lowest_confidence": 0.9}
DRAW_ALL = [{"type": "random", "fraction": 1.0}]
DRAW_NONE = [
    {"type": "random", "fraction": 1e-12},
    {"type": "close_to_threshold", "epsilon": 0.15, "probability": 0.2},
]


def world_of(backend: str, folder: Path, servers: Servers | None, **settings: Any) -> World:
    """A world of its own, with streams; settings are laid over the tests' usual ones."""
    if backend == "cluster":
        assert servers is not None
        world = cluster_world(folder, servers, PARTITIONS)
    else:
        world = embedded_world(folder)
    world.values.update({"model": DEMO_MODEL, **settings})
    return world


def big_model(folder: Path) -> dict[str, Any]:
    """A detector that costs what a small real one does at 640 x 640 (3 thousand million multiplications), untrained.

    Or the file that GLEANER_BENCH_MODEL names. The threshold leaves as many boxes as a trained one would find: a handful.
    """
    return _model(folder / "big.onnx", "GLEANER_BENCH_MODEL", SIDES["large"])


def small_model(folder: Path) -> dict[str, Any]:
    """The same at 192 x 192, where decoding a frame costs a third of the model; or GLEANER_BENCH_SMALL_MODEL."""
    return _model(folder / "small.onnx", "GLEANER_BENCH_SMALL_MODEL", SIDES["small"])


def tiny_model(folder: Path) -> dict[str, Any]:
    """One that costs next to nothing, for measurements of what is around a model."""
    path = built_models.detector(folder / "tiny.onnx", size_px=(64, 64))
    return {"path": str(path), "id": "measured", **_HANDFUL}


def free_batch(size: str, folder: Path) -> Path:
    """The built detector of that size with a batch axis that is free, which exports seldom have."""
    return built_models.detector(folder / "free.onnx", size_px=SIDES[size], width=96, batch="batch")


def _model(path: Path, variable: str, size_px: tuple[int, int]) -> dict[str, Any]:
    named = os.environ.get(variable)
    found = named or str(built_models.detector(path, size_px=size_px, width=96))
    return {"path": found, "id": "measured", **_HANDFUL}


@functools.cache
def pictures() -> tuple[bytes, ...]:
    """JPEG files of 1280 x 720 and about 100 KB."""
    return tuple(_jpeg(built_models.picture(*SIZE_PX, seed), seed) for seed in range(DIFFERENT))


def _jpeg(image: NDArray[np.uint8], seed: int) -> bytes:
    noise = np.random.default_rng(seed).normal(0, NOISE, image.shape)
    noisy = np.clip(image + cv2.GaussianBlur(noise, (3, 3), 0), 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


@functools.cache
def thumbnails() -> tuple[bytes, ...]:
    """JPEG files of 160 x 120 and a few KB: a hundred thousand of them fit on a disk."""
    return tuple(
        bytes(cv2.imencode(".jpg", built_models.picture(160, 120, seed), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])
        for seed in range(DIFFERENT)
    )


def frames(count: int, first: int = 0, images: tuple[bytes, ...] | None = None) -> Iterator[NewRecord]:
    images = images or pictures()
    for number in range(first, first + count):
        # One source per partition would do; several spread over them as cameras do.
        yield new_frame(
            f"camera-{number % 12}",
            images[number % DIFFERENT],
            producer_frame_id=f"frame-{number}",
            frame_index=number,
        )


def predictions(count: int, partitions: int) -> Iterator[NewRecord]:
    """Eight boxes each, none of them near the threshold; their frames are not there, and nobody asks for them."""
    for number in range(count):
        yield new_prediction(_prediction(number, number % partitions, number // partitions))


def _prediction(number: int, partition: int, offset: int) -> Prediction:
    ref = FrameRef(
        stream="frames",
        partition=partition,
        offset=offset,
        time_ms=1_790_000_000_000 + number,
        frame_id=ids.make_id("frame", str(number)),
        sha256="0" * 64,
        size=100_000,
    )
    boxes = [(10.5 * i, 20.25 * i, 10.5 * i + 100.125, 20.25 * i + 80.5) for i in range(BOXES)]
    detections = tuple(
        Detection(box=box, class_id=0, class_name="package", confidence=confidence)
        for box, confidence in zip(boxes, FAR_FROM_THRESHOLD, strict=True)
    )
    return Prediction(
        frame=ref,
        source_id=f"camera-{number % 12}",
        frame_index=number,
        content_type="image/jpeg",
        width_px=SIZE_PX[0],
        height_px=SIZE_PX[1],
        model_id="measured",
        model_version="0" * 12,
        threshold=0.5,
        detections=detections,
        timings_ms={"decode": 5.125, "preprocess": 2.25, "run": 20.5, "postprocess": 0.5},
    )


def send_all(log: Log, records: Iterable[NewRecord]) -> int:
    """How many there were; returns when all of them are durable."""
    producer = log.producer()
    try:
        futures = [producer.send(record) for record in records]
        for future in futures:
            future.result(60)
        return len(futures)
    finally:
        producer.close()
