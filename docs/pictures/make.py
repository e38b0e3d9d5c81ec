"""Makes the pictures of the README and the pages from a real run: `make pictures`.

Promises: what is shown was printed or drawn by the commands that stand here, on the demo's clip; the same frames are chosen on
every run (times and speeds differ). Each file is small enough for a page.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import numpy_helper
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from deploy.demo.clip import clip  # noqa: E402
from deploy.demo.detector import MODEL_PATH  # noqa: E402
from services.cli.contact_sheet import contact_sheet  # noqa: E402
from shared import imaging  # noqa: E402
from tests.cameras import Spec, serving  # noqa: E402

HERE = Path(__file__).parent
MOST_BYTES = 250_000
TILES = 12
COLUMNS = 124
VIDEO_FPS = 10.0
SALT = "the pictures show the same frames on every run"
SETTINGS = """\
salt: {salt}
model: {{path: best.onnx}}
sources:
  front-door: {{url: front-door.mp4, loop: true}}
  back-door: {{url: back-door.mp4, loop: true}}
  yard: "rtsp://viewer:an-old-password@127.0.0.1:{locked}/stream"
  gate: rtsp://127.0.0.1:{nobody}/stream
feedback: {{port: 0}}
health: {{port: {health}}}
"""
OF_THE_DEMO = """\
backend: {type: embedded, folder: gleaner-demo/data}
destinations: [{type: dataset, folder: gleaner-demo/dataset}]
"""
PREDICTED = 250
"""The demo's frame that stands for any."""
GENEROUS = "strategies: [{type: random, fraction: 0.1}, {type: close_to_threshold, epsilon: 0.15, probability: 0.5}]\n"
"""So that a run of half a minute has something to show."""
LOCKED, NOBODY, HEALTH = 18554, 18555, 18581
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)
_INSTANCE = re.compile(rf"{re.escape(socket.gethostname())}-\d+")
"""This machine and process; a picture shows them as any other's."""


def main() -> None:
    with desk() as folder:
        demo(folder)
        models(folder)
        with cameras(folder):
            look(folder)
            dry_run(folder)
            collect(folder)
    for picture in sorted([*HERE.glob("*.jpg"), *HERE.glob("*.svg")]):
        size = picture.stat().st_size
        print(f"{picture.relative_to(ROOT)}  {size / 1000:.0f} KB")
        if size > MOST_BYTES:
            raise SystemExit(f"{picture.name}: expected at most {MOST_BYTES:,} bytes, got {size:,}")


@contextmanager
def desk() -> Iterator[Path]:
    """A folder with a short name, since pictures show it."""
    folder = Path(tempfile.gettempdir(), "gleaner")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def demo(folder: Path) -> None:
    """The demo's contact sheet."""
    gleaner(folder, "demo")
    save("demo", contact_sheet(folder / "gleaner-demo/dataset", folder / "sheet.png", TILES))


def models(folder: Path) -> None:
    """What the demo's model sees in a frame, and what a version of it with rounded weights gains and loses."""
    (folder / "best.onnx").write_bytes(MODEL_PATH.read_bytes())
    rounded(MODEL_PATH, folder / "best-3-bit.onnx", bits=3)
    frame = next(one for number, one in enumerate(clip()) if number == PREDICTED)
    (folder / "front-door.jpg").write_bytes(frame.jpeg)
    (folder / "demo.yaml").write_text(OF_THE_DEMO, encoding="utf-8")
    gleaner(folder, "models", "predict", "best.onnx", "front-door.jpg")
    save("predict", folder / "predicted/front-door.jpg")
    gleaner(
        folder, "--settings", "demo.yaml", "models", "compare", "best.onnx", "best-3-bit.onnx", "--out", "compare.png"
    )
    save("compare", folder / "compare.png", most_px=1_100)


def rounded(model: Path, to: Path, bits: int) -> None:
    """Every weight on a grid of so many bits, as for a small chip."""
    proto = onnx.load(str(model))
    for one in proto.graph.initializer:
        weights = numpy_helper.to_array(one)
        if weights.ndim == 4:
            step = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / (2 ** (bits - 1) - 1)
            one.CopyFrom(numpy_helper.from_array((np.round(weights / step) * step).astype(weights.dtype), one.name))
    onnx.save(proto, str(to))


@contextmanager
def cameras(folder: Path) -> Iterator[None]:
    """Two that work, one with a wrong password, and one that nobody switched on; and the settings that name them."""
    frames: dict[str, list[bytes]] = {}
    for frame in clip():
        frames.setdefault(frame.source_id, []).append(frame.jpeg)
    for name, jpegs in frames.items():
        video(folder / f"{name}.mp4", jpegs)
    (folder / "best.onnx").write_bytes(MODEL_PATH.read_bytes())
    text = SETTINGS.format(salt=SALT, locked=LOCKED, nobody=NOBODY, health=HEALTH)
    (folder / "gleaner.yaml").write_text(text, encoding="utf-8")
    with serving([Spec("yard", "rtsp-h264", user="viewer", password="a-new-one", port=LOCKED)]):
        yield


def look(folder: Path) -> None:
    """What cameras send and cost."""
    printed("sources-check", folder, "sources", "check", status=1)
    save("sources", folder / "sources.jpg")


def dry_run(folder: Path) -> None:
    """What would be kept of two videos."""
    gleaner(folder, "run", "--dry-run", "--for", "20", "front-door.mp4", "back-door.mp4")
    save("dry-run", folder / "dry-run.png")


def collect(folder: Path) -> None:
    """The cameras and the flow, a while into a run."""
    with (folder / "gleaner.yaml").open("a", encoding="utf-8") as settings:
        settings.write(GENEROUS)
    running = subprocess.Popen(
        command("run"), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_seen(folder, frames=40)
        printed("status", folder, "status")
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def until_seen(folder: Path, frames: int, deadline_s: float = 120.0) -> None:
    """Until so many frames of the cameras have been published."""
    until_s = time.monotonic() + deadline_s
    while (seen := gleaner(folder, "status", status=None)).count("\n") == 0 or published(seen) < frames:
        if time.monotonic() > until_s:
            raise SystemExit(f"expected {frames} frames within {deadline_s:g} s, got\n{seen}")
        time.sleep(1)


def published(status: str) -> int:
    found = re.search(r"^ *frames +\d+ +([\d,]+)", plain(status), re.MULTILINE)
    return int(found[1].replace(",", "")) if found else 0


def printed(name: str, folder: Path, *words: str, status: int = 0) -> None:
    """A terminal with a command and what it prints, as an SVG that fetches nothing."""
    said = gleaner(folder, *words, status=status)
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), "gleaner ", " ".join(words)))
    console.print(Text.from_ansi(_INSTANCE.sub(lambda found: "gate-7".ljust(len(found[0])), said.strip("\n"))))
    drawn = console.export_svg(title="", theme=DIMMED_MONOKAI, unique_id=name)
    (HERE / f"{name}.svg").write_text(_FONT_FACE.sub("", drawn), encoding="utf-8")


def gleaner(folder: Path, *words: str, status: int | None = 0) -> str:
    """What a command prints in a terminal of that width. `status`: how it must end; None: as it likes."""
    done = subprocess.run(command(*words), cwd=folder, env=environment(), capture_output=True, text=True)
    if status is not None and done.returncode != status:
        raise SystemExit(f"gleaner {' '.join(words)}: expected {status}, ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "services", *words]


def environment() -> dict[str, str]:
    """A terminal with colours, and nothing of this machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GLEANER_")}
    colours = {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return {**kept, **colours, "PYTHONPATH": str(ROOT)}


def plain(text: str) -> str:
    return Text.from_ansi(text).plain


def video(path: Path, jpegs: list[bytes]) -> None:
    frames = [imaging.decode(jpeg) for jpeg in jpegs]
    height_px, width_px = frames[0].shape[:2]
    written = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), VIDEO_FPS, (width_px, height_px))
    for frame in frames:
        written.write(frame)
    written.release()


def save(name: str, source: Path, most_px: int = 2_000) -> None:
    """As a JPEG, at the best quality that is small enough. `most_px`: of its width."""
    picture = cv2.imread(str(source))
    assert picture is not None, source
    scale = min(1.0, most_px / picture.shape[1])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for quality in range(90, 30, -5):
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(encoded) <= MOST_BYTES:
            break
    (HERE / f"{name}.jpg").write_bytes(encoded)


if __name__ == "__main__":
    main()
