"""What goes wrong in the first hour, as a user meets it: each is one sentence that says what to do, and the rest runs on."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import cv2
import pytest

from tests.unit.shared.models.built_models import detector
from tests.unit.shared.models.built_models import picture as pixels

TIMEOUT_S = 120
REPOSITORY = Path(__file__).parents[2]
RUN = ("services", "run")
LIBC = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP = 24
OVERRIDES = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: with these, permissions are nothing to root."""
ALL = "strategies: [{type: random, fraction: 0.5}]\nsalt: a salt for this test only\nfeedback: {port: 0}\n"


def _as_anybody() -> None:
    """Permissions count for this process, root or not."""
    for capability in OVERRIDES:
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # who is not root has none of them anyway


def begun(
    desk: Path, *words: str, before: Callable[[], None] | None = None, err: IO[str] | int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=desk,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "400"},
        stdout=subprocess.PIPE,
        stderr=err,
        text=True,
        errors="replace",
        preexec_fn=before,
    )


def done(desk: Path, *words: str, before: Callable[[], None] | None = None) -> "subprocess.CompletedProcess[str]":
    with begun(desk, *words, before=before) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def refused(desk: Path, *words: str, before: Callable[[], None] | None = None) -> str:
    """The sentence: the last line, of a process that ended with status 2 and without a traceback."""
    ended = done(desk, *words, before=before)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr.strip().splitlines()[-1]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A model and two videos."""
    detector(tmp_path / "best.onnx")
    for name, first in (("street", 0), ("yard", 100)):
        video = cv2.VideoWriter(str(tmp_path / f"{name}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
        for seed in range(first, first + 30):
            video.write(pixels(160, 120, seed))
        video.release()
    return tmp_path


def settings(desk: Path, text: str) -> None:
    (desk / "gleaner.yaml").write_text(text)


# Ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("words", [RUN, ("services.feedback",)])
def test_feedbacks_port_is_in_use(desk: Path, taken: int, words: tuple[str, ...]) -> None:
    settings(desk, f"model: {{path: best.onnx}}\nfeedback: {{port: {taken}}}\n")
    said = refused(desk, *words)
    assert said.startswith(f"feedback: port {taken} of 127.0.0.1 is taken by another program")
    assert f"`ss -ltnp 'sport = :{taken}'`" in said
    assert "set another feedback.port" in said


@pytest.mark.parametrize("words", [RUN, ("services.inference",), ("services.sampler",), ("services.uploader",)])
def test_the_health_port_is_in_use(desk: Path, taken: int, words: tuple[str, ...]) -> None:
    settings(desk, f"model: {{path: best.onnx}}\nfeedback: {{port: 0}}\nhealth: {{port: {taken}}}\n")
    assert refused(desk, *words).startswith(f"health: port {taken} of 127.0.0.1 is taken by another program")


# Settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model:\n\tpath: best.onnx\n", "line 2, column 1"),
        ("model:\n\tpath: best.onnx\n", "indent with spaces, not tabs"),
        ("site: x\nmodel:\n  path: best.onnx\n\tid: gate\n", "indent with spaces, not tabs"),
        ("", "which model? Say `--model best.onnx`"),
        ("# nothing but words\n", "which model? Say `--model best.onnx`"),
        ("model:\n", "which model?"),
        ("model: best.onnx\n", "model: "),
        ("model: {path: best.onnx}\nstrategies:\n", "strategies: nothing stands below it; expected a list"),
        ("model: {path: models/best.onnx}\n", "there is no models/best.onnx"),
    ],
)
@pytest.mark.parametrize("words", [RUN, (*RUN, "street.avi"), (*RUN, "--dry-run", "street.avi")])
def test_settings_that_cannot_work_are_a_sentence(desk: Path, words: tuple[str, ...], text: str, said: str) -> None:
    settings(desk, text)
    assert said in refused(desk, *words)
    assert not (desk / "dataset").exists()


@pytest.mark.parametrize("text", ["", "model:\n", "model: other.onnx\n", "feedback:\nmodel: {threshold: 0.4}\n"])
def test_the_command_line_fills_in_what_the_file_leaves_out(desk: Path, text: str) -> None:
    settings(desk, text)
    ended = done(desk, *RUN, "--model", "best.onnx", "street.avi")
    assert ended.returncode == 0, ended.stderr


def test_a_service_says_which_model_it_cannot_load(desk: Path) -> None:
    (desk / "best.pt").write_bytes(b"\x80\x02 whatever")
    settings(desk, "model: {path: best.pt}\n")
    said = refused(desk, "services.inference")
    assert "yolo export model=best.pt format=onnx" in said
    assert said == refused(desk, *RUN, "street.avi")
    checked = done(desk, "services", "check")
    assert said in checked.stderr


# Files among others


def test_a_video_that_cannot_be_read_does_not_hold_up_the_others(desk: Path) -> None:
    (desk / "notes.mp4").write_text("no video")
    (desk / "cut.avi").write_bytes((desk / "yard.avi").read_bytes()[:3000])
    ended = done(desk, *RUN, "--model", "best.onnx", "notes.mp4", "street.avi", "cut.avi", "yard.avi")
    assert ended.returncode == 0, ended.stderr
    assert "not published: notes.mp4 cannot be read as a video" in ended.stderr
    assert "cut.avi" in ended.stderr
    assert ended.stderr.split("frames seen")[1].split()[0] == "60"


def test_a_video_that_breaks_off_says_where(desk: Path) -> None:
    whole = (desk / "street.avi").read_bytes()
    (desk / "street.avi").write_bytes(whole[: len(whole) // 2])
    ended = done(desk, *RUN, "--model", "best.onnx", "street.avi", "yard.avi")
    assert ended.returncode == 0, ended.stderr
    frames = int(ended.stderr.split("frames seen")[1].split()[0])
    assert 30 < frames < 60
    assert f"street.avi ends after {frames - 30} of 30 frames" in ended.stderr


def test_where_no_file_can_be_read_nothing_begins(desk: Path) -> None:
    (desk / "notes.mp4").write_text("no video")
    (desk / "more.mp4").write_text("no video")
    said = refused(desk, *RUN, "--model", "best.onnx", "notes.mp4", "more.mp4")
    assert said.startswith("notes.mp4 cannot be read as a video")
    assert not (desk / "gleaner-data").exists()


# Permissions


@pytest.fixture
def closed(desk: Path) -> Iterator[Path]:
    """A folder in which nobody may write."""
    folder = desk / "closed"
    folder.mkdir(mode=0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data", "closed"), "backend.folder: no permission to write in closed"),
        (("--data", "closed/data"), "backend.folder: cannot make closed/data: Permission denied"),
        (("--dataset", "closed"), "the dataset folder closed cannot be written: no permission"),
        (("--dataset", "closed/set"), "the dataset folder closed/set cannot be written: no permission"),
        (("--dry-run", "--picture", "closed/a.png"), "--picture: no permission to write in"),
    ],
)
def test_no_permission_on_a_folder(desk: Path, closed: Path, options: tuple[str, ...], said: str) -> None:
    sentence = refused(desk, *RUN, "--model", "best.onnx", *options, "street.avi", before=_as_anybody)
    assert said in sentence
    assert "another folder" in sentence or "a file elsewhere" in sentence


def test_a_data_folder_of_somebody_else(desk: Path) -> None:
    assert done(desk, *RUN, "--model", "best.onnx", "street.avi").returncode == 0
    for path in [desk / "gleaner-data", *(desk / "gleaner-data").rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        said = refused(desk, *RUN, "--model", "best.onnx", "yard.avi", before=_as_anybody)
    finally:
        for path in [desk / "gleaner-data", *(desk / "gleaner-data").rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)
    assert "no permission" in said
    assert "user that runs Gleaner" in said


def test_a_video_without_permission_is_not_called_broken(desk: Path) -> None:
    (desk / "street.avi").chmod(0)
    ended = done(desk, *RUN, "--model", "best.onnx", "street.avi", "yard.avi", before=_as_anybody)
    assert "street.avi cannot be read: Permission denied" in ended.stderr


# A full disk


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with hardly any room: enough to begin."""
    folder = tmp_path / "small"
    folder.mkdir()
    _mounted(folder, "size=1500k")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def _mounted(folder: Path, options: str) -> None:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"needs the right to mount a small disk: {made.stderr.strip()}")


@pytest.mark.parametrize(
    ("options", "room", "said"),
    [
        (("--data", "small/data"), "1500k", "no space left on the device"),
        (("--dataset", "small/set"), "200k", "the disk is full: free some space"),
    ],
)
def test_a_full_disk_is_said_and_with_room_nothing_is_missing(
    desk: Path, small: Path, options: tuple[str, ...], room: str, said: str
) -> None:
    subprocess.run(["mount", "-o", f"remount,size={room}", small], check=True)
    settings(desk, ALL)
    for number, name in enumerate(("street", "yard")):
        video = cv2.VideoWriter(str(desk / f"{name}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 360))
        for seed in range(40):
            video.write(pixels(480, 360, 1_000 * number + seed))
        video.release()
    heard = desk / "heard.txt"
    with heard.open("w") as err:
        process = begun(desk, *RUN, "--model", "best.onnx", *options, "street.avi", "yard.avi", err=err)
    try:
        _wait(lambda: said in heard.read_text(), process, heard)
        subprocess.run(["mount", "-o", "remount,size=200m", small], check=True)
        process.wait(TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 0, heard.read_text()
    table = heard.read_text().split("frames seen")[1].splitlines()
    frames, kept, delivered = (int(line.split()[-1]) for line in (table[0], table[1], table[-3]))
    assert frames == 80
    assert kept == delivered > 0


def _wait(so: Callable[[], bool], process: "subprocess.Popen[str]", heard: Path) -> None:
    until_s = time.monotonic() + TIMEOUT_S
    while not so():
        assert process.poll() is None, heard.read_text()
        assert time.monotonic() < until_s, heard.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("more_room", [True, False])
def test_a_camera_on_a_full_disk_waits_goes_on_and_can_be_stopped(desk: Path, small: Path, more_room: bool) -> None:
    settings(
        desk,
        f"{ALL}model: {{path: best.onnx}}\nbackend: {{type: embedded, folder: small/data}}\n"
        "sources: {yard: {url: yard.avi, fps: 10, loop: true}}\n",
    )
    heard = desk / "heard.txt"
    with heard.open("w") as err:
        process = begun(desk, *RUN, err=err)
    try:
        _wait(lambda: "sources.waiting" in heard.read_text(), process, heard)
        assert "no space left on the device" in heard.read_text()
        if more_room:
            subprocess.run(["mount", "-o", "remount,size=200m", small], check=True)
            _wait(lambda: "sources.going_on" in heard.read_text(), process, heard)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    finally:
        process.kill()
    # Still full, it cannot close its files in order: it says why, and the next start finds everything that was durable.
    assert process.returncode == (0 if more_room else 2), heard.read_text()
    assert "Traceback" not in heard.read_text()
    assert more_room or "no space left on the device" in heard.read_text().splitlines()[-1]
