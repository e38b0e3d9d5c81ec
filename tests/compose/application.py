"""An application outside of the stack: a plain Kafka client that publishes the demo's clip, and reads what came of it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import cv2
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.demo.clip import ClipFrame, clip
from shared import imaging
from shared.streams import ids
from shared.streams.record import Record

CLIP_FRAMES = 400
CAMERAS_PER_DOOR = 4
"""Each of the clip's two doors counts as that many cameras, so that their frames lie on several partitions."""


@dataclass
class Cameras:
    """Publishes round after round of the clip until it is told to stop, at least one. `frame_ids`: what must come out."""

    bootstrap: str
    frames_per_s: float
    frame_ids: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    failures: list[BaseException] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._publish, name="cameras")

    def start(self) -> None:
        self._thread.start()

    @property
    def publishing(self) -> bool:
        return self._thread.is_alive()

    def finish(self) -> None:
        """Returns when the log has every frame. Raises what went wrong."""
        self.enough.set()
        self._thread.join()
        if self.failures:
            raise self.failures[0]

    def _publish(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all", max_request_size=2_097_152)
        try:
            sent = [self._send(producer, *frame) for frame in self._paced()]
            producer.flush()
            for each in sent:
                each.get(timeout=60)
        except BaseException as failure:  # noqa: BLE001 - raised again in the test's thread
            self.failures.append(failure)
        finally:
            producer.close()

    def _paced(self) -> Iterator[tuple[str, str, bytes]]:
        began_s = time.monotonic()
        for number, frame in enumerate(_frames()):
            if number >= CLIP_FRAMES and self.enough.is_set():
                return
            yield frame
            self._wait_for(began_s + (number + 1) / self.frames_per_s)

    def _wait_for(self, at_s: float) -> None:
        threading.Event().wait(max(0.0, at_s - time.monotonic()))

    def _send(self, producer: KafkaProducer, source_id: str, name: str, image: bytes) -> Any:
        digest = sha256(image).hexdigest()
        self.hashes.add(digest)
        self.frame_ids.add(ids.frame_id(source_id, name, digest, time_ms=0, partition=0, offset=0))
        headers = [("producer_frame_id", name.encode())]
        return producer.send("frames", image, key=source_id.encode(), headers=headers)


def _frames() -> Iterator[tuple[str, str, bytes]]:
    """(source id, producer's frame id, image), round after round; each round's cameras are others."""
    once: list[ClipFrame] = []
    for frame in clip(CLIP_FRAMES):
        once.append(frame)
        yield _named(0, frame)
    for round_number in count(1):
        yield from (_named(round_number, frame) for frame in once)


def _named(round_number: int, frame: ClipFrame) -> tuple[str, str, bytes]:
    camera = frame.index // 2 % CAMERAS_PER_DOOR
    return f"{frame.source_id}-{round_number}-{camera}", f"clip-{round_number}-{frame.index}", frame.jpeg


def read_all(bootstrap: str, topic: str) -> list[Record]:
    """Every record that is in the topic now."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, isolation_level="read_committed")
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Record] = []
        while any(consumer.position(each) < ends[each] for each in partitions):
            for some in consumer.poll(timeout_ms=1000).values():
                records += [_record(one) for one in some]
        return records
    finally:
        consumer.close()


def _record(one: Any) -> Record:
    return Record(one.topic, one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))


def write_video(file: Path, frames: int) -> None:
    """The first frames of the demo's clip as a video file of ten frames a second."""
    pictures = [imaging.decode(frame.jpeg) for frame in clip(frames)]
    height_px, width_px = pictures[0].shape[:2]
    video = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (width_px, height_px))
    for picture in pictures:
        video.write(picture)
    video.release()
