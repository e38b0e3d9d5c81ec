"""An hour of forty cameras as a list of episodes: when each dies, hangs, freezes or falls silent, drawn from a seed.

Promises: the same seed gives the same hour. An episode begins when its time has come and its camera is well again, and is over
when the reader has counted it and shows the camera live: nothing depends on how fast a machine is.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cameras.apart import CameraApart
from tests.cameras.faults import Fault
from tests.cameras.spec import Kind, Spec

Report = Mapping[str, Any]
"""One camera as the page `/sources` shows it."""

COUNTED_AS: Mapping[Fault, str] = {
    Fault.DIES: "reconnects",
    Fault.HANGS: "hung",
    Fault.SILENT: "hung",  # neither empty lines nor RTSP's reports are packets
    Fault.EMPTY: "silent",
    Fault.FREEZES: "frozen",
}
LASTING = frozenset({Fault.FREEZES})
"""Is ended from outside; the others end with the connection that they strike."""

HAPPENS: Mapping[Kind, Sequence[Fault]] = {
    "mjpeg": (Fault.DIES, Fault.HANGS, Fault.SILENT, Fault.EMPTY, Fault.FREEZES),
    "rtsp-jpeg": (Fault.DIES, Fault.HANGS, Fault.SILENT, Fault.EMPTY, Fault.FREEZES),
    "rtsp-h264": (Fault.DIES, Fault.HANGS, Fault.SILENT, Fault.FREEZES),
    "snapshot": (Fault.FREEZES,),
}


@dataclass(frozen=True, slots=True)
class Episode:
    """`at_s` from the beginning of the hour."""

    at_s: float
    camera: str
    fault: Fault


def schedule(specs: Sequence[Spec], each: int, within_s: float, seed: int) -> list[Episode]:
    """`each` episodes for every camera, in the order of their times."""
    dice = random.Random(seed)
    episodes = [
        Episode(dice.uniform(0, within_s), spec.name, dice.choice(HAPPENS[spec.kind]))
        for spec in specs
        for _ in range(each)
    ]
    return sorted(episodes, key=lambda episode: episode.at_s)


class Director:
    """Lets the episodes happen. `look` is to be called again and again, with the reader's reports."""

    def __init__(self, cameras: Mapping[str, CameraApart], episodes: Sequence[Episode]) -> None:
        self._cameras = cameras
        self._to_come = list(episodes)
        self._now: dict[str, tuple[Episode, int]] = {}
        """By camera: the episode, and what its count was before it."""

    @property
    def over(self) -> bool:
        return not self._to_come and not self._now

    @property
    def unfinished(self) -> list[Episode]:
        return [*(episode for episode, _ in self._now.values()), *self._to_come]

    def look(self, elapsed_s: float, reports: Mapping[str, Report]) -> None:
        for name in list(self._now):
            self._end(name, reports[name])
        for episode in list(self._due(elapsed_s)):
            self._begin(episode, reports[episode.camera])

    def _due(self, elapsed_s: float) -> Iterator[Episode]:
        """Of each camera at most one, and only when it is well."""
        taken = set(self._now)
        for episode in self._to_come:
            if episode.at_s <= elapsed_s and episode.camera not in taken:
                taken.add(episode.camera)
                yield episode

    def _begin(self, episode: Episode, report: Report) -> None:
        camera = self._cameras[episode.camera]
        if report["state"] != "live":
            return
        if episode.fault in LASTING:
            camera.fault = episode.fault
        elif camera.once(episode.fault) == 0:
            return  # between two connections: nobody is there to be struck
        self._to_come.remove(episode)
        self._now[episode.camera] = (episode, report[COUNTED_AS[episode.fault]])

    def _end(self, name: str, report: Report) -> None:
        episode, before = self._now[name]
        if report[COUNTED_AS[episode.fault]] == before:
            return
        if episode.fault in LASTING:
            self._cameras[name].fault = None
        if report["state"] == "live":
            del self._now[name]
