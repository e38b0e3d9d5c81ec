"""`gleaner run --dry-run` as a user types it: what it shows, and that nothing but its picture is left, written or sent."""

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import pytest

from tests.unit.shared.models.built_models import detector
from tests.unit.shared.models.built_models import picture as pixels

TIMEOUT_S = 120
SETTINGS = """
model: {path: best.onnx, threshold: 0.018, lowest_confidence: 0.014}
strategies: [{type: random, fraction: 0.25}, {type: close_to_threshold, epsilon: 0.004, probability: 0.5}]
"""
CANARY = "canary-71be-never-shown"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A model, a video of 80 frames at 10 a second, pictures, settings, and a folder for what is temporary."""
    folder = tmp_path / "desk"
    (folder / "pictures").mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    detector(folder / "best.onnx")
    (folder / "gleaner.yaml").write_text(SETTINGS)
    video = cv2.VideoWriter(str(folder / "street.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for seed in range(80):
        video.write(pixels(160, 120, seed))
    video.release()
    for seed in range(8):
        cv2.imwrite(str(folder / "pictures" / f"{seed}.jpg"), pixels(160, 120, 100 + seed))
    return folder


def started(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "services", "run", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder.parent / "tmp"),
            "ROBOFLOW_API_KEY": CANARY,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ran(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    with started(folder, *words) as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def everything(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file: when it was last written, and its content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def row(said: str, name: str) -> list[str]:
    """The cells of a table's row."""
    line = next(line for line in said.splitlines() if line.startswith(f" {name} "))
    return re.split(r"\s{2,}", line.strip())


def check_nothing_left(desk: Path) -> None:
    assert list((desk.parent / "tmp").iterdir()) == []


def test_it_shows_what_a_run_then_keeps_and_leaves_a_picture_alone(desk: Path) -> None:
    assert ran(desk, "pictures").returncode == 0
    before = everything(desk)
    dry = ran(desk, "--dry-run", "--for", "4", "street.avi")
    assert dry.returncode == 0, dry.stderr
    after = everything(desk)
    assert set(after) - set(before) == {"dry-run.png"}
    assert {name: after[name] for name in before} == before
    check_nothing_left(desk)
    picture = cv2.imread(str(desk / "dry-run.png"))
    assert picture is not None
    assert row(dry.stdout, "street")[1:] == ["40", "4 s", "10"]
    # With the data folder's salt it draws what a run draws. A run takes the whole video, so it keeps that and more.
    drawn = int(row(dry.stdout, "all together")[2])
    assert "nothing was sent" in dry.stdout
    real = ran(desk, "street.avi")
    kept = [name for name in everything(desk / "dataset" / "images") if name not in before]
    assert 0 < drawn <= len(kept), real.stderr


def test_pictures_have_no_rate_so_it_speaks_of_a_thousand_frames(desk: Path) -> None:
    dry = ran(desk, "--dry-run", "pictures", "--picture", "look.png")
    assert dry.returncode == 0, dry.stderr
    assert "of 1,000 frames" in dry.stdout
    assert not (desk / "gleaner-data").exists()
    assert not (desk / "dataset").exists()
    assert (desk / "look.png").is_file()
    check_nothing_left(desk)


@pytest.fixture
def servers() -> Iterator[list[socket.socket]]:
    """Four that listen, and would know if anybody came: Kafka, Redis, S3 and a dataset host."""
    with ExitStack() as open_ones:
        yield [open_ones.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]


def test_servers_and_hosts_in_the_settings_are_not_contacted(desk: Path, servers: list[socket.socket]) -> None:
    kafka, redis, s3, host = (server.getsockname()[1] for server in servers)
    (desk / "gleaner.yaml").write_text(
        f"{SETTINGS}"
        f"salt: {CANARY}\n"
        f"backend: {{type: cluster, kafka: '127.0.0.1:{kafka}', redis: 'redis://:{CANARY}@127.0.0.1:{redis}/0', "
        f"s3: 'http://127.0.0.1:{s3}'}}\n"
        f"health: {{port: {host}}}\n"
        "destinations:\n"
        f"  - {{type: roboflow, project: parcels, api_key: '${{ROBOFLOW_API_KEY}}', base_url: 'http://127.0.0.1:{host}'}}\n"
    )
    dry = ran(desk, "--dry-run", "--for", "3", "street.avi")
    assert dry.returncode == 0, dry.stderr
    assert row(dry.stdout, "roboflow")[1] == "would be sent to roboflow project parcels (not contacted)"
    assert int(row(dry.stdout, "roboflow")[2]) > 0
    assert CANARY not in dry.stdout + dry.stderr
    for server in servers:
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    check_nothing_left(desk)


def delivered(desk: Path, process: "subprocess.Popen[str]") -> None:
    """Returns once a frame has gone all the way through."""
    until_s = time.monotonic() + TIMEOUT_S
    while not any((desk.parent / "tmp").glob("gleaner-dry-run-*/to-dataset/images/*.jpg")):
        assert process.poll() is None
        assert time.monotonic() < until_s
        time.sleep(0.1)


def test_cameras_of_the_settings_are_looked_at_and_an_interruption_shows_what_there_is(desk: Path) -> None:
    with (desk / "gleaner.yaml").open("a") as settings:
        settings.write('sources: {door: {url: street.avi, fps: 5, loop: true}, dead: "rtsp://127.0.0.1:9/x"}\n')
    process = started(desk, "--dry-run", "--for", "600")
    try:
        delivered(desk, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "! dead: " in out
    assert "nothing was sent" in out
    check_nothing_left(desk)


def test_files_as_cameras_end_it_when_they_end(desk: Path) -> None:
    with (desk / "gleaner.yaml").open("a") as settings:
        settings.write("sources: {door: {url: street.avi, fps: 5}}\n")
    dry = ran(desk, "--dry-run", "--for", "600")
    assert dry.returncode == 0, dry.stderr
    assert int(row(dry.stdout, "door")[1]) > 20
    assert "! door" not in dry.stdout


def test_cameras_for_some_seconds(desk: Path) -> None:
    with (desk / "gleaner.yaml").open("a") as settings:
        settings.write("sources: {door: {url: street.avi, fps: 5, loop: true}}\n")
    dry = ran(desk, "--dry-run", "--for", "4")
    assert dry.returncode == 0, dry.stderr
    name, frames, seconds, _ = row(dry.stdout, "door")
    assert (name, seconds) in [("door", "4 s"), ("door", "3 s")], "from its first frame on"
    assert 10 <= int(frames) <= 24
    assert not (desk / "gleaner-data").exists()


def test_garbage_among_the_frames_is_said(desk: Path) -> None:
    (desk / "pictures" / "broken.jpg").write_bytes(b"no image")
    dry = ran(desk, "--dry-run", "pictures")
    assert dry.returncode == 0, dry.stderr
    assert "1 frames could not be read as pictures" in dry.stdout
