"""The demo's clip: two doorstep cameras, an afternoon into the night, and what was really there.

The same length, seed and OpenCV release give the same JPEG bytes; another release may differ in a few pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deploy.demo.camera import Camera
from deploy.demo.doorstep import Truth, jpeg, render
from deploy.demo.porch import Porch
from deploy.demo.story import Counts, Plot

SECONDS_BETWEEN_FRAMES = 2.0  # of the two cameras together
FRAMES_PER_YELLOW_PACK = 50
YELLOW_PACKS = 12  # in the 600 frames of the default clip

CAMERAS: dict[str, Porch] = {
    "front-door": Porch(look=11, door_x_m=-0.2, camera=Camera(pitch_deg=24.5, focal_px=480.0)),
    "back-door": Porch(
        wall=(92, 108, 152),
        wall_kind="brick",
        door=(70, 92, 58),
        door_x_m=0.3,
        floor=(104, 122, 142),
        floor_kind="planks",
        mat=(60, 84, 118),
        look=23,
        camera=Camera(height_m=1.95, distance_m=3.4, pitch_deg=25.0, focal_px=500.0),
    ),
}


@dataclass(frozen=True)
class ClipFrame:
    """One frame and its truth; a parcel keeps its `name` from frame to frame (`front-door-yellow-3`)."""

    index: int
    source_id: str
    captured_at_s: float  # since the clip began
    jpeg: bytes
    truth: tuple[Truth, ...]

    def visible(self, kind: str, at_least: float = 0.4) -> list[Truth]:
        """The objects of that kind (brown, yellow, person, planter, cat ...) of which this share is to be seen."""
        return [truth for truth in self.truth if truth.kind == kind and truth.visible >= at_least]


def clip(frames: int = 600, seed: int = 7) -> Iterator[ClipFrame]:
    """The cameras' frames in turn; one yellow pack is delivered for every 50 frames."""
    plots = _plots(frames, seed)
    names = list(plots)
    for index in range(frames):
        name, tick = names[index % len(names)], index // len(names)
        rng = np.random.default_rng([seed, index])
        picture, truths = render(plots[name].scene(tick, rng), rng)
        yield ClipFrame(index, name, index * SECONDS_BETWEEN_FRAMES, jpeg(picture), tuple(truths))


def _plots(frames: int, seed: int) -> dict[str, Plot]:
    packs = frames // FRAMES_PER_YELLOW_PACK
    ticks = -(-frames // len(CAMERAS))
    shares = {"front-door": packs - packs // 2, "back-door": packs // 2}
    return {
        name: Plot(name, porch, ticks, _counts(ticks, shares[name]), np.random.default_rng([seed, number, 1]))
        for number, (name, porch) in enumerate(CAMERAS.items())
    }


def _counts(ticks: int, yellow: int) -> Counts:
    """What a tick count has room for, besides the yellow packs."""
    return Counts(
        brown=ticks // 50, yellow=yellow, planter=ticks // 150, cat=ticks // 50, passer=ticks // 75, shoes=ticks // 150
    )
