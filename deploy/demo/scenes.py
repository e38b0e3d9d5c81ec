"""Random doorsteps to train and to measure on: known brown boxes, clutter, every light and lens.

Yellow packs and planters are the unknown: `Mix` says how often each is there, and by default they never are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from deploy.demo.brushes import Image
from deploy.demo.doorstep import Lens, Light, Scene, Truth, render
from deploy.demo.porch import Porch, random_porch
from deploy.demo.things import Thing

SIZES_M: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {  # smallest, largest
    "brown": ((0.24, 0.07, 0.2), (0.52, 0.36, 0.4)),
    "yellow": ((0.32, 0.03, 0.25), (0.44, 0.05, 0.33)),
    "crate": ((0.35, 0.16, 0.28), (0.5, 0.3, 0.36)),
    "planter": ((0.34, 0.26, 0.3), (0.5, 0.34, 0.38)),
    "pot": ((0.26, 0.24, 0.26), (0.38, 0.36, 0.38)),
    "leaves": ((0.5, 0.01, 0.4), (1.4, 0.01, 1.0)),
    "person": ((0.5, 1.55, 0.3), (0.5, 1.85, 0.3)),
    "cat": ((0.3, 0.26, 0.16), (0.4, 0.34, 0.2)),
    "shoes": ((0.3, 0.1, 0.28), (0.3, 0.1, 0.28)),
}


@dataclass(frozen=True)
class Mix:
    """How many of each kind a scene holds on average; brown and yellow: the odds of zero to three."""

    brown: tuple[float, ...] = (0.25, 0.35, 0.25, 0.15)
    yellow: tuple[float, ...] = (1.0,)
    others: tuple[tuple[str, float], ...] = (
        ("crate", 0.35), ("pot", 0.5), ("leaves", 0.4), ("person", 0.35), ("cat", 0.25), ("shoes", 0.3),
    )  # fmt: skip


def random_thing(kind: str, porch: Porch, rng: Generator) -> Thing:
    small, large = SIZES_M[kind]
    size = tuple(float(rng.uniform(low, high)) for low, high in zip(small, large, strict=True))
    leans = kind == "yellow" and rng.random() < 0.25
    return Thing(
        kind=kind,
        x_m=float(porch.door_x_m + rng.normal(0, 0.75)),
        z_m=0.2 if leans else float(rng.uniform(0.25, 1.15)),
        yaw_deg=float(rng.uniform(-45, 45)),
        size_m=(size[0], size[1], size[2]),
        look=int(rng.integers(1 << 31)),
        lean_deg=float(rng.uniform(60, 75)) if leans else 0.0,
    )


def random_light(rng: Generator) -> Light:
    night = rng.random() < 0.3
    return Light(
        exposure=float(rng.uniform(0.15, 0.5) if night else rng.uniform(0.7, 1.15)),
        warmth=float(rng.uniform(-0.8, 0.2) if night else rng.uniform(-0.6, 0.9)),
        sun=0.05 if night else float(rng.uniform(0, 0.8)),
        cast_m=(float(rng.uniform(-1, 1)), float(rng.uniform(0.1, 0.5))),
        lamp=float(rng.uniform(0.4, 1.1)) if night else 0.0,
    )


def random_lens(rng: Generator) -> Lens:
    fault = rng.random()
    return Lens(
        motion_px=int(rng.integers(4, 11)) if fault < 0.08 else 0,
        motion_deg=float(rng.uniform(0, 180)),
        defocus_px=float(rng.uniform(0.6, 1.8)) if fault > 0.88 else 0.0,
        noise=float(rng.uniform(1.2, 3.2)),
    )


def random_scene(rng: Generator, porch: Porch, mix: Mix) -> Scene:
    counts = [("brown", rng.choice(len(mix.brown), p=mix.brown)), ("yellow", rng.choice(len(mix.yellow), p=mix.yellow))]
    counts += [(kind, rng.random() < odds) for kind, odds in mix.others]
    placed: list[Thing] = []
    for kind, count in counts:
        for _ in range(int(count)):
            thing = random_thing(kind, porch, rng)
            if all(_apart(thing, other) for other in placed):
                placed.append(thing)
    return Scene(porch, tuple(placed), random_light(rng), random_lens(rng))


def _apart(one: Thing, other: Thing) -> bool:
    """Two things may hide each other a little; two parcels do not stand in each other."""
    near = 0.12 if "person" in (one.kind, other.kind) else 0.4
    return float(np.hypot(one.x_m - other.x_m, one.z_m - other.z_m)) > near


def doorsteps(count: int, seed: int, mix: Mix, scenes_per_porch: int = 12) -> Iterator[tuple[Image, list[Truth]]]:
    """`count` rendered scenes on new porches; the same seed and OpenCV give the same pictures."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        if number % scenes_per_porch == 0:
            porch = random_porch(rng)
        yield render(random_scene(rng, porch, mix), rng)
