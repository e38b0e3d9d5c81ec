"""Makes replay.jpg, what other settings would have kept of the demo's clip: `python docs/pictures/replay.py`.

Promises: the clip goes through the real services in a temporary folder; the picture is the one that `gleaner replay` writes.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402

from deploy.demo.clip import clip  # noqa: E402
from services.cli.demo import settings_for  # noqa: E402
from services.cli.replaying.picture import picture_of  # noqa: E402
from services.cli.replaying.report import report  # noqa: E402
from services.cli.replaying.tables import show  # noqa: E402
from services.cli.through import flowing  # noqa: E402
from services.sampler.replay.replaying import Asked, replay  # noqa: E402
from services.sampler.replay.span import Span  # noqa: E402
from services.sources.picture import Picture  # noqa: E402
from shared import imaging  # noqa: E402
from shared.settings import Settings  # noqa: E402
from shared.telemetry import logs  # noqa: E402

PICTURE = Path(__file__).with_name("replay.jpg")
FRAMES, TALLEST_PX = 400, 1118
TRIED: tuple[dict[str, Any], ...] = ({"fraction": 0.06}, {"probability": 0.3}, {"probability": 1.0})
"""What is changed of the floor, of doubt and of contradiction."""


def main() -> None:
    logs.configure("pictures", "ERROR")
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder), "nobody-judges-here-so-any-key-does")
        since_ms = round(time.time() * 1000)
        with flowing(settings, Console(stderr=True)) as flow:
            flow.publish(pictures(), FRAMES)
            new = Settings({**settings.values, "strategies": tried(settings.values["strategies"])})
            made = report(replay(flow.backend, Asked(Span(since_ms, round(time.time() * 1000)), new)))
            drawn = picture_of(made, flow.backend)
    show(made)
    assert drawn is not None, "these settings keep other frames"
    pixels = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    PICTURE.write_bytes(imaging.encode_jpeg(np.asarray(pixels[:TALLEST_PX], np.uint8), 82))
    print(f"{PICTURE.relative_to(ROOT)}  {PICTURE.stat().st_size / 1000:.0f} KB")


def tried(strategies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with other amounts: under their names, whose dice they throw."""
    return [{**one, **changed} for one, changed in zip(strategies, TRIED, strict=True)]


def pictures() -> "list[Picture]":
    indexes: dict[str, int] = {}
    made = []
    for frame in clip(FRAMES):
        index = indexes[frame.source_id] = indexes.get(frame.source_id, -1) + 1
        made.append(Picture(frame.source_id, frame.jpeg, index, f"clip-{frame.index}", None, "image/jpeg"))
    return made


if __name__ == "__main__":
    main()
