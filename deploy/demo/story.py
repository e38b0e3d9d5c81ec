"""The clip's plot for one camera: what stands there from when to when, and how the light goes from day to night.

Times are in ticks, the camera's own frames. Deliveries are spread evenly and jittered; the seed decides the rest.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from deploy.demo.doorstep import Lens, Light, Scene
from deploy.demo.porch import Porch
from deploy.demo.scenes import random_thing
from deploy.demo.things import Thing

BLURRED = 0.04  # share of frames


@dataclass(frozen=True)
class Stay:
    """A thing in the picture from `start` up to, not including, `end`; it may walk `step_m` sideways each tick."""

    thing: Thing
    start: int
    end: int
    step_m: float = 0.0

    def at(self, tick: int) -> Thing:
        walked = (tick - self.start) * self.step_m
        return replace(self.thing, x_m=self.thing.x_m + walked) if walked else self.thing


@dataclass(frozen=True)
class Counts:
    """How many of each come and go."""

    brown: int
    yellow: int
    planter: int
    cat: int
    passer: int
    shoes: int


class Plot:
    """Everything that happens before one camera."""

    def __init__(self, camera_name: str, porch: Porch, ticks: int, counts: Counts, rng: Generator) -> None:
        self._camera_name, self._porch, self._ticks, self._rng = camera_name, porch, ticks, rng
        self.stays: list[Stay] = []
        self._furnish()
        self._deliver("yellow", counts.yellow, (6, 16))
        self._deliver("brown", counts.brown, (20, 46))
        self._visit("planter", counts.planter, (7, 13))
        self._visit("shoes", counts.shoes, (15, 40))
        self._pass_by("cat", counts.cat)
        self._pass_by("person", counts.passer)

    def scene(self, tick: int, rng: Generator) -> Scene:
        shown = tuple(stay.at(tick) for stay in self.stays if stay.start <= tick < stay.end)
        return Scene(self._porch, shown, light_at(tick / self._ticks, rng), lens_for(rng))

    def _furnish(self) -> None:
        """A pot that always stands there; leaves fall halfway through."""
        rng, porch = self._rng, self._porch
        away = -0.95 if porch.door_x_m >= 0 else 0.98
        pot = replace(random_thing("pot", porch, rng), x_m=porch.door_x_m + away, z_m=0.28, size_m=(0.34, 0.32, 0.34))
        leaves = replace(random_thing("leaves", porch, rng), x_m=porch.door_x_m - 0.4 * away, z_m=1.0)
        self.stays += [Stay(pot, 0, self._ticks), Stay(leaves, self._ticks // 3, self._ticks)]

    def _slots(self, count: int, longest: int) -> list[int]:
        """Starts spread over the clip, one in each equal part, each early enough for the longest stay."""
        width = self._ticks / max(count, 1)
        free = max(1, int(width) - longest - 3)
        return [int(number * width) + 3 + int(self._rng.integers(free)) for number in range(count)]

    def _deliver(self, kind: str, count: int, stay: tuple[int, int]) -> None:
        """A parcel stays a while; somebody brings it and is in the picture just before and as it comes."""
        for number, start in enumerate(self._slots(count, stay[1])):
            end = min(start + int(self._rng.integers(*stay)), self._ticks)
            parcel = self._somewhere(kind, start, end)
            if parcel is not None:
                self.stays.append(Stay(replace(parcel, name=f"{self._camera_name}-{kind}-{number}"), start, end))
                self._courier(parcel, start - 2, start)
                self._courier(parcel, end, end + 1)

    def _courier(self, parcel: Thing, start: int, end: int) -> None:
        side = 0.45 if parcel.x_m < self._porch.door_x_m else -0.45
        person = random_thing("person", self._porch, self._rng)
        beside = replace(person, x_m=parcel.x_m + side, z_m=min(parcel.z_m + 0.15, 1.1), yaw_deg=-side)
        self.stays.append(Stay(beside, start, min(end, self._ticks), step_m=0.12))

    def _visit(self, kind: str, count: int, stay: tuple[int, int]) -> None:
        for start in self._slots(count, stay[1]):
            end = min(start + int(self._rng.integers(*stay)), self._ticks)
            thing = self._somewhere(kind, start, end)
            if thing is not None:
                self.stays.append(Stay(thing, start, end))

    def _pass_by(self, kind: str, count: int) -> None:
        """Walk through the picture from one side to the other."""
        for start in self._slots(count, 6):
            way = 1.0 if self._rng.random() < 0.5 else -1.0
            thing = random_thing(kind, self._porch, self._rng)
            depth_m = float(self._rng.uniform(0.75, 1.1))
            walker = replace(thing, x_m=-1.5 * way, z_m=depth_m, yaw_deg=way)
            self.stays.append(Stay(walker, start, min(start + 6, self._ticks), step_m=0.55 * way))

    def _somewhere(self, kind: str, start: int, end: int) -> Thing | None:
        """A free place well inside the picture; None where the porch is full."""
        for _ in range(60):
            thing = random_thing(kind, self._porch, self._rng)
            from_middle_m = thing.x_m - self._porch.camera.side_m
            others = [stay.thing for stay in self.stays if stay.start < end and start < stay.end and not stay.step_m]
            solid = [other for other in others if other.kind != "leaves"]
            gaps = [float(np.hypot(thing.x_m - other.x_m, 1.3 * (thing.z_m - other.z_m))) for other in solid]
            if abs(from_middle_m) < 1.15 and min(gaps, default=9.0) > 0.5:
                return thing
        return None


def light_at(progress: float, rng: Generator) -> Light:
    """Afternoon, a cloud, evening sun, dusk, then night with the lamp on; it flickers a little."""
    flicker = float(rng.normal(1, 0.008))
    cloud = 0.3 if 0.2 < progress < 0.3 else 0.0
    day = float(np.interp(progress, [0, 0.45, 0.62, 0.72], [1.08, 1.0, 0.6, 0.22]))
    warmth = float(np.interp(progress, [0, 0.3, 0.48, 0.66, 1], [0, 0.15, 0.8, -0.6, -0.5]))
    sun = float(np.interp(progress, [0, 0.5, 0.6], [0.65, 0.75, 0.05])) * (1 - 2.2 * cloud)
    cast_m = (float(np.interp(progress, [0, 0.55], [-0.5, 0.95])), 0.3)
    return Light(day * (1 - cloud) * flicker, warmth, sun, cast_m, lamp=1.0 if progress > 0.68 else 0.0)


def lens_for(rng: Generator) -> Lens:
    fault = rng.random()
    if fault < BLURRED / 2:
        return Lens(motion_px=int(rng.integers(7, 16)), motion_deg=float(rng.uniform(0, 180)))
    if fault < BLURRED:
        return Lens(defocus_px=float(rng.uniform(2.0, 4.0)))
    return Lens()
