"""Bad input in every stream: a dead letter with the reason, and the rest flows. Odd input (strange names, repeats, frames of
a camera that counts from 0 again) makes the samples that it should.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from shared.streams import ids
from shared.streams.frames import MAX_FRAME_BYTES, new_frame
from shared.streams.record import Headers, NewRecord, Record
from shared.streams.samples import Design
from tests.e2e.checks import check_tidy
from tests.e2e.world import World
from tests.unit.services.sampler.making import jpeg

SETTINGS: dict[str, Any] = {"strategies": [{"type": "random", "fraction": 1.0}]}
SOURCE = "door"


@dataclass(frozen=True)
class Bad:
    """What is published as a frame, and a word of the reason that its dead letter gives."""

    value: bytes | None
    reason: str
    key: bytes = SOURCE.encode()
    headers: Headers = ()


def bomb(width_px: int, height_px: int) -> bytes:
    """A PNG of a few hundred bytes whose header promises that many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def damaged_png() -> bytes:
    """Its header is whole; in the middle of its pixels every bit is turned."""
    fine, encoded = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8))
    assert fine
    whole = encoded.tobytes()
    return whole[:200] + bytes(byte ^ 0xFF for byte in whole[200:260]) + whole[260:]


BAD: Mapping[str, Bad] = {
    "corrupt": Bad(damaged_png(), "its pixels are not"),
    "corrupt header": Bad(jpeg(1)[:200] + bytes(range(256)) * 4 + b"\xff\xd9", "inside its header"),
    "empty": Bad(b"", "empty"),
    "no value": Bad(None, "empty"),
    "truncated": Bad(jpeg(2)[: len(jpeg(2)) // 2], "truncated"),
    "bomb": Bad(bomb(60_000, 60_000), "60000x60000"),
    "text": Bad(b"this is no image, it is a sentence", "expected JPEG, PNG or WebP"),
    "oversized": Bad(b"\xff\xd8\xff" + bytes(MAX_FRAME_BYTES), "at most"),
    "source id that is no text": Bad(jpeg(3), "UTF-8", key=b"\xff\xfe\x80"),
    "endless source id": Bad(jpeg(4), "source id", key=b"d" * 20_000),
    "frame index that is no number": Bad(jpeg(5), "frame_index", headers=(("frame_index", b"-1e9"),)),
}


@pytest.fixture(scope="module")
def sent(world: World) -> Mapping[str, Record]:
    """Every bad frame, each with a good one before and after it, once all has gone through. Where they lie."""
    bad: dict[str, Record] = {}
    for number, (name, frame) in enumerate(BAD.items()):
        good = [new_frame(SOURCE, jpeg(n), producer_frame_id=f"good-{n}") for n in (100 + number, 200 + number)]
        _, bad[name], _ = world.send(good[0], NewRecord("frames", frame.key, frame.value, None, frame.headers), good[1])
    world.drain()
    return bad


def header(record: Record, name: str) -> str:
    return record.header(f"__connect.errors.{name}") or ""


@pytest.fixture(scope="module")
def frames_dlq(world: World, sent: object) -> list[Record]:
    return world.raw("frames.dlq")


def letters_of(record: Record, found: list[Record]) -> list[Record]:
    """The dead letters of one record."""
    where = (record.stream, str(record.partition), str(record.offset))
    return [one for one in found if tuple(header(one, name) for name in ("topic", "partition", "offset")) == where]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_frame_is_a_dead_letter_with_the_reason(
    frames_dlq: list[Record], sent: Mapping[str, Record], name: str
) -> None:
    (letter,) = letters_of(sent[name], frames_dlq)
    assert BAD[name].reason in header(letter, "exception.message")
    assert header(letter, "connector.name") == "inference"
    reference = json.loads(letter.value or b"")
    assert (reference["partition"], reference["offset"]) == (sent[name].partition, sent[name].offset)
    assert reference["size"] == len(BAD[name].value or b"")


def test_the_good_frames_around_the_bad_ones_flow(world: World, sent: Mapping[str, Record]) -> None:
    names = {one.prediction.producer_frame_id for one in designs(world)}
    assert names >= {f"good-{n + number}" for number in range(len(BAD)) for n in (100, 200)}
    assert len(world.raw("frames.dlq")) == len(BAD)


def designs(world: World) -> list[Design]:
    return [one for one in world.records("samples") if isinstance(one, Design)]


GARBAGE: Mapping[str, bytes | None] = {
    "no JSON": b"\x00\x01 this is no JSON {",
    "other JSON": b'{"what": "is this"}',
    "a list": b"[1, 2, 3]",
    "a version of tomorrow": b'{"version": 99}',
    "nothing": None,
    "deep JSON": b"[" * 20_000,
}


@pytest.mark.parametrize("stream", ["predictions", "verdicts", "samples"])
def test_garbage_in_a_stream_is_a_dead_letter_unchanged(world: World, sent: object, stream: str) -> None:
    garbage = world.send(*(NewRecord(stream, b"a key", value, 0) for value in GARBAGE.values()))
    world.publish([300])
    world.drain()
    found = world.raw(f"{stream}.dlq")
    for record in garbage:
        (letter,) = letters_of(record, found)
        assert (letter.key, letter.value) == (record.key, record.value)
        assert "expected" in header(letter, "exception.message") or f"{stream}/0" in header(letter, "exception.message")
    assert "frame-300" in {one.prediction.producer_frame_id for one in designs(world)}


def like(design: Design, **changes: Any) -> dict[str, Any]:
    """Its prediction, well formed but for the changes; those of `frame` are changed within it."""
    real = json.loads(design.prediction.model_dump_json())
    real["frame"].update(changes.pop("frame", {}))
    return {**real, **changes}


def detection(box: list[float], class_id: int, class_name: str) -> dict[str, Any]:
    return {"box": box, "class_id": class_id, "class_name": class_name, "confidence": 1}


HOSTILE: Mapping[str, dict[str, Any]] = {
    "a partition that does not exist": {"frame": {"partition": 4711}},
    "an offset that was never written": {"frame": {"offset": 10**12}},
    "an offset past every counter": {"frame": {"offset": 2**70}},
    "a partition past every counter": {"frame": {"partition": 2**70}},
    "a stream that does not exist": {"frame": {"stream": "../../nowhere"}},
    "a stream of other things": {"frame": {"stream": "samples"}},
    "a time at the end of days": {"frame": {"time_ms": 10**17}},
    "a time past every clock": {"frame": {"time_ms": 2**70}},
    "a class of another model": {"detections": [detection([0, 0, 9, 9], 2**70, "\u0000")]},
    "a box across the universe": {"detections": [detection([-1e308, -1e308, 1e308, 1e308], 0, "")]},
    "a size past every screen": {"width_px": 2**70, "height_px": 1},
    "half a character": {"source_id": "\ud800"},
}


@pytest.fixture(scope="module")
def after_hostile_ones(world: World, sent: object) -> set[str | None]:
    """A good frame after each hostile prediction: those that became designs, once all has gone through."""
    real = designs(world)[0]
    for number, (name, changes) in enumerate(HOSTILE.items(), 400):
        body = like(real, **changes, model_id=f"foreign-{number}", producer_frame_id=ids.make_id("frame", name))
        world.send(NewRecord("predictions", b"a key", json.dumps(body).encode(), 0))
        world.publish([number])
    world.drain()
    return {one.prediction.producer_frame_id for one in designs(world)}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_prediction_stops_nothing(after_hostile_ones: set[str | None], name: str) -> None:
    """Anyone may write predictions: one that is well formed and makes no sense must not end or hold up a service."""
    assert f"frame-{400 + list(HOSTILE).index(name)}" in after_hostile_ones


def test_frame_ids_used_again_after_a_reboot_are_new_frames(world: World, sent: object) -> None:
    world.send(*(new_frame("reboots", jpeg(seed), producer_frame_id="0") for seed in (500, 501)))
    world.drain()
    mine = [one for one in designs(world) if one.prediction.source_id == "reboots"]
    assert len({one.sample_id for one in mine}) == 2


def test_the_same_frame_published_twice_is_one_sample(world: World, sent: object) -> None:
    world.send(*(new_frame("retries", jpeg(502), producer_frame_id="7") for _ in range(2)))
    world.drain()
    mine = [one for one in designs(world) if one.prediction.source_id == "retries"]
    assert len({one.sample_id for one in mine}) == 1
    receipts = [one for one in world.records("uploads") if one.sample_id == mine[0].sample_id]
    assert [one.outcome for one in receipts] == ["accepted"]


NAMES = {
    "slashes": "gate/north/../../../etc/passwd",
    "dots": "..",
    "dot": ".",
    "absolute": "/",
    "backslashes": "C:\\cameras\\door",
    "unicode": "Türe-門-дверь",
    "emoji": "📦🚪",
    "right to left": "\u202etfel",
    "control characters": "a\nb\x00c\x1b[31m",
    "long": "x" * 10_240,
    "space": " ",
}


@pytest.fixture(scope="module")
def named_strangely(world: World, sent: object) -> Mapping[str, Design]:
    """By source id: the one design of each, once all has gone through."""
    for seed, name in enumerate(NAMES.values(), 600):
        world.send(new_frame(name, jpeg(seed), producer_frame_id=name[:50]))
    world.drain()
    found = [one for one in designs(world) if one.prediction.source_id in NAMES.values()]
    assert len(found) == len(NAMES)
    return {one.prediction.source_id: one for one in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_source_id_is_safe_everywhere(world: World, named_strangely: Mapping[str, Design], name: str) -> None:
    fragment = world.fragments()[named_strangely[NAMES[name]].sample_id]
    assert fragment["source_id"] == NAMES[name]
    seed = 600 + list(NAMES).index(name)
    assert (world.dataset / "images" / fragment["file_name"]).read_bytes() == jpeg(seed)


def test_a_record_without_a_key_is_of_the_unnamed_source(world: World, sent: object) -> None:
    world.send(NewRecord("frames", None, jpeg(700)))
    world.drain()
    assert [one.prediction.source_id for one in designs(world)].count("unnamed") == 1


def test_nothing_was_written_outside_the_dataset(world: World, sent: object) -> None:
    def names(folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir()}

    assert names(world.dataset) == {"images", "samples", "_annotations.coco.json"}
    assert all(path.is_file() for path in (world.dataset / "images").iterdir())
    assert len(names(world.dataset / "images")) == len(names(world.dataset / "samples"))


def test_at_the_end_the_ledger_balances(world: World, sent: object) -> None:
    world.drain()
    check_tidy(world, sorted(world.fragments()))
