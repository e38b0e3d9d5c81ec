"""One run: a day and a half of a site, with everything that goes wrong on the way, and what its figures say at the end.

Promises: the same seed gives the same frames, people and faults; the draws are the salt's.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from services.feedback.accuracy.audit import least_floor
from services.feedback.accuracy.estimates import is_wrong
from services.feedback.accuracy.figures import Figure
from services.feedback.accuracy.intervals import clopper_pearson
from services.feedback.accuracy.rates import Unit, rate
from services.feedback.accuracy.review import Review, Window
from services.feedback.appraisal import END_OF_TIME_MS, Question
from tests.e2e.honest import people
from tests.e2e.honest.site import Frame, Site, Step
from tests.e2e.honest.told import LIVE, Told, name_of, share_of_frames, truth_of
from tests.e2e.honest.truth import stream

FRAMES, CHUNKS, EVERY_MS = 1_500, 10, 2_000
LOST_FRAMES, OUTAGE_H = 20, 7.0
"""Unread when the sampler went away for longer than `frames` keeps: they expire before they are read."""
DESIGNS: dict[str, dict[str, Any]] = {
    "planned": {
        "review": {"budget": "400/hour", "minimum_per_source": "30/hour"},
        "sampler": {"declared_fps": 0.5},
        "limits": ({"most": 20, "per": "minute"},),
    },
    "fixed": {
        "strategies": (
            {"type": "random", "fraction": 0.1},
            {"type": "uncertain", "probability": 0.35},
            {"type": "temporal", "probability": 0.35},
        ),
        "limits": ({"most": 10, "per": "minute"},),
    },
}
"""By default the three strategies share a budget; or nothing is planned. Both meet a limit that refuses some of the drawn."""

ROOM_BYTES = 500_000_000
KILLS: dict[int, Step] = {1: "handle", 2: "confirm", 6: "confirm", 8: "handle"}
"""In these chunks the sampler dies after this step of a batch."""
NAIVE, WITH_USERS = "trap: errors / verdicts", "trap: with users' rejections of frames that nobody drew"


@dataclass(slots=True)
class Run:
    """What became of it. `again`: the figures of a read model that was built anew.

    `before`, `after`: per sample id the bytes of its designs, before and after what was said of them late. `drawn`, `missing`:
    frames. `refused_as_gone`: verdicts on frames that nobody can see any more.
    """

    told: list[Told] = field(default_factory=list)
    figures: Sequence[Figure] = ()
    again: Sequence[Figure] = ()
    before: dict[str, list[bytes]] = field(default_factory=dict)
    after: dict[str, list[bytes]] = field(default_factory=dict)
    drawn: int = 0
    missing: int = 0
    refused_as_gone: int = 0


def run(seed: int, design: str, error_rate: float, reviewed: float) -> Run:
    """`error_rate`: errors per object, about. `reviewed`: how far the reviewers get in the queue, of it all."""
    with TemporaryDirectory(dir=_memory(), prefix="honest-") as folder:
        site = Site(Path(folder), DESIGNS[design], b"the salt of run %08d" % seed)
        with closing(site):
            return _Story(site, np.random.default_rng([seed, 7]), error_rate, reviewed).tell()


def _memory() -> Path | None:
    """Where files lie in memory, if there is room: a run syncs thousands of them, and nobody pulls the plug here."""
    memory = Path("/dev/shm")
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    return memory if has_room else None


@dataclass
class _Story:
    site: Site
    rng: np.random.Generator
    error_rate: float
    reviewed: float
    made: Run = field(default_factory=Run)
    judged_to: set[str] = field(default_factory=set)

    def tell(self) -> Run:
        frames = stream(self.rng, self.error_rate)
        for chunk in range(CHUNKS):
            self._chunk(chunk, self.site.publish(list(islice(frames, FRAMES // CHUNKS)), EVERY_MS))
            if chunk == CHUNKS // 2:
                self._first_evening()
        self.made.before = self.site.designs()
        self._review(self.reviewed)
        self._judge(people.late_users(self.rng, self._drawn()), people.mallory(self.rng, self._drawn()))
        self._end()
        return self.made

    def _chunk(self, chunk: int, frames: Sequence[Frame]) -> None:
        """Some users are faster than the sampler, some slower; a few frames are predicted twice."""
        quick, slow = _split(self.rng, frames)
        self._judge(people.users(self.rng, quick), people.mallory(self.rng, quick))
        self.site.predict_again([frame for frame in frames if self.rng.random() < 0.03])
        if chunk == CHUNKS // 2 - 1:
            self._outage()
        if chunk in KILLS:
            self.site.kill_sampler(KILLS[chunk])
        self.site.sample()
        self._judge(people.users(self.rng, slow))
        self.site.send(people.silence(self.rng, frames))

    def _outage(self) -> None:
        """The box is off over night; when it comes back, the last frames of the evening are gone."""
        self.site.sample()
        self.site.kill_sampler()
        unread = self.site.publish(list(islice(stream(self.rng, self.error_rate), LOST_FRAMES)), EVERY_MS)
        quick, slow = _split(self.rng, unread)
        self._judge(people.users(self.rng, quick))
        self.site.kill_feedback()
        self.site.outage(OUTAGE_H)
        self._judge(people.users(self.rng, slow))

    def _first_evening(self) -> None:
        """Half of what will be reviewed, a look at the live figure, and feedback dies."""
        self._review(self.reviewed / 2)
        asked = Question("default", until_ms=END_OF_TIME_MS - 1)
        figures = self.site.desk.appraisals.of(asked).figures
        self._compare([one for one in figures if one.metric == LIVE], "on the first evening")
        self.site.kill_feedback()

    def _review(self, up_to: float) -> None:
        """In audit order, up to this place in it: the same whenever it is asked for."""
        known = {frame.ref.frame_id: frame for frame in self.site.frames}
        queue = [known[one.frame_id] for one in self._reviews() if one.missing is None and one.audit <= up_to]
        news = [frame for frame in queue if frame.ref.frame_id not in self.judged_to]
        self.judged_to |= {frame.ref.frame_id for frame in news}
        self._judge(people.reviewers(self.rng, news))

    def _judge(self, *said: Iterable[people.Said]) -> None:
        for some in said:
            self.made.refused_as_gone += people.judge(self.site.desk, some)

    def _reviews(self) -> list[Review]:
        found = self.site.desk.model.reviews(Window("parcels", "1", 0, END_OF_TIME_MS))
        return sorted(found, key=lambda review: review.audit)

    def _drawn(self) -> list[Frame]:
        drawn = {review.frame_id for review in self._reviews()}
        return [frame for frame in self.site.frames if frame.ref.frame_id in drawn]

    def _end(self) -> None:
        self.site.sample()
        reviews = self._reviews()
        self.made.figures = self.site.desk.appraisals.of(Question("default")).figures
        self._compare(self.made.figures)
        self._compare_traps(reviews)
        self.made.drawn, self.made.missing = len(reviews), sum(one.missing is not None for one in reviews)
        self.made.after = self.site.designs()
        self.site.kill_feedback(forget=True)
        self.made.again = self.site.desk.appraisals.of(Question("default")).figures

    def _compare(self, figures: Iterable[Figure], when: str = "") -> None:
        for one in figures:
            truth = truth_of(one, self.site.frames)
            if truth is not None:
                self.made.told.append(Told(f"{name_of(one)} {when}".strip(), truth, one.value, one.low, one.high))

    def _compare_traps(self, reviews: Sequence[Review]) -> None:
        """What one must not do: count errors among verdicts, or take what users said of frames that nobody drew."""
        truth = share_of_frames(self.site.frames, lambda frame: frame.seen.is_wrong)
        judged = [(one, wrong) for one in reviews if (wrong := is_wrong(one)) is not None]
        found = sum(wrong for _, wrong in judged)
        naive = Told(NAIVE, truth, found / len(judged), *clopper_pearson(found, len(judged)))
        drawn = {one.frame_id for one in reviews}
        said = self.site.desk.model.outcomes("parcels", "1")
        users = [Unit(1.0, True) for frame_id, one in said.items() if frame_id not in drawn and one and one.wrong]
        units = [Unit(one.probability * self.reviewed, wrong) for one, wrong in judged if one.audit <= self.reviewed]
        least = least_floor(reviews) * self.reviewed
        self.made.told += [naive, Told(WITH_USERS, truth, *rate([*units, *users], len(self.site.frames), least))]


def _split(rng: np.random.Generator, frames: Sequence[Frame]) -> tuple[list[Frame], list[Frame]]:
    quick = set(rng.permutation(len(frames))[: len(frames) // 2].tolist())
    first = [frame for number, frame in enumerate(frames) if number in quick]
    return first, [frame for number, frame in enumerate(frames) if number not in quick]
