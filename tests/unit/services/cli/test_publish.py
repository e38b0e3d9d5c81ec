from pathlib import Path

import cv2
import numpy as np
import pytest

from services.cli.publish import _sentence
from services.sources.publisher import Published
from shared.adapters.embedded.segment_log import SegmentLog
from shared.bootstrap import open_backend
from shared.settings import load
from shared.streams import FRAMES
from shared.streams.frames import Frame, decode
from tests.unit.services.cli.conftest import Gleaner, as_json


def frames_of(data: Path) -> list[Frame]:
    log = SegmentLog(data / "log")
    at = log.bounds(FRAMES.name)[0]
    frames = [decode(record) for record in log.reader().scan(FRAMES.name, 0, at.start, at.end)]
    log.close()
    return frames


@pytest.fixture
def door(folder: Path) -> Path:
    (folder / "door").mkdir()
    for number in range(12):
        cv2.imwrite(str(folder / f"door/{number}.jpg"), np.full((24, 32, 3), number, np.uint8))
    return folder / "door"


def test_publishes_a_folder_and_says_how_fast(gleaner: Gleaner, door: Path, folder: Path) -> None:
    result = gleaner("publish", door)
    assert result.exit_code == 0, result.output
    assert "published 12 frames" in result.stdout
    assert "frames/s" in result.stdout
    frames = frames_of(folder / "gleaner-data")
    assert [frame.producer_frame_id for frame in frames] == [f"{number}.jpg" for number in range(12)]
    assert [frame.image for frame in frames] == [(door / f"{number}.jpg").read_bytes() for number in range(12)]


def test_json_is_all_there_is_on_stdout(gleaner: Gleaner, door: Path) -> None:
    told = as_json(gleaner("publish", door, "--json", "--limit", 5))
    assert (told["frames"], told["sources"], told["refused"]) == (5, 1, 0)


def test_rounds_and_limit(gleaner: Gleaner, door: Path, folder: Path) -> None:
    assert as_json(gleaner("publish", door, "--loop", 3, "--limit", 30, "--json"))["frames"] == 30
    frames = frames_of(folder / "gleaner-data")
    assert [frame.frame_index for frame in frames] == list(range(30))
    assert len({frame.ref.frame_id for frame in frames}) == 30


@pytest.mark.parametrize("source_id", ["a/../b", "日本 カメラ", "x" * 10_000])
def test_any_source_id(gleaner: Gleaner, door: Path, folder: Path, source_id: str) -> None:
    assert gleaner("publish", door, "--source-id", source_id).exit_code == 0
    assert {frame.source_id for frame in frames_of(folder / "gleaner-data")} == {source_id}
    told = as_json(gleaner("status", "--json"))
    assert told["flow"][0]["records"] == 12


def test_a_refused_file_is_told_and_the_rest_flows(gleaner: Gleaner, door: Path) -> None:
    (door / "99.bmp").write_bytes(b"no bitmap")
    result = gleaner("publish", door)
    assert result.exit_code == 0
    assert "; 1 refused" in result.stdout
    assert "refused: " in result.stderr
    assert "99.bmp" in result.stderr


def test_a_video_is_thinned_and_images_are_not(gleaner: Gleaner, door: Path, folder: Path) -> None:
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (64, 48))
    for _ in range(30):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    assert as_json(gleaner("publish", "clip.avi", "--fps", 10, "--json"))["frames"] == 10
    result = gleaner("publish", door, "--fps", 10)
    assert "published 12 frames" in result.stdout
    assert "--rate says how fast" in result.stderr


def test_nothing_published_is_an_error(gleaner: Gleaner, folder: Path) -> None:
    (folder / "bad.bmp").write_bytes(b"no bitmap")
    assert gleaner("publish", "bad.bmp").exit_code == 2


@pytest.fixture
def large(folder: Path) -> Path:
    """An image that no frame could hold."""
    pixels = np.random.default_rng(1).integers(0, 255, (1000, 1000, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "large.png"), pixels)
    assert (folder / "large.png").stat().st_size > 2_000_000
    return folder / "large.png"


def test_by_reference_the_image_lies_in_the_bucket_and_the_frame_says_where(
    gleaner: Gleaner, folder: Path, large: Path
) -> None:
    (folder / "gleaner.yaml").write_text("prefix: north.\nreferences: {buckets: [cameras]}\n")
    for _ in range(2):
        told = as_json(gleaner("publish", large, "--by-reference", "cameras", "--json", "--source-id", "a/b"))
        assert (told["frames"], told["refused"], told["refitted"]) == (1, 0, 0)
        assert told["bytes"] == large.stat().st_size
    log = SegmentLog(folder / "gleaner-data" / "log", prefix="north.")
    first, again = [decode(record) for record in log.reader().scan(FRAMES.name, 0, 0, 2)]
    log.close()
    assert again.ref.frame_id == first.ref.frame_id
    assert (first.source_id, first.producer_frame_id, first.image) == ("a/b", "large.png", b"")
    assert first.reference is not None
    assert first.reference.key.startswith("north.frames/")
    assert first.reference.key.endswith(f"{first.ref.sha256}.png")
    objects = [path for path in (folder / "gleaner-data/objects/cameras").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in objects] == [large.read_bytes()]
    with open_backend(load(folder / "gleaner.yaml")) as backend:
        assert backend.pixels.image_of(first) == large.read_bytes()


def test_what_is_larger_than_may_be_read_is_made_smaller(gleaner: Gleaner, folder: Path, large: Path) -> None:
    (folder / "gleaner.yaml").write_text("references: {buckets: [cameras], max_bytes: 1_000_000}\n")
    assert as_json(gleaner("publish", large, "--by-reference", "cameras", "--json"))["refitted"] == 1
    assert [frame.ref.size <= 1_000_000 for frame in frames_of(folder / "gleaner-data")] == [True]


def test_a_bucket_from_which_nobody_would_read_is_refused(gleaner: Gleaner, door: Path, folder: Path) -> None:
    result = gleaner("publish", door, "--by-reference", "cameras")
    assert result.exit_code == 2
    assert "references: {buckets: [cameras]}" in " ".join(result.output.split())
    assert not (folder / "gleaner-data").exists()


@pytest.mark.parametrize("arguments", [("--fps", 0), ("--loop", 0), ("--limit", 0), ("--rate", -1), ("--fsp", 1)])
def test_numbers_out_of_bounds_are_refused(gleaner: Gleaner, door: Path, arguments: tuple[object, ...]) -> None:
    assert gleaner("publish", door, *arguments).exit_code == 2


def test_the_sentence_says_everything() -> None:
    said = _sentence(Published(frames=1500, bytes=2_000_000, seconds=2.0, refused=2, refitted=1), 2)
    assert said == (
        "published 1,500 frames (2.0 MB) of 2 sources in 2.0 s: 750 frames/s; 1 encoded anew to fit into a frame; 2 refused"
    )
