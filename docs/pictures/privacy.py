"""Makes privacy.jpg, a frame of the demo's clip through the veil with each method: `python docs/pictures/privacy.py`.

Promises: what is shown is what the sampler would store, with the demo's own detector as the second model.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from deploy.demo.clip import ClipFrame, clip  # noqa: E402
from deploy.demo.detector import MODEL_PATH  # noqa: E402
from services.cli.drawing import GAP_PX, INK, Pixels, blank, fitted, laid_out, place, shrunk, write  # noqa: E402
from services.sampler.privacy.options import Method, Privacy  # noqa: E402
from services.sampler.privacy.veil import Veil  # noqa: E402
from shared import imaging  # noqa: E402
from shared.streams.frames import FrameRef  # noqa: E402
from shared.streams.predictions import Prediction  # noqa: E402

PICTURE = Path(__file__).with_name("privacy.jpg")
METHODS: tuple[Method, ...] = ("black", "pixelate", "blur")
BACK_OF_THE_DOOR = [[0.0, 0.0], [0.25, 0.0], [0.25, 0.35], [0.0, 0.45]]
WIDTH_PX, LINE_PX = 520, 34


def main() -> None:
    frame = next(one for one in clip() if one.source_id == "front-door" and one.visible("person", 0.95))
    tiles = [tile("as the camera sent it", frame.jpeg)]
    tiles += [
        tile(f"method: {method}" + " (default)" * (method == "black"), veiled(frame, method)) for method in METHODS
    ]
    title = "What is stored of a frame"
    below = "A mask in the corner, and the persons that a second model finds; everything else as it was"
    PICTURE.write_bytes(imaging.encode_jpeg(shrunk(laid_out(tiles, 2, title, below)), 85))
    print(f"{PICTURE.relative_to(ROOT)}  {PICTURE.stat().st_size / 1000:.0f} KB")


def veiled(frame: ClipFrame, method: Method) -> bytes:
    options = {"masks": {"front-*": [BACK_OF_THE_DOOR]}, "model": MODEL_PATH, "model_classes": ["person"]}
    done = Veil(Privacy.model_validate({**options, "method": method})).apply(frame.jpeg, prediction(frame))
    print(*done.altered, sep=" · ")
    return done.data


def prediction(frame: ClipFrame) -> Prediction:
    """Of a model that saw nothing: what is hidden here does not depend on it."""
    width_px, height_px = imaging.dimensions(frame.jpeg)
    ref = FrameRef(stream="frames", partition=0, offset=0, time_ms=0, frame_id="demo", sha256="0" * 64, size=1)
    size = {"width_px": width_px, "height_px": height_px}
    return Prediction(frame=ref, source_id=frame.source_id, model_id="none", model_version="", threshold=0.5, **size)


def tile(words: str, data: bytes) -> Pixels:
    image = imaging.decode(data)
    height_px = round(WIDTH_PX * image.shape[0] / image.shape[1])
    card = blank(WIDTH_PX, height_px + LINE_PX)
    place(card, fitted(image, WIDTH_PX, height_px).pixels, 0, 0)
    write(card, words, (4, height_px + LINE_PX - GAP_PX + 4), 0.5, INK)
    return card


if __name__ == "__main__":
    main()
