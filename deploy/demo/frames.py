"""`python -m deploy.demo.frames FOLDER`: the demo's clip as JPEG files, a folder for each camera.

Promises: the files of a camera are named so that their order is the frames' order.
"""

import sys
from pathlib import Path

from deploy.demo.clip import clip

FRAMES = 600


def write_frames(folder: Path, frames: int = FRAMES) -> list[Path]:
    """FOLDER/front-door/0000.jpg and so on. Returns the files in the clip's order."""
    return [_written(folder / frame.source_id / f"{frame.index:04d}.jpg", frame.jpeg) for frame in clip(frames)]


def _written(path: Path, image: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
    return path


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("expected one folder: python -m deploy.demo.frames FOLDER")
    written = write_frames(Path(sys.argv[1]))
    print(f"wrote {len(written)} frames to {sys.argv[1]}")


if __name__ == "__main__":
    main()
