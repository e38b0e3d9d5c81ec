"""What a reader of the pages has already: a model, a video, pictures. Made from the demo's clip, the same every time."""

import atexit
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2

from deploy.demo.clip import clip
from deploy.demo.detector import MODEL_PATH
from shared import imaging

FRAMES = 200
VIDEO_FPS = 10.0
PICTURES = 40
SALT = "the pages draw the same frames on every run"


def put(folder: Path, name: str) -> None:
    """The thing of that name into the folder; KeyError for a name that is not below."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    THINGS[name](path)


@cache
def _front_door() -> list[bytes]:
    """One camera's pictures, as JPEG."""
    return [frame.jpeg for frame in clip(FRAMES * 2) if frame.source_id == "front-door"]


def _model(path: Path) -> None:
    shutil.copy(MODEL_PATH, path)


def _checkpoint(path: Path) -> None:
    """What PyTorch saves: a ZIP with a pickle in it."""
    with zipfile.ZipFile(path, "w") as saved:
        saved.writestr("best/data.pkl", b"\x80\x02.")
        saved.writestr("best/version", "3")


def _video(path: Path) -> None:
    shutil.copy(_encoded(), path)


@cache
def _encoded() -> Path:
    path = Path(tempfile.mkdtemp(prefix="gleaner-pages-"), "yard.mp4")
    atexit.register(shutil.rmtree, path.parent)
    frames = [imaging.decode(jpeg) for jpeg in _front_door()]
    height_px, width_px = frames[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), VIDEO_FPS, (width_px, height_px))
    for frame in frames:
        video.write(frame)
    video.release()
    return path


def _pictures(folder: Path) -> None:
    folder.mkdir()
    for number, jpeg in enumerate(_front_door()[:PICTURES]):
        (folder / f"{number:04d}.jpg").write_bytes(jpeg)


def _picture(path: Path) -> None:
    path.write_bytes(_front_door()[0])


def _salt(path: Path) -> None:
    """Which frames are drawn is keyed by it; a data folder that has none makes its own."""
    path.write_text(SALT)


def _everything(path: Path) -> None:
    """A file in each place that Gleaner or its user may have written to."""
    for name in EVERYTHING:
        file = path.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("written meanwhile")


EVERYTHING = (
    *("dataset/images/a.jpg", "gleaner-data/log/log.db", "gleaner-uploader/outbox.sqlite3"),
    *("gleaner-demo/contact-sheet.png", "gleaner.yaml", ".env", "cameras.env", "yard.password", "sources.jpg"),
    *("dry-run.png", "models/best.onnx", "clips/yard.mp4", ".venv/bin/gleaner", "build/lib/services.py"),
)
THINGS: dict[str, Callable[[Path], None]] = {
    "best.onnx": _model,
    "models/best.onnx": _model,
    "best.pt": _checkpoint,
    "yard.mp4": _video,
    "clips/yard.mp4": _video,
    "pictures": _pictures,
    "picture.jpg": _picture,
    "gleaner-data/salt": _salt,
    "everything": _everything,
}
